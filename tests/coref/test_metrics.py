"""The metrics against figures from the papers and against a second, naive implementation."""

from fractions import Fraction
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.metrics import CorefTally, Tally, conll_f, tally_clusters

# --- a second implementation: from the definitions, slow, with exact fractions -----------


def naive_muc(side, other):
    kept = total = 0
    for cluster in side:
        # Count the parts by joining mentions one by one that some other cluster joins.
        parts = [{mention} for mention in cluster]
        for a, b in combinations(sorted(cluster), 2):
            if any(a in rival and b in rival for rival in other):
                joined = [part for part in parts if a in part or b in part]
                parts = [part for part in parts if part not in joined] + [set.union(*joined)]
        kept += len(cluster) - len(parts)
        total += len(cluster) - 1
    return kept, total


def naive_b_cubed(side, other):
    kept, total = Fraction(0), 0
    for cluster in side:
        for mention in cluster:
            total += 1
            for rival in other:
                if mention in rival:
                    kept += Fraction(sum(m in rival for m in cluster), len(cluster))
    return kept, total


def naive_phi4(a, b):
    return Fraction(2 * len(set(a) & set(b)), len(a) + len(b))


def naive_ceafe(key, response):
    few, many = sorted([key, response], key=len)
    return max(
        sum(naive_phi4(a, b) for a, b in zip(few, order, strict=True))
        for order in permutations(many, len(few))
    )


def naive_lea(side, other):
    resolved, total = Fraction(0), 0
    for cluster in side:
        total += len(cluster)
        if len(cluster) == 1:
            resolved += any(set(rival) == set(cluster) for rival in other)
            continue
        links = list(combinations(cluster, 2))
        kept = sum(any(a in rival and b in rival for rival in other) for a, b in links)
        resolved += len(cluster) * Fraction(kept, len(links))
    return resolved, total


def ratio(pair):
    return float(pair[0] / Fraction(pair[1])) if pair[1] else 0.0


@st.composite
def clusterings(draw):
    """A gold and a predicted clustering over up to eight mentions, neither one complete."""
    sides = []
    for _ in range(2):
        labels = draw(st.lists(st.integers(-1, 4), min_size=8, max_size=8))
        sides.append(
            [
                [m for m, label in enumerate(labels) if label == number]
                for number in sorted(set(labels) - {-1})
            ]
        )
    return sides


@given(clusterings())
def test_equals_the_naive_implementation(sides):
    key, response = sides
    tally = tally_clusters(key, response, singletons=True)
    for metric, naive in [
        (tally.muc, naive_muc),
        (tally.b_cubed, naive_b_cubed),
        (tally.lea, naive_lea),
    ]:
        assert metric.precision == pytest.approx(ratio(naive(response, key)))
        assert metric.recall == pytest.approx(ratio(naive(key, response)))
    similarity = naive_ceafe(key, response)
    assert tally.ceafe.precision == pytest.approx(ratio((similarity, len(response))))
    assert tally.ceafe.recall == pytest.approx(ratio((similarity, len(key))))
    shared = len(set().union(*key) & set().union(*response))
    assert tally.mention.p_num == tally.mention.r_num == shared


@given(clusterings())
def test_swapping_the_sides_swaps_precision_and_recall(sides):
    one, other = tally_clusters(*sides), tally_clusters(*reversed(sides))
    for name in ("muc", "b_cubed", "ceafe", "lea", "mention"):
        assert getattr(one, name).precision == pytest.approx(getattr(other, name).recall)


@given(clusterings())
def test_without_singletons_is_scoring_what_is_left(sides):
    left = [[cluster for cluster in side if len(cluster) > 1] for side in sides]
    assert tally_clusters(*sides) == tally_clusters(*left, singletons=True)


# --- figures from the papers; a letter is a mention --------------------------------------


def words(row):
    return [list(cluster) for cluster in row.split()]


@pytest.mark.parametrize(
    ("key", "response", "recall", "precision"),
    [
        ("ABCD", "AB CD", 2 / 3, 2 / 2),
        ("AB CD", "ABCD", 2 / 2, 2 / 3),
        ("ABCD", "AB", 1 / 3, 1 / 1),
        ("ABC", "AC", 1 / 2, 1 / 1),
        ("ABC DEFG", "ABC DE FGH", 4 / 5, 4 / 5),
    ],
)
def test_muc_by_hand(key, response, recall, precision):
    """The kinds of error of Vilain et al. 1995, worked by hand."""
    muc = tally_clusters(words(key), words(response)).muc
    assert (muc.recall, muc.precision) == pytest.approx((recall, precision))


@pytest.mark.parametrize(
    ("response", "muc_f", "b_cubed_f", "ceafe_f"),
    [
        ("12345 6789ABC", 0.947, 0.865, 0.733),
        ("1234589ABC 67", 0.947, 0.737, 0.667),
        ("123456789ABC", 0.900, 0.545, 0.294),
        ("1 2 3 4 5 6 7 8 9 A B C", 0.0, 0.400, 0.178),
    ],
)
def test_luo_2005_table_1(response, muc_f, b_cubed_f, ceafe_f):
    tally = tally_clusters(words("12345 67 89ABC"), words(response), singletons=True)
    assert (tally.muc.f, tally.b_cubed.f, tally.ceafe.f) == pytest.approx(
        (muc_f, b_cubed_f, ceafe_f), abs=6e-4
    )


@pytest.mark.parametrize(
    ("response", "precision"), [("12345 6789ABC", 16 / 21), ("1234589ABC 67", 7 / 12)]
)
def test_bagga_and_baldwin_1998(response, precision):
    b_cubed = tally_clusters(words("12345 67 89ABC"), words(response)).b_cubed
    assert (b_cubed.recall, b_cubed.precision) == pytest.approx((1.0, precision))


def test_moosavi_and_strube_2016():
    lea = tally_clusters(words("abc defg"), words("ab cd fghi")).lea
    assert lea.recall == pytest.approx((3 * 1 / 3 + 4 * 1 / 6) / 7)
    assert lea.precision == pytest.approx((2 * 1 + 2 * 0 + 4 * 1 / 6) / 8)


@pytest.mark.parametrize(
    ("response", "muc", "b_cubed", "ceafe", "lea"),
    [
        ("a bc def", (1, 1), (1, 1), (1, 1), (1, 1)),
        ("a de", (1 / 3, 1), (7 / 18, 1), (0.6, 0.9), (2 / 6, 1)),
        ("a bcx defy z", (1, 3 / 5), (1, 55 / 108), (31 / 35, 93 / 140), (1, 4 / 9)),
        ("a bcx dy z", (1 / 3, 1 / 3), (5 / 9, 17 / 42), (2.2 / 3, 0.55), (0.5, 2 / 7)),
        ("a bcxB dy z", (1 / 3, 1 / 4), (5 / 9, 5 / 16), (31 / 45, 31 / 60), (0.5, 5 / 24)),
        ("a bcx dy Bz", (1 / 3, 1 / 4), (5 / 9, 17 / 48), (2.2 / 3, 0.55), (0.5, 1 / 4)),
        # a mention twice counts where it stands first
        ("a bcx dy bz", (1 / 3, 1 / 3), (5 / 9, 17 / 42), (2.2 / 3, 0.55), (0.5, 2 / 7)),
        ("a b c d e f", (0, 0), (3 / 6, 1), None, (1 / 6, 1 / 6)),
        ("abcdef", (1, 3 / 5), (1, 14 / 36), None, (5 / 6, 4 / 15)),
    ],
)
def test_cases_a_of_the_reference_scorer(response, muc, b_cubed, ceafe, lea):
    """Key {a} {bc} {def}, as published with Pradhan et al. 2014; pairs (recall, precision)."""
    tally = tally_clusters(words("a bc def"), words(response), singletons=True)
    assert (tally.muc.recall, tally.muc.precision) == pytest.approx(muc)
    assert (tally.b_cubed.recall, tally.b_cubed.precision) == pytest.approx(b_cubed)
    assert (tally.lea.recall, tally.lea.precision) == pytest.approx(lea)
    if ceafe is not None:
        assert (tally.ceafe.recall, tally.ceafe.precision) == pytest.approx(ceafe)


def test_documents_add_up_before_dividing():
    first = tally_clusters(words("ab"), words("ab"))
    second = tally_clusters(words("abcd"), words("ab cd"))
    total = sum([first, second], CorefTally())
    assert total.muc.recall == pytest.approx(3 / 4)
    assert total.b_cubed.recall == pytest.approx(4 / 6)
    assert total.mention.f == 1.0


def test_conll_is_the_mean_of_three():
    tally = tally_clusters(words("12345 67 89ABC"), words("12345 6789ABC"))
    assert conll_f(tally) == pytest.approx((0.947 + 0.865 + 0.733) / 3, abs=1e-3)


def test_nothing_predicted_scores_nothing():
    tally = tally_clusters(words("ab cd"), [])
    assert conll_f(tally) == tally.lea.f == tally.mention.recall == 0.0
    assert tally_clusters([], []) == CorefTally()


def test_tally_divides_by_nothing():
    assert Tally().precision == Tally().recall == Tally().f == 0.0
