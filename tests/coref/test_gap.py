import pytest

from spacy_lstm.coref.gap import (
    PairRecord,
    choose_detected,
    choose_given,
    gap_scores,
    pronoun_gender,
    winobias_scores,
)

TEXT = "Miss Alice Smith told Mary Jones that Alice's mother liked her. Ann slept."


def at(words):
    return TEXT.index(words), TEXT.index(words) + len(words)


HER = at("her.")[0], at("her.")[1] - 1
ALICE, MARY, ANN = at("Alice Smith"), at("Mary Jones"), at("Ann")


@pytest.mark.parametrize(
    ("mentions", "antecedent", "expected"),
    [
        (["Alice Smith"], None, (True, False)),
        (["Miss Alice Smith"], None, (True, False)),
        (["Smith"], None, (True, False)),
        (["Alice's mother"], None, (False, False)),
        ([], None, (False, False)),
        # both named: the linked one is kept, else the nearest before
        (["Miss Alice Smith", "Mary Jones"], "Miss Alice Smith", (True, False)),
        (["Miss Alice Smith", "Mary Jones"], "Mary Jones", (False, True)),
        (["Miss Alice Smith", "Mary Jones"], "Alice's mother", (False, True)),
        (["Miss Alice Smith", "Mary Jones"], None, (False, True)),
    ],
)
def test_choose_detected(mentions, antecedent, expected):
    cluster = [at(words) for words in mentions] + [HER]
    link = None if antecedent is None else at(antecedent)
    assert choose_detected(TEXT, HER, [ALICE, MARY], cluster, link) == expected


def test_a_possessed_person_is_not_the_possessor():
    alice = at("Alice's")[0], at("Alice's")[0] + len("Alice")
    assert choose_detected(TEXT, HER, [alice], [HER, at("Alice's mother")], None) == (False,)
    assert choose_detected(TEXT, HER, [alice], [HER, at("Alice's")], None) == (True,)


def test_candidates_after_the_pronoun_come_last():
    cluster = [ALICE, HER, ANN]
    assert choose_detected(TEXT, HER, [ALICE, ANN], cluster, None) == (True, False)
    assert choose_detected(TEXT, ALICE, [MARY, ANN], [ALICE, MARY, ANN], None) == (True, False)


def test_the_pronoun_does_not_name_itself():
    assert choose_detected(TEXT, HER, [HER], [HER], None) == (False,)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.5, 0.2, 0.3], (True, False)),
        ([0.1, 0.5, 0.4], (False, True)),
        ([0.2, 0.3, 0.5], (False, False)),
        ([0.4, 0.4, 0.2], (True, False)),
        ([1.0], ()),
    ],
)
def test_choose_given(probabilities, expected):
    assert choose_given(probabilities) == expected


def test_choose_given_refuses_nothing():
    with pytest.raises(ValueError, match="no probabilities"):
        choose_given([])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("His", "M"), ("herself", "F"), ("她", "F"), ("they", None), ("them", None), ("Alice", None)],
)
def test_pronoun_gender(text, expected):
    assert pronoun_gender(text) == expected


RECORDS = [
    PairRecord((True, False), (True, False), "M"),
    PairRecord((True, False), (False, True), "M"),
    PairRecord((False, True), (False, True), "F"),
    PairRecord((False, False), (False, False), "F"),
    PairRecord((False, True), (False, False), "F"),
]


def test_gap_scores_by_hand():
    assert gap_scores(RECORDS) == {
        "gap_p": pytest.approx(2 / 3),
        "gap_r": pytest.approx(2 / 4),
        "gap_f": pytest.approx(4 / 7),
        "gap_f_masculine": pytest.approx(1 / 2),
        "gap_f_feminine": pytest.approx(2 / 3),
        "gap_bias": pytest.approx(4 / 3),
        "gap_accuracy": pytest.approx(3 / 5),
    }


def test_saying_both_is_never_accurate():
    both = [record._replace(predicted=(True, True)) for record in RECORDS]
    scores = gap_scores(both)
    assert scores["gap_accuracy"] == 0.0
    assert scores["gap_r"] == 1.0
    assert scores["gap_p"] == pytest.approx(4 / 10)


def test_one_of_two_true_candidates_is_accurate():
    assert gap_scores([PairRecord((True, True, False), (False, True, False), None)]) == {
        "gap_p": 1.0,
        "gap_r": 0.5,
        "gap_f": pytest.approx(2 / 3),
        "gap_f_masculine": None,
        "gap_f_feminine": None,
        "gap_bias": None,
        "gap_accuracy": 1.0,
    }


def test_no_records_no_scores():
    scores = gap_scores([], "gap_given")
    assert set(scores.values()) == {None}
    assert "gap_given_f_masculine" in scores


def test_no_bias_over_a_masculine_f_of_zero():
    records = [RECORDS[1], RECORDS[2]]
    assert gap_scores(records)["gap_bias"] is None


def test_winobias_by_hand():
    right, wrong = RECORDS[0], RECORDS[1]
    sides = [
        *(record._replace(stereotype="pro") for record in (right, right, right, wrong)),
        *(record._replace(stereotype="anti") for record in (right, wrong)),
        wrong,
    ]
    assert winobias_scores(sides) == {
        "winobias_pro": 3 / 4,
        "winobias_anti": 1 / 2,
        "winobias_gap": 1 / 4,
    }
    assert winobias_scores(sides[:4], "given") == {
        "given_pro": 3 / 4,
        "given_anti": None,
        "given_gap": None,
    }
    assert set(winobias_scores(RECORDS).values()) == {None}
