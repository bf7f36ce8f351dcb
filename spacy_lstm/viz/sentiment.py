"""Labels and token weights of a `Doc` as the plain data that the sentiment template shows."""

from typing import Any, Final

from spacy.tokens import Doc

from ..errors import LstmError

__all__ = ["view_sentiment"]

_TONES: Final = {
    "POSITIVE": "positive",
    "VERY_POSITIVE": "positive",
    "NEGATIVE": "negative",
    "VERY_NEGATIVE": "negative",
}
_TOP = 5


def view_sentiment(doc: Doc, span_cluster_prefix: str) -> dict[str, Any]:
    """Probabilities, the score P(positive) - P(negative), and the tokens with their weights."""
    weights = _weights(doc)
    largest = max((abs(weight) for weight in weights), default=0.0)
    tokens: list[dict[str, Any]] = [
        {
            "text": token.text,
            "space": token.whitespace_,
            "weight": weight,
            "tone": _tone(weight),
            "strength": abs(weight) / largest if largest else 0.0,
        }
        for token, weight in zip(doc, weights, strict=True)
    ]
    ranked = sorted(tokens, key=lambda token: abs(token["weight"]), reverse=True)
    strongest = [token for token in ranked if token["weight"] and not token["text"].isspace()]
    return {
        "lang": doc.lang_,
        "cats": [
            {"label": label, "percent": 100 * score, "tone": _TONES.get(label, "neutral")}
            for label, score in doc.cats.items()
        ],
        "score": doc.sentiment,
        "tokens": tokens,
        "strongest": strongest[:_TOP],
    }


def _weights(doc: Doc) -> list[float]:
    found = doc.user_data.get("lstm_sentiment")
    if not isinstance(found, dict) or "weights" not in found:
        raise LstmError(
            "Style 'sentiment' got a Doc without sentiment, expected one that lstm_sentiment has "
            'read: nlp.add_pipe("lstm_sentiment") before nlp(text).'
        )
    weights = [float(weight) for weight in found["weights"]]
    if len(weights) != len(doc):
        raise LstmError(
            f"Style 'sentiment' got {len(weights)} token weights for {len(doc)} tokens, expected "
            "one each: tokens were merged or split after lstm_sentiment; run it last."
        )
    return weights


def _tone(weight: float) -> str:
    if weight == 0:
        return "neutral"
    return "positive" if weight > 0 else "negative"
