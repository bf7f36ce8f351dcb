"""Self-supervised training of an encoder, before any task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Config, Model

from ..corpora.files import file_format
from ..errors import LstmError
from ..models.wrapper import get_bridge
from .loop import WEIGHTS, PretrainSettings, pretrain_encoder, seed_all
from .ranks import Ranks, count_processes, join_ranks
from .text import stored_text

__all__ = ["PretrainSettings", "Ranks", "count_processes", "join_ranks", "pretrain_component"]


def pretrain_component(
    config: Config,
    files: Sequence[Path],
    output: Path,
    settings: PretrainSettings,
    *,
    component: str | None = None,
    save_every: int,
    show_progress: bool = False,
    ranks: Ranks,
) -> dict[str, Any]:
    """Pretrain the encoder of a component of a training config.

    files: raw text, a paragraph a line, a blank line between documents.
    output: folder of weights, checkpoint and log; an earlier run in it is gone on from.
    component: its name in the pipeline; None for the first.
    settings, save_every, show_progress, ranks: as in `pretrain_encoder`.
    RETURNS: `path` of the weights, and the last line of the log.
    """
    if output.is_file():
        raise LstmError(f"output {output} is a file: give a folder")
    for file in files:
        if not file.is_file():
            raise LstmError(f"no text file {file}: give files with a paragraph a line")
        if file_format(file) is not None:
            raise LstmError(
                f"{file} holds rows: give their texts, a paragraph a line, or the .spacy file "
                "that `spacy-lstm prepare` makes of it"
            )
    nlp = load_model_from_config(config, auto_fill=True)
    tok2vec = _find_encoder(nlp, component)
    # Weights that come with the component, those of a bundle, are gone on from.
    if not get_bridge(tok2vec).is_built:
        seed_all(settings.seed)
        tok2vec.initialize()
    output.mkdir(parents=True, exist_ok=True)
    text = stored_text(
        files,
        output,
        nlp,
        tok2vec,
        vocabulary=settings.vocabulary,
        show_progress=show_progress,
        ranks=ranks,
    )
    record = pretrain_encoder(
        tok2vec,
        text,
        output,
        settings,
        save_every=save_every,
        show_progress=show_progress,
        ranks=ranks,
    )
    return {"path": str(output / WEIGHTS), **record}


def _find_encoder(nlp: Language, component: str | None) -> Model[Any, Any]:
    """The `spacy_lstm.BiLSTMTok2Vec.v1` of a component: its model, or a layer of that."""
    names = nlp.pipe_names
    name = component or next(iter(names), None)
    if name is None or name not in names:
        raise LstmError(f"component {name!r}: expected one of {', '.join(names) or 'none'}")
    model: Model[Any, Any] | None = getattr(nlp.get_pipe(name), "model", None)
    if model is not None and "tok2vec" in model.ref_names:
        model = model.maybe_get_ref("tok2vec")
    if model is None or model.name != "bilstm_tok2vec":
        raise LstmError(
            f"component {name!r} has no token vectors of its own to pretrain: expected one built "
            "on spacy_lstm.BiLSTMTok2Vec.v1"
        )
    depth = get_bridge(model).settings["encoder"]["depth"]
    if depth != 1:
        raise LstmError(
            f"depth = {depth}: only a spacy_lstm.BiLSTMTok2Vec.v1 of depth 1 can be pretrained; "
            "the states of a second layer would know the words that they have to predict"
        )
    return model
