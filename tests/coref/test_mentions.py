import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.mentions import (
    OTHER_PRONOUNS,
    PRONOUN_CLASSES,
    PRONOUNS,
    find_pronoun,
    head_offset,
    head_span,
    heads_match,
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
        ("John Brown Jr.", "Brown"),
        ("III", "III"),
        ("the old building", "building"),
        ("the boy dressed in red", "boy"),
        ("the accused of the trial", "accused"),
        ("the short - wave radio", "radio"),
        ("the man she loved", "man"),
        ("John and I", "I"),
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


@pytest.mark.parametrize(
    ("mention", "head"),
    [
        ("Alice's mother", "mother"),
        ("Alice’s", "Alice"),
        ("her mother-in-law from Leeds", "mother-in-law"),
        ("Mr. O'Brien", "O'Brien"),
        ("the man--the thief", "man"),
        ("小明的妈妈", "妈"),
        ("他们", "们"),
        ("!?", "?"),
        (" ", " "),
    ],
)
def test_head_span(mention, head):
    text = f"So {mention} left."
    start, end = head_span(text, (3, 3 + len(mention)))
    assert text[start:end] == head


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Alice Smith", "Miss Alice Smith, the singer", True),
        ("Smith", "Alice Smith", True),
        ("Alice Smith", "Smith", True),
        ("Alice Smith", "Alice Smith", True),
        ("Alice", "Alice Smith", False),
        ("Smith, the singer", "Alice Smith", True),
        ("the singer", "Alice Smith", False),
    ],
)
def test_heads_match(first, second, expected):
    text = "I saw Miss Alice Smith, the singer, there."
    spans = [
        (text.index(mention), text.index(mention) + len(mention)) for mention in (first, second)
    ]
    assert heads_match(text, *spans) is expected


def test_possessor_does_not_match_the_possessed():
    assert not heads_match("Alice's mother slept.", (0, 5), (0, 14))
    assert heads_match("Alice's mother slept.", (0, 5), (0, 7))
