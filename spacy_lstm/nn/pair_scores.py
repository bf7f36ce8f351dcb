"""The sums that a pair's score needs, in fewer and smaller steps than training takes.

Nothing here keeps what a gradient would need: for inference on a CPU alone.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import embedding

from ..coref.candidates import JOINT_FEATURES, PAIR_FEATURES

__all__ = ["pair_products", "sum_combinations"]

Ints = npt.NDArray[np.int64]

# Mentions on either side of a block within which products are had from one matrix.
_REACH: Final = 64


def sum_combinations(weight: Tensor) -> Tensor:
    """The sums of a table's rows, for `coref.candidates.joint_features`.

    weight: one row for each value of each of `PAIR_FEATURES`. *Shape:* ``(values, width)``
    RETURNS: *Shape:* ``(combinations, width)``
    """
    offsets = np.cumsum([0, *PAIR_FEATURES.values()]).tolist()
    own = {
        name: weight[first:last]
        for name, (first, last) in zip(PAIR_FEATURES, pairwise(offsets), strict=True)
    }
    parts = []
    for first, *others in JOINT_FEATURES:
        joint = own[first]
        for name in others:
            joint = (joint.unsqueeze(1) + own[name]).flatten(0, 1)
        parts.append(joint)
    return torch.cat(parts)


def pair_products(Q: Tensor, G: Tensor, own: Tensor, i: Ints, j: Ints) -> Tensor:
    """Q[i] · G[j] + own[i, 0] + own[j, 1] of pairs most of which are near each other.

    Q, G: vectors of mentions. *Shape:* ``(mentions, width)``
    own: what each mention brings as the first and as the second. *Shape:* ``(mentions, 2)``
    i, j: mentions of each pair; i rises. *Shape:* ``(pairs,)``
    RETURNS: *Shape:* ``(pairs,)``
    """
    first, last = int(i[0]), int(i[-1]) + 1
    low, high = max(first - _REACH, 0), min(last + _REACH, len(G))
    # Most products of the matrix go unread, and yet it takes far less time than the rows.
    products = torch.addmm(own[low:high, 1], Q[first:last], G[low:high].T)
    products += own[first:last, :1]
    places = (i - first) * (high - low) + np.clip(j, low, high - 1) - low
    found = products.take(torch.from_numpy(places))
    far = np.flatnonzero((j < low) | (j >= high))
    if len(far):
        a, b = torch.from_numpy(i[far]), torch.from_numpy(j[far])
        rows = embedding(a, Q) * embedding(b, G)
        found[torch.from_numpy(far)] = rows.sum(1) + own[a, 0] + own[b, 1]
    return found
