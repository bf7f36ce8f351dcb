"""What the two components share: weights that come from a bundle and go where they go."""

import gc
from collections.abc import Iterable, Iterator
from multiprocessing import current_process
from pathlib import Path
from typing import Any, Final

import srsly
from spacy.language import Language, _apply_pipes
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from thinc.api import Model

from ..errors import LstmError
from ..pretrained import Pretrained, build_model, find_pretrained, has_listener
from ..pretrained.serializers import remember_serializers

__all__ = ["PRECISIONS", "PretrainedPipe", "in_pipe_worker"]

PRECISIONS: Final = ("single", "bfloat16")


class PretrainedPipe(TrainablePipe):  # type: ignore[misc]  # compiled, without types
    """A trainable component whose model may come with its weights.

    Subclasses set `cfg`, a dict that is stored with the weights. A model that came from a bundle
    leaves its own config there, so that loading a saved pipeline needs the bundle no more and
    does not depend on what the default model has become since.
    """

    cfg: dict[str, Any]
    model: Model[Any, Any]
    pretrained: str | None = None
    precision: str = "single"

    def choose_precision(self, precision: str) -> None:
        """Take the `precision` setting: "single", or "bfloat16" for products within the LSTM, where
        the processor has them: faster, and probabilities differ in the third digit. What is
        predicted does not depend on the company of a text with either."""
        if precision not in PRECISIONS:
            raise LstmError(
                f"precision = {precision!r} in {self.name}: expected one of "
                f"{', '.join(PRECISIONS)}."
            )
        self.precision = precision

    def precise_model(self) -> Model[Any, Any]:
        """The model, for a prediction with the precision that was chosen. An encoder that another
        component shares with this one goes on in its own."""
        tok2vec = self.model.get_ref("tok2vec")
        if "precision" in tok2vec.attrs:
            tok2vec.attrs["precision"] = self.precision
        return self.model

    def adopt_pretrained(
        self, nlp: Language, *, pretrained: str | None, factory: str, default_model: dict[str, Any]
    ) -> None:
        """Take model and weights as the `pretrained` setting says; None leaves all as it is.

        default_model: the factory's own model config. A model that is neither this nor the one
            that the weights belong to was asked for by the user, who would not get it.
        """
        self.pretrained = pretrained
        if pretrained is None:
            return
        try:
            found = self._find_pretrained(nlp, pretrained, factory, default_model)
        except LstmError:
            # A pipeline that is just being loaded has its weights on disk, and must load also
            # where the bundle, or the path that it once came from, is gone.
            if self.name in nlp._meta.get("pipeline", ()):
                return
            raise
        self.cfg["model"] = found.model
        self.model = build_model(found.model)
        self.from_disk(found.path, exclude=["vocab"])

    def _find_pretrained(
        self, nlp: Language, pretrained: str, factory: str, default_model: dict[str, Any]
    ) -> Pretrained:
        found = find_pretrained(pretrained, lang=nlp.lang or "", factory=factory)
        bundled = build_model(found.model)
        if has_listener(bundled):
            raise LstmError(
                f"The {factory} of {pretrained!r} shares the encoder of another component and "
                "does not work without it: save that pipeline after nlp.replace_listeners."
            )
        known = [_signature(model) for model in (build_model(default_model), bundled)]
        if _signature(self.model) not in known:
            raise LstmError(
                f"The model of {self.name!r} is configured otherwise than the weights of "
                f"{pretrained!r}: leave model out to use them, or set pretrained = null to train "
                "your own."
            )
        return found

    @staticmethod
    def load_encoder(tok2vec: Model[Any, Any], path: str | Path) -> None:
        """Take the weights that `spacy-lstm pretrain` wrote for a layer of token vectors."""
        file = Path(path)
        if not file.is_file():
            raise LstmError(f"no pretrained encoder {file}: give the tok2vec.bin of a pretraining")
        try:
            tok2vec.from_bytes(file.read_bytes())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LstmError(
                f"{file} holds no weights of this encoder ({error}): pretrain it with the same "
                "config"
            ) from error

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate documents, in batches."""
        if in_pipe_worker():
            # The process has nothing else to do than to pack what comes of this. What came with it
            # is there to stay, and to look at it for garbage would copy its parent's memory.
            remember_serializers()
            gc.freeze()
        yield from super().pipe(stream, batch_size=batch_size)

    @property
    def needs_weights(self) -> bool:
        """Whether `initialize` has to make new weights."""
        return self.pretrained is None

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "PretrainedPipe":
        """Load what `to_disk` wrote, whatever model this component was made with."""
        cfg = Path(path) / "cfg"
        if not cfg.is_file():
            raise LstmError(f"No saved component at {path}: expected a directory with a file cfg.")
        self._take_model(srsly.read_json(cfg))
        super().from_disk(path, exclude=tuple(exclude))
        return self

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "PretrainedPipe":
        """Load what `to_bytes` gave, whatever model this component was made with."""
        self._take_model(srsly.json_loads(srsly.msgpack_loads(bytes_data)["cfg"]))
        super().from_bytes(bytes_data, exclude=tuple(exclude))
        return self

    def _take_model(self, cfg: dict[str, Any]) -> None:
        if cfg.get("model") != self.cfg.get("model") and cfg.get("model") is not None:
            self.model = build_model(cfg["model"])


def _signature(model: Model[Any, Any]) -> list[tuple[str, Any]]:
    """What a model is built from: its layers and the settings of those that hold weights."""
    return [
        (node.name, [getattr(shim, "settings", None) for shim in node.shims])
        for node in model.walk()
    ]


def in_pipe_worker() -> bool:
    """Whether this is a process of `nlp.pipe(n_process=2)`. Its documents are sent to the main
    process, which drops their hooks with a warning for each."""
    return getattr(current_process(), "_target", None) is _apply_pipes
