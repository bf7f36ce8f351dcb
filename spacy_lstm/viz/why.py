"""Why a text got its answers, as the plain data that its template shows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from ..explanations import Explanation, LinkExplanation, RunningScore, SentimentExplanation
from .words import name_token, spell_tokens

__all__ = ["METHODS", "NEGATIVE_SIDE", "rank_features", "view_why"]

METHODS: Final[Mapping[str, str]] = {
    "leave_one_out": "how far the log odds fall when a token's embedding is left out",
    "gradient_x_input": "the slope of the log odds in a token's embedding, times the embedding",
    "integrated_gradients": "the slope of the log odds in a token's embedding, averaged on the way "
    "from an empty one, times the embedding",
    "deletion": "how far the log odds fall when a token is taken out of the text",
    "shares": "a token's exact part of the log odds",
    "attention": "how much is looked at a token; it has no sign",
}
"""What a token's weight is, by method."""

_TOP: Final = 6
# Features whose shares are less are told together.
_LEAST: Final = 0.05
# Around what is spoken of, so many tokens of a long text are shown.
_WHOLE: Final = 120
_AROUND: Final = 18
# Tokens of a text whose curve has room for their names, and how much of a name it shows.
_NAMED: Final = 60
_LABEL: Final = 12
# Sizes of the curve.
_WIDTH: Final = 640.0
_HEIGHT: Final = 120.0
_STEP: Final = 24.0
_LEFT: Final = 34.0
_EDGE: Final = 8.0
_UNDER: Final = 60.0
# The largest step of the curve is told from here on.
_TURN: Final = 0.3
NEGATIVE_SIDE: Final = frozenset({"NEGATIVE", "VERY_NEGATIVE"})
"""Labels for which the colour of the negative side speaks."""


def view_why(explanation: Explanation, span_cluster_prefix: str) -> dict[str, Any]:
    """The links one by one, then the sentiment with its curve."""
    links, sentiment = explanation.links, explanation.sentiment
    return {
        "lang": explanation.lang,
        "is_empty": not explanation.text.strip(),
        "resolves": links is not None,
        "links": [_view_link(explanation.text, link) for link in links or ()],
        "link_method": METHODS[links[0].method] if links else "",
        "sentiment": _view_sentiment(explanation.text, sentiment) if sentiment else None,
        "running": _view_running(explanation.running) if len(explanation.running) > 1 else None,
    }


def rank_features(link: LinkExplanation) -> list[tuple[str, str, float]]:
    """What the log odds of a link fall apart into: the features with the largest shares, the sum
    of the others, and what the mentions say without them; name, value and share of each."""
    top = [each for each in link.features[:_TOP] if abs(each.share) >= _LEAST]
    shown = [(each.name, each.value, each.share) for each in top]
    others = link.features[len(top) :]
    if others:
        name = f"{len(others)} other features" if len(others) > 1 else "1 other feature"
        shown.append((name, "", sum(each.share for each in others)))
    return [*shown, ("the mentions themselves", "as read in their context", link.without_features)]


def _view_link(text: str, link: LinkExplanation) -> dict[str, Any]:
    features = rank_features(link)
    largest = max(abs(share) for *_, share in features)
    candidates = [
        {
            "name": name_token(each.text),
            "percent": 100 * each.probability,
            "chosen": each.chosen,
            "ruled_out": each in link.ruled_out,
        }
        for each in link.candidates
    ]
    rest = 1 - link.none - sum(each.probability for each in link.candidates)
    joined = [each.probability for each in link.candidates if each.chosen]
    return {
        "anaphor": name_token(link.anaphor_text),
        "antecedent": name_token(link.antecedent_text),
        "percent": 100 * link.probability,
        "decider": "" if link.decided_by == link.anaphor else name_token(link.antecedent_text),
        "candidates": candidates,
        "none": 100 * link.none,
        "rest": 100 * max(0.0, rest),
        "joined": 100 * sum(joined),
        "several": len(joined) > 1,
        "log_odds": link.log_odds,
        "features": [
            {"name": name, "value": value, **_bar(share, largest)}
            for name, value, share in features
        ],
        "pieces": list(_excerpt(text, link)),
        "strongest": _strongest(link.tokens, link.words),
    }


def _view_sentiment(text: str, found: SentimentExplanation) -> dict[str, Any]:
    # On this side of the scale what speaks for the answer is what is tinted as negative.
    turned = found.label in NEGATIVE_SIDE
    largest = _largest(found.words)
    words = spell_tokens(text, found.tokens, found.offsets)
    return {
        "label": found.label,
        "percent": 100 * found.probability,
        "cats": [
            {"label": label, "percent": 100 * share, "chosen": label == found.label}
            for label, share in found.probabilities.items()
        ],
        "log_odds": found.log_odds,
        "turned": turned,
        "pieces": [
            {**word, **_bar(share, largest)} for word, share in zip(words, found.words, strict=True)
        ],
        "strongest": _strongest(found.tokens, found.words),
        "method": METHODS[found.method],
    }


def _bar(share: float, largest: float) -> dict[str, Any]:
    """A share and how it is drawn: which way, and how far, 0 to 1."""
    return {
        "share": share,
        "side": "for" if share > 0 else "against",
        "strength": abs(share) / largest if largest else 0.0,
    }


def _largest(shares: Sequence[float]) -> float:
    return max(map(abs, shares), default=0.0)


def _strongest(tokens: Sequence[str], shares: Sequence[float]) -> list[dict[str, Any]]:
    largest = _largest(shares)
    order = sorted(range(len(tokens)), key=lambda i: -abs(shares[i]))
    shown = [i for i in order if shares[i] and not tokens[i].isspace()][:_TOP]
    return [{"name": name_token(tokens[i]), **_bar(shares[i], largest)} for i in shown]


def _excerpt(text: str, link: LinkExplanation) -> Iterator[dict[str, Any]]:
    """The tokens around the mentions that are spoken of, with what each brought; `gap` before one
    says that others are left out there."""
    largest = _largest(link.words)
    words = spell_tokens(text, link.tokens, link.offsets)
    spans = {
        "rival": [each.span for each in link.candidates if not each.chosen],
        "chosen": [link.antecedent, *(each.span for each in link.candidates if each.chosen)],
        "anaphor": [link.anaphor],
    }
    bounds = {at for each in spans.values() for span in each for at in span}
    # Where mentions lie in one another, the last named of these counts.
    roles = {i: role for role, each in spans.items() for span in each for i in range(*span)}
    shown = _near(link, len(words))
    for before, i in pairwise([-1, *shown]):
        yield {
            **words[i],
            **_bar(link.words[i], largest),
            "role": roles.get(i, ""),
            "opens": i in bounds,
            "closes": i + 1 in bounds,
            "gap": i - before > 1,
        }
    if shown[-1] + 1 < len(words):
        yield {"text": "", "space": "", **_bar(0.0, 0.0), "role": "", "gap": True}


def _near(link: LinkExplanation, tokens: int) -> list[int]:
    """All tokens of a short text, and of a long one those around the mentions."""
    if tokens <= _WHOLE:
        return list(range(tokens))
    spans = [link.anaphor, link.antecedent, link.decided_by]
    spans += [each.span for each in link.candidates if each.chosen][:1]
    near = {i for start, end in spans for i in range(start - _AROUND, end + _AROUND)}
    return [i for i in range(tokens) if i in near]


def _view_running(running: Sequence[RunningScore]) -> dict[str, Any]:
    """The curve in the units of its picture."""
    names = [name_token(each.token) for each in running]
    scores = [each.score for each in running]
    named = len(names) <= _NAMED
    slant = max(map(len, names)) > 2
    step = max(_STEP, _WIDTH / len(names)) if named else _WIDTH / len(names)
    steps = [after - before for before, after in pairwise([0.0, *scores])]
    turn = max(range(len(steps)), key=lambda i: abs(steps[i]))
    return {
        "width": _LEFT + step * len(names) + _EDGE,
        "height": _HEIGHT + (_UNDER if slant else _UNDER / 3) * named + _EDGE,
        "middle": _place(0.0),
        "left": _LEFT,
        "ticks": [(score, _place(score)) for score in (1, 0, -1)],
        "named": named,
        "slant": slant,
        "under": _HEIGHT + _EDGE,
        "bar": 0.5 * step,
        "points": [
            {
                "name": name,
                "label": name if len(name) <= _LABEL else name[: _LABEL - 1] + "…",
                "score": score,
                "tone": _tone(score),
                "x": _LEFT + step * (i + 0.5),
                "y": _place(score),
            }
            for i, (name, score) in enumerate(zip(names, scores, strict=True))
        ],
        "turn": turn if abs(steps[turn]) >= _TURN else None,
        "before": scores[turn - 1] if turn else 0.0,
    }


def _place(score: float) -> float:
    return _EDGE + _HEIGHT * (1 - score) / 2


def _tone(score: float) -> str:
    shown = round(score, 1)
    return "positive" if shown > 0 else "negative" if shown < 0 else "neutral"
