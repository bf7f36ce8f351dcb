"""Training an encoder to predict words, with checkpoints that a later run goes on from."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import LstmError
from ..files import replacing
from ..models.bilstm_tok2vec import to_features
from ..models.wrapper import get_bridge
from ..nn.language_model import BidirectionalLanguageModel
from ..nn.precision import mixed_precision
from ..nn.tok2vec import TokenEncoder
from .ranks import ALONE, Ranks
from .storage import load_checkpoint, read_log, save_checkpoint
from .text import Ints, TokenText, chunk_starts

__all__ = ["CHECKPOINT", "LOG", "WEIGHTS", "PretrainSettings", "pretrain_encoder", "seed_all"]

CHECKPOINT, WEIGHTS, LOG = "checkpoint.safetensors", "tok2vec.bin", "log.jsonl"
_WARMUP: Final = 200
_GRAD_CLIP: Final = 1.0
_EVALUATED_CHUNKS: Final = 384

Starts = npt.NDArray[np.int64]


class PretrainSettings(NamedTuple):
    """How an encoder is pretrained; stored with a checkpoint, which has to have the same."""

    steps: int = 10_000
    sequences: int = 64
    """Chunks in a batch, those of all processes together."""
    length: int = 128
    """Tokens in a chunk."""
    vocabulary: int = 30_000
    """Output words."""
    samples: int = 1024
    """Words that each batch is contrasted with."""
    rate: float = 0.002
    """Learning rate at its highest, after a warm-up of 200 steps or, in a short run, a tenth of
    them; it falls to zero along a cosine."""
    dropout: float = 0.1
    seed: int = 1


def seed_all(*numbers: int) -> None:
    """Let all that is drawn from here on depend on these numbers alone."""
    (seed,) = np.random.SeedSequence(numbers).generate_state(1)
    torch.manual_seed(int(seed))
    np.random.seed(seed)


def pretrain_encoder(
    tok2vec: Model[list[Doc], list[Floats2d]],
    text: TokenText,
    output: Path,
    settings: PretrainSettings,
    *,
    save_every: int,
    show_progress: bool = False,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """Train the embedding and the recurrent layer of a `spacy_lstm.BiLSTMTok2Vec.v1`.

    A run that was killed, whenever that was, and is called again comes to the same weights as
    one that was not: its last checkpoint holds all that matters, and what is drawn in a step
    (chunks, dropout, names, words to contrast with) depends on the seed and the step alone.

    Processes that train together take each step as one alone would, but that each draws its own
    dropout and names; how many they are may change from call to call. The first alone writes.

    tok2vec: of depth 1, with weights.
    output: folder of the checkpoint, which is gone on from where it is there, of the weights
        (`tok2vec.bin`, for `initialize.components.NAME.encoder`) and of the log.
    save_every: steps between two checkpoints.
    ranks: the processes that train together.
    RETURNS: the last line of the log.
    """
    run = _Run(tok2vec, text, settings, ranks)
    header = run.load(output / CHECKPOINT)
    log = read_log(output / LOG, header)
    step = first = header.get("step", 0)
    if step and ranks.is_first:
        _publish(output, tok2vec, log)
    started = perf_counter()
    hidden = not (show_progress and ranks.is_first)
    progress = tqdm(total=settings.steps, initial=step, disable=hidden, unit="step")
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
                "tokens": step * run.batch_size * settings.length,
                "loss": round(float(np.mean(losses)), 4),
                "perplexity": round(run.perplexity(), 2),
                "seconds": round(perf_counter() - started, 1),
                "since_step": first,
            }
            _check_finite(record)
            losses.clear()
            log.append(record)
            if ranks.is_first:
                run.save(output / CHECKPOINT, record)
                _publish(output, tok2vec, log)
            progress.set_postfix(perplexity=record["perplexity"])
    return log[-1] if log else {"step": step}


def _check_finite(record: Mapping[str, Any]) -> None:
    if not (math.isfinite(record["loss"]) and math.isfinite(record["perplexity"])):
        raise LstmError(
            f"the loss is {record['loss']} and the perplexity {record['perplexity']} after "
            f"{record['step']} steps: give a lower learning rate, and another output folder"
        )


def _publish(output: Path, tok2vec: Model[Any, Any], log: list[dict[str, Any]]) -> None:
    """What follows from a checkpoint. It comes after it, and again when a run goes on: whoever
    was killed between the two still leaves the weights of the step that the checkpoint tells."""
    with replacing(output / WEIGHTS) as beside:
        beside.write_bytes(tok2vec.to_bytes())
    with replacing(output / LOG) as beside, beside.open("wb") as stream:
        stream.writelines(json.dumps(record).encode() + b"\n" for record in log)


class _Run:
    def __init__(
        self,
        tok2vec: Model[list[Doc], list[Floats2d]],
        text: TokenText,
        settings: PretrainSettings,
        ranks: Ranks = ALONE,
    ) -> None:
        module = get_bridge(tok2vec).module
        assert isinstance(module, TokenEncoder)
        (layer,) = module.encoder.layers
        assert isinstance(layer, nn.RNNBase)
        self.tok2vec, self.module = tok2vec, module
        self.text, self.settings, self.ranks = text, settings, ranks
        self.fingerprint = text.fingerprint()
        seed_all(settings.seed)
        self.language_model = BidirectionalLanguageModel(
            width=layer.hidden_size,
            words=int(text.words.max()) + 1,
            samples=settings.samples,
        ).to(get_bridge(tok2vec).device)
        self.trained = nn.ModuleDict(
            {
                "embedding": module.embedding,
                "layer": layer,
                "language_model": self.language_model,
            }
        )
        self.optimizer = torch.optim.Adam(self.trained.parameters(), betas=(0.9, 0.98), fused=True)
        rng = np.random.default_rng(settings.seed)
        held_out = chunk_starts(text, settings.length, held_out=True, rng=rng)
        self.held_out = held_out[:_EVALUATED_CHUNKS]
        # Every epoch has as many chunks.
        self.batch_size = min(settings.sequences, len(self._epoch(0)))
        if self.batch_size < ranks.size:
            raise LstmError(
                f"{ranks.size} processes and batches of {self.batch_size} sequences: expected a "
                "sequence or more for each (--sequences counts those of all processes)"
            )
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = settings.dropout

    def batches(self, step: int) -> Iterator[Starts]:
        """The chunks of each step from the given one on; every epoch lays them anew."""
        epoch = passed = 0
        while True:
            starts = self._epoch(epoch)
            for first in range(0, len(starts) - self.batch_size + 1, self.batch_size):
                if passed >= self.settings.steps:
                    return
                if passed >= step:
                    yield starts[first : first + self.batch_size]
                passed += 1
            epoch += 1

    def _epoch(self, number: int) -> Starts:
        rng = np.random.default_rng((self.settings.seed, number))
        return chunk_starts(self.text, self.settings.length, held_out=False, rng=rng)

    def update(self, batch: Starts, step: int) -> float:
        """One step of the optimizer; gives the loss.

        batch: the chunks of all processes.
        """
        settings, ranks = self.settings, self.ranks
        seed_all(settings.seed, step)
        drawn = self.language_model.draw()
        if ranks.size > 1:
            # Of dropout and names every process draws its own.
            seed_all(settings.seed, step, ranks.rank)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(step)
        self.module.train()
        places = self.language_model.count_places(torch.from_numpy(self._words(batch)))
        name_dropout = self.tok2vec.attrs["name_dropout"]
        H, words = self._states(ranks.share(batch), name_dropout=name_dropout)
        with mixed_precision(H.device):
            loss = self.language_model.loss(H, words, drawn, places)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        parameters = list(self.trained.parameters())
        gradients = [p.grad for p in parameters if p.grad is not None]
        total = loss.detach().float()
        ranks.add_up([*gradients, total])
        nn.utils.clip_grad_norm_(parameters, _GRAD_CLIP)
        self.optimizer.step()
        self.module.eval()
        return total.item()

    def _rate(self, step: int) -> float:
        rate, steps = self.settings.rate, self.settings.steps
        warmup = min(_WARMUP, steps // 10)
        if step < warmup:
            return rate * (step + 1) / warmup
        return rate * 0.5 * (1 + math.cos(math.pi * step / steps))

    def perplexity(self) -> float:
        """Of the held-out text, mean of both directions."""
        held_out = self.ranks.share(self.held_out)
        # Sum of the losses, and of the places that they are the mean of.
        sums = torch.zeros(2, dtype=torch.float64)
        with torch.inference_mode():
            for first in range(0, len(held_out), self.settings.sequences):
                chunks = held_out[first : first + self.settings.sequences]
                H, words = self._states(chunks, name_dropout=0.0)
                # A place whose word is not among the output words counts in no batch.
                known = int((words >= 0).sum())
                loss = self.language_model.log_perplexity(H.float(), words)
                sums += torch.tensor([loss.item() * known, known])
        self.ranks.add_up([sums])
        return float((sums[0] / sums[1]).exp())

    def _states(self, starts: Starts, *, name_dropout: float) -> tuple[Tensor, Tensor]:
        length = self.settings.length
        types = self._types(starts)
        lengths = [length] * len(starts)
        rows = self.text.features[types.reshape(-1)]
        features = to_features(self.tok2vec, rows, lengths, name_dropout=name_dropout)
        device = get_bridge(self.tok2vec).device
        with mixed_precision(device):
            X = self.module.embedding(torch.from_numpy(features).to(device))
            H = self.module.encoder.recur(X, lengths)
        words = torch.from_numpy(self.text.words[types]).long().to(device)
        return H.view(len(starts), length, -1), words

    def _types(self, starts: Starts) -> Ints:
        types: Ints = self.text.tokens[starts[:, None] + np.arange(self.settings.length)]
        return types

    def _words(self, starts: Starts) -> Ints:
        words: Ints = self.text.words[self._types(starts)]
        return words

    def save(self, path: Path, record: Mapping[str, Any]) -> None:
        """Write the checkpoint of a line of the log."""
        header = {**self._identity(), "step": record["step"], "record": record}
        save_checkpoint(path, self.trained, self.optimizer, header)

    def load(self, path: Path) -> dict[str, Any]:
        """The header of the checkpoint that was gone on from; empty where there is none."""
        header = load_checkpoint(path, self.trained, self.optimizer, self._identity())
        self.ranks.check_same("text or settings", self._identity())
        self.ranks.check_same("checkpoint", header.get("step", 0))
        # They were drawn from the same seed, but perhaps by another library.
        self.ranks.copy_first([parameter.data for parameter in self.trained.parameters()])
        return header

    def _identity(self) -> dict[str, Any]:
        return {"settings": self.settings._asdict(), "text": self.fingerprint}
