"""The wording of an antecedent where it takes a pronoun's place.

The words of a mention are right where they stand, not where they are carried to: there they may
lose a capital, a clause or a possessive mark, and an indefinite article becomes definite. All
rules work from the words alone, and return None for what they cannot word well.
"""

import unicodedata
from collections.abc import Collection, Sequence
from typing import Final, Literal, NamedTuple

from .mentions import head_offset, is_pronoun

__all__ = [
    "Phrase",
    "Role",
    "Word",
    "chinese_phrase",
    "english_phrase",
    "is_cjk",
    "possessive",
    "starts_sentence",
    "word_set",
]

Role = Literal["plain", "possessive"]


class Word(NamedTuple):
    """A token as plain data.

    text: as written; for a whitespace token, the white space.
    whitespace: what stands between it and the next token, "" or " ".
    sent_start: whether it opens a sentence; None has it guessed from punctuation.
    """

    text: str
    whitespace: str = ""
    sent_start: bool | None = None


class Phrase(NamedTuple):
    """An antecedent worded for the middle of a sentence; `plural` is its number."""

    text: str
    plural: bool


def word_set(row: str) -> frozenset[str]:
    """The words of a row with spaces between them."""
    return frozenset(row.split())


_CLITICS: Final = frozenset({"'s", "’s", "'", "’"})
_QUOTES: Final = frozenset("\"'“”‘’«»「」『』()[]*_")
_SENTENCE_ENDS: Final = (".", "!", "?", "…", "。", "！", "？")
_RELATIVES: Final = word_set("who whom whose which where")
# What opens an apposition after a comma ("Alice, my sister"), unlike a second adjective.
_APPOSITIVES: Final = _RELATIVES | word_set("the a an my your his her its our their one formerly")
_NUMBERS: Final = word_set(
    "two three four five six seven eight nine ten eleven twelve hundred hundreds"
)
# A pronoun that a quantifier binds ("every boy … his") stands for no one in particular, and
# repeating "another man" or "a few people" would bring new ones in.
_UNREPEATABLE: Final = word_set(
    "every each no any another either neither everyone everybody anyone anybody someone "
    "somebody something anything everything nothing nobody none noone many most few several "
    "such quite what whatever whichever half enough more less fewer"
)
_VAGUE_AFTER_ARTICLE: Final = word_set("few lot bit dozen couple number")
_LOWERED: Final = word_set(
    "a an the this that these those my your his her its our their some all both one other "
    "certain in on at of such only"
) | (_NUMBERS | _UNREPEATABLE)
_IRREGULAR_PLURALS: Final = word_set(
    "people men women children police folk feet teeth mice geese cattle oxen lice"
)
_PLURAL_DEMONYMS: Final = ("ans", "crats", "ists", "ers", "ese")
_CHINESE_UNREPEATABLE: Final = ("每", "任何", "谁", "誰", "有人", "没有", "沒有", "某", "大家")
_CHINESE_MEASURES: Final = frozenset("个個只隻条條位名头頭匹辆輛本家座群种種件张張棵朵间間些")


def is_cjk(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return any("\u3400" <= character <= "\u9fff" for character in text)


def starts_sentence(words: Sequence[Word], i: int) -> bool:
    """Whether word `i` opens a sentence, and may owe its capital to that.

    A sentence in quotes after a comma or colon counts (`she said, "The cat …"`).
    """
    if words[i].sent_start:
        return True
    quoted = False
    while i > 0 and (words[i - 1].text in _QUOTES or words[i - 1].text.isspace()):
        if "\n\n" in words[i - 1].text:
            return True
        quoted = quoted or words[i - 1].text in _QUOTES
        i -= 1
        if words[i].sent_start:
            return True
    if i == 0:
        return True
    before = words[i - 1].text
    # Given sentence bounds are believed, except that they do not look inside quotes.
    if words[i].sent_start is False and not quoted:
        return False
    return before.endswith(_SENTENCE_ENDS) or (quoted and before in {",", ":"})


def _is_strippable(text: str) -> bool:
    return all(c.isspace() or unicodedata.category(c)[0] == "P" for c in text) and (
        text not in {"%", "#", "&", "@"}
    )


def _trim(words: list[Word]) -> list[Word]:
    """The words without white space, punctuation and a possessive mark at the edges."""
    start, end = 0, len(words)
    while start < end and _is_strippable(words[start].text):
        start += 1
    while start < end and (
        _is_strippable(words[end - 1].text) or words[end - 1].text.lower() in _CLITICS
    ):
        end -= 1
    return words[start:end]


def _join_hyphens(words: list[Word]) -> list[Word]:
    """The words with "mother", "-", "in", "-", "law" made one."""
    joined: list[Word] = []
    for word in words:
        last = joined[-1] if joined else None
        glued = last is not None and not last.whitespace and len(last.text) > 1
        if last and glued and (word.text == "-" or last.text.endswith("-")):
            joined[-1] = Word(last.text + word.text, word.whitespace, last.sent_start)
        else:
            joined.append(word)
    return joined


def _core_end(texts: list[str]) -> int:
    """End of the head and its *of* complement, before any other post-modifier."""
    end = head_offset(texts) + 1
    if end + 1 < len(texts) and texts[end].lower() == "of":
        return end + 1 + _core_end(texts[end + 1 :])
    return end


def _next_word(texts: list[str], i: int) -> str:
    return texts[i].lower() if i < len(texts) else ""


def _is_apposition(texts: list[str], comma: int, pronoun_is_plural: bool) -> bool:
    if comma + 1 >= len(texts):
        return False
    after = texts[comma + 1]
    if pronoun_is_plural:
        return after.lower() in _RELATIVES
    return after.lower() in _APPOSITIVES or after[:1].isupper()


def _core(
    words: list[Word], role: Role, pronoun_is_plural: bool, max_words: int
) -> list[Word] | None:
    """The words up to the modifiers that would not read well in the pronoun's place."""
    texts = [word.text for word in words]
    end = _core_end(texts)
    size = sum(len(text.split()) for text in texts if not _is_strippable(text))
    if end < len(texts):
        opener = texts[end].lower()
        apposition = opener == "," and _is_apposition(texts, end, pronoun_is_plural)
        is_list = opener == "," and not apposition
        clause = role == "possessive" and not is_list and opener != "and"
        if apposition or opener in {"(", "["} or clause or (size > max_words and not is_list):
            words = words[:end]
            size = sum(len(word.text.split()) for word in words)
    return words if size <= max_words else None


def _looks_plural(noun: str) -> bool:
    lower = noun.lower()
    if lower in _IRREGULAR_PLURALS or (noun == lower and lower.endswith(("men", "people"))):
        return True
    if noun != lower:
        return lower.endswith(_PLURAL_DEMONYMS)
    return lower.endswith("s") and not lower.endswith(("ss", "us", "is"))


def _is_plural(texts: list[str]) -> bool:
    first = texts[0].lower()
    end = _core_end(texts)
    listed = texts if _next_word(texts, end) == "," else texts[:end]
    lowered = {text.lower() for text in listed}
    if lowered & {"and", "&"}:
        return True
    if first in {"a", "an", "this", "that", "one"}:
        return False
    if first in _NUMBERS | {"these", "those", "both"} or (first.isdigit() and len(texts) > 1):
        return True
    head = texts[head_offset(texts)]
    # "the Smiths", but not "Mr. Smiths"
    return _looks_plural(head) or (first == "the" and head.endswith("s") and head != head.lower())


def _lower_first(
    words: list[Word], at_start: bool, person: bool, lowercase_words: Collection[str]
) -> list[Word]:
    """The words without a capital that they owe to the start of a sentence."""
    first = words[0].text
    lower = first.lower()
    if not at_start or (len(first) > 1 and not first[1:].islower()):
        return words
    # "Will went home and said he will …": a person's name may be a common word elsewhere.
    if lower in _LOWERED or (not person and lower in lowercase_words):
        return [words[0]._replace(text=lower), *words[1:]]
    return words


def _make_definite(words: list[Word], pronoun_is_plural: bool) -> list[Word] | None:
    """The words with "a dog" as "the dog", "two men" as "the two men"; None if they resist."""
    texts = [word.text for word in words]
    first, second = texts[0], _next_word(texts, 1)
    if first in _UNREPEATABLE or (first in {"a", "an"} and second in _VAGUE_AFTER_ARTICLE):
        return None
    if first in {"some", "one", "a", "an"} and not second:
        return None
    if first in _NUMBERS | {"some", "one"} and second == "of":
        return words
    # Numbers count people or things; "1984" and "50 Cent" with a singular pronoun are names.
    if pronoun_is_plural and second and (first in _NUMBERS or first.isdigit()):
        return [Word("the", " "), *words]
    articles = {
        i
        for i, text in enumerate(texts)
        if (text in {"a", "an"} and (i == 0 or texts[i - 1].lower() in {"and", "or", ","}))
        or (text in {"some", "one"} and i == 0)
    }
    return [word._replace(text="the") if i in articles else word for i, word in enumerate(words)]


def _text_of(words: list[Word]) -> str:
    joined = "".join(word.text + word.whitespace for word in words)
    return " ".join(joined.split())


def _crosses_sentences(words: list[Word]) -> bool:
    return any(w.text in {"!", "?", "。", "！", "？", ";"} or "\n\n" in w.text for w in words)


def english_phrase(
    words: Sequence[Word],
    *,
    role: Role,
    at_start: bool,
    person: bool,
    pronoun_is_plural: bool,
    lowercase_words: Collection[str],
    max_words: int,
) -> Phrase | None:
    """An English antecedent as it reads in the middle of a sentence, or None.

    words: the words of the mention.
    role: "possessive" where a possessive mark will follow, which does not go well with a
        relative clause.
    at_start: whether the mention opens a sentence, so that its capital may not be its own.
    person: whether the pronoun names a person (*he*, *she*).
    lowercase_words: the words that the text also writes without a capital.
    max_words: a longer antecedent is cut to its core, and given up if that is longer still.
    """
    kept = _join_hyphens(_trim(list(words)))
    if not kept or is_pronoun([word.text for word in kept]) or _crosses_sentences(kept):
        return None
    cut = _core(kept, role, pronoun_is_plural, max_words)
    cut = _trim(cut) if cut else None
    if not cut or not any(c.isalnum() for word in cut for c in word.text):
        return None
    plural = _is_plural([word.text for word in cut])
    definite = _make_definite(
        _lower_first(cut, at_start, person, lowercase_words), pronoun_is_plural
    )
    return Phrase(_text_of(definite), plural) if definite else None


def chinese_phrase(words: Sequence[Word], *, max_words: int) -> Phrase | None:
    """A Chinese antecedent, or None: without 的 at its end, 一只狗 as 那只狗.

    One that is too long keeps what follows its last 的, which is the head with nothing before
    it. max_words counts tokens.
    """
    kept = _trim(list(words))
    while kept and kept[-1].text == "的":
        kept = kept[:-1]
    if not kept or is_pronoun([word.text for word in kept]) or _crosses_sentences(kept):
        return None
    if len(kept) > max_words:
        particles = [i for i, word in enumerate(kept) if word.text == "的"]
        kept = kept[particles[-1] + 1 :] if particles else []
    text = _text_of(kept)
    if not text or len(kept) > max_words or text.startswith(_CHINESE_UNREPEATABLE):
        return None
    if len(text) > 2 and text[0] == "一" and text[1] in _CHINESE_MEASURES:
        text = "那" + text[1:]
    return Phrase(text, text.endswith(("们", "們")))


def possessive(phrase: Phrase, apostrophe: str = "'") -> str:
    """The possessive of a phrase: Alice's, James's, the girls', Tom and Ann's."""
    last = phrase.text.split()[-1]
    noun = last.rpartition("-")[2]
    names_one = phrase.text == last and not _looks_plural(noun)
    plural = (phrase.plural and " and " not in phrase.text) or _looks_plural(noun)
    if last[-1] in "sS" and plural and not names_one:
        return phrase.text + apostrophe
    return phrase.text + apostrophe + "s"
