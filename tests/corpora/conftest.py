"""The network taken away, and the way to the real data."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse every connection; the list says what was tried."""
    tried: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> Any:
        tried.append(args)
        raise OSError("the network is blocked in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """A real data file by its place below SPACY_LSTM_DATA; skips where it is absent."""

    def find(name: str) -> Path:
        root = os.environ.get("SPACY_LSTM_DATA")
        if not root:
            pytest.skip("SPACY_LSTM_DATA names no data folder")
        path = Path(root) / name
        if not path.exists():
            pytest.skip(f"{path} is not there")
        return path

    return find
