"""What a pipeline's speed is compared with: encoders alone, over tokens that are there already."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import Config
from torch import Tensor, nn

from ..batching import batch_by_tokens
from ..models.wrapper import TorchBridge
from ..nn.tok2vec import TokenEncoder

__all__ = ["PEER_NAMES", "BareLSTM", "SpacyEncoder", "TransformerEncoder", "find_encoders"]

PEER_NAMES: Final = {
    "lstm": "bare nn.LSTM of the same sizes",
    "cnn": "spaCy's HashEmbedCNN, width 96, depth 4",
    "torch_bilstm": "MultiHashEmbed + spacy.TorchBiLSTMEncoder.v1, width 96",
    "transformer": "encoder of DistilRoBERTa's size, random weights, 2 × 512 tokens",
}
"""The peers, by the key that a benchmark's figures have."""

_CONFIGS: Final = {
    "cnn": """
[model]
@architectures = "spacy.HashEmbedCNN.v2"
width = 96
depth = 4
embed_size = 2000
window_size = 1
maxout_pieces = 3
subword_features = true
pretrained_vectors = null
""",
    "torch_bilstm": """
[model]
@architectures = "spacy.Tok2Vec.v2"

[model.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 96
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE"]
rows = [5000, 1000, 2500, 2500]
include_static_vectors = false

[model.encode]
@architectures = "spacy.TorchBiLSTMEncoder.v1"
width = 96
depth = 1
dropout = 0.0
""",
}
# Tokens of a batch, padded: what fits into a processor's cache.
_PADDED_TOKENS: Final = 4_096
_BATCH_TOKENS: Final = 10_000


class BareLSTM:
    """`nn.LSTM` of the sizes of our encoders, each over the same tokens: padded batches, sorted by
    length, in inference mode. Documents longer than the encoder's window come in pieces of that
    length, which do not overlap. Input vectors are ready before time counts.

    encoders: whose sizes it has.
    """

    def __init__(self, encoders: Sequence[TokenEncoder]) -> None:
        self._layers: list[tuple[nn.LSTM, int]] = []
        for encoder in encoders:
            first = encoder.encoder.layers[0]
            assert isinstance(first, nn.RNNBase)
            layer = nn.LSTM(
                first.input_size,
                first.hidden_size,
                num_layers=len(encoder.encoder.layers),
                bidirectional=True,
                batch_first=True,
            )
            self._layers.append((layer.eval(), encoder.window))

    def prepare(self, docs: Sequence[Doc]) -> Callable[[], object]:
        """What runs all of it."""
        jobs: list[tuple[nn.LSTM, Tensor]] = []
        for layer, window in self._layers:
            sizes = sorted(
                (
                    min(window, len(doc) - first)
                    for doc in docs
                    for first in range(0, len(doc), window)
                ),
                reverse=True,
            )
            for members in _batch_by_padding(sizes):
                X = torch.randn(len(members), members[0], layer.input_size)
                jobs.append((layer, X))

        def run() -> None:
            with torch.inference_mode():
                for layer, X in jobs:
                    layer(X)

        return run


def _batch_by_padding(sizes: list[int]) -> list[list[int]]:
    """Sequences of like length together: a tenth of a batch is padding at most.

    sizes: tokens of each, falling.
    """
    batches: list[list[int]] = []
    tokens = 0
    for size in sizes:
        longest = batches[-1][0] if batches else 0
        padded = longest * (len(batches[-1]) + 1) if batches else 0
        if not batches or padded > _PADDED_TOKENS or padded > 1.1 * (tokens + size):
            batches.append([])
            tokens = 0
        batches[-1].append(size)
        tokens += size
    return batches


class SpacyEncoder:
    """An encoder of spaCy's with random weights, over documents in batches.

    name: "cnn" or "torch_bilstm".
    docs: a few, to initialize from.
    """

    def __init__(self, name: str, docs: list[Doc]) -> None:
        config = Config().from_str(_CONFIGS[name])
        self._model: Any = registry.resolve(config, validate=True)["model"]
        self._model.initialize(X=docs)

    def prepare(self, docs: Sequence[Doc]) -> Callable[[], object]:
        """What runs all of it."""

        def run() -> None:
            for batch in batch_by_tokens(docs, _BATCH_TOKENS):
                self._model.predict(batch)

        return run


class TransformerEncoder:
    """A transformer of DistilRoBERTa's size: 6 layers of width 768 with 12 heads. Two sequences of
    512 tokens at a time, its best case, and each of its tokens counts for a word, although words
    have 1.3 of them."""

    def __init__(self) -> None:
        layer = nn.TransformerEncoderLayer(
            768, 12, dim_feedforward=3072, activation="gelu", batch_first=True
        )
        self._encoder = nn.TransformerEncoder(layer, 6).eval()
        self.tokens = 2 * 512

    def prepare(self, docs: Sequence[Doc]) -> Callable[[], object]:
        """What runs one batch of `tokens`, whatever the documents are."""
        X = torch.randn(2, 512, 768)

        def run() -> None:
            with torch.inference_mode():
                self._encoder(X)

        return run


def find_encoders(nlp: Language) -> list[TokenEncoder]:
    """Our encoders in a pipeline, each once."""
    found: dict[int, TokenEncoder] = {}
    for _, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        for node in model.walk() if model is not None else ():
            for shim in node.shims:
                if isinstance(shim, TorchBridge) and isinstance(shim.module, TokenEncoder):
                    found[id(shim.module)] = shim.module
    return list(found.values())
