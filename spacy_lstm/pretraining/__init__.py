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
    component: str | None = None,
    save_every: int,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Pretrain the encoder of a component of a training config.

    files: raw text, a paragraph a line, a blank line between documents.
    output: folder of weights, checkpoint and log; an earlier run in it is gone on from.
    component: its name in the pipeline; None for the first.
    settings, save_every, show_progress: as in `pretrain_encoder`.
    RETURNS: `path` of the weights, and the last line of the log.
    """
    if output.is_file():
        raise LstmError(f"output {output} is a file: give a folder")
    for file in files:
        if not file.is_file():
            raise LstmError(f"no text file {file}: give files with a paragraph a line")
    nlp = load_model_from_config(config, auto_fill=True)
    name = component or nlp.pipe_names[0]
    if name not in nlp.pipe_names:
        raise LstmError(f"component {name!r}: expected one of {', '.join(nlp.pipe_names)}")
    model: Any = nlp.get_pipe(name).model  # type: ignore[attr-defined]
    tok2vec = model.maybe_get_ref("tok2vec")
    if tok2vec is None:
        raise LstmError(
            f"the model of {name} has no layer of token vectors of its own: expected one built "
            "on spacy_lstm.BiLSTMTok2Vec.v1"
        )
    tok2vec.initialize()
    output.mkdir(parents=True, exist_ok=True)
    text = stored_text(files, output, nlp, tok2vec, vocabulary=settings.vocabulary)
    record = pretrain_encoder(
        tok2vec, text, output, settings, save_every=save_every, show_progress=show_progress
    )
    return {"path": str(output / WEIGHTS), **record}
