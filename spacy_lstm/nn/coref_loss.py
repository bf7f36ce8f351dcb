"""What the coreference scorer is trained on: documents with all clusters, and single pairs."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..coref.candidates import THIRD_PERSON
from ..coref.targets import CorefTargets, PairTarget
from .coref import CorefOutput
from .syntax import SyntaxLogits, syntax_loss

__all__ = ["CorefGradients", "coref_loss"]

# A pronoun is what users ask for; names find each other by their letters.
PRONOUN_WEIGHT = 2.0
# Shares of a pair's loss: the choice among names alone, and the way that decoding takes.
DIRECT_WEIGHT = 0.5
CHAIN_WEIGHT = 1.0
# Pair data says of few spans that they are mentions, and of none that it is not one.
PAIR_MENTION_WEIGHT = 0.3
# Of a span without a mark where mentions outside of all clusters are not marked.
UNSURE_WEIGHT = 0.3


class CorefGradients(NamedTuple):
    """Gradients of the loss by the tensors of `CorefOutput`."""

    mention_logits: Tensor
    pair_logits: Tensor
    null_logits: Tensor
    syntax: SyntaxLogits | None = None


def coref_loss(
    output: CorefOutput,
    targets: CorefTargets,
    *,
    pair_weight: float = 1.0,
    syntax_weight: float = 1.0,
) -> tuple[float, CorefGradients]:
    """The loss of a batch, and its gradients.

    Mentions: binary cross-entropy of every span. Antecedents: the negative logarithm of what
    all gold antecedents get together (marginal likelihood, Lee et al. 2017, eq. 9). Pairs: see
    `pair_loss`. All are sums, so that a mention weighs the same whatever stands around it,
    divided by the words of the batch.

    pair_weight: weight of a pair; a text with one has one decision, a document of the same
        length dozens.
    syntax_weight: weight of a word's tag, relation and head.
    """
    leaves = [
        tensor.detach().requires_grad_()
        for tensor in (output.mention_logits, output.pair_logits, output.null_logits)
    ]
    leaf_output = output._replace(
        mention_logits=leaves[0], pair_logits=leaves[1], null_logits=leaves[2]
    )
    loss = _mention_loss(leaf_output, targets) + _antecedent_loss(leaf_output, targets)
    if targets.pairs:
        log_p = _log_probabilities(leaf_output)
        losses = [pair_loss(leaf_output, log_p, pair) for pair in targets.pairs]
        loss = loss + pair_weight * torch.stack(losses).sum()
    if output.syntax is not None and targets.syntax is not None:
        learned = SyntaxLogits(*(t.detach().requires_grad_() for t in output.syntax))
        leaves.extend(learned)
        loss = loss + syntax_weight * syntax_loss(learned, targets.syntax)
    loss = loss / max(1, len(output.mention_logits))
    if not loss.requires_grad:
        nothing = [torch.zeros_like(leaf) for leaf in leaves]
        return float(loss), CorefGradients(nothing[0], nothing[1], nothing[2])
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
    filled = [
        torch.zeros_like(leaf) if gradient is None else torch.nan_to_num(gradient)
        for leaf, gradient in zip(leaves, gradients, strict=True)
    ]
    syntax = SyntaxLogits(*filled[3:]) if filled[3:] else None
    return loss.item(), CorefGradients(filled[0], filled[1], filled[2], syntax)


def _mention_loss(output: CorefOutput, targets: CorefTargets) -> Tensor:
    logits = output.mention_logits
    device = logits.device
    certainty = np.where(targets.exhaustive, 1.0, UNSURE_WEIGHT) * targets.annotated
    weights = certainty[output.words.document]
    weight = torch.from_numpy(np.repeat(weights[:, None], logits.shape[1], axis=1)).float()
    gold = torch.zeros_like(weight)
    for spans, share in ((targets.paired_spans, PAIR_MENTION_WEIGHT), (targets.spans, 1.0)):
        short = spans[spans[:, 1] - spans[:, 0] <= logits.shape[1]]
        start = torch.from_numpy(short[:, 0])
        column = torch.from_numpy(short[:, 1] - short[:, 0] - 1)
        gold[start, column] = 1.0
        weight[start, column] = torch.maximum(weight[start, column], torch.tensor(share))
    weight = weight.to(device) * torch.isfinite(logits)
    finite = logits.masked_fill(~torch.isfinite(logits), 0.0)
    losses = binary_cross_entropy_with_logits(finite, gold.to(device), weight, reduction="sum")
    return losses


def _log_probabilities(output: CorefOutput) -> Tensor:
    """Of no antecedent, then of each candidate. *Shape:* ``(mentions, 1 + candidates)``"""
    joined = torch.cat([output.null_logits.unsqueeze(1), output.pair_logits], dim=1)
    return torch.log_softmax(joined, dim=1)


def _antecedent_loss(output: CorefOutput, targets: CorefTargets) -> Tensor:
    mentions, pairs = output.mentions, output.pairs
    cluster = targets.clusters_of(mentions)
    candidates = pairs.candidates
    same = (cluster[np.maximum(candidates, 0)] == cluster[:, None]) & (candidates >= 0)
    same &= cluster[:, None] >= 0
    # Cataphora is for pronouns with nothing before them. Where there is something, the names
    # further on are right too, but to be led to them would break the chain.
    ahead = candidates > np.arange(len(candidates))[:, None]
    led_back = (same & ~ahead).any(axis=1, keepdims=True)
    passed_over = same & ahead & led_back
    same &= ~passed_over
    gold = np.concatenate([~same.any(axis=1, keepdims=True), same], axis=1)
    third = mentions.is_kind(*THIRD_PERSON)
    weight = np.where(third, PRONOUN_WEIGHT, 1.0) * targets.annotated[mentions.document]
    unknown = mentions.is_pronoun & (cluster < 0) & targets.unmarked[mentions.document]
    weight = np.where(unknown, 0.0, weight)
    if not weight.any():
        return output.null_logits.new_zeros(())
    left_out = torch.from_numpy(passed_over).to(output.pair_logits.device)
    pair_logits = output.pair_logits.masked_fill(left_out, -torch.inf)
    log_p = _log_probabilities(output._replace(pair_logits=pair_logits))
    mask = torch.from_numpy(gold).to(log_p.device)
    likelihood = torch.logsumexp(log_p.masked_fill(~mask, -torch.inf), dim=1)
    scale = torch.from_numpy(weight).float().to(log_p.device)
    return -(likelihood * scale).sum()


def pair_loss(output: CorefOutput, log_p: Tensor, pair: PairTarget) -> Tensor:
    """The loss of one pronoun whose true antecedent among some candidates is known.

    Directly: a softmax over what is no pronoun, for the mentions of the true candidate (for
    none: everything else). Pronouns are left out of it, since one may well be a link of the
    chain to the right name. Through the chain: the probability of the true candidate over at
    most two earlier or later pronouns.
    """
    mentions, candidates = output.mentions, output.pairs.candidates
    row = int(
        np.flatnonzero((mentions.start == pair.pronoun[0]) & (mentions.end == pair.pronoun[1]))[0]
    )
    document = np.flatnonzero(mentions.document == mentions.document[row])
    first, last = int(document[0]), int(document[-1]) + 1
    hits = _hits(output, pair, first, last)
    true_hit = hits[:, pair.labels].any(axis=1)
    any_hit = hits.any(axis=1)
    is_pronoun = np.asarray(mentions.is_pronoun)[first:last]
    local = candidates[row] - first
    there = candidates[row] >= 0
    safe = np.where(there, local, 0)
    choice = np.concatenate([[True], there & ~is_pronoun[safe]])
    right = true_hit[safe] & there if any(pair.labels) else there & ~any_hit[safe]
    right = np.concatenate([[not any(pair.labels)], right]) & choice
    device = log_p.device
    loss = log_p.new_zeros(())
    if right.any():
        numerator = torch.logsumexp(log_p[row][torch.from_numpy(right).to(device)], dim=0)
        loss = torch.logsumexp(log_p[row][torch.from_numpy(choice).to(device)], dim=0) - numerator
    reached = _chain(output, log_p, row, first, last, hits)
    wanted = reached[torch.tensor(pair.labels)].sum() if any(pair.labels) else 1 - reached.sum()
    return DIRECT_WEIGHT * loss - CHAIN_WEIGHT * torch.log(wanted.clamp(min=1e-4))


def _hits(output: CorefOutput, pair: PairTarget, first: int, last: int) -> Any:
    """Which mentions of the document name which candidate. *Shape:* ``(mentions, candidates)``"""
    mentions = output.mentions
    head = mentions.head[first:last, None]
    start, end = np.array(pair.candidates, dtype=np.int64).reshape(-1, 2).T
    single = ~(mentions.is_pronoun | mentions.coordinated)[first:last, None]
    return np.asarray((head >= start) & (head < end) & single)


def _chain(
    output: CorefOutput, log_p: Tensor, row: int, first: int, last: int, hits: Any
) -> Tensor:
    """Probability of coming to each candidate in at most three steps. *Shape:* ``(candidates,)``"""
    pronouns = np.flatnonzero(output.mentions.is_pronoun[first:last])
    rows = np.append(pronouns, row - first)
    candidates = torch.from_numpy(output.pairs.candidates[rows + first] - first)
    P = log_p.new_zeros(len(rows), last - first + 1)
    # What is no candidate goes to an extra column that nobody reads.
    columns = torch.where(candidates >= 0, candidates, last - first).to(log_p.device)
    P = P.scatter(1, columns, log_p[torch.from_numpy(rows + first)][:, 1:].exp())[:, :-1]
    direct = P @ torch.from_numpy(hits).to(P)
    between = P[:, torch.from_numpy(pronouns)]
    one = between @ direct[:-1]
    two = between @ one[:-1]
    return (direct + one + two)[-1]
