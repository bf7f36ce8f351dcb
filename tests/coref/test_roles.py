import numpy as np
import pytest

from spacy_lstm.coref.candidates import Pairs, describe_mentions, read_words
from spacy_lstm.coref.roles import ROLE_FEATURES, RoleFeatures, Roles
from spacy_lstm.coref.syntax import RELATIONS
from spacy_lstm.coref.words import FINE_TYPES, describe_word

# Each word with its relation and the place of its head.
TREES = {
    "John saw himself": "nsubj 1 root 1 obj 1",
    "John sold his car": "nsubj 1 root 1 nmod 3 obj 1",
    "mothers of boys saw them": "nsubj 3 case 2 nmod 0 root 3 obj 3",
    "a sister who hurt herself": "det 1 root 1 nsubj 3 acl 1 obj 3",
    "John left . He slept": "nsubj 1 root 1 punct 1 nsubj 4 root 4",
}


def features_of(text, first, second):
    """(structure, fine type, roles, distance) of the second word as the anaphor of the first."""
    tree = TREES[text].split()
    heads = np.array(tree[1::2], dtype=np.int64)
    relations = np.array([RELATIONS[name] for name in tree[::2]])
    names = text.split()
    words = read_words(np.array([describe_word(word, 0) for word in names]), [len(names)])
    start = np.arange(len(names))
    mentions = describe_mentions(words, start, start + 1)
    roles = Roles(relations, heads, heads[heads])
    candidates = np.full((len(names), 1), -1)
    candidates[names.index(second), 0] = names.index(first)
    pairs = Pairs.find(candidates)
    ((structure, role),) = RoleFeatures(roles, mentions, words.sentence).of(
        pairs.anaphor, pairs.antecedent
    )
    role -= ROLE_FEATURES["structure"]
    return structure // FINE_TYPES, role // 3 // 6, role // 3 % 6, role % 3


@pytest.mark.parametrize(
    ("text", "first", "second", "structure", "roles"),
    [
        ("John saw himself", "John", "himself", 4, (1, 0)),
        ("John sold his car", "John", "his", 7, (3, 0)),
        ("John sold his car", "his", "car", 3, (1, 3)),
        ("mothers of boys saw them", "boys", "them", 8, (1, 3)),
        ("a sister who hurt herself", "sister", "herself", 5, (1, 4)),
        ("a sister who hurt herself", "who", "herself", 4, (1, 0)),
        ("John left . He slept", "John", "He", 0, (0, 0)),
    ],
)
def test_structure(text, first, second, structure, roles):
    found = features_of(text, first, second)
    assert found[0] == structure
    assert found[1:3] == roles
    assert found[3] == int("." in text)


def test_values_stay_within_their_features():
    rng = np.random.default_rng(0)
    text = "John sold his car . He liked himself and it very much ."
    names = text.split()
    words = read_words(np.array([describe_word(word, 0) for word in names]), [len(names)])
    start = np.arange(len(names))
    mentions = describe_mentions(words, start, start + 1)
    candidates = rng.integers(0, len(names), (len(names), 9))
    pairs = Pairs.find(candidates)
    roles = Roles(
        rng.integers(0, len(RELATIONS), len(names)), *rng.integers(0, len(names), (2, len(names)))
    )
    found = RoleFeatures(roles, mentions, words.sentence).of(pairs.anaphor, pairs.antecedent)
    first, both = ROLE_FEATURES["structure"], sum(ROLE_FEATURES.values())
    assert found.shape == (len(pairs.anaphor), 2)
    assert ((found[:, 0] >= 0) & (found[:, 0] < first)).all()
    assert ((found[:, 1] >= first) & (found[:, 1] < both)).all()
