"""Training an encoder to predict words, with checkpoints that a later run goes on from."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import LstmError
from ..models.bilstm_tok2vec import to_features
from ..models.wrapper import get_bridge
from ..nn.language_model import BidirectionalLanguageModel
from ..nn.tok2vec import TokenEncoder
from .text import TokenText, chunk_starts

__all__ = ["CHECKPOINT", "LOG", "WEIGHTS", "PretrainSettings", "pretrain_encoder"]

CHECKPOINT, WEIGHTS, LOG = "checkpoint.safetensors", "tok2vec.bin", "log.jsonl"
_WARMUP = 200
_GRAD_CLIP = 1.0
_EVALUATED_CHUNKS = 384


class PretrainSettings(NamedTuple):
    """How an encoder is pretrained; stored with a checkpoint, which has to have the same."""

    steps: int = 10_000
    sequences: int = 64
    """Chunks in a batch."""
    length: int = 128
    """Tokens in a chunk."""
    vocabulary: int = 30_000
    """Output words."""
    samples: int = 1024
    """Words that each batch is contrasted with."""
    rate: float = 0.002
    """Learning rate at its highest, after a warm-up; it falls to zero along a cosine."""
    dropout: float = 0.1
    seed: int = 1


def pretrain_encoder(
    tok2vec: Model[list[Doc], list[Floats2d]],
    text: TokenText,
    output: Path,
    settings: PretrainSettings,
    *,
    save_every: int,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train the embedding and the recurrent layer of a `spacy_lstm.BiLSTMTok2Vec.v1`.

    output: folder of the checkpoint, which is gone on from where it is there, of the weights
        (`tok2vec.bin`, for `initialize.components.NAME.encoder`) and of the log.
    save_every: steps between two checkpoints.
    RETURNS: the last line of the log.
    """
    run = _Run(tok2vec, text, settings)
    step = run.load(output / CHECKPOINT)
    started, first = perf_counter(), step
    record: dict[str, Any] = {"step": step}
    progress = tqdm(total=settings.steps, initial=step, disable=not show_progress, unit="step")
    losses: list[float] = []
    with progress:
        for starts in run.batches(step):
            losses.append(run.update(starts, step))
            step += 1
            progress.update()
            if step % save_every and step < settings.steps:
                continue
            record = {
                "step": step,
                "tokens": step * settings.sequences * settings.length,
                "loss": round(float(np.mean(losses)), 4),
                "perplexity": round(run.perplexity(), 2),
                "seconds": round(perf_counter() - started, 1),
                "since_step": first,
            }
            losses.clear()
            run.save(output, step)
            with (output / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(record) + "\n")
            progress.set_postfix(perplexity=record["perplexity"])
    return record


class _Run:
    def __init__(
        self,
        tok2vec: Model[list[Doc], list[Floats2d]],
        text: TokenText,
        settings: PretrainSettings,
    ) -> None:
        module = get_bridge(tok2vec).module if tok2vec.name == "bilstm_tok2vec" else None
        layers = list(module.encoder.layers) if isinstance(module, TokenEncoder) else []
        if not isinstance(module, TokenEncoder) or len(layers) != 1:
            raise LstmError(
                "only a spacy_lstm.BiLSTMTok2Vec.v1 of depth 1 can be pretrained: with more "
                "layers its states would know the words that they have to predict"
            )
        self.tok2vec, self.module = tok2vec, module
        self.text, self.settings = text, settings
        torch.manual_seed(settings.seed)
        np.random.seed(settings.seed)
        (layer,) = layers
        assert isinstance(layer, nn.RNNBase)
        self.language_model = BidirectionalLanguageModel(
            width=layer.hidden_size,
            words=int(text.words.max()) + 1,
            samples=settings.samples,
        )
        self.trained = nn.ModuleDict(
            {
                "embedding": module.embedding,
                "layer": layer,
                "language_model": self.language_model,
            }
        )
        self.optimizer = torch.optim.Adam(self.trained.parameters(), betas=(0.9, 0.98))
        rng = np.random.default_rng(settings.seed)
        held_out = chunk_starts(text, settings.length, held_out=True, rng=rng)
        self.held_out = held_out[:_EVALUATED_CHUNKS]
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = settings.dropout

    def batches(self, step: int) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
        """The chunks of each step from the given one on; every epoch lays them anew."""
        size, epoch, passed = self.settings.sequences, 0, 0
        while True:
            rng = np.random.default_rng((self.settings.seed, epoch))
            starts = chunk_starts(self.text, self.settings.length, held_out=False, rng=rng)
            full = max(1, len(starts) // size)
            for i in range(full):
                if passed >= self.settings.steps:
                    return
                if passed >= step:
                    yield starts[i * size : (i + 1) * size]
                passed += 1
            epoch += 1

    def update(self, starts: Any, step: int) -> float:
        """One step of the optimizer; gives the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(step)
        self.module.train()
        H, words = self._states(starts, name_dropout=self.tok2vec.attrs["name_dropout"])
        # Half precision where it does no harm: matrices; the softmax is taken in single.
        with torch.autocast(H.device.type, dtype=torch.bfloat16):
            loss = self.language_model.loss(H, words)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.trained.parameters(), _GRAD_CLIP)
        self.optimizer.step()
        self.module.eval()
        return loss.item()

    def _rate(self, step: int) -> float:
        rate, steps = self.settings.rate, self.settings.steps
        if step < _WARMUP:
            return rate * (step + 1) / _WARMUP
        return rate * 0.5 * (1 + math.cos(math.pi * step / steps))

    def perplexity(self) -> float:
        """Of the held-out text, mean of both directions."""
        losses = []
        with torch.inference_mode():
            for first in range(0, len(self.held_out), self.settings.sequences):
                H, words = self._states(
                    self.held_out[first : first + self.settings.sequences], name_dropout=0.0
                )
                losses.append(self.language_model.log_perplexity(H.float(), words).item())
        return math.exp(sum(losses) / len(losses))

    def _states(self, starts: Any, *, name_dropout: float) -> tuple[Tensor, Tensor]:
        length = self.settings.length
        types = self.text.tokens[starts[:, None] + np.arange(length)]
        lengths = [length] * len(starts)
        rows = self.text.features[types.reshape(-1)]
        features = to_features(self.tok2vec, rows, lengths, name_dropout=name_dropout)
        device = get_bridge(self.tok2vec).device
        with torch.autocast(device.type, dtype=torch.bfloat16):
            X = self.module.embedding(torch.from_numpy(features).to(device))
            H = self.module.encoder.recur(X, lengths)
        words = torch.from_numpy(self.text.words[types]).long().to(device)
        return H.view(len(starts), length, -1), words

    def save(self, output: Path, step: int) -> None:
        """The checkpoint first: weights without one would be those of a step that never was."""
        state = dict(self.trained.state_dict())
        names = {id(p): name for name, p in self.trained.named_parameters()}
        for parameter, values in self.optimizer.state.items():
            for key, value in values.items():
                state[f"optimizer.{key}.{names[id(parameter)]}"] = value
        header = {"step": step, "settings": self.settings._asdict()}
        _replace(
            output / CHECKPOINT,
            safetensors.torch.save(
                {name: tensor.contiguous() for name, tensor in state.items()},
                metadata={"pretraining": json.dumps(header, sort_keys=True)},
            ),
        )
        _replace(output / WEIGHTS, self.tok2vec.to_bytes())

    def load(self, path: Path) -> int:
        """The step that the checkpoint was written after; 0 where there is none."""
        if not path.is_file():
            return 0
        try:
            with safe_open(path, framework="pt") as file:
                header = json.loads(file.metadata()["pretraining"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise LstmError(f"{path} is no checkpoint of pretraining: delete it") from error
        if header["settings"] != self.settings._asdict():
            raise LstmError(
                f"{path} was written with other settings ({header['settings']}): give those, or "
                "another output folder"
            )
        moments = {k: state.pop(k) for k in list(state) if k.startswith("optimizer.")}
        try:
            self.trained.load_state_dict(state)
        except RuntimeError as error:
            raise LstmError(f"{path} belongs to another model or text: delete it") from error
        for name, parameter in self.trained.named_parameters():
            self.optimizer.state[parameter] = {
                key: moments[f"optimizer.{key}.{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimizer.{key}.{name}" in moments
            }
        return int(header["step"])


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.partial")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()
