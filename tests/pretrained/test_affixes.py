import copy
import pickle
import re
from importlib import resources
from itertools import product
from random import Random
from string import ascii_letters

import pytest
import spacy
from spacy.lang.en.stop_words import STOP_WORDS

from spacy_lstm.benchmarking.texts import make_texts
from spacy_lstm.pretrained import load_pipeline
from spacy_lstm.pretrained.affixes import LetterSkipper, skip_letters

RULES = {"suffix_search": "search", "infix_finditer": "finditer", "url_match": "match"}
ODD_TEXTS = [
    "",
    "word",
    "It's the U.S.'s well-known 5km/h, I'd guess...they don't (e.g. A.B.), 3.50$!",
    "http://example.com/a?b=c, www.example.org and me@example.com; C++ 10°C. US$5",
    "naïve café—“quoted” words’ ends… word’s WORD'S 10mb mb 7GB. 12:30p.m. x=y a,b a.B",
    "line\nbreaks \t and  spaces\n\nüber 日本語 한국 🙂 :-) <3 word\u200b",
]


@pytest.fixture(scope="module")
def plain():
    return spacy.blank("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, plain):
    path = tmp_path_factory.mktemp("plain")
    plain.to_disk(path)
    return path


@pytest.fixture
def quick(folder):
    return load_pipeline(folder)


def tokens(nlp, texts):
    return [[(token.text, token.whitespace_) for token in nlp.make_doc(text)] for text in texts]


def spans(found):
    return None if found is None else found.span()


def assert_same(regexes, texts):
    skippers = {name: LetterSkipper(regex) for name, regex in regexes.items()}
    suffix, infix, url = (skippers[name] for name in RULES)
    for text in texts:
        assert spans(suffix.search(text)) == spans(suffix.regex.search(text)), text
        assert [*map(spans, infix.finditer(text))] == [*map(spans, infix.regex.finditer(text))]
        assert spans(url.match(text)) == spans(url.regex.match(text)), text


@pytest.fixture(scope="module")
def regexes(plain):
    return {name: getattr(plain.tokenizer, name).__self__ for name in RULES}


def test_all_words_up_to_three_letters(regexes):
    for length in (1, 2, 3):
        assert_same(regexes, map("".join, product(ascii_letters, repeat=length)))


def test_words_of_english_and_of_the_benchmark(regexes, plain):
    listed = resources.files("spacy_lstm.benchmarking").joinpath("sentences.txt").read_text("utf8")
    words = {*listed.split(), *STOP_WORDS, *plain.tokenizer.rules}
    words |= {word for text in make_texts(seed=5).take(90, 100) for word in text.split()}
    assert len(words) > 3000
    assert_same(regexes, [form for word in words for form in (word, word.upper(), word.title())])


@pytest.mark.parametrize("head", ["a", "Z", "AB", "km", "word", "Word"])
def test_letters_and_any_character_after_them(regexes, head):
    characters = map(chr, [*range(0x10000), *range(0x10000, 0x110000, 97)])
    assert_same(regexes, (head + character for character in characters))


@pytest.mark.parametrize(
    "alphabet", [ascii_letters, ascii_letters + "019", "abKM0.,:'-/$+", "aZé’…—s'.°FK9 \n"]
)
def test_random_spellings(regexes, alphabet):
    random = Random(1)
    assert_same(
        regexes, ("".join(random.choices(alphabet, k=random.randint(0, 9))) for _ in range(20_000))
    )


def test_a_loaded_pipeline_asks_less_and_splits_the_same(quick, plain):
    texts = ODD_TEXTS + make_texts(seed=6).take(90, 30)
    assert tokens(quick, texts) == tokens(plain, texts)
    assert quick.tokenizer.rules == plain.tokenizer.rules
    for text in ODD_TEXTS:
        assert quick.tokenizer.explain(text) == plain.tokenizer.explain(text)


def test_english_of_this_spacy_is_the_known_one(quick):
    """Where this fails, spaCy's rules changed: after the tests above held for the new ones, their
    hashes belong into the table."""
    for name in RULES:
        rule = getattr(quick.tokenizer, name)
        assert isinstance(getattr(rule, "__self__", None), LetterSkipper), name
        assert rule.__name__ == RULES[name]


def test_stored_as_spacy_stores_its_own(quick, plain, tmp_path):
    found, expected = (x.tokenizer.to_bytes(exclude=["strings"]) for x in (quick, plain))
    assert found == expected
    quick.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for name in RULES:
        assert isinstance(getattr(loaded.tokenizer, name).__self__, re.Pattern)
    assert tokens(loaded, ODD_TEXTS) == tokens(plain, ODD_TEXTS)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_go_the_same_way(quick, plain, duplicate):
    tokenizer = duplicate(quick.tokenizer)
    for name in RULES:
        assert isinstance(getattr(tokenizer, name).__self__, LetterSkipper)
    found = [[token.text for token in tokenizer(text)] for text in ODD_TEXTS]
    assert found == [[token.text for token in plain.tokenizer(text)] for text in ODD_TEXTS]


def test_two_processes(quick, plain):
    docs = quick.pipe(ODD_TEXTS, n_process=2, batch_size=2)
    assert [[token.text for token in doc] for doc in docs] == [
        [token.text for token in plain.make_doc(text)] for text in ODD_TEXTS
    ]


def test_rules_that_are_not_english_are_left_alone(plain):
    nlp = spacy.blank("en")
    suffix, infix, url = (getattr(nlp.tokenizer, name).__self__.pattern for name in RULES)
    nlp.tokenizer.suffix_search = re.compile(suffix + "|ed$").search
    nlp.tokenizer.infix_finditer = re.compile(infix, re.IGNORECASE).finditer
    nlp.tokenizer.url_match = re.compile(url).fullmatch
    rules = [getattr(nlp.tokenizer, name) for name in RULES]
    skip_letters(nlp.tokenizer)
    assert [getattr(nlp.tokenizer, name) for name in RULES] == rules
    assert [token.text for token in nlp("It walked.")] == ["It", "walk", "ed", "."]
    nlp.tokenizer.suffix_search = None
    nlp.tokenizer.infix_finditer = lambda text: iter(())
    skip_letters(nlp.tokenizer)
    assert nlp.tokenizer.suffix_search is None
    assert [token.text for token in nlp("well-known.")] == ["well-known."]


def test_one_known_rule_among_others():
    nlp = spacy.blank("en")
    nlp.tokenizer.suffix_search = None
    skip_letters(nlp.tokenizer)
    assert nlp.tokenizer.suffix_search is None
    assert isinstance(nlp.tokenizer.infix_finditer.__self__, LetterSkipper)
    assert [token.text for token in nlp("don't well-known.")] == [
        "do",
        "n't",
        "well",
        "-",
        "known.",
    ]


def test_other_tokenizers():
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: spacy.tokens.Doc(nlp.vocab, words=text.split("-"))
    skip_letters(nlp.tokenizer)
    assert [token.text for token in nlp("a-b")] == ["a", "b"]


def test_a_new_exception_is_heeded(quick):
    assert [token.text for token in quick("gimme that")] == ["gimme", "that"]
    quick.tokenizer.add_special_case("gimme", [{"ORTH": "gim"}, {"ORTH": "me"}])
    assert [token.text for token in quick("gimme that")] == ["gim", "me", "that"]
