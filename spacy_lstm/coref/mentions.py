"""What the words of a mention say: which pronoun it is, and which word is its head.

Everything here is decided from the written words alone, without tags or a parse, so that
candidates, agreement, scorers and resolved text all draw on one list.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

__all__ = [
    "OTHER_PRONOUNS",
    "PRONOUNS",
    "PRONOUN_CLASSES",
    "THIRD_PERSON_CLASSES",
    "Form",
    "Pronoun",
    "Span",
    "find_pronoun",
    "head_offset",
    "head_span",
    "heads_match",
    "holds",
    "is_pronoun",
    "pronoun_class",
]

Span = tuple[int, int]
"""(start, end) with the end exclusive; the unit (tokens, characters) is the caller's."""

Form = Literal["subject", "object", "possessive_determiner", "possessive", "reflexive"]
Family = Literal["he", "she", "it", "they", "i", "we", "you", "neo", "other"]


class Pronoun(NamedTuple):
    """What one written form can stand for.

    person: 1, 2 or 3.
    number: "either" for *you*, and for *they*, which one person may go by.
    gender: "epicene" for forms that name a person without naming a gender, "any" for those
        that take whatever gender their referent has.
    form: every grammatical form of this spelling: "her" is an object and a possessive
        determiner, "his" a possessive determiner and a possessive.
    family: the pronoun it is a form of; "neo" for *ze*, *xe* and their like.
    """

    person: Literal[1, 2, 3]
    number: Literal["sing", "plur", "either"]
    gender: Literal["masc", "fem", "neut", "epicene", "any"]
    form: frozenset[Form]
    family: Family


_NO_FORM: Final[frozenset[Form]] = frozenset()
_HE = Pronoun(3, "sing", "masc", _NO_FORM, "he")
_SHE = Pronoun(3, "sing", "fem", _NO_FORM, "she")
_IT = Pronoun(3, "sing", "neut", _NO_FORM, "it")
_THEY = Pronoun(3, "either", "epicene", _NO_FORM, "they")
_THEY_PLURAL = _THEY._replace(number="plur")
_NEO = Pronoun(3, "sing", "epicene", _NO_FORM, "neo")
_ANY_THIRD = Pronoun(3, "either", "any", _NO_FORM, "other")
_I = Pronoun(1, "sing", "any", _NO_FORM, "i")
_WE = Pronoun(1, "plur", "any", _NO_FORM, "we")
_YOU = Pronoun(2, "either", "any", _NO_FORM, "you")
_YOU_SINGULAR = _YOU._replace(number="sing")
_YOU_PLURAL = _YOU._replace(number="plur")

_COLUMNS: tuple[Form, ...] = (
    "subject",
    "object",
    "possessive_determiner",
    "possessive",
    "reflexive",
)

# One column for each of _COLUMNS; "/" stands between spellings, "-" for none.
_PARADIGMS: tuple[tuple[Pronoun, str], ...] = (
    (_HE, "he him his his himself/hisself"),
    (_SHE, "she her her hers herself"),
    (_IT, "it it its its itself"),
    (_THEY, "they them/'em their theirs themself"),
    (_THEY_PLURAL, "- - - - themselves/theirselves"),
    (_NEO, "ze/zie hir/zir hir/zir hirs/zirs hirself/zirself"),
    (_NEO, "xe xem xyr xyrs xemself/xyrself"),
    (_NEO, "ey - eir eirs eirself/emself"),
    (_NEO, "fae faer faer faers faerself"),
    (_I, "i me my/mine mine myself"),
    (_WE, "we us our ours ourselves/ourself"),
    (_YOU, "you you your yours -"),
    (_YOU_SINGULAR, "thou thee thy/thine thine yourself/thyself"),
    (_YOU_PLURAL, "ye/y'all/ya'll/yall ye/y'all/ya'll/yall y'all's y'all's yourselves"),
    (_HE, "他 他 他 - -"),
    (_SHE, "她 她 她 - -"),
    (_IT, "它/牠/祂 它/牠/祂 它/牠/祂 - -"),
    (_THEY_PLURAL, "他们/他們 他们/他們 他们/他們 - -"),
    (_THEY_PLURAL._replace(gender="fem"), "她们/她們 她们/她們 她们/她們 - -"),
    (_THEY_PLURAL._replace(gender="neut"), "它们/它們/牠們 它们/它們/牠們 它们/它們/牠們 - -"),
    (_ANY_THIRD, "- - 其 - 自己"),
    (_I, "我/俺 我/俺 我/俺 - -"),
    (_WE, "我们/我們/咱/咱们/咱們 我们/我們/咱/咱们/咱們 我们/我們/咱/咱们/咱們 - -"),
    (_YOU_SINGULAR, "你/妳/您 你/妳/您 你/妳/您 - -"),
    (_YOU_PLURAL, "你们/你們/妳们/妳們 你们/你們/妳们/妳們 你们/你們/妳们/妳們 - -"),
)


def _read_paradigms() -> dict[str, Pronoun]:
    table: dict[str, Pronoun] = {}
    for pronoun, row in _PARADIGMS:
        for form, cell in zip(_COLUMNS, row.split(), strict=True):
            for word in cell.split("/"):
                # Texts write the apostrophe straight or curly.
                for spelling in {word, word.replace("'", "’")} - {"-"}:
                    forms = table.get(spelling, pronoun).form
                    table[spelling] = pronoun._replace(form=forms | {form})
    return table


PRONOUNS: Final[dict[str, Pronoun]] = _read_paradigms()
"""Personal, possessive and reflexive pronouns of English and Chinese, by lower-case form."""

_OTHER_ROW = (
    "who whom whose which what whoever whomever that this these those "
    "谁 誰 什么 什麼 哪 这 這 那 此 这个 這個 那个 那個 这些 這些 那些"
)
OTHER_PRONOUNS: Final[frozenset[str]] = frozenset(_OTHER_ROW.split())
"""Relative, interrogative and demonstrative pronouns, lower-case: they name nobody either."""

PRONOUN_CLASSES: Final = ("he", "she", "they", "it", "neo", "first", "second")
THIRD_PERSON_CLASSES: Final = ("he", "she", "they", "it", "neo")


def find_pronoun(text: str) -> Pronoun | None:
    """The record of a written form in any case, or None.

    "US" in capitals is read as the country, which it nearly always is.
    """
    return None if text == "US" else PRONOUNS.get(text.lower())


def pronoun_class(text: str) -> str | None:
    """The class under which scores of this form are reported, one of PRONOUN_CLASSES.

    None for what is no pronoun of PRONOUNS, and for those that show no person (自己, 其).
    """
    pronoun = find_pronoun(text)
    if pronoun is None or pronoun.family == "other":
        return None
    if pronoun.person == 3:
        return pronoun.family
    return "first" if pronoun.person == 1 else "second"


def is_pronoun(words: Sequence[str]) -> bool:
    """Whether the words of a mention are one pronoun of PRONOUNS or OTHER_PRONOUNS.

    A pronoun that a tokenizer splits still is one: 他 们 (Chinese by characters), y' all.
    """
    text = "".join(words)
    if len(words) > 1 and text.isascii() and "'" not in text:
        return False
    return find_pronoun(text) is not None or text.lower() in OTHER_PRONOUNS


POSSESSIVE_MARKS: Final = frozenset({"'s", "’s", "'", "’", "'S", "’S"})
NAME_SUFFIXES: Final = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "esq", "esq."})

# Words that open what follows the head of an English noun phrase.
_OPENER_ROW = (
    ", ; : ( [ -- — – of in on at to from with for by about between among against behind "
    "into over under through within without during after before near like as than such "
    "including called named who whom whose which that where when i we he she they is was are "
    "were"
)
_DETERMINER_ROW = "a an the this that these those my your his her its our their no some any"
_DETERMINERS: Final = frozenset(_DETERMINER_ROW.split())
_COORDINATORS: Final = frozenset({"and", "or", "&"})
POST_MODIFIER_OPENERS: Final = frozenset(_OPENER_ROW.split())


def _is_cjk(word: str) -> bool:
    return any("\u3400" <= character <= "\u9fff" for character in word)


def head_offset(words: Sequence[str]) -> int:
    """Index of the head word of a mention, from its words alone.

    English: a possessive mark at the end is dropped, the phrase is cut at the first word
    (after the first) that opens a post-modifier, and the last word that is left and has a
    letter or digit is the head, name suffixes and a participle at the cut passed over: "the
    old man with the dog" → "man", "Alice 's mother" → "mother", "John Brown Jr" → "Brown",
    "the boy dressed in red" → "boy". Chinese phrases end in their head. Clauses without an
    opener are not seen through ("the man standing there": "standing" looks like "building").
    On the mentions of GUM's training part that have several words this is the head of the
    tree in 89 of 100.

    words: at least one.
    """
    if not words:
        raise ValueError("head_offset got no words; a mention has at least one.")
    end = _core_end(words)
    for i in range(end - 1, -1, -1):
        if (
            any(character.isalnum() for character in words[i])
            and words[i] not in POSSESSIVE_MARKS
            and not (i and words[i].lower() in NAME_SUFFIXES)
        ):
            return i
    return end - 1


def _core_end(words: Sequence[str]) -> int:
    """Where the mention ends without its possessive mark and what follows its head."""
    end = len(words) - (len(words) > 1 and words[-1] in POSSESSIVE_MARKS)
    if any(_is_cjk(word) for word in words):
        return end
    for i in range(1, end):
        if words[i].lower() in POST_MODIFIER_OPENERS and (
            words[i - 1].lower() not in _COORDINATORS
        ):
            is_reduced_clause = (
                i > 1
                and words[i].isalpha()
                and words[i - 1].endswith("ed")
                and words[i - 2].lower() not in _DETERMINERS
                and words[i - 2][-1:].isalpha()
            )
            return i - 1 if is_reduced_clause else i
    return end


_CJK: Final = "\u3400-\u9fff"
# The words of running text: 's apart, a Chinese character each, hyphens inside a word kept.
_WORD: Final = re.compile(
    rf"['’][sS]\b|[{_CJK}]|[^\W{_CJK}]+(?:['’-](?![sS]\b)[^\W{_CJK}]+)*|--+|[^\w\s]"
)


def head_span(text: str, span: Span) -> Span:
    """Character span in `text` of the head word of the mention at `span`, by head_offset.

    The words are cut from the text, so that two tokenizations of one text agree. A span
    without a word is its own head.
    """
    start, end = span
    words = list(_WORD.finditer(text[start:end]))
    if not words:
        return span
    head = words[head_offset([word.group() for word in words])]
    return start + head.start(), start + head.end()


def heads_match(text: str, first: Span, second: Span) -> bool:
    """Whether two mentions (character spans) are equal or each holds the head of the other.

    Equal extents are too much to ask of a mention whose modifiers two guidelines cut
    differently: "Alice Smith" and "Miss Alice Smith, the singer" match; "Alice" and "Alice's
    mother" do not.
    """
    if first == second:
        return True
    if first[1] <= second[0] or second[1] <= first[0]:
        return False
    return holds(second, head_span(text, first)) and holds(first, head_span(text, second))


def holds(outer: Span, inner: Span) -> bool:
    """Whether `inner` lies in `outer`; equal spans do."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]
