"""The pronouns of one person put into another set: *he* into *they*, *ze* or *xe*.

English texts that speak of one person as *they* or *xe* are rare, and few have annotation. Any
text that speaks of one as *he* or *she* becomes such a text where the pronouns of this person
alone are replaced, with the verbs that have to agree.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from .english import clitic_verb, her_is_object
from .gender_swap import cased_like, his_stands_alone
from .phrases import Word, starts_sentence, word_set

__all__ = ["NEO_SETS", "THEY_SETS", "PronounSet", "replace_pronouns"]


class PronounSet(NamedTuple):
    """The forms of a pronoun; `plural` says that its verbs are those of *they*."""

    subject: str
    object: str
    determiner: str
    possessive: str
    reflexive: str
    plural: bool = False


THEY_SETS: Final = tuple(
    PronounSet("they", "them", "their", "theirs", reflexive, plural=True)
    for reflexive in ("themself", "themselves")
)
NEO_SETS: Final = (
    PronounSet("xe", "xem", "xyr", "xyrs", "xemself"),
    PronounSet("ze", "zir", "zir", "zirs", "zirself"),
    PronounSet("ze", "hir", "hir", "hirs", "hirself"),
)

_PLURALS: Final = {"is": "are", "was": "were", "has": "have", "does": "do"}
# Where a clause opens with one of these, its verb comes before the subject.
_OPENERS: Final = word_set("what where when why how who whom nor neither so and but or if ; : ,")
_ADVERBS: Final = word_set(
    "also always ever just never now often only once soon still then thus yet not"
)
_LY_VERBS: Final = word_set("apply comply imply multiply rely reply supply")
_NO_VERBS: Final = word_set(
    "always perhaps thus his hers its this as yes unless besides afterwards sometimes less "
    "towards upwards forwards backwards across us nevertheless nonetheless s ours yours theirs"
)


def replace_pronouns(
    words: Sequence[Word], at: Iterable[int], forms: PronounSet
) -> Iterator[tuple[int, str]]:
    """What comes in the place of which word, each with the capitals of the old one.

    The verb that follows a subject agrees with it, and so does *was*, *is*, *has* or *does*
    before it in a question; a second verb ("he came and goes") is not seen.

    words: the text without white space tokens.
    at: indices of forms of *he* and *she*; other words are passed over.
    """
    for i in at:
        text = words[i].text
        new = _form(words, i, forms)
        if new is None:
            continue
        yield i, cased_like(text, new)
        if new == forms.subject and forms.plural:
            verb = _verb(words, i)
            if verb is not None:
                yield verb


def _form(words: Sequence[Word], i: int, forms: PronounSet) -> str | None:
    lower = words[i].text.lower()
    if lower in {"he", "she"}:
        return forms.subject
    if lower == "her":
        return forms.object if her_is_object(words, i) else forms.determiner
    if lower == "his":
        return forms.possessive if his_stands_alone(words, i) else forms.determiner
    others = {
        "him": forms.object,
        "hers": forms.possessive,
        "himself": forms.reflexive,
        "herself": forms.reflexive,
    }
    return others.get(lower)


def _verb(words: Sequence[Word], i: int) -> tuple[int, str] | None:
    """The verb of the subject at `i` as it goes with *they*, None where it stays."""
    before = _inverted(words, i)
    if before is not None:
        return before
    at = i + 1
    while at < len(words) and _is_adverb(words[at].text):
        at += 1
    if at == len(words):
        return None
    text = words[at].text
    lower = text.lower()
    if lower in {"'s", "’s"} and at == i + 1:
        return at, text[0] + ("'ve" if clitic_verb(words, at, False) == "has" else "'re")[1:]
    plural = _PLURALS.get(lower) or _without_s(text)
    return (at, cased_like(text, plural)) if plural else None


def _inverted(words: Sequence[Word], i: int) -> tuple[int, str] | None:
    at = i - 2 if i and words[i - 1].text.lower() in {"n't", "n’t", "not"} else i - 1
    if at < 0:
        return None
    plural = _PLURALS.get(words[at].text.lower())
    if not plural:
        return None
    opens = starts_sentence(words, at) or words[at - 1].text.lower() in _OPENERS
    return (at, cased_like(words[at].text, plural)) if opens else None


def _is_adverb(text: str) -> bool:
    if text in _ADVERBS:
        return True
    return text.endswith("ly") and text.islower() and len(text) > 4 and text not in _LY_VERBS


def _without_s(text: str) -> str | None:
    """The plural form of what can only be a verb in the present tense: "goes" → "go"."""
    verb = text.isalpha() and text.islower() and text.endswith("s") and text not in _NO_VERBS
    if not verb or text.endswith(("ss", "us")) or len(text) < 4:
        return None
    if text.endswith("ies") and len(text) > 4:
        return text[:-3] + "y"
    if text.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return text[:-2]
    return text[:-1]
