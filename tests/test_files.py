from pathlib import Path

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.files import replacing


def test_a_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise OSError("disk full")

    with pytest.raises(LstmError, match=r"cannot write .*file: disk full: choose another"):
        fail()
    assert [path.read_text(), *tmp_path.iterdir()] == ["old", path]
    with replacing(path) as beside:
        beside.write_text("new")
    assert [path.read_text(), *tmp_path.iterdir()] == ["new", path]


def test_folders_are_made_and_others_files_are_none(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b") as beside:
        beside.write_text("new")
    assert (tmp_path / "a" / "b").read_text() == "new"

    def fail() -> None:
        with replacing(tmp_path / "a" / "b" / "c") as beside:
            beside.write_text("new")

    with pytest.raises(LstmError, match=r"cannot write .*c: (Not a directory|File exists)"):
        fail()
