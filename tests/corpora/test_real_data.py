"""The real data of SPACY_LSTM_DATA: nothing lost, every offset where it was."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lstm.corpora.readers import HuggingFaceCorpus

from .tiny_rows import GAP_HEADER

DataFile = Callable[[str], Path]


def rows_of(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def docs_of(nlp: Language, path: Path, **options: Any) -> list[Doc]:
    corpus = HuggingFaceCorpus(path, **options)
    docs = list(corpus.docs(nlp))
    assert corpus.skipped.total == 0
    return docs


def places(spans: Any) -> list[tuple[int, int]]:
    return sorted((span.start_char, span.end_char) for span in spans)


def source_places(row: dict[str, Any], cluster: list[list[int]]) -> list[tuple[int, int]]:
    return sorted((row["tokens"][s][0], row["tokens"][e - 1][1]) for s, e in cluster)


@pytest.mark.parametrize("name", ["litbank.dev", "ontogum.dev", "vispro.dev"])
def test_clusters_are_where_they_were(nlp: Language, data_file: DataFile, name: str) -> None:
    path = data_file(f"coref/{name}.jsonl.gz")
    rows = rows_of(path)
    docs = docs_of(nlp, path)
    assert len(docs) == len(rows)
    for doc, row in zip(docs, rows, strict=True):
        assert doc.text == row["text"]
        assert len([t for t in doc if not t.is_space]) == len(row["tokens"])
        groups = [group for key, group in doc.spans.items() if key != "coref_mentions"]
        chains = [source_places(row, c) for c in row["clusters"] if len(c) > 1]
        assert sorted(places(group) for group in groups) == sorted(chains)
        everything = {place for c in row["clusters"] for place in source_places(row, c)}
        assert places(doc.spans["coref_mentions"]) == sorted(everything)
        assert len(list(doc.sents)) == len(row["sents"])
        assert doc.user_data["spacy_lstm"].get("speakers") == row.get("speakers")


def test_ontogum_with_the_mentions_of_gum(nlp: Language, data_file: DataFile) -> None:
    gum = data_file("coref/gum.dev.jsonl.gz")
    path = data_file("coref/ontogum.dev.jsonl.gz")
    plain, full = docs_of(nlp, path), docs_of(nlp, path, mentions=str(gum))
    for row, before, after in zip(rows_of(gum), plain, full, strict=True):
        mentions = after.spans["coref_mentions"]
        extra = {place for c in row["clusters"] for place in source_places(row, c)}
        assert set(places(mentions)) == extra | set(places(before.spans["coref_mentions"]))
        assert mentions.attrs == {"source": "ontogum", "exhaustive": True}
        assert before.spans["coref_mentions"].attrs["exhaustive"] is False


def test_genres_can_be_left_out(nlp: Language, data_file: DataFile) -> None:
    path = data_file("coref/gum.dev.jsonl.gz")
    unfit = ["essay", "fiction", "letter", "podcast", "whow"]
    docs = docs_of(nlp, path, exclude={"meta.genre": unfit})
    kept = [row["id"] for row in rows_of(path) if row["meta"]["genre"] not in unfit]
    assert [doc.user_data["spacy_lstm"]["id"] for doc in docs] == kept


@pytest.mark.parametrize(
    ("name", "lang"), [("gap.validation", "en"), ("dpr.train", "en"), ("cluewsc2020.train", "zh")]
)
def test_pairs_are_where_they_were(data_file: DataFile, name: str, lang: str) -> None:
    path = data_file(f"coref/{name}.jsonl.gz")
    rows = rows_of(path)
    docs = docs_of(spacy.blank(lang), path)
    assert len(docs) == len(rows)
    exact = 0
    for doc, row in zip(docs, rows, strict=True):
        group = doc.spans["coref_pairs_1"]
        wanted = [row["pronoun"], *row["candidates"]]
        exact += [(s.start_char, s.end_char) for s in group] == [
            (item["start"], item["end"]) for item in wanted
        ]
        for span, item in zip(group, wanted, strict=True):
            assert span.start_char <= item["start"] < item["end"] <= span.end_char
        assert group.attrs["labels"] == [item["label"] for item in row["candidates"]]
        assert group.attrs["gender"] == row.get("meta", {}).get("gender")
    # Elsewhere spaCy's tokens are wider than the candidate.
    assert exact / len(rows) > 0.97


def test_gap_in_its_own_form_is_the_same(
    nlp: Language, data_file: DataFile, tmp_path: Path
) -> None:
    path = data_file("coref/gap.validation.jsonl.gz")
    lines: list[list[Any]] = [GAP_HEADER.split("\t")]
    for row in rows_of(path):
        names = [
            value
            for item in row["candidates"]
            for value in (item["text"], item["start"], "TRUE" if item["label"] else "FALSE")
        ]
        pronoun = [row["pronoun_text"], row["pronoun"]["start"]]
        lines.append([row["id"], row["text"], *pronoun, *names, row["meta"]["url"]])
    tsv = tmp_path / "gap-validation.tsv"
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    tsv.write_text(text, encoding="utf-8")
    for one, other in zip(docs_of(nlp, path), docs_of(nlp, tsv), strict=True):
        first, second = one.spans["coref_pairs_1"], other.spans["coref_pairs_1"]
        assert [span.start_char for span in first] == [span.start_char for span in second]
        assert first.attrs == second.attrs


@pytest.mark.parametrize(
    ("name", "lang", "labels"),
    [
        ("sst2.dev", "en", {0: "NEGATIVE", 1: "POSITIVE"}),
        ("tweeteval_sentiment.val", "en", {0: "NEGATIVE", 1: "NEUTRAL", 2: "POSITIVE"}),
        (
            "sst5.dev",
            "en",
            {0: "NEGATIVE", 1: "NEGATIVE", 2: "NEUTRAL", 3: "POSITIVE", 4: "POSITIVE"},
        ),
        ("zh_chnsenticorp.dev", "zh", {0: "NEGATIVE", 1: "POSITIVE"}),
    ],
)
def test_labels_are_counted_as_in_the_file(
    data_file: DataFile, name: str, lang: str, labels: dict[int, str]
) -> None:
    path = data_file(f"sentiment/{name}.jsonl.gz")
    rows = rows_of(path)
    column = "detok" if "detok" in rows[0] else "text"
    docs = docs_of(spacy.blank(lang), path, columns={"text": column})
    assert [doc.text for doc in docs] == [row[column] for row in rows]
    found = Counter(max(doc.cats, key=doc.cats.__getitem__) for doc in docs)
    assert found == Counter(labels[row["label"]] for row in rows)
    assert set(docs[0].cats) == set(labels.values())
