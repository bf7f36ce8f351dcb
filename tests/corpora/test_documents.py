"""Raw text: a paragraph a line, a blank line between documents."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from spacy_lstm.corpora.files import read_documents
from spacy_lstm.errors import LstmError

TEXT = "\n  \nOne  é.\n Two \n\n\n \t\nThree\u2028still three\r\n\r\nFour"
DOCUMENTS = [["One  é.", "Two"], ["Three\u2028still three"], ["Four"]]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.txt", bytes),
        ("a.txt.gz", gzip.compress),
        ("a.txt.bz2", bz2.compress),
        ("a.txt.xz", lzma.compress),
    ],
)
def test_documents_and_their_paragraphs(tmp_path: Path, name: str, pack) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_bytes(pack(TEXT.encode()))
    assert list(read_documents(path)) == DOCUMENTS
    path.write_bytes(pack(b"\xef\xbb\xbf" + TEXT.strip().encode() + b"\n\n\n"))
    assert list(read_documents(path)) == DOCUMENTS


@pytest.mark.parametrize("text", ["", "\n\n \n"])
def test_no_documents(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert list(read_documents(path)) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"fine\n\xff\xfe", r"a\.txt: not UTF-8 \(.*\): save it as UTF-8"),
        ("a.txt.gz", b"plain", r"a\.txt\.gz: damaged or not gz"),
        ("a.txt.gz", gzip.compress(TEXT.encode() * 99)[:-9], r"a\.txt\.gz: damaged or not gz"),
        ("a.txt.xz", b"plain", r"a\.txt\.xz: damaged or not xz"),
        ("a.txt.bz2", b"plain", r"a\.txt\.bz2: cannot be read: Invalid data stream"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LstmError, match=message) as error:
        list(read_documents(path))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LstmError, match=r"none\.txt: cannot be read: No such file"):
        list(read_documents(tmp_path / "none.txt"))
