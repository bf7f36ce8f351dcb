"""A trace's tokens as a page shows them: names in tables, and the text around them."""

from typing import Any, Final

from ..coref.mentions import THIRD_PERSON_CLASSES, pronoun_class
from ..traces import Trace

__all__ = ["TURNING", "choose_token", "name_tokens", "spell_text"]

_LONGEST: Final = 40
_WHITE: Final = {" ": "␣", "\n": "⏎", "\t": "⇥"}
# Marks that turn the direction of what follows would turn the page's own words, too.
TURNING: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)


def name_tokens(trace: Trace) -> list[str]:
    """What each token is called in a table: on one line, and never empty."""
    return [_name(token) for token in trace.tokens]


def spell_text(trace: Trace) -> list[dict[str, Any]]:
    """The text token by token: number, text and the space before the next one."""
    ends = [*trace.offsets, len(trace.text)][1:]
    return [
        {
            "i": i,
            "text": token,
            "space": trace.text[start + len(token) : end],
        }
        for i, (token, start, end) in enumerate(zip(trace.tokens, trace.offsets, ends, strict=True))
    ]


def choose_token(trace: Trace) -> int:
    """The token that is looked at first: the first third-person pronoun that something stands
    before, or else the last word."""
    for i, token in enumerate(trace.tokens):
        if i and pronoun_class(token) in THIRD_PERSON_CLASSES:
            return i
    words = [i for i, token in enumerate(trace.tokens) if any(map(str.isalnum, token))]
    return words[-1] if words else len(trace.tokens) - 1


def _name(token: str) -> str:
    if token.isspace() or not token:
        return "".join(_WHITE.get(character, "␣") for character in token[:3]) or "∅"
    name = " ".join(token.split()).translate(TURNING)
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
