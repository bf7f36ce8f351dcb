"""The sums that a pair's score needs, in fewer and smaller steps than training takes.

Nothing here keeps what a gradient would need: for inference on a CPU alone.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import embedding, pad

from ..coref.pair_features import JOINT_FEATURES, PAIR_FEATURES

__all__ = ["PairProducts", "sum_combinations"]

Ints = npt.NDArray[np.int64]

# Mentions of a block, and on either side of it, whose products are had from one matrix.
_BLOCK: Final = 32
_REACH: Final = 48
_NEAR: Final = _REACH + _BLOCK + _REACH


def sum_combinations(weight: Tensor) -> Tensor:
    """The sums of a table's rows, for `coref.pair_features.PairFeatures.joint`.

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


class PairProducts:
    """Q[i] · G[j] + own[i, 0] + own[j, 1] of pairs most of which are near each other.

    Those within `_REACH` come from products of blocks of mentions with all that a block can reach:
    most of these go unread, and yet they take far less time than the rows of every pair.

    Q, G: vectors of mentions. *Shape:* ``(mentions, width)``
    own: what each mention brings as the first and as the second. *Shape:* ``(mentions, 2)``
    """

    def __init__(self, Q: Tensor, G: Tensor, own: Tensor) -> None:
        self._Q, self._G, self._own = Q, G, own
        mentions, width = Q.shape
        place = np.arange(mentions)
        if mentions <= _REACH:
            self._near = torch.addmm(own[:, 1], Q, G.T).add_(own[:, :1]).flatten()
            self._base = place * mentions
            return
        blocks = -(-mentions // _BLOCK)
        spare = blocks * _BLOCK - mentions
        near = pad(G, (0, 0, _REACH, _REACH + spare)).as_strided(
            (blocks, _NEAR, width), (_BLOCK * width, width, 1)
        )
        rows = pad(Q, (0, 0, 0, spare)).view(blocks, _BLOCK, width)
        second = pad(own[:, 1], (_REACH, _REACH + spare)).as_strided(
            (blocks, 1, _NEAR), (_BLOCK, 1, 1)
        )
        products = torch.baddbmm(second, rows, near.transpose(1, 2)).flatten(0, 1)[:mentions]
        self._near = products.add_(own[:, :1]).flatten()
        # Where mention 0 would stand in each mention's row of products.
        self._base = place * _NEAR - place // _BLOCK * _BLOCK + _REACH

    def of(self, i: Ints, j: Ints) -> Tensor:
        """The numbers of some pairs.

        i, j: mentions of each pair. *Shape:* ``(pairs,)``
        RETURNS: *Shape:* ``(pairs,)``
        """
        places = self._base.take(i)
        places += j
        far = np.flatnonzero(np.abs(i - j) > _REACH)
        if not len(far):
            return self._near.take(torch.from_numpy(places))
        places[far] = 0
        found = self._near.take(torch.from_numpy(places))
        a, b = torch.from_numpy(i[far]), torch.from_numpy(j[far])
        rows = embedding(a, self._Q) * embedding(b, self._G)
        found[torch.from_numpy(far)] = rows.sum(1) + self._own[a, 0] + self._own[b, 1]
        return found
