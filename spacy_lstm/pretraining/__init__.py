"""Self-supervised training of an encoder, before any task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.util import load_model_from_config
from thinc.api import Config

from ..errors import LstmError
from .loop import WEIGHTS, PretrainSettings, pretrain_encoder
from .text import stored_text

__all__ = ["PretrainSettings", "pretrain_component"]


def pretrain_component(
    config: Config,
    files: Sequence[Path],
    output: Path,
    settings: PretrainSettings,
    *,
    save_every: int,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Pretrain the encoder that `pretraining.component` and `.layer` of a training config name.

    files: raw text, a paragraph a line, a blank line between documents.
    output: folder of weights, checkpoint and log; an earlier run in it is gone on from.
    settings, save_every, show_progress: as in `pretrain_encoder`.
    RETURNS: `path` of the weights, and the last line of the log.
    """
    if "pretraining" not in config:
        raise LstmError(
            "the config has no section [pretraining]: give it one that names the component to "
            'pretrain, as in component = "lstm_coref" and layer = "tok2vec"'
        )
    if output.is_file():
        raise LstmError(f"output {output} is a file: give a folder")
    for file in files:
        if not file.is_file():
            raise LstmError(f"no text file {file}: give files with a paragraph a line")
    nlp = load_model_from_config(config, auto_fill=True)
    component, layer = config["pretraining"]["component"], config["pretraining"].get("layer")
    if component not in nlp.pipe_names:
        raise LstmError(
            f"pretraining.component = {component!r}: expected one of {', '.join(nlp.pipe_names)}"
        )
    model: Any = nlp.get_pipe(component).model  # type: ignore[attr-defined]
    tok2vec = model.get_ref(layer) if layer else model
    tok2vec.initialize()
    output.mkdir(parents=True, exist_ok=True)
    text = stored_text(files, output, nlp, tok2vec, vocabulary=settings.vocabulary)
    record = pretrain_encoder(
        tok2vec, text, output, settings, save_every=save_every, show_progress=show_progress
    )
    return {"path": str(output / WEIGHTS), **record}
