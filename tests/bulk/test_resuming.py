"""Runs that are broken off, at every moment there is, and go on."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from spacy_lstm.bulk import annotating
from spacy_lstm.bulk.annotating import Annotator
from spacy_lstm.bulk.storage import Folder
from spacy_lstm.errors import LstmError

from .conftest import Annotate
from .rows import Rows, make_rows, read, write_jsonl


class KilledError(BaseException):
    """What ends a run in these tests; nothing catches it."""


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, but the notes of who was there when."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Rows with a bad one in the first part and in the last."""
    rows: Rows = make_rows(6)
    return write_jsonl(tmp_path / "rows.jsonl", [{"id": "bad"}, *rows, {"id": "worse"}])


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bool], None]:
    """Has a run die at its n-th write, before it is done or right after; 0 for never."""
    write = Folder.write

    def set_up(number: int, before: bool) -> None:
        left = [number]

        def dying(self: Folder, name: str, content: Any) -> None:
            left[0] -= 1
            if not left[0] and before:
                raise KilledError
            write(self, name, content)
            if not left[0]:
                raise KilledError

        monkeypatch.setattr(Folder, "write", dying)

    return set_up


@pytest.mark.parametrize("name", ["out.jsonl", pytest.param("folder", marks=pytest.mark.slow)])
def test_killed_at_each_write(
    make: Annotate, killing: Callable[..., None], source: Path, tmp_path: Path, name: str
) -> None:
    expected = tmp_path / "expected"
    expected.mkdir()
    make(source, expected / name, part_bytes=450)
    writes = 0
    while True:
        writes += 1
        place = tmp_path / f"at{writes}"
        place.mkdir()
        # Before and after it come to the same, but for the first and the last writes.
        killing(writes, writes % 2 == 0)
        try:
            make(source, place / name, part_bytes=450)
            break
        except KilledError:
            killing(0, False)
            if name == "out.jsonl" and (place / name).exists():
                # Only the errors were missing.
                assert (place / name).read_bytes() == (expected / name).read_bytes()
            found = make(source, place / name, part_bytes=450)
            assert (found["rows"], found["errors"]) == (6, 2)
        assert contents(place) == contents(expected)
    assert writes > 8


def test_a_finished_folder_is_left_alone(make: Annotate, source: Path, tmp_path: Path) -> None:
    first = make(source, tmp_path / "out")
    again = make(source, tmp_path / "out")
    assert again["parts_before"] == again["parts"] == first["parts"]
    assert again["words_per_second"] == 0
    same = ("output", "errors_file", "rows", "words", "errors")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}


def test_a_part_that_vanished_is_done_again(
    make: Annotate, killing: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    make(source, tmp_path / "expected", part_bytes=450)
    killing(9, True)
    with pytest.raises(KilledError):
        make(source, tmp_path / "out", part_bytes=450)
    killing(0, False)
    shard = next((tmp_path / "out").glob("part-*"))
    shard.unlink()
    make(source, tmp_path / "out", part_bytes=450)
    assert read(tmp_path / "out") == read(tmp_path / "expected")


def test_other_options_or_input_do_not_go_on(
    make: Annotate, model: str, source: Path, tmp_path: Path
) -> None:
    make(source, tmp_path / "out")
    (tmp_path / "out" / "part-99999-000000.parquet").write_text("of another run")
    with pytest.raises(LstmError, match=r"out was begun otherwise \(max_words 0, now 90\): give"):
        make(source, tmp_path / "out", max_words=90)
    with pytest.raises(LstmError, match=r'out was begun otherwise \(precision null, now "bfloat'):
        make(source, tmp_path / "out", precision="bfloat16")
    with source.open("a") as stream:
        stream.write('{"text": "One more."}\n')
    with pytest.raises(LstmError, match=r"begun otherwise \(sources \[\["):
        make(source, tmp_path / "out")
    assert make(source, tmp_path / "out", overwrite=True)["rows"] == 7
    assert len(read(tmp_path / "out")) == 7
    spacy.load(model).to_disk(tmp_path / "other")
    (tmp_path / "other" / "note").write_text("not the same")
    with pytest.raises(LstmError, match=r"begun otherwise .*model"):
        make(source, tmp_path / "out", model=str(tmp_path / "other"))
    (tmp_path / "out" / "__annotate__" / "manifest.json").write_text("{")
    with pytest.raises(LstmError, match=r"manifest.json is damaged: remove .*__annotate__"):
        make(source, tmp_path / "out")


def test_a_shard_that_is_gone_at_the_end(
    make: Annotate, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_file = Folder.read

    def forgetful(self: Folder, name: str) -> bytes | None:
        return None if name.startswith("part-") else read_file(self, name)

    monkeypatch.setattr(Folder, "read", forgetful)
    with pytest.raises(LstmError, match=r"the part 00000-000000 of .* is gone: run again"):
        make(source, tmp_path / "out.jsonl")


def test_a_part_that_kills_is_read_row_by_row(
    make: Annotate, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process died of one text, whenever it is read."""
    look = Annotator._look

    def deadly(self: Annotator, doc: Doc) -> Any:
        if "film 3" in doc.text:
            raise KilledError
        return look(self, doc)

    monkeypatch.setattr(Annotator, "_look", deadly)
    monkeypatch.setattr("spacy_lstm.bulk.running.uuid4", lambda: SimpleNamespace(hex="run"))
    for _ in range(3):
        with pytest.raises(KilledError):
            make(source, tmp_path / "out.jsonl", part_bytes=10**6)
    found = make(source, tmp_path / "out.jsonl", part_bytes=10**6)
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["r0", "r1", "r2", "r4", "r5"]
    reasons = [error["reason"] for error in read(Path(found["errors_file"]))]
    assert reasons[1].startswith("the process died of it")
    assert len(reasons) == 3


def test_a_part_that_kills_again_and_again_is_given_up(
    make: Annotate, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(self: Annotator, doc: Doc) -> Any:
        raise KilledError

    monkeypatch.setattr(Annotator, "_look", deadly)
    monkeypatch.setattr(annotating, "_MOST_DEATHS", 4)
    monkeypatch.setattr("spacy_lstm.bulk.running.uuid4", lambda: SimpleNamespace(hex="run"))
    for _ in range(4):
        with pytest.raises(KilledError):
            make(source, tmp_path / "out.jsonl", part_bytes=10**6)
    found = make(source, tmp_path / "out.jsonl", part_bytes=10**6)
    assert found["rows"] == 0
    reasons = [error["reason"] for error in read(Path(found["errors_file"]))]
    assert [reason.split(":")[0] for reason in reasons[1:-1]] == [
        *["the process died of it (of memory?)"] * 2,
        *["given up"] * 4,
    ]
