"""The patterns of sentiment: labels follow from frames and words, and none of them prevails."""

import importlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
NAME = "sentiment_patterns_en"
LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")
# None of these words may tell a label by itself.
FUNCTION_WORDS = """
    not never no nothing nobody none neither hardly without but although though despite while even
    yet too than if all so still used before the i it we
"""
WORDS = """
domains*: film, food
any*: film, food, person
N_film*: film
N_food*: soup
N_person*: teacher
G+*: good
G-*: bad
A_food+*: tasty
A_food-*: bland
like+*: love/loves/loved/loving
like-*: hate/hates/hated/hating
S+*: excellent
S-*: awful
kin*: aunt, uncle
"""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    path = CORPUS / NAME / "train.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, which is no installed package."""
    monkeypatch.syspath_prepend(str(CORPUS))
    return importlib.import_module("source.sentiment_patterns")


@pytest.fixture
def vocabulary(source: ModuleType) -> Any:
    return importlib.import_module("source.templates").read_vocabulary(WORDS, "f m n")


def make(source: ModuleType, vocabulary: Any, *lines: str) -> set[tuple[str, str]]:
    """The texts of frames with their labels, before they are varied."""
    patterns = source.read_patterns(["== x 1 1 1", *lines])
    writer = source.Writer(patterns, vocabulary, random.Random("test"))
    return {
        (source.label_of(frame, side), writer.write(frame, side))
        for _ in range(40)
        for frame in patterns.frames["x"]
        for side in (source.GOOD, source.BAD)
    }


def test_enough_rows_in_a_small_file(rows: list[dict[str, Any]]) -> None:
    assert 21_000 <= len(rows) <= 23_000
    assert (CORPUS / NAME / "train.jsonl").stat().st_size <= 1_600_000
    assert all(set(row) == {"text", "label"} for row in rows)


def test_labels_are_balanced(rows: list[dict[str, Any]]) -> None:
    counts = Counter(row["label"] for row in rows)
    assert set(counts) == {0, 1, 2}
    shares = [counts[label] / len(rows) for label in range(3)]
    assert shares == pytest.approx([0.40, 0.25, 0.35], abs=0.02)


@pytest.mark.parametrize("word", FUNCTION_WORDS.split())
def test_no_function_word_tells_the_label(rows: list[dict[str, Any]], word: str) -> None:
    counts = Counter(
        row["label"] for row in rows if word in re.findall(r"[\w']+", row["text"].lower())
    )
    assert sum(counts.values()) >= 30
    assert max(counts.values()) <= 0.65 * sum(counts.values())


@pytest.mark.parametrize(
    "construction",
    [
        r"(?:never|not once) (?:have|has|did|was|were)",
        r"(?:nobody|no one|there's no|there is no|nothing) .*(?:n't|not|fail)",
        r"could ?n.t (?:be|have been) (?:more|less|better|worse)",
    ],
)
def test_a_construction_of_negation_takes_both_sides(
    rows: list[dict[str, Any]], construction: str
) -> None:
    counts = Counter(row["label"] for row in rows if re.search(construction, row["text"].lower()))
    assert min(counts[0], counts[2]) >= 0.3 * (counts[0] + counts[2]) >= 12


def test_texts_differ_and_are_well_formed(rows: list[dict[str, Any]]) -> None:
    texts = [row["text"] for row in rows]
    assert len({text.lower() for text in texts}) == len(texts)
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"[{}\[\]|^~%]|  |a/an|<(?!3)", text.replace("^_^", "")), text
        assert not re.search(r"\b[Aa] [aeio]\w", text.replace("A one", "")), text
    assert {len(text.split()) for text in texts} >= set(range(1, 35))


def test_texts_are_not_all_of_one_mould(rows: list[dict[str, Any]]) -> None:
    firsts = Counter(" ".join(row["text"].lower().split()[:3]) for row in rows)
    assert len(firsts) > 5000
    assert max(firsts.values()) < 0.01 * len(rows)


def test_datasets_loads_it_with_its_card(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    program = (
        "import json, sys, datasets\n"
        "data = datasets.load_dataset(sys.argv[2], cache_dir=sys.argv[1])\n"
        "found = [{s: len(d) for s, d in data.items()}, data['train'].features['label'].names]\n"
        "print(json.dumps(found))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), f"corpus/{NAME}"],
        cwd=CORPUS.parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout.splitlines()[-1]) == [{"train": len(rows)}, list(LABELS)]
    card = (CORPUS / NAME / "README.md").read_text(encoding="utf-8")
    counts = Counter(row["label"] for row in rows)
    total = " | ".join(str(counts[label]) for label in range(3))
    assert f"| all | {total} | {len(rows)} |" in card


def test_labels_follow_the_side_of_the_words(source: ModuleType, vocabulary: Any) -> None:
    assert make(source, vocabulary, "= @food | it was {^S}.", "! @food | not {^S}!") == {
        ("POSITIVE", "It was excellent."),
        ("NEGATIVE", "It was awful."),
        ("NEGATIVE", "Not excellent!"),
        ("POSITIVE", "Not awful!"),
    }
    contrast = make(source, vocabulary, "= @film | {~S}, but I {^like:ed} the {N} <a lot/never>")
    assert contrast == {
        ("POSITIVE", "Awful, but I loved the film a lot"),
        ("NEGATIVE", "Excellent, but I hated the film never"),
    }


def test_fixed_labels_and_fixed_words(source: ModuleType, vocabulary: Any) -> None:
    assert make(
        source, vocabulary, "+ | too {S+} for {S-}.", "- | {S-}.", "0 | {like+} or {like-}?"
    ) == {
        ("POSITIVE", "Too excellent for awful."),
        ("NEGATIVE", "Awful."),
        ("NEUTRAL", "Love or hate?"),
    }
    assert make(source, vocabulary, "0 | is it {S}?") == {
        ("NEUTRAL", "Is it excellent?"),
        ("NEUTRAL", "Is it awful?"),
    }


def test_domains_have_words_of_their_own(source: ModuleType, vocabulary: Any) -> None:
    assert make(source, vocabulary, "= | a/an {N} is {^A}.") == {
        ("POSITIVE", "A film is good."),
        ("NEGATIVE", "A film is bad."),
        ("POSITIVE", "A soup is good."),
        ("POSITIVE", "A soup is tasty."),
        ("NEGATIVE", "A soup is bad."),
        ("NEGATIVE", "A soup is bland."),
    }
    everything = make(source, vocabulary, "0 @any | {N}")
    assert {text for _, text in everything} == {"Film", "Soup", "Teacher"}


def test_macros_are_sentences_of_a_side(source: ModuleType, vocabulary: Any) -> None:
    made = make(
        source, vocabulary, "= @film | {~%view}. But {^%view}!", ":: view", "the {N} is {^S}"
    )
    assert made == {
        ("POSITIVE", "The film is awful. But the film is excellent!"),
        ("NEGATIVE", "The film is excellent. But the film is awful!"),
    }


def test_numbers_recall_words_and_articles_agree(source: ModuleType, vocabulary: Any) -> None:
    made = make(source, vocabulary, "0 | {kin1} and {kin} and {kin1} and a/an {kin1}")
    assert {text for _, text in made} == {
        "Aunt and uncle and aunt and an aunt",
        "Uncle and aunt and uncle and an uncle",
    }
    odd = make(source, vocabulary, "0 | a/an [useful|uninspired|honest|one-day|user] a/an [hour|b]")
    assert {text for _, text in odd} == {
        f"{first} {second}"
        for first in ("A useful", "An uninspired", "An honest", "A one-day", "A user")
        for second in ("an hour", "a b")
    }


def test_words_may_be_stretched_shouted_or_mistyped(source: ModuleType, vocabulary: Any) -> None:
    stretched = {text for _, text in make(source, vocabulary, "+ | so {S+:long}")}
    assert all(re.sub(r"(\w)\1{2,}", r"\1", text) == "So excellent" for text in stretched)
    assert all(re.search(r"(\w)\1{2,}", text) for text in stretched)
    mistyped = {text for _, text in make(source, vocabulary, "+ | {S+:typo} x")}
    assert len(mistyped - {"Excellent x"}) > 5
    assert all(text.startswith("E") and 10 <= len(text) <= 12 for text in mistyped)
    assert make(source, vocabulary, "+ | an {S+:caps} day", "- caps | it is {S-}") == {
        ("POSITIVE", "An EXCELLENT day"),
        ("NEGATIVE", "IT IS AWFUL"),
    }
    assert make(source, vocabulary, "- lower | I am {S-}") == {("NEGATIVE", "i am awful")}


def test_the_same_seed_gives_the_same_texts_and_taken_ones_are_left_out(
    source: ModuleType, vocabulary: Any
) -> None:
    lines = ["== x 2 1 2", "= | it is {^S} for my {kin}.", "0 @film | the {N}."]
    patterns = source.read_patterns(lines)
    made = source.make_patterns("seed", patterns, vocabulary)
    assert made == source.make_patterns("seed", patterns, vocabulary)
    assert made != source.make_patterns("another", patterns, vocabulary)
    assert Counter(row.label for row in made) == {"NEGATIVE": 2, "NEUTRAL": 1, "POSITIVE": 2}
    taken = source.make_patterns("seed", patterns, vocabulary, lambda text: text == made[0].text)
    assert made[0].text not in {row.text for row in taken}


def test_varied_texts_keep_their_words(source: ModuleType, vocabulary: Any) -> None:
    writer = source.Writer(source.read_patterns([]), vocabulary, random.Random("test"))
    text = "It isn't good, I can't say."
    found: dict[str, int] = defaultdict(int)
    for _ in range(400):
        found[writer.vary(text, "NEGATIVE")] += 1
    for variant in (
        "It is not good, I cannot say.",
        "It isnt good, I cant say.",
        "it isn't good, i can't say.",
        "It isn't good, I can't say",
        "It isn't good, I can't say!",
        text,
    ):
        assert found[variant], variant
    plain = {re.sub(r"\W| not|n.?t\b", "", variant.lower()) for variant in found}
    assert plain == {"itisgoodicasay", "itisgoodicansay"}
    # A question keeps its order.
    asked = {writer.vary("Isn't it good?", "POSITIVE") for _ in range(2000)}
    assert asked == {"Isn't it good?", "Isnt it good?", "isn't it good?", "isnt it good?"}
    begun = {writer.vary(text, "NEGATIVE") for text in ("Can't say", "Won't go") for _ in range(99)}
    assert {"Cannot say", "Will not go", "Can't say", "Won't go"} <= begun
    assert not any(re.match("ca not|wo not", text.lower()) for text in begun)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("? | a frame", "no label '\\?' in the head '\\?'; there are = ! \\+ - 0"),
        ("0 | {Film}", "no word list 'Film'"),
        ("0 | {S:odd}", "no form 'odd' of a word"),
    ],
)
def test_wrong_frames_are_refused(
    source: ModuleType, vocabulary: Any, line: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(source, vocabulary, line)


def test_too_few_texts_are_an_error(source: ModuleType, vocabulary: Any) -> None:
    patterns = source.read_patterns(["== x 3 0 0", "- | {S-}"])
    with pytest.raises(ValueError, match="only 1 of 3 NEGATIVE texts of x"):
        source.make_patterns("seed", patterns, vocabulary)


def test_texts_close_to_a_test_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CORPUS))
    close_to = importlib.import_module("source.closeness").close_to
    is_close = close_to(["Never mind.", "The cat sat on the mat today."])
    assert is_close("never mind.")
    assert is_close("The cat sat on the mat now!")
    assert not is_close("Never mind the cat.")
    assert not is_close("The cat sat on a chair and the dog slept on the mat.")
