import pytest

from spacy_lstm.coref.pronouns import (
    PronounTally,
    Response,
    judge_pronouns,
    nearest_antecedents,
    tally_pronouns,
)

TEXT = "Alice Smith met Bob. She greeted him, and it rained on her. When he left, Carl wept."


def at(words, nth=0):
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(words, start + 1)
    return start, start + len(words)


ALICE, BOB, CARL = at("Alice Smith"), at("Bob"), at("Carl")
SHE, HIM, IT, HER, HE = at("She"), at("him"), at("it", 1), at("her."), at("he left")
HER, HE = (HER[0], HER[1] - 1), (HE[0], HE[0] + 2)
KEY = [[ALICE, SHE, HER], [BOB, HIM], [HE, CARL]]


def judge(clusters=(), links=(), **kwargs):
    """The verdicts by pronoun."""
    response = Response(clusters, dict(links), dict.fromkeys(dict(links), 0.5))
    verdicts = judge_pronouns(TEXT, KEY, response, **kwargs)
    return {verdict.pronoun: verdict for verdict in verdicts}


def test_the_spans_are_what_they_say():
    assert [TEXT[slice(*span)] for span in (SHE, HIM, IT, HER, HE)] == [
        "She",
        "him",
        "it",
        "her",
        "he",
    ]


def test_right_and_wrong_and_missed_pronouns():
    links = {SHE: at("Smith"), HIM: ALICE, HE: CARL, IT: BOB}
    tallies = tally_pronouns(judge(links=links, mentions=[IT]).values())
    assert tallies == {
        # she is right by its head, her was missed
        "she": PronounTally(resolvable=2, resolved=1, predicted=1, right=1),
        # him is wrong; he, before its name, is right but not resolvable
        "he": PronounTally(resolvable=1, resolved=0, predicted=2, right=1),
        # a singleton has no antecedent to find
        "it": PronounTally(resolvable=0, resolved=0, predicted=1, right=0),
    }
    assert tallies["she"].scores() == {
        "accuracy": 0.5,
        "link_accuracy": 0.0,
        "p": 1.0,
        "r": 0.5,
        "f": pytest.approx(2 / 3),
        "n": 2.0,
    }


def test_tallies_add_up():
    one, two = PronounTally(5, 4, 3, 2, 1), PronounTally(resolvable=3, led=3)
    assert one + two == PronounTally(8, 4, 6, 2, 1)
    assert (one + two).scores()["link_accuracy"] == 6 / 8
    assert PronounTally().scores()["link_accuracy"] == 0.0


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        # the chain came from nobody, or from the wrong one: her itself was led right
        ([SHE, HER], True),
        ([BOB, SHE, HER], True),
        ([at("Smith"), HER], True),
        # the mention just before counts, not those before it or after it
        ([ALICE, SHE, HIM, HER], False),
        ([BOB, HER], False),
        ([HER, CARL], False),
        ([ALICE, SHE], False),
    ],
)
def test_the_right_cluster_is_that_of_the_mention_just_before(cluster, expected):
    assert judge([cluster])[HER].is_led is expected


def test_only_resolvable_pronouns_count_as_led():
    tally = tally_pronouns(judge([[BOB, HE]]).values())["he"]
    assert (tally.resolvable, tally.led) == (1, 0)
    assert not judge()[HE].is_resolvable
    tally = tally_pronouns(judge([[ALICE, SHE, HER]]).values())["she"]
    assert (tally.resolvable, tally.led, tally.resolved) == (2, 2, 0)


def test_a_mention_around_another_is_not_just_before_it():
    text = "Ann saw the man who lost his way."
    man, his = (8, 32), (25, 28)
    response = Response([[(0, 3), man, his]], {}, {})
    (verdict,) = judge_pronouns(text, [[(0, 3), his]], response)
    assert verdict.is_led


def test_pronouns_outside_the_annotation_do_not_count_in_tallies():
    verdicts = judge(links={IT: BOB})
    assert "it" not in tally_pronouns(verdicts.values())
    verdict = verdicts[IT]
    assert (verdict.names, verdict.is_annotated, verdict.is_right) == ([], False, False)
    assert (verdict.guess, verdict.probability) == (BOB, 0.5)


def test_nothing_is_known_of_pronouns_that_the_guideline_leaves_out():
    assert IT not in judge(links={IT: BOB}, complete=False)
    assert IT in judge(links={IT: BOB}, complete=False, mentions=[IT])


def test_a_pronoun_is_no_right_antecedent():
    tally = tally_pronouns(judge(links={HER: SHE}).values())["she"]
    assert (tally.predicted, tally.right) == (1, 0)


def test_a_mention_around_the_pronoun_does_not_make_it_resolvable():
    text = "The man who lost his way slept."
    response = Response([], {(17, 20): (0, 7)}, {})
    verdicts = judge_pronouns(text, [[(0, 24), (17, 20)]], response)
    assert tally_pronouns(verdicts)["he"] == PronounTally(predicted=1, right=1)


def test_nearest_antecedents():
    assert nearest_antecedents(TEXT, [*KEY, [IT]]) == {
        SHE: ALICE,
        HER: ALICE,
        HIM: BOB,
        HE: CARL,
    }
    assert nearest_antecedents(TEXT, [[BOB, CARL, ALICE, HE]])[HE] == BOB
