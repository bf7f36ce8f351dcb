"""The embedded datasets: complete, aligned, without leaks, made by their generator."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import spacy

from spacy_lstm.lexicons.gender import read_gender_lexicon

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
SPLITS = ("train", "dev", "test")
COREF = ("coref_en", "coref_zh")
SENTIMENT = ("sentiment_en", "sentiment_zh")
ENGLISH = """
    he him his himself she her hers herself it its itself they them their theirs themselves themself
    xe xem xyr ze hir ey em eir
"""
PRONOUNS = {
    "coref_en": set(ENGLISH.split()),
    "coref_zh": {"他", "她", "它", "他们", "她们", "它们", "自己"},
}

Row = dict[str, Any]


def read(name: str, split: str) -> list[Row]:
    lines = (CORPUS / name / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_all(name: str) -> dict[str, list[Row]]:
    return {split: read(name, split) for split in SPLITS}


def mentions(row: Row) -> list[list[str]]:
    """The clusters as texts."""
    tokens, text = row["tokens"], row["text"]
    return [
        [text[tokens[start][0] : tokens[end - 1][1]] for start, end in cluster]
        for cluster in row["clusters"]
    ]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The modules of the generator, which is no installed package."""
    monkeypatch.syspath_prepend(str(CORPUS))
    return {n: importlib.import_module(f"source.{n}") for n in ("markup", "templates")}


def test_datasets_loads_every_folder_offline(tmp_path: Path) -> None:
    program = (
        "import json, sys, datasets\n"
        "found = {}\n"
        "for name in sys.argv[2:]:\n"
        "    data = datasets.load_dataset(name, cache_dir=sys.argv[1])\n"
        "    label = data['train'].features.get('label')\n"
        "    found[name] = [{s: len(d) for s, d in data.items()}, getattr(label, 'names', None)]\n"
        "    found[name].append(data['train'][0])\n"
        "print(json.dumps(found))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), *[f"corpus/{n}" for n in COREF + SENTIMENT]],
        cwd=CORPUS.parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout.splitlines()[-1])
    for name in COREF + SENTIMENT:
        sizes, labels, first = found[f"corpus/{name}"]
        rows = read_all(name)
        assert sizes == {
            "train": len(rows["train"]),
            "validation": len(rows["dev"]),
            "test": len(rows["test"]),
        }
        assert labels == (["NEGATIVE", "NEUTRAL", "POSITIVE"] if name in SENTIMENT else None)
        assert first == rows["train"][0]


@pytest.mark.parametrize(("name", "least", "hand"), [("coref_en", 700, 120), ("coref_zh", 240, 50)])
def test_enough_passages_with_pronouns(name: str, least: int, hand: int) -> None:
    rows = [row for split in SPLITS for row in read(name, split)]
    third_person = [
        row
        for row in rows
        if any(text.lower() in PRONOUNS[name] for cluster in mentions(row) for text in cluster)
    ]
    assert len(third_person) >= least
    assert sum(row["meta"]["origin"] == "hand" for row in rows) >= hand


@pytest.mark.parametrize(
    ("name", "least", "hand"), [("sentiment_en", 700, 120), ("sentiment_zh", 240, 50)]
)
def test_enough_texts_with_sentiment(name: str, least: int, hand: int) -> None:
    splits = read_all(name)
    rows = [row for split in splits.values() for row in split]
    assert len(rows) >= least
    assert sum(row["origin"] == "hand" for row in rows) >= hand
    for split in splits.values():
        labels = Counter(row["label"] for row in split)
        assert set(labels) == {0, 1, 2}
        assert max(labels.values()) < 0.6 * len(split)


@pytest.mark.parametrize("name", COREF + SENTIMENT)
def test_shares_of_the_splits(name: str) -> None:
    sizes = {split: len(rows) for split, rows in read_all(name).items()}
    total = sum(sizes.values())
    assert 0.64 < sizes["train"] / total < 0.76
    assert sizes["dev"] / total > 0.12
    assert sizes["test"] / total > 0.12


@pytest.mark.parametrize("name", COREF)
@pytest.mark.parametrize("split", SPLITS)
def test_tokens_are_those_of_the_blank_pipeline(name: str, split: str) -> None:
    nlp = spacy.blank(name[-2:])
    for row in read(name, split):
        expected = [[token.idx, token.idx + len(token)] for token in nlp.make_doc(row["text"])]
        assert row["tokens"] == expected, row["id"]


@pytest.mark.parametrize("name", COREF)
@pytest.mark.parametrize("split", SPLITS)
def test_clusters_and_sentences_fit_the_tokens(name: str, split: str) -> None:
    ids = []
    for row in read(name, split):
        ids.append(row["id"])
        assert row["source"] == f"embedded_{name[-2:]}"
        count = len(row["tokens"])
        spans = [tuple(span) for cluster in row["clusters"] for span in cluster]
        assert len(spans) == len(set(spans)), f"{row['id']}: one span in two clusters"
        assert all(0 <= start < end <= count for start, end in spans)
        assert all(cluster == sorted(cluster) and cluster for cluster in row["clusters"])
        for a, b in spans:
            crossing = [(c, d) for c, d in spans if a < c < b < d]
            assert not crossing, f"{row['id']}: {crossing} crosses {(a, b)}"
        assert row["sents"][0][0] == 0
        assert row["sents"][-1][1] == count
        assert all(a[1] == b[0] for a, b in zip(row["sents"], row["sents"][1:], strict=False))
        for text in (text for cluster in mentions(row) for text in cluster):
            assert text == text.strip()
            assert not text.endswith(("'s", ",", ".", "，", "。"))
    assert len(ids) == len(set(ids))


def test_third_person_pronouns_of_one_cluster_agree() -> None:
    """She and he never share a cluster, and a *they* only does if nothing else says he or she."""
    forms = {
        form: gender
        for gender, words in {
            "f": "she her hers herself",
            "m": "he him his himself",
            "it": "it its itself",
        }.items()
        for form in words.split()
    }
    for split in SPLITS:
        for row in read("coref_en", split):
            for cluster in mentions(row):
                genders = {forms[text.lower()] for text in cluster if text.lower() in forms}
                assert len(genders) <= 1, (row["id"], cluster)


@pytest.mark.parametrize("name", COREF + SENTIMENT)
def test_every_phenomenon_is_in_every_split(name: str) -> None:
    kinds = {
        split: {(row.get("meta") or row)["phenomenon"] for row in rows}
        for split, rows in read_all(name).items()
    }
    assert kinds["train"] == kinds["dev"] == kinds["test"]
    assert len(kinds["train"]) >= {"coref_en": 23, "coref_zh": 14}.get(name, 11)


@pytest.mark.parametrize("name", COREF + SENTIMENT)
def test_no_text_leaks_between_splits(name: str, source: dict[str, ModuleType]) -> None:
    language = name[-2:]
    vocabulary = source["templates"].read_vocabulary(
        (CORPUS / "source" / f"words_{language}.txt").read_text(encoding="utf-8"),
        (CORPUS / "source" / f"agreement_{language}.txt").read_text(encoding="utf-8"),
    )
    lists = ("name_f", "name_m", "name_n", "surname")
    names = {w for n in lists for w in vocabulary.words.get(n, [])}
    longest_first = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    edge = r"\b" if language == "en" else ""
    name_pattern = re.compile(f"{edge}(?:{longest_first}){edge}")
    seen: dict[str, str] = {}
    for split, rows in read_all(name).items():
        texts = [row["text"] for row in rows]
        assert len(texts) == len(set(texts))
        for text in texts:
            masked = name_pattern.sub("NAME", text)
            assert seen.setdefault(masked, split) == split, text


def test_no_near_duplicates_between_english_splits() -> None:
    """No text shares most of its word triples with a text of another split."""
    for name in ("coref_en", "sentiment_en"):
        triples = {
            split: [(row["text"], word_triples(row["text"])) for row in rows]
            for split, rows in read_all(name).items()
        }
        for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
            for text, mine in triples[one]:
                for near, theirs in triples[other]:
                    shared = len(mine & theirs) / max(1, len(mine | theirs))
                    assert shared < 0.6, (text, near)


def word_triples(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def all_texts(name: str) -> dict[str, Row]:
    return {row["text"]: row for split in SPLITS for row in read(name, split)}


@pytest.mark.parametrize(
    ("name", "text", "clusters"),
    [
        ("coref_en", "Alice is happy. She smiles.", [["Alice", "She"]]),
        ("coref_en", "The cat which ate the fish is fat.", [["The cat"], ["the fish"]]),
        ("coref_zh", "猫追老鼠，它跑得很快。", [["猫"], ["老鼠", "它"]]),
        ("coref_zh", "小明昨天去了公园，他今天又去了。", [["小明", "他"], ["公园"]]),
    ],
)
def test_teaching_examples_of_coreference(name: str, text: str, clusters: list[list[str]]) -> None:
    assert mentions(all_texts(name)[text]) == clusters


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sentiment_en", "The film was dull at first, but the ending is wonderful."),
        ("sentiment_zh", "虽然开头无聊，但结局很棒。"),
    ],
)
def test_teaching_examples_of_sentiment(name: str, text: str) -> None:
    assert all_texts(name)[text]["label"] == 2


def test_generator_makes_what_is_there_and_notices_changes(tmp_path: Path) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(CORPUS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, str(copy / "generate.py"), "--check"]
    same = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (same.returncode, same.stderr) == (0, "")
    (copy / "sentiment_zh" / "dev.jsonl").write_text("changed\n", encoding="utf-8")
    (copy / "coref_en" / "README.md").unlink()
    changed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert changed.returncode == 1
    assert [Path(line.split()[0]).as_posix() for line in changed.stderr.splitlines()] == [
        "coref_en/README.md",
        "sentiment_zh/dev.jsonl",
    ]


def test_size_stays_small() -> None:
    files = [p for p in CORPUS.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert sum(path.stat().st_size for path in files) < 3_700_000


def test_markup_gives_text_mentions_and_sentences(source: dict[str, ModuleType]) -> None:
    markup = source["markup"]
    tokenizer = spacy.blank("en").tokenizer
    marked = markup.parse('"Stop!"~[1 Ann]\'s [2 [1 her] dog] barked. [2 It] ran.', joint=" ")
    row = markup.to_row(marked, lambda t: [(x.idx, x.idx + len(x)) for x in tokenizer(t)])
    assert row["text"] == '"Stop!" Ann\'s her dog barked. It ran.'
    assert mentions(row) == [["Ann", "her"], ["her dog", "It"]]
    assert row["sents"] == [[0, 10], [10, 13]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1 Ann ran.", "a bracket never closes"),
        ("Ann] ran.", "a bracket closes that never opened"),
        ("[1 Ann ]ran.", "a mention is empty or has outer white space"),
        ("[1 ] ran.", "a mention is empty or has outer white space"),
    ],
)
def test_markup_refuses_broken_brackets(
    source: dict[str, ModuleType], text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        source["markup"].parse(text, joint=" ")


def test_markup_refuses_mentions_inside_tokens(source: dict[str, ModuleType]) -> None:
    marked = source["markup"].parse("[1 An]na ran.", joint=" ")
    with pytest.raises(ValueError, match="'An' cuts through a token"):
        source["markup"].to_row(marked, lambda text: [(0, 4), (5, 8), (8, 9)])


def test_source_lines_need_all_fields(source: dict[str, ModuleType]) -> None:
    with pytest.raises(ValueError, match="2 fields instead of 3"):
        source["markup"].read_records(["# a comment", "", "plain | pos"], 3)


WORDS = "name_f: Ann, Bea, Cy, Di, Eve, Flo\nsurname*: Poe\ntitle_f*: Dr.\ntool: saw, axe\n"
AGREEMENT = "f\nhe@ she\nwas was\n"


def test_templates_fill_slots_choices_and_articles(source: dict[str, ModuleType]) -> None:
    templates = source["templates"]
    vocabulary = templates.read_vocabulary(WORDS, AGREEMENT)
    text = "{A:title} {A:was} <glad|glad>: {A:he} had [a/an {tool}] and {tool2}, {tool:Up}."
    template = templates.Template("train", "x", "A=f", text)
    ((_, made),) = templates.generate([template], vocabulary, "train", 1, "seed")
    assert made in {
        "[11 Dr. Poe] was glad: [11 she] had [a saw] and axe, Saw.",
        "[11 Dr. Poe] was glad: [11 she] had [an axe] and saw, Axe.",
    }
    names = [vocabulary.of("name_f", split) for split in SPLITS]
    assert names == [["Ann", "Bea", "Cy", "Di"], ["Eve"], ["Flo"]]
    assert [vocabulary.of("surname", split) for split in SPLITS] == [["Poe"]] * 3


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        ("{nope}", 1, "no word list 'nope'"),
        ("{A:shoe}", 1, "no form 'shoe' of a person"),
        ("the {tool}", 3, "only 2 of 3 texts from 1 train templates"),
    ],
)
def test_templates_refuse_what_they_cannot_fill(
    source: dict[str, ModuleType], text: str, count: int, message: str
) -> None:
    templates = source["templates"]
    vocabulary = templates.read_vocabulary(WORDS, AGREEMENT)
    template = templates.Template("train", "x", "A=f", text)
    with pytest.raises(ValueError, match=message):
        templates.generate([template], vocabulary, "train", count, "seed")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_genders_are_a_lexicon_without_contradictions(language: str) -> None:
    entries = list(read_gender_lexicon(CORPUS / f"genders_{language}.tsv"))
    lexicon = dict(entries)
    assert len(lexicon) == len(entries) > 40
    assert set(lexicon.values()) == {"fem", "masc", "epicene"}
    if language == "en":
        found = [lexicon[word] for word in ("Alice", "Tom", "Alex", "sister", "cousin", "nurse")]
        assert found == ["fem", "masc", "epicene", "fem", "epicene", "epicene"]
