import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.mentions import (
    OTHER_PRONOUNS,
    PRONOUN_CLASSES,
    PRONOUNS,
    find_pronoun,
    head_offset,
    is_pronoun,
    pronoun_class,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("he", "he"),
        ("HIS", "he"),
        ("Herself", "she"),
        ("its", "it"),
        ("themself", "they"),
        ("'em", "they"),
        ("’em", "they"),
        ("Xyr", "neo"),
        ("hir", "neo"),
        ("I", "first"),
        ("us", "first"),
        ("thine", "second"),
        ("y’all", "second"),
        ("她", "she"),
        ("它们", "they"),
        ("咱们", "first"),
        ("您", "second"),
        ("自己", None),
        ("US", None),
        ("one", None),
        ("who", None),
        ("Alice", None),
        ("", None),
    ],
)
def test_pronoun_class(text, expected):
    assert pronoun_class(text) == expected


def test_forms_of_one_spelling_are_joined():
    assert PRONOUNS["her"].form == {"object", "possessive_determiner"}
    assert PRONOUNS["his"].form == {"possessive_determiner", "possessive"}
    assert PRONOUNS["himself"].form == {"reflexive"}
    assert PRONOUNS["you"].form == {"subject", "object"}


def test_number_and_gender():
    assert PRONOUNS["they"].number == PRONOUNS["themself"].number == "either"
    assert PRONOUNS["themselves"].number == "plur"
    assert PRONOUNS["they"].gender == "epicene"
    assert PRONOUNS["她们"].gender == "fem"
    assert PRONOUNS["thou"].number == "sing"


def test_tables_are_lower_case_and_apart():
    assert all(word == word.lower() for word in [*PRONOUNS, *OTHER_PRONOUNS])
    assert not set(PRONOUNS) & OTHER_PRONOUNS
    assert {pronoun_class(word) for word in PRONOUNS} == {*PRONOUN_CLASSES, None}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["She"], True),
        (["that"], True),
        (["他", "们"], True),
        (["y'", "all"], True),
        (["US"], False),
        (["your", "self"], False),
        (["the", "dog"], False),
        (["she", "herself"], False),
        ([], False),
    ],
)
def test_is_pronoun(words, expected):
    assert is_pronoun(words) is expected


def test_find_pronoun_ignores_case():
    assert find_pronoun("THEM") is PRONOUNS["them"]
    assert find_pronoun("Theodore") is None


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("Alice", "Alice"),
        ("Alice Smith", "Smith"),
        ("Alice 's mother", "mother"),
        ("Alice 's", "Alice"),
        ("the boys ’", "boys"),
        ("the old man with the dog", "man"),
        ("the king of France", "king"),
        ("the girl who sang", "girl"),
        ("Mary , the queen", "Mary"),
        ("the old building", "building"),
        ("that man", "man"),
        ("' Alice '", "Alice"),
        ("小明 的 妈妈", "妈妈"),
        ("北京 in 中国", "中国"),
        ("...", "..."),
        ("'s", "'s"),
    ],
)
def test_head_offset(text, head):
    words = text.split()
    assert words[head_offset(words)] == head


def test_head_offset_refuses_no_words():
    with pytest.raises(ValueError, match="at least one"):
        head_offset([])


@given(st.lists(st.text(max_size=4), min_size=1, max_size=6))
def test_head_offset_lies_inside(words):
    assert 0 <= head_offset(words) < len(words)
