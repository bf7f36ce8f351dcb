import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.candidates import describe_mentions, pair_candidates, read_words
from spacy_lstm.coref.decode import (
    CorefScores,
    antecedent_probabilities,
    decode,
    reach,
)
from spacy_lstm.coref.words import Kind, Number, describe_word
from spacy_lstm.lexicons.gender import GENDERS

GENDER = {"Ann": "fem", "Tom": "masc"}


def scores_of(text, spans, logits, null=0.0):
    """Scores with the logits given by (anaphor, antecedent), all others hopeless."""
    codes = [
        describe_word(word, GENDERS.index(GENDER.get(word, "unknown"))) for word in text.split()
    ]
    words = read_words(np.array(codes), [len(codes)])
    start, end = np.array(spans).T
    mentions = describe_mentions(words, start, end)
    pairs = pair_candidates(mentions, backward=9, forward=9, same_head=0, max_distance=0)
    pair_logits = np.where(pairs.candidates >= 0, -20.0, -np.inf)
    for (i, j), value in logits.items():
        pair_logits[i, pairs.candidates[i] == j] = value
    return CorefScores(pair_logits, np.broadcast_to(null, len(spans)), mentions, pairs)


def decoded(scores, **options):
    """Of a single document."""
    lengths = [int(scores.mentions.end.max())]
    (found,) = decode(scores, lengths, **({"pronouns_only": False, "threshold": 0.0} | options))
    return found


ANN = ("Ann saw Tom . She waved", [(0, 1), (2, 3), (4, 5)])


def test_joins_the_best_candidate():
    found = decoded(scores_of(*ANN, {(2, 0): 3.0}))
    assert found.clusters == [[(0, 1), (4, 5)]]
    ((link,),) = found.links
    assert link.anaphor == (4, 5)
    assert link.antecedent == (0, 1)
    assert link.score == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-3)


def test_no_antecedent_wins_where_it_is_more_probable():
    assert decoded(scores_of(*ANN, {(2, 0): -1.0})).clusters == []


def test_threshold_abstains():
    scores = scores_of(*ANN, {(2, 0): 1.0})
    assert decoded(scores, threshold=0.7).clusters
    assert not decoded(scores, threshold=0.75).clusters


def test_a_link_is_as_sure_as_the_chain_that_leads_to_its_antecedent():
    text, spans = "Ann left . She sat . She ate", [(0, 1), (3, 4), (6, 7)]
    scores = scores_of(text, spans, {(1, 0): 1.0, (2, 1): 2.0})
    first, second = decoded(scores).links[0]
    sure = 1 / (1 + np.exp(-1.0))
    assert first.score == pytest.approx(sure, abs=1e-3)
    assert second.score == pytest.approx(sure / (1 + np.exp(-2.0)), abs=1e-3)


def test_a_mention_whose_chain_is_too_weak_leaves_its_cluster():
    text, spans = "Ann left . She sat . She ate", [(0, 1), (3, 4), (6, 7)]
    scores = scores_of(text, spans, {(1, 0): 1.0, (2, 1): 2.0})
    assert decoded(scores, threshold=0.65).clusters == [[(0, 1), (3, 4)]]
    assert decoded(scores, threshold=0.6).clusters == [spans]


def test_a_weak_link_between_names_parts_what_others_lead_to():
    text, spans = "Ann left . Ann sat . She ate", [(0, 1), (3, 4), (6, 7)]
    scores = scores_of(text, spans, {(1, 0): 1.5, (2, 1): 3.0})
    # From the log-odds 1.5 and 3 to 0.5 and 2: about 0.62 and 0.88.
    found = decoded(scores, threshold=0.7, link_offset=-1.0)
    assert found.clusters == [spans[1:]]
    assert [(link.anaphor, link.antecedent) for link in found.links[0]] == [((6, 7), (3, 4))]


def test_log_odds_of_links_are_scaled_and_shifted():
    scores = scores_of(*ANN, {(2, 0): 3.0})
    ((link,),) = decoded(scores, link_scale=0.5, link_offset=0.25).links
    assert link.score == pytest.approx(1 / (1 + np.exp(-1.75)), abs=1e-3)


def test_pronouns_without_a_name_obey_the_threshold_too():
    text, spans = "She left . She sat . She ate", [(0, 1), (3, 4), (6, 7)]
    scores = scores_of(text, spans, {(1, 0): 3.0, (2, 1): 1.0})
    assert decoded(scores, threshold=0.5).clusters == [spans]
    assert decoded(scores, threshold=0.8).clusters == [spans[:2]]
    assert decoded(scores, threshold=0.99).clusters == []


def test_a_links_own_decision_has_a_weight():
    text, spans = "Ann left . She sat . She ate", [(0, 1), (3, 4), (6, 7)]
    scores = scores_of(text, spans, {(1, 0): 1.0, (2, 1): 2.0})
    second = decoded(scores, link_scale=0.0, link_own=0.5).links[0][1]
    assert second.score == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-3)


def test_no_cluster_of_two_genders():
    logits = {(2, 1): 5.0, (2, 0): 4.9}
    assert decoded(scores_of(*ANN, logits)).clusters == [[(0, 1), (4, 5)]]
    he = scores_of("Ann saw Tom . He waved", ANN[1], logits)
    assert decoded(he).clusters == [[(2, 3), (4, 5)]]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("Ann saw it . She waved", True),
        ("Ann saw it . It waved", False),
        ("dogs saw it . It waved", False),
        ("dogs saw it . They waved", True),
        ("it saw it . She waved", False),
    ],
)
def test_no_cluster_of_person_and_thing_or_of_two_numbers(text, joined):
    found = decoded(scores_of(text, [(0, 1), (4, 5)], {(1, 0): 5.0}))
    assert found.clusters == ([[(0, 1), (4, 5)]] if joined else [])


def test_a_cluster_has_the_gender_of_any_of_its_mentions():
    text, spans = "friend came . She sat . It ate", [(0, 1), (3, 4), (6, 7)]
    found = decoded(scores_of(text, spans, {(1, 0): 5.0, (2, 0): 5.0}))
    assert found.clusters == [[(0, 1), (3, 4)]]


def test_a_cluster_adds_up_its_mentions():
    text = "Ann met a friend . She waved . She left"
    spans = [(0, 1), (2, 4), (5, 6), (8, 9)]
    logits = {(2, 0): 5.0, (3, 1): 1.0, (3, 0): 0.8, (3, 2): 0.8}
    found = decoded(scores_of(text, spans, logits))
    assert found.clusters == [[(0, 1), (5, 6), (8, 9)]]


def test_cataphora_links_to_the_later_name():
    found = decoded(scores_of("When she woke Ann ate", [(1, 2), (3, 4)], {(0, 1): 4.0}))
    assert found.clusters == [[(1, 2), (3, 4)]]
    ((link,),) = found.links
    assert (link.anaphor, link.antecedent) == ((1, 2), (3, 4))


def test_pronouns_only_leaves_names_apart():
    text, spans = "Ann left . Ann said she", [(0, 1), (3, 4), (5, 6)]
    scores = scores_of(text, spans, {(1, 0): 5.0, (2, 1): 5.0})
    assert decoded(scores).clusters == [[(0, 1), (3, 4), (5, 6)]]
    assert decoded(scores, pronouns_only=True).clusters == [[(3, 4), (5, 6)]]


def test_a_pronoun_inside_its_antecedent_is_not_linked_to_it():
    found = decoded(scores_of("sister of hers", [(0, 3), (2, 3)], {(1, 0): 5.0}))
    assert found.clusters == [[(0, 3), (2, 3)]]
    assert found.links == [[]]


def test_what_a_phrase_opens_with_is_not_what_it_is():
    assert decoded(scores_of("her mother ran", [(0, 1), (0, 2)], {})).clusters == []
    pairs = scores_of("Ann hit her mother", [(0, 1), (2, 3), (2, 4)], {}).pairs
    assert {(2, 1), (1, 2)}.isdisjoint(
        zip(pairs.anaphor.tolist(), pairs.antecedent.tolist(), strict=True)
    )


def test_a_pronoun_that_only_others_joined_has_the_score_of_that_join():
    text, spans = "She left . Ann slept . She ate", [(0, 1), (3, 4), (6, 7)]
    # Ann leads back to the first pronoun, the second one surely to Ann.
    found = decoded(scores_of(text, spans, {(1, 0): 1.0, (2, 1): 9.0}))
    assert found.clusters == [spans]
    first, second = found.links[0]
    assert (first.anaphor, first.antecedent) == ((0, 1), (3, 4))
    assert first.score == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-3)
    assert second.score > 0.99


# Ten words: names and pronouns in turn, so that links lead both ways.
MIXED = "She Ann it he Tom they Ann her Tom she"


@given(
    st.lists(st.floats(-6, 6), min_size=200, max_size=200),
    st.lists(st.floats(-3, 3), min_size=10, max_size=10),
    st.sampled_from([0.0, 0.3, 0.6, 0.9]),
    st.booleans(),
)
def test_every_link_obeys_the_threshold(logits, null, threshold, pronouns_only):
    scores = scores_of(MIXED, [(i, i + 1) for i in range(10)], {}, null=np.array(null))
    there = scores.pairs.candidates >= 0
    values = np.resize(np.array(logits), there.sum())
    scores.pair_logits[there] = values
    calibration = {"link_scale": 0.6, "link_own": 0.2, "link_offset": 0.5}
    options = {"pronouns_only": pronouns_only, **calibration}
    found = decoded(scores, threshold=threshold, **options)
    every = [link for links in decoded(scores, **options).links for link in links]
    assert sorted(link for links in found.links for link in links) == sorted(
        link for link in every if link.score >= threshold
    )
    for cluster, links in zip(found.clusters, found.links, strict=True):
        assert cluster == sorted(set(cluster))
        assert len({link.anaphor for link in links}) == len(links)
        for link in links:
            assert threshold <= link.score <= 1
            assert link.anaphor in cluster
            assert link.antecedent in cluster
            assert link.antecedent != link.anaphor


def plain_clusters(scores, pronouns_only):
    """The clusters by definition: sets of mentions, searched one by one."""
    p = antecedent_probabilities(scores)
    mentions, candidates = scores.mentions, scores.pairs.candidates
    clusters = [{i} for i in range(len(p))]
    gender, number = mentions.gender.tolist(), mentions.number.tolist()
    masc, fem, neut = (GENDERS.index(name) for name in ("masc", "fem", "neut"))

    def find(i):
        return next(place for place, cluster in enumerate(clusters) if i in cluster)

    for i in range(len(p)):
        if p[i, 0] >= 0.5 or (pronouns_only and not mentions.is_pronoun[i]):
            continue
        sums = {}
        for j, probability in zip(candidates[i], p[i, 1:], strict=True):
            if probability > 0.01:
                sums[find(j)] = sums.get(find(j), 0.0) + probability
        own = find(i)
        for place in sorted(sums, key=lambda place: -sums[place]):
            if sums[place] <= p[i, 0]:
                break
            singular = mentions.kind[i] in (Kind.HE, Kind.SHE, Kind.IT)
            two_genders = len({gender[own], gender[place]} & {masc, fem, neut}) > 1
            if two_genders or (singular and number[place] == Number.PLURAL):
                continue
            if place != own:
                clusters[place] |= clusters[own]
                clusters[own] = set()
                if gender[place] not in (masc, fem):
                    gender[place] = gender[own] or gender[place]
                number[place] = number[place] or number[own]
            break
    spans = list(zip(mentions.start.tolist(), mentions.end.tolist(), strict=True))
    return sorted([spans[i] for i in sorted(c)] for c in clusters if len(c) > 1)


def random_scores(seed, gaps):
    """Scores of documents of the ten words, each after so many words that are nobody's."""
    random = np.random.default_rng(seed)
    words, codes, spans, lengths = MIXED.split(), [], [], []
    for gap in gaps:
        first = len(codes) + gap
        spans += [(first + i, first + i + 1) for i in range(len(words))]
        for word in ["."] * gap + words:
            codes.append(describe_word(word, GENDERS.index(GENDER.get(word, "unknown"))))
        lengths.append(gap + len(words))
    mentions = describe_mentions(read_words(np.array(codes), lengths), *np.array(spans).T)
    pairs = pair_candidates(mentions, backward=9, forward=9, same_head=0, max_distance=0)
    logits = random.normal(0, random.uniform(0.5, 4), pairs.candidates.shape).astype(np.float32)
    null = random.normal(random.uniform(-2, 2), 1.0, len(spans)).astype(np.float32)
    return CorefScores(
        np.where(pairs.candidates >= 0, logits, -np.inf), null, mentions, pairs
    ), lengths


@given(st.integers(0, 2**32), st.booleans())
def test_clusters_are_those_of_the_definition(seed, pronouns_only):
    scores, _ = random_scores(seed, [0])
    found = decoded(scores, pronouns_only=pronouns_only)
    assert found.clusters == plain_clusters(scores, pronouns_only)


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.5]),
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
)
def test_documents_together_and_alone(seed, threshold, gaps):
    """A batch gives what each of its documents gives, in the document's own tokens."""
    scores, lengths = random_scores(seed, gaps)
    options = {"pronouns_only": False, "threshold": threshold, "temperature": 1.3}
    together = decode(scores, lengths, **options)
    for number, (found, gap, length) in enumerate(zip(together, gaps, lengths, strict=True)):
        assert found == decode(scores.of_document(number), lengths, **options)[number]
        for start, end in (span for cluster in found.clusters for span in cluster):
            assert gap <= start < end <= length


@given(st.floats(0.1, 10), st.lists(st.floats(-30, 30), min_size=3, max_size=3))
def test_probabilities_sum_to_one(temperature, values):
    scores = scores_of(*ANN, {(2, 0): values[0], (2, 1): values[1]}, null=values[2])
    p = antecedent_probabilities(scores, temperature)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert (p >= 0).all()


def test_reach_adds_chains():
    text = "Ann met Eve . She waved . She left"
    spans = [(0, 1), (2, 3), (4, 5), (7, 8)]
    scores = scores_of(text, spans, {(2, 0): 0.0, (3, 2): 0.0, (3, 1): 0.0})
    p = antecedent_probabilities(scores)
    hits = np.array([[True, False], [False, True], [False, False], [False, False]])
    # Ann only through the first she (1/3 × 1/2), Eve directly (1/3).
    np.testing.assert_allclose(reach(p, scores, 3, hits), [1 / 6, 1 / 3], atol=1e-6)


def test_reach_stops_at_the_first_target():
    text, spans = "Ann left . She and she", [(0, 1), (3, 4), (5, 6)]
    scores = scores_of(text, spans, {(1, 0): 9.0, (2, 1): 9.0, (2, 0): 9.0})
    p = antecedent_probabilities(scores)
    hits = np.array([[True, False], [False, True], [False, False]])
    assert reach(p, scores, 2, hits).sum() == pytest.approx(1.0, abs=1e-3)
