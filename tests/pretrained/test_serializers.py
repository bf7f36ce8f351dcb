import gc

import catalogue
import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from srsly import msgpack

from spacy_lstm.pretrained.serializers import _Remembered, remember_serializers

REGISTRIES = (msgpack.msgpack_encoders, msgpack.msgpack_decoders)


@pytest.fixture
def remembered():
    """As in a process that loads a bundle, whatever came before; afterwards as it was."""
    before = [vars(registry).pop("get_all", None) for registry in REGISTRIES]
    remember_serializers()
    yield
    for registry, kept in zip(REGISTRIES, before, strict=True):
        del registry.get_all
        if kept is not None:
            registry.get_all = kept


def test_what_is_packed_stays_the_same(remembered):
    data = {"a": [1, 2.5, None], "b": np.arange(6, dtype="f").reshape(2, 3)}
    packed = srsly.msgpack_dumps(data)
    for registry in REGISTRIES:
        del registry.get_all
    assert srsly.msgpack_dumps(data) == packed
    remember_serializers()
    found = srsly.msgpack_loads(packed)
    assert found["a"] == data["a"]
    assert (found["b"] == data["b"]).all()


def test_the_registry_is_asked_once(remembered, monkeypatch):
    asked = []
    for registry in REGISTRIES:
        kept = registry.get_all
        assert isinstance(kept, _Remembered)
        monkeypatch.setattr(kept, "_ask", lambda ask=kept._ask: asked.append(1) or ask())
    for _ in range(3):
        srsly.msgpack_loads(srsly.msgpack_dumps([1]))
    assert len(asked) <= 2
    remember_serializers()
    srsly.msgpack_dumps([1])
    assert len(asked) <= 2


def test_what_is_registered_later_counts(remembered):
    encoders = msgpack.msgpack_encoders
    before = encoders.get_all()

    def other(thing, chain=None):
        raise AssertionError("replaced before it was called")

    def encode(thing, chain=None):
        return {"set": sorted(thing)} if isinstance(thing, set) else chain(thing)

    with pytest.raises(TypeError):
        srsly.msgpack_dumps({3, 1})
    try:
        encoders.register("tests_sets", func=other)
        assert encoders.get_all() == {**before, "tests_sets": other}
        # In the place of another one, so that their number stays.
        encoders.register("tests_sets", func=encode)
        assert srsly.msgpack_loads(srsly.msgpack_dumps({3, 1})) == {"set": [1, 3]}
    finally:
        del catalogue.REGISTRY[(*encoders.namespace, "tests_sets")]
    assert encoders.get_all() == before


@Language.component("tests_tell_serializers")
def tell_serializers(doc):
    doc.user_data["remembered"] = all(
        isinstance(registry.get_all, _Remembered) for registry in REGISTRIES
    )
    doc.user_data["frozen"] = gc.get_freeze_count() > 0
    return doc


def test_a_worker_of_a_pipeline_that_was_not_loaded_here(remembered):
    for registry in REGISTRIES:
        del registry.get_all
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_sentiment")
    nlp.add_pipe("tests_tell_serializers")
    told = [
        (doc.user_data["remembered"], doc.user_data["frozen"])
        for processes in (1, 2)
        for doc in nlp.pipe(["She smiles."], n_process=processes)
    ]
    assert told == [(False, False), (True, True)]
    remember_serializers()


def test_a_change_of_what_is_given_changes_nothing_here(remembered):
    before = msgpack.msgpack_encoders.get_all()
    msgpack.msgpack_encoders.get_all().clear()
    assert msgpack.msgpack_encoders.get_all() == before
