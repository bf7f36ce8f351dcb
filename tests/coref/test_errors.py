import pytest

from spacy_lstm.coref.errors import (
    ERROR_KINDS,
    ERROR_REMARKS,
    find_errors,
    find_pair_error,
    in_quotation,
)
from spacy_lstm.coref.gap import PairRecord
from spacy_lstm.coref.pronouns import Response, judge_pronouns

TEXT = 'Ann met Eve. She smiled. "Did it rain on her?" asked Bob. When he left, Carl wept.'


def at(words):
    return TEXT.index(words), TEXT.index(words) + len(words)


ANN, EVE, SHE, IT, HER, BOB, HE, CARL = map(
    at, ("Ann", "Eve", "She", "it ", "her", "Bob", "he l", "Carl")
)
IT, HE = (IT[0], IT[0] + 2), (HE[0], HE[0] + 2)
KEY = [[ANN, SHE, HER], [HE, CARL]]
ALL = [ANN, EVE, SHE, IT, HER, BOB, HE, CARL]


def errors(links, clusters=(), considered=ALL, **kwargs):
    response = Response(clusters, links, dict.fromkeys(links, 0.25))
    verdicts = judge_pronouns(TEXT, KEY, response, **kwargs)
    found = find_errors(TEXT, verdicts, considered, document="d", source="s")
    return {error.pronoun: error for error in found}


def test_the_spans_are_what_they_say():
    assert [TEXT[slice(*span)] for span in ALL] == [
        "Ann",
        "Eve",
        "She",
        "it",
        "her",
        "Bob",
        "he",
        "Carl",
    ]


def test_all_right_is_no_error():
    assert errors({SHE: ANN, HER: ANN, HE: CARL}) == {}


def test_every_class_of_error():
    found = errors({SHE: EVE, IT: EVE, HE: BOB})
    assert {span: error.kind for span, error in found.items()} == {
        SHE: "wrong candidate",
        IT: "over-resolved",
        HER: "under-resolved",
        HE: "cataphora",
    }
    assert list(found) == sorted(found)
    missed = errors({SHE: EVE, HE: CARL}, considered=[EVE, SHE, HER, CARL])
    assert {error.kind for error in missed.values()} == {"mention missed"}
    kinds = {error.kind for errors in (found, missed) for error in errors.values()}
    assert kinds == set(ERROR_KINDS)


def test_what_an_error_tells():
    error = errors({SHE: EVE, HER: ANN, HE: CARL})[SHE]
    assert (error.text, error.document, error.source) == (TEXT, "d", "s")
    assert (error.name, error.gold, error.guess, error.probability) == ("she", ANN, EVE, 0.25)
    left = errors({SHE: ANN, HE: CARL})[HER]
    assert (left.gold, left.guess, left.probability) == (ANN, None, None)


def test_a_pronoun_that_nothing_is_known_of_is_no_error():
    assert IT not in errors({IT: EVE}, complete=False)


def test_remarks():
    found = errors({SHE: EVE, HER: EVE, HE: CARL}, clusters=[[EVE, SHE, HER]])
    assert found[SHE].remarks == ()
    assert found[HER].remarks == ("quoted speech", "inherited")
    assert set(found[HER].remarks) < set(ERROR_REMARKS)


def pair_error(predicted, labels=(True, False), **kwargs):
    options = {"antecedent": EVE, "probability": 0.75, **kwargs}
    record = PairRecord(labels, predicted, "F")
    considered = options.pop("considered", ALL)
    return find_pair_error(TEXT, SHE, [ANN, EVE], record, considered, **options)


@pytest.mark.parametrize(
    ("error", "kind", "guess"),
    [
        (pair_error((False, True)), "wrong candidate", EVE),
        (pair_error((False, False), antecedent=BOB), "wrong candidate", BOB),
        (pair_error((False, False), antecedent=None), "under-resolved", None),
        (pair_error((False, True), labels=(False, False)), "over-resolved", EVE),
        (pair_error((False, True), considered=[EVE]), "mention missed", EVE),
    ],
)
def test_errors_with_pairs(error, kind, guess):
    assert (error.kind, error.guess, error.name) == (kind, guess, "she")


def test_what_a_pair_error_tells():
    error = pair_error((False, True), is_right_if_given=True, document="7", source="gap")
    assert (error.gold, error.probability, error.remarks) == (ANN, 0.75, ("right if given",))
    assert (error.document, error.source) == ("7", "gap")


def test_pairs_that_are_right_are_no_errors():
    assert pair_error((True, False)) is None
    assert pair_error((False, False), labels=(False, False)) is None


def test_pairs_with_names_after_the_pronoun_in_speech():
    record = PairRecord((True, False, True), (False, True, False), "F")
    error = find_pair_error(
        TEXT, HER, [CARL, ANN, BOB], record, ALL, antecedent=None, probability=None
    )
    assert (error.kind, error.gold, error.guess) == ("cataphora", BOB, ANN)
    assert error.remarks == ("quoted speech",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('She said "I saw * once".', True),
        ('"No." * left.', False),
        ("“No,” she said, “I saw *.”", True),
        ("“No,” * said.", False),
        ("``I saw * '' was her answer", True),
        ("``No '' was * answer", False),
        ("「他看見了*」", True),
        # each paragraph opens its marks anew
        ('"And so on.\n\nThen * left.', False),
        ("It's *'s.", False),
    ],
)
def test_in_quotation(text, expected):
    assert in_quotation(text, text.index("*")) is expected
