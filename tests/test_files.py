import os
from pathlib import Path
from threading import Thread

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


def test_links_stay_links(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_text("old")
    link.symlink_to(file)
    with replacing(link) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert [file.read_text(), *file.parent.iterdir()] == ["new", file]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    with replacing(pipe) as place:
        assert place == pipe
        place.write_text("new")
    reader.join(timeout=10)
    assert read == ["new"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["", "/"])
def test_no_name(name: str) -> None:
    def write() -> None:
        with replacing(Path(name)) as beside:
            beside.write_text("new")

    with pytest.raises(
        LstmError, match=r"cannot write a file named '[./]': expected a file's name"
    ):
        write()
