"""How much is taken on at once, and for how long."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import spacy
from spacy.language import Language

from spacy_lstm.errors import LstmError
from spacy_lstm.serving import Library, Limits

GATE = Event()
BEGUN: list[str] = []


@Language.component("waits_for_tests")
def wait(doc):
    """Keeps texts that begin with "slow" until the gate is opened."""
    if doc.text.startswith("slow"):
        BEGUN.append(doc.text)
        GATE.wait(10)
    return doc


@pytest.fixture
def slow(bundle):
    """Models whose answers wait for the gate, which opens at the end."""
    nlp = spacy.blank("en")
    nlp.add_pipe("waits_for_tests")
    nlp.add_pipe("lstm_coref", source=bundle)
    GATE.clear()
    BEGUN.clear()
    yield Library([("slow", nlp)])
    GATE.set()


def ask(client, text):
    return client.post("/api/resolve", json={"text": text})


def wait_until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came so far")


def test_what_takes_too_long_is_given_up(connect, slow):
    client = connect(slow, timeout=0.2, parallel=1)
    response = ask(client, "slow")
    assert response.status_code == 504
    assert response.json() == {"error": "not done after 0.2 s: send less text"}
    # Its worker is still at it, so that the next one does not get its turn.
    response = ask(client, "quick")
    assert response.status_code == 503
    assert response.json() == {"error": "too many requests at once: try again"}
    assert response.headers["retry-after"] == "1"
    GATE.set()
    wait_until(lambda: ask(client, "She smiles.").status_code == 200)


def test_no_more_run_at_once_or_wait_than_may(connect, slow):
    client = connect(slow, parallel=2, waiting=1)
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(ask, client, f"slow {n}") for n in range(6)]
        wait_until(lambda: sum(each.done() for each in asked) == 3)
        assert len(BEGUN) == 2
        GATE.set()
        found = sorted(each.result().status_code for each in asked)
    assert found == [200, 200, 200, 503, 503, 503]
    assert ask(client, "She smiles.").status_code == 200


def test_health_is_told_while_all_are_busy(connect, slow):
    client = connect(slow, parallel=1)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, client, "slow")
        wait_until(lambda: BEGUN)
        assert client.get("/healthz").status_code == 200
        GATE.set()
        assert asked.result().status_code == 200


@pytest.mark.parametrize("name", ["max_chars", "max_texts", "timeout", "parallel", "waiting"])
def test_limits_are_above_zero(name):
    kind = "finite" if name == "timeout" else "whole"
    for value in (0, -1, float("nan"), float("inf"), "5", True, None):
        with pytest.raises(LstmError, match=f"{name} = {value!r}: expected a {kind} number above"):
            Limits(**{name: value})


def test_a_body_has_room_for_any_spelling_of_the_text():
    # "😀" as two escapes.
    assert Limits(max_chars=1000).max_bytes >= len('{"text": "' + "\\ud83d\\ude00" * 1000 + '"}')
