"""A text turned into the other gender."""

import pytest

from spacy_lstm.coref.gender_swap import Edit, apply_edits, gendered_nouns, swap_words


def swapped(text, gender, kept=()):
    return apply_edits(text, list(swap_words(text, gender, kept)), [])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She saw her.", "He saw him."),
        ("She lost her old hat.", "He lost his old hat."),
        ("Her wife gave it to her and left.", "His husband gave it to him and left."),
        ("It was hers; she did it herself.", "It was his; he did it himself."),
        ("HER mother, an Actress", "HIS father, an Actor"),
        ("Mrs. Hill met Miss Bates and Lady Anne.", "Mr. Hill met Mr. Bates and Lord Anne."),
        ("the hostess and the heroine", "the host and the hero"),
        ("The Queen of his heart", "The Queen of his heart"),
    ],
)
def test_feminine_to_masculine(text, expected):
    assert swapped(text, "F") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He saw him.", "She saw her."),
        ("A friend of his, Ann, came.", "A friend of hers, Ann, came."),
        ("The book is his.", "The book is hers."),
        ("his in the end", "her in the end"),
        ("a pupil of his in Rome", "a pupil of hers in Rome"),
        ('his "friend"', 'her "friend"'),
        ("Mr. Hill and Sir John, an actor", "Mrs. Hill and Dame John, an actress"),
        ("the king", "the queen"),
        ("King Street", "King Street"),
        ("a host and a hero", "a host and a heroine"),
    ],
)
def test_masculine_to_feminine(text, expected):
    assert swapped(text, "M") == expected


def test_kept_characters_stay():
    assert swapped("Lady Gaga saw a lady; she left.", "F", [(0, 9), (16, 20)]) == (
        "Lady Gaga saw a lady; he left."
    )


def test_spans_move_with_the_edits():
    text = "Ann met Bob; she left him."
    edits = [Edit(0, 3, "Frederick"), Edit(13, 16, "he")]
    new, spans = apply_edits(text, edits, [(0, 3), (8, 11), (13, 16), (22, 25)])
    assert [new[start:end] for start, end in spans] == ["Frederick", "Bob", "he", "him"]
    assert new == "Frederick met Bob; he left him."


def test_person_nouns_leave_out_pronouns_and_adjectives():
    assert {"wife", "actress", "queen"} <= gendered_nouns("F")
    assert not gendered_nouns("F") & {"she", "her", "female", "wives "}
    assert not gendered_nouns("M") & gendered_nouns("F")
