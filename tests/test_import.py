"""Importing costs little, loads nothing heavy and changes nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = [
    *["datasets", "pandas", "pyarrow", "matplotlib", "fastapi", "starlette", "uvicorn", "ray"],
    # Only scoring needs it.
    "scipy",
]

# Run in a fresh interpreter; sockets are refused and the random states are compared.
PROBE = """
import json, logging, random, socket, sys, time

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")

socket.socket.connect = refuse
socket.create_connection = refuse
import numpy, torch
import spacy

def states():
    return repr((random.getstate(), numpy.random.get_state(legacy=False)["state"],
                 torch.random.get_rng_state().tolist()))

before, handlers = states(), list(logging.getLogger().handlers)
level = logging.getLogger().level
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
print(json.dumps({
    "seconds": seconds,
    "loaded": [name for name in HEAVY if name in sys.modules],
    "same_states": states() == before,
    "same_logging": list(logging.getLogger().handlers) == handlers
        and logging.getLogger().level == level,
}))
"""


def probe(statement: str) -> tuple[dict[str, Any], str]:
    """What a statement did to a fresh interpreter that has spaCy, and its standard error."""
    code = PROBE.replace("{statement}", statement).replace("HEAVY", repr(HEAVY))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "import spacy_lstm",
        "spacy.blank('en')",
        "spacy.blank('en').add_pipe('lstm_coref', config={'pretrained': None})",
        "spacy.blank('en').add_pipe('lstm_sentiment', config={'pretrained': None})",
        "import spacy_lstm.cli",
        "import spacy_lstm.serving",
        "from spacy.cli import app; spacy.registry.cli.get_all()",
    ],
)
def test_loads_nothing_heavy_and_leaves_no_mark(statement: str) -> None:
    found, complaints = probe(statement)
    assert found["loaded"] == []
    assert found["same_states"]
    assert found["same_logging"]
    assert complaints == ""


def test_importing_costs_less_than_50_ms_beyond_spacy() -> None:
    # The best of three: others may be using the machine.
    assert min(probe("import spacy_lstm")[0]["seconds"] for _ in range(3)) < 0.05


def test_the_probe_notices_what_is_loaded_and_seeded() -> None:
    found, complaints = probe("import pandas, logging; random.seed(1); logging.warning('x')")
    assert "pandas" in found["loaded"]
    assert not found["same_states"]
    assert complaints
