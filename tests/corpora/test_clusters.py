"""Documents with clusters, and their pieces."""

import copy
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lstm.corpora.readers import HuggingFaceCorpus
from spacy_lstm.errors import LstmError

from .tiny_rows import CLUSTER_ROW, jsonl


def read(nlp: Language, path: str, **options: Any) -> list[Doc]:
    return list(HuggingFaceCorpus(path, **options).docs(nlp))


def clusters(doc: Doc) -> list[list[str]]:
    return [
        [span.text for span in group]
        for key, group in doc.spans.items()
        if key.startswith("coref_clusters_")
    ]


def changed(**values: Any) -> dict[str, Any]:
    row = copy.deepcopy(CLUSTER_ROW) | values
    return {key: value for key, value in row.items() if value is not None}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_token_form(nlp: Language, tmp_path: Path, name: str) -> None:
    (doc,) = read(nlp, jsonl(tmp_path / name, [CLUSTER_ROW]))
    assert doc.text == CLUSTER_ROW["text"]
    assert list(doc.spans) == ["coref_clusters_1", "coref_clusters_2", "coref_mentions"]
    assert clusters(doc) == [["Alice", "She"], ["Bob", "him"]]
    mentions = doc.spans["coref_mentions"]
    assert [span.text for span in mentions] == ["Alice", "Bob", "She", "him", "Rain"]
    assert mentions.attrs == {"source": "litbank", "exhaustive": True}
    assert [sent.text.strip() for sent in doc.sents] == [
        "Alice met Bob.",
        "She  greeted him.",
        "Rain fell.",
    ]
    assert doc.user_data["spacy_lstm"] == {
        "id": "a/alice",
        "source": "litbank",
        "meta": {"genre": "fiction"},
    }


def test_plain_text_form_counts_characters(nlp: Language, tmp_path: Path) -> None:
    row = {
        "text": "猫 and Zoë's 😀 dog; it barks.",
        "clusters": [[[6, 15], {"start": 21, "end": 23}]],
        "sents": [[0, 20], [21, 30]],
        "speakers": ["A", "B"],
    }
    row["clusters"][0][0] = [6, row["text"].index(";")]
    row["clusters"][0][1] = {"start": row["text"].index("it"), "end": row["text"].index("it") + 2}
    row["sents"] = [[0, row["text"].index("it")], [row["text"].index("it"), len(row["text"])]]
    (doc,) = read(nlp, jsonl(tmp_path / "a.jsonl", [row]))
    assert clusters(doc) == [["Zoë's 😀 dog", "it"]]
    assert doc.spans["coref_mentions"].attrs == {"source": None, "exhaustive": False}
    assert [sent.text for sent in doc.sents] == ["猫 and Zoë's 😀 dog;", "it barks."]
    assert doc.user_data["spacy_lstm"]["speakers"] == ["A", "B"]


@pytest.mark.parametrize("text", [None, "Ann  slept. She woke."])
def test_word_form(nlp: Language, tmp_path: Path, text: str | None) -> None:
    words = ["Ann", "slept", ".", "She", "woke", "."]
    row = {"tokens": words, "clusters": [[[0, 1], [3, 4]]], "exhaustive": True}
    path = jsonl(tmp_path / "a.jsonl", [row | ({"text": text} if text else {})])
    (doc,) = read(nlp, path)
    assert clusters(doc) == [["Ann", "She"]]
    assert doc.text == (text or "Ann slept . She woke . ")
    assert doc.spans["coref_mentions"].attrs["exhaustive"] is True


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(text=""), "empty text"),
        (changed(clusters="x"), "missing clusters"),
        (changed(clusters=[[]]), "a cluster is not a list of spans"),
        (changed(clusters=[[[0, 12]]]), "token span out of range"),
        (changed(clusters=[[[0, "1"]]]), "token span is not two integers"),
        (changed(tokens="x"), "tokens are not a list"),
        (changed(tokens=[[0, 5], [3, 9]]), "overlap or are out of order"),
        (changed(tokens=[[0, 500]]), "token offset span out of range"),
        (changed(tokens=["Alice", 3]), "tokens are not all words"),
        (changed(tokens=["Bob", "Alice"]), "words do not spell the text"),
        (changed(tokens=["Alice", " "], text="Alice  "), "words do not spell the text"),
        (changed(sents=3), "sents are not a list"),
        (changed(tokens=None, clusters=[[[5, 6]]]), "only white space"),
    ],
)
def test_unusable_rows_are_counted(
    nlp: Language, tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    path = jsonl(tmp_path / "a.jsonl", [CLUSTER_ROW, row])
    corpus = HuggingFaceCorpus(path)
    assert len(list(corpus.docs(nlp))) == 1
    ((counted, number),) = corpus.skipped.counts.items()
    assert reason in counted
    assert number == 1
    with pytest.raises(LstmError, match=f"none of its 1 rows can be used: .*{reason}"):
        read(nlp, jsonl(tmp_path / "b.jsonl", [row]), kind="clusters")


def test_mentions_of_another_file(nlp: Language, tmp_path: Path) -> None:
    onto = changed(id="onto/alice", source="ontogum", clusters=CLUSTER_ROW["clusters"][:1])
    path = jsonl(tmp_path / "onto.jsonl", [onto])
    extra = jsonl(tmp_path / "gum.jsonl", [CLUSTER_ROW, {"clusters": [], "text": "no id"}])
    (doc,) = read(nlp, path)
    assert doc.spans["coref_mentions"].attrs == {"source": "ontogum", "exhaustive": False}
    (doc,) = read(nlp, path, mentions=extra)
    assert clusters(doc) == [["Bob", "him"]]
    mentions = doc.spans["coref_mentions"]
    assert [span.text for span in mentions] == ["Alice", "Bob", "She", "him", "Rain"]
    assert mentions.attrs == {"source": "ontogum", "exhaustive": True}
    # Other tokens there: the smallest spans of the document's own that cover them.
    wide = changed(tokens=None, clusters=[[[1, 5], [37, 45]]])
    (doc,) = read(nlp, path, mentions=jsonl(tmp_path / "wide.jsonl", [wide]))
    mentions = doc.spans["coref_mentions"]
    assert [span.text for span in mentions] == ["Alice", "Bob", "him", "Rain fell"]
    (doc,) = read(nlp, path, mentions=extra, exhaustive=False)
    assert doc.spans["coref_mentions"].attrs["exhaustive"] is False


def test_mentions_that_do_not_fit(nlp: Language, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [CLUSTER_ROW])
    other = jsonl(tmp_path / "b.jsonl", [changed(id="x/other")])
    with pytest.raises(LstmError, match="not in the mentions file"):
        read(nlp, path, mentions=other)
    other = jsonl(tmp_path / "c.jsonl", [changed(text=CLUSTER_ROW["text"] + "!")])
    with pytest.raises(LstmError, match="text differs from the mentions file"):
        read(nlp, path, mentions=other)
    other = jsonl(tmp_path / "d.jsonl", [changed(clusters=[[[0, 99]]])])
    with pytest.raises(LstmError, match="row a/alice has no readable mentions"):
        read(nlp, path, mentions=other)


@pytest.mark.parametrize("max_length", [1, 2, 3, 5, 7, 10, 13, 0])
@pytest.mark.parametrize("sents", [CLUSTER_ROW["sents"], None])
def test_pieces_keep_text_and_annotation(
    nlp: Language, tmp_path: Path, max_length: int, sents: list[list[int]] | None
) -> None:
    path = jsonl(tmp_path / "a.jsonl", [changed(sents=sents)])
    (whole,) = read(nlp, path)
    pieces = read(nlp, path, max_length=max_length)
    assert all(len(piece) <= (max_length or len(whole)) for piece in pieces)
    words = [token.text for piece in pieces for token in piece if not token.is_space]
    assert words == [token.text for token in whole if not token.is_space]
    mentions = [span.text for piece in pieces for span in piece.spans["coref_mentions"]]
    assert mentions == ["Alice", "Bob", "She", "him", "Rain"]
    for piece in pieces:
        for cluster in clusters(piece):
            assert cluster in [["Alice", "She"], ["Bob", "him"]]


def test_pieces_end_where_sentences_or_paragraphs_do(nlp: Language, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [CLUSTER_ROW])
    pieces = read(nlp, path, max_length=12)
    assert [piece.text.strip() for piece in pieces] == [
        "Alice met Bob.\n\n  She  greeted him.",
        "Rain fell.",
    ]
    assert clusters(pieces[0]) == [["Alice", "She"], ["Bob", "him"]]
    assert [piece.user_data["spacy_lstm"]["piece"] for piece in pieces] == [1, 2]
    assert [piece[0].is_sent_start for piece in pieces] == [True, True]
    path = jsonl(tmp_path / "b.jsonl", [changed(sents=None)])
    pieces = read(nlp, path, max_length=10)
    assert [piece.text.strip() for piece in pieces] == [
        "Alice met Bob.",
        "She  greeted him. Rain fell.",
    ]
    assert clusters(pieces[0]) == []


def test_spans_that_a_cut_goes_through_are_counted(nlp: Language, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [changed(clusters=[[[0, 3], [8, 9]]], sents=None)])
    corpus = HuggingFaceCorpus(path, max_length=2)
    list(corpus.docs(nlp))
    assert corpus.skipped.cut_spans == 1
    assert corpus.skipped.summary() == "1 spans lost where documents were split"
