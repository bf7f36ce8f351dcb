"""Token features → vectors."""

from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .inference import Derived

__all__ = ["FEATURES", "TableRows", "TokenEmbedding"]

FEATURES: Final = ("form", "prefix", "suffix", "shape", "gender", "vector")
"""The columns of a feature row, in order."""

_WIDTHS: Final = {"form": 48, "prefix": 24, "suffix": 24, "shape": 16, "gender": 8}


class TableRows(NamedTuple):
    """Sizes of the learned tables, in the order of `FEATURES`. Row 0 of the pretrained table,
    the last column's, stands for words without a vector."""

    form: int = 20_000
    prefix: int = 4_000
    suffix: int = 4_000
    shape: int = 300
    gender: int = 5


class TokenEmbedding(nn.Module):
    """One table a feature; the rows of a token are joined, not summed.

    Embedding by hashed features (Weinberger et al. 2009), one hash each: two words that fall
    on one row still differ in their other features.

    rows: sizes of the hashed tables.
    vectors: number of words with a pretrained vector (0 for none).
    vector_width: width of the pretrained vectors.
    width_factor: scales the widths of the learned tables.
    """

    def __init__(
        self,
        *,
        rows: TableRows,
        vectors: int = 0,
        vector_width: int = 0,
        width_factor: float = 1.0,
    ) -> None:
        super().__init__()
        widths = [max(4, round(_WIDTHS[name] * width_factor)) for name in TableRows._fields]
        tables = [nn.Embedding(size, width) for size, width in zip(rows, widths, strict=True)]
        for table in tables:
            nn.init.normal_(table.weight, std=0.1)
        self.tables = nn.ModuleDict(dict(zip(TableRows._fields, tables, strict=True)))
        self.width = sum(widths) + vector_width
        # Pretrained vectors stay as they are: learned, they would need most of the training
        # time and the few words of the training data would move away from all others.
        codes = torch.zeros(vectors + 1, vector_width, dtype=torch.int8)
        self.register_buffer("vector_codes", codes)
        self.register_buffer("vector_scales", torch.zeros(vectors + 1, 1))
        self.vector_codes: Tensor
        self.vector_scales: Tensor
        self._arrays = Derived(_as_arrays)

    def set_vectors(self, codes: Tensor, scales: Tensor) -> None:
        """Fill the pretrained table; row 0 stays zero.

        codes: *Shape:* ``(vectors, vector_width)``, int8
        scales: *Shape:* ``(vectors, 1)``
        """
        self.vector_codes[1:] = codes
        self.vector_scales[1:] = scales

    def forward(self, features: Tensor) -> Tensor:
        """Look up and join.

        features: rows of the tables, in the order of `FEATURES`. *Shape:* ``(tokens, 6)``
        RETURNS: *Shape:* ``(tokens, width)``
        """
        parts = [table(features[:, i]) for i, table in enumerate(self.tables.values())]
        if self.vector_codes.shape[1]:
            rows = features[:, len(parts)]
            parts.append(self.vector_codes[rows].float() * self.vector_scales[rows])
        return torch.cat(parts, dim=1)

    def look_up(self, features: npt.NDArray[Any]) -> Tensor:
        """The same on a CPU, without gradients, by NumPy: of few tokens in half the time."""
        weights = [cast(Tensor, table.weight) for table in self.tables.values()]
        *tables, codes, scales = self._arrays.of(*weights, self.vector_codes, self.vector_scales)
        out = np.empty((len(features), self.width), dtype=scales.dtype)
        column = 0
        for table, rows in zip(tables, features.T, strict=False):
            out[:, column : column + table.shape[1]] = table[rows]
            column += table.shape[1]
        if codes.shape[1]:
            rows = features[:, len(tables)]
            np.multiply(codes[rows], scales[rows], out=out[:, column:])
        return torch.from_numpy(out)


def _as_arrays(*weights: Tensor) -> list[npt.NDArray[Any]]:
    return [weight.numpy() for weight in weights]
