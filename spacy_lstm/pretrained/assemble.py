"""Trained components → a bundle."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from ..errors import LstmError
from ..models.narrowing import narrow_attention
from ..models.wrapper import TorchBridge
from . import has_listener

__all__ = ["LIMIT_BYTES", "assemble_bundle", "average_checkpoints", "narrow_component"]

LIMIT_BYTES: Final = 15_000_000
"""Size that a bundle must stay under."""

# Files that only training reads: what they held is in the weights.
_SOURCES: Final = ("vectors", "genders")


def assemble_bundle(
    sources: Mapping[str, Language],
    output: Path,
    *,
    meta: Mapping[str, Any],
    card: str,
) -> int:
    """Write trained components as one bundle, in the place of an earlier one of that name.

    sources: for each component's name a pipeline that has it.
    output: the bundle's directory; its name is the bundle's.
    meta: further entries of meta.json, such as the licence and the figures.
    card: the model card.
    RETURNS: its size in bytes.
    """
    lang = {nlp.lang for nlp in sources.values()}
    if len(lang) != 1:
        raise LstmError(
            f"The components are for {', '.join(sorted(map(str, lang)))}: expected one."
        )
    nlp = spacy.blank(str(lang.pop()))
    for name, source in sources.items():
        if name not in source.pipe_names:
            raise LstmError(
                f"The pipeline has {', '.join(source.pipe_names) or 'no components'}: expected one "
                f"named {name!r}."
            )
        pipe: Any = source.get_pipe(name)
        if has_listener(pipe.model):
            raise LstmError(
                f"{name!r} shares the encoder of another component: expected one that stands "
                "alone; call nlp.replace_listeners before."
            )
        pipe = nlp.add_pipe(name, source=source)
        for node in pipe.model.walk():
            for shim in node.shims:
                if isinstance(shim, TorchBridge):
                    shim.stores_compact = True
    draft, old = (output.with_name(f".{output.name}.{part}") for part in ("draft", "old"))
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    nlp.meta["name"] = output.name.split("_", 1)[-1]
    nlp.meta.update(meta)
    nlp.to_disk(draft, exclude=["vocab"])
    _write_config(draft / "config.cfg", list(sources), output.name)
    (draft / "README.md").write_text(card, encoding="utf8")
    size = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
    if size >= LIMIT_BYTES:
        shutil.rmtree(draft)
        raise LstmError(f"The bundle has {size:,} bytes: expected less than {LIMIT_BYTES:,}.")
    # Whenever this is killed, one of the two is there whole.
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    draft.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return size


def average_checkpoints(checkpoints: Sequence[Language], name: str) -> Language:
    """The mean of the weights of one component over checkpoints of one training.

    What two points of a training know differently, such as a set that it overfits in the end, the
    point between them mostly keeps (Izmailov et al. 2018).

    checkpoints: pipelines of the same make; the first one gets the mean and is given back.
    name: of the component.
    """
    first = checkpoints[0]
    bridges = [_bridges(checkpoint.get_pipe(name)) for checkpoint in checkpoints]
    for same in zip(*bridges, strict=True):
        states = [bridge.module.state_dict() for bridge in same]
        if any(bridge.settings != same[0].settings for bridge in same):
            raise LstmError(
                f"These checkpoints of {name!r} differ in their settings: expected those of one "
                "training."
            )
        for key, weights in states[0].items():
            if weights.is_floating_point():
                weights.copy_(sum(state[key] for state in states) / len(states))
    return first


def narrow_component(pipe: Any, docs: Sequence[Doc], head_width: int) -> None:
    """Narrow the attention of a component's own encoder, see `models.narrowing`.

    pipe: the component; changed.
    docs, head_width: as there.
    """
    narrow_attention(pipe.model.get_ref("tok2vec"), docs, head_width)


def _bridges(pipe: Any) -> list[TorchBridge]:
    return [s for node in pipe.model.walk() for s in node.shims if isinstance(s, TorchBridge)]


def _write_config(path: Path, components: list[str], bundle: str) -> None:
    """Leave out of the config what only training needs."""
    config = Config().from_disk(path, interpolate=False)
    for name in components:
        settings = config["components"][name]
        # So that training a loaded bundle goes on from its weights.
        settings["pretrained"] = bundle
        for block in _blocks(settings):
            for key in _SOURCES:
                if key in block:
                    block[key] = None
    config.to_disk(path)


def _blocks(block: dict[str, Any]) -> list[dict[str, Any]]:
    nested = [value for value in block.values() if isinstance(value, dict)]
    return [block, *(inner for value in nested for inner in _blocks(value))]
