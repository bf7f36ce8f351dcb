import pytest

from spacy_lstm.coref.mentions import OTHER_PRONOUNS, PRONOUNS
from spacy_lstm.coref.words import FINE_TYPES, Flag, Kind, Number, WordColumn, describe_word
from spacy_lstm.lexicons.gender import GENDERS


def described(text, gender="unknown"):
    codes = describe_word(text, GENDERS.index(gender))
    return dict(zip(WordColumn, codes, strict=True))


@pytest.mark.parametrize(
    ("text", "kind", "gender", "number"),
    [
        ("she", Kind.SHE, "fem", Number.SINGULAR),
        ("His", Kind.HE, "masc", Number.SINGULAR),
        ("they", Kind.THEY, "epicene", Number.UNKNOWN),
        ("themselves", Kind.THEY, "epicene", Number.PLURAL),
        ("xe", Kind.NEO, "epicene", Number.SINGULAR),
        ("它", Kind.IT, "neut", Number.SINGULAR),
        ("we", Kind.WE, "unknown", Number.PLURAL),
        ("those", Kind.OTHER, "unknown", Number.PLURAL),
        ("Paris", Kind.PROPER, "unknown", Number.SINGULAR),
        ("women", Kind.COMMON, "unknown", Number.PLURAL),
        ("glass", Kind.COMMON, "unknown", Number.SINGULAR),
        ("dogs", Kind.COMMON, "unknown", Number.PLURAL),
    ],
)
def test_kind_gender_number(text, kind, gender, number):
    codes = described(text)
    assert codes[WordColumn.KIND] == kind
    assert GENDERS[codes[WordColumn.GENDER]] == gender
    assert codes[WordColumn.NUMBER] == number


def test_a_lexicon_genders_nouns_but_not_pronouns():
    assert described("Alice", "fem")[WordColumn.GENDER] == GENDERS.index("fem")
    assert described("he", "fem")[WordColumn.GENDER] == GENDERS.index("masc")


def test_every_pronoun_has_its_own_number():
    words = [*PRONOUNS, *OTHER_PRONOUNS]
    numbers = [described(word)[WordColumn.FINE] for word in words]
    assert sorted(numbers) == list(range(2, FINE_TYPES))


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("'s", {Flag.POSSESSIVE_MARK}),
        (",", {Flag.OPENER}),
        (".", {Flag.SENTENCE_END}),
        ("\n\n", {Flag.SENTENCE_END, Flag.SPACE}),
        ("\n", {Flag.SPACE}),
        ("“", {Flag.QUOTE}),
        ("with", {Flag.OPENER, Flag.CONTENT, Flag.PREPOSITION}),
        ("her", {Flag.CONTENT, Flag.POSSESSIVE}),
        ("itself", {Flag.CONTENT, Flag.REFLEXIVE}),
        ("and", {Flag.CONTENT, Flag.COORDINATOR}),
        ("Jr", set()),
    ],
)
def test_flags(text, flags):
    assert described(text)[WordColumn.FLAGS] == sum(flags)
