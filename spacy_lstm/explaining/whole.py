"""All that can be said of why a text got its answers, at once."""

from collections.abc import Sequence
from typing import Any, Final

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import LstmError
from ..explanations import Explanation as PlainExplanation
from ..explanations import LinkExplanation, RunningScore, SentimentExplanation
from ..viz import render
from .links import LINK_METHODS, explain_links
from .parts import name_components, read_tokens
from .sentiment import (
    SENTIMENT_METHODS,
    check_method,
    explain_sentiment,
    has_sides,
    running_sentiment,
)

__all__ = ["LONG_TEXT", "Explanation", "explain"]

LONG_TEXT: Final = 250
"""Tokens up to which words are left out one by one for a link, which takes up to three seconds."""

_COREF: Final = "lstm_coref"
_SENTIMENT: Final = "lstm_sentiment"
# Of a longer text the running sentiment is told after so many of its tokens.
_READINGS: Final = 200


class Explanation(PlainExplanation):
    """The records of `spacy_lstm.explanations`, which Jupyter shows as their picture."""

    def _repr_html_(self) -> str:
        return render(self, "why", page=False)


def explain(
    nlp: Language,
    text_or_doc: str | Doc,
    *,
    link_method: str | None = None,
    sentiment_method: str = "integrated_gradients",
) -> Explanation:
    """Why each pronoun of a text has its antecedent, why the text has its sentiment, and how this
    came about token by token: `explain_links`, `explain_sentiment` and `running_sentiment` at
    once, as far as the pipeline has the components. A `Doc` is read again, and not changed.

    link_method: one of `LINK_METHODS`. None takes "leave_one_out", which is the most faithful, and
        in a text of more than `LONG_TEXT` tokens "gradient_x_input", since the time of the former
        grows with the square of the length. The records tell which it was.
    sentiment_method: one of `SENTIMENT_METHODS`.

    Raises LstmError where the pipeline has neither component, and for methods that there are not;
    LstmTypeError for what is neither text nor `Doc`.
    """
    doc = read_tokens(nlp, text_or_doc)
    if link_method is not None:
        check_method(link_method, LINK_METHODS)
    check_method(sentiment_method, SENTIMENT_METHODS)
    resolves, classifies = (bool(name_components(nlp, kind)) for kind in (_COREF, _SENTIMENT))
    if not (resolves or classifies):
        had = ", ".join(nlp.pipe_names) or "no components"
        raise LstmError(
            f"nothing to explain in the pipeline: expected {_COREF} or {_SENTIMENT}, it has {had}"
        )
    links: list[LinkExplanation] = []
    if resolves:
        method = link_method or _choose_method(doc)
        links = explain_links(nlp, text_or_doc, method=method)
    sentiment: SentimentExplanation | None = None
    running: Sequence[RunningScore] = ()
    if classifies:
        sentiment = explain_sentiment(nlp, text_or_doc, method=sentiment_method)
        running = _follow(nlp, doc)
    return Explanation(
        text=doc.text,
        lang=doc.lang_,
        links=tuple(links) if resolves else None,
        sentiment=sentiment,
        running=tuple(running),
    )


def _choose_method(doc: Doc) -> str:
    return "leave_one_out" if len(doc) <= LONG_TEXT else "gradient_x_input"


def _follow(nlp: Language, doc: Doc) -> Sequence[RunningScore]:
    """The running sentiment after each token, or in a long text after every so many."""
    pipe: Any = nlp.get_pipe(name_components(nlp, _SENTIMENT)[0])
    if not has_sides(pipe.labels):
        return []
    every = max(1, -(-len(doc) // _READINGS))
    after = list(range((len(doc) - 1) % every, len(doc), every))
    scores = running_sentiment(nlp, doc, after=after)
    return [
        RunningScore(doc[token].text, doc[token].idx, score)
        for token, score in zip(after, scores, strict=True)
    ]
