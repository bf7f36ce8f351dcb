"""A trace's tokens as a page shows them: names in tables, and the text around them."""

from collections.abc import Sequence
from typing import Any, Final

from ..coref.mentions import THIRD_PERSON_CLASSES, pronoun_class
from ..traces import Trace

__all__ = ["TURNING", "choose_token", "name_token", "name_tokens", "spell_text", "spell_tokens"]

_LONGEST: Final = 40
_WHITE: Final = {" ": "␣", "\n": "⏎", "\t": "⇥"}
# Marks that turn the direction of what follows would turn the page's own words, too.
TURNING: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)


def name_tokens(trace: Trace) -> list[str]:
    """What each token is called in a table: on one line, and never empty."""
    return [name_token(token) for token in trace.tokens]


def spell_text(trace: Trace) -> list[dict[str, Any]]:
    """The text token by token: number, text and the space before the next one."""
    return spell_tokens(trace.text, trace.tokens, trace.offsets)


def spell_tokens(text: str, tokens: Sequence[str], offsets: Sequence[int]) -> list[dict[str, Any]]:
    """The same of any text and the characters at which its tokens begin."""
    ends = [*offsets, len(text)][1:]
    return [
        {
            "i": i,
            "text": token,
            "space": text[start + len(token) : end],
        }
        for i, (token, start, end) in enumerate(zip(tokens, offsets, ends, strict=True))
    ]


def choose_token(trace: Trace) -> int:
    """The token that is looked at first: the first third-person pronoun that something stands
    before, or else the last word."""
    for i, token in enumerate(trace.tokens):
        if i and pronoun_class(token) in THIRD_PERSON_CLASSES:
            return i
    words = [i for i, token in enumerate(trace.tokens) if any(map(str.isalnum, token))]
    return words[-1] if words else len(trace.tokens) - 1


def name_token(token: str) -> str:
    """What a token is called in a table."""
    if token.isspace() or not token:
        return "".join(_WHITE.get(character, "␣") for character in token[:3]) or "∅"
    name = " ".join(token.split()).translate(TURNING)
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
