"""The pipelines that a server has loaded, and what each of them can do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from spacy.language import Language

from ..errors import LstmError
from ..pretrained import bundle_names, load_pipeline
from ..traces import CHANNELS, Trace
from ..tracing import trace

__all__ = ["Library", "ServedModel"]

_COREF: Final = "lstm_coref"
_SENTIMENT: Final = "lstm_sentiment"
# Read once by every encoder, to see what it is made of. Any language's tokenizer takes it.
_PROBE: Final = "Alice smiles."


@dataclass(frozen=True)
class ServedModel:
    """A pipeline and what can be asked of it.

    resolves, classifies: whether it has a component of ours for that.
    silent: the components of ours that are not needed to resolve.
    inside: by component with an LSTM encoder, the trace of a short text.
    """

    name: str
    nlp: Language
    resolves: bool
    classifies: bool
    silent: tuple[str, ...]
    inside: dict[str, Trace]

    @classmethod
    def wrap(cls, name: str, nlp: Language) -> "ServedModel":
        """Look at a pipeline. Raises LstmError where there is nothing in it to serve."""
        factories = {pipe: nlp.get_pipe_meta(pipe).factory for pipe in nlp.pipe_names}
        inside = dict(_look_inside(nlp))
        resolves, classifies = (kind in factories.values() for kind in (_COREF, _SENTIMENT))
        if not (resolves or classifies or inside):
            raise LstmError(
                f"nothing to serve in {name} (it has {', '.join(factories) or 'no components'}): "
                f"expected a pipeline with {_COREF}, {_SENTIMENT} or an LSTM encoder"
            )
        silent = tuple(pipe for pipe, factory in factories.items() if factory == _SENTIMENT)
        return cls(name, nlp, resolves, classifies, silent, inside)

    def describe(self) -> dict[str, Any]:
        """What a client has to know to ask for something."""
        meta = self.nlp.meta
        return {
            "name": self.name,
            "lang": self.nlp.lang,
            "version": str(meta.get("version", "")),
            "description": str(meta.get("description", "")),
            "resolves": self.resolves,
            "classifies": self.classifies,
            "components": [_describe_trace(found) for found in self.inside.values()],
        }


class Library:
    """Models by name, in the order in which they were given; the first is the default."""

    def __init__(self, models: Iterable[tuple[str, Language]]) -> None:
        self._models: dict[str, ServedModel] = {}
        for name, nlp in models:
            if name in self._models:
                raise LstmError(
                    f"two models are named {name!r}: give one another name, as in new={name}"
                )
            self._models[name] = ServedModel.wrap(name, nlp)
        if not self._models:
            raise LstmError("no model to serve: expected at least one")

    @classmethod
    def load(cls, models: Iterable[str]) -> "Library":
        """Load pipelines.

        models: each a bundle's name, a pipeline's folder or package; or NAME=FOLDER, to choose
            the name that clients see. Without one that is the folder's own, never its path.
        """
        named = [_split_name(model) for model in models]
        return cls((name, load_pipeline(source)) for name, source in named)

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def find(self, name: str | None) -> ServedModel | None:
        """The model of this name, if there is one; the default one for None."""
        return next(iter(self)) if name is None else self._models.get(name)


def _split_name(model: str) -> tuple[str, str]:
    name, equals, source = model.partition("=")
    if equals and name and source and not Path(model).exists():
        return name, source
    return (model if model in bundle_names() else Path(model).resolve().name), model


def _look_inside(nlp: Language) -> Iterator[tuple[str, Trace]]:
    for pipe in nlp.pipe_names:
        try:
            yield pipe, trace(nlp, _PROBE, component=pipe)
        except LstmError:
            # It has no encoder of ours: it can run, and has nothing to show.
            continue


def _describe_trace(found: Trace) -> dict[str, Any]:
    return {
        "name": found.component,
        "layers": [
            {
                "layer": gate.layer,
                "direction": gate.direction,
                "cell": gate.cell,
                "units": gate.units,
                "channels": list(CHANNELS[gate.cell]),
            }
            for gate in found.gates
        ],
        "attention": [
            {"name": each.name, "kind": each.kind, "heads": len(each.weights)}
            for each in found.attention
        ],
    }
