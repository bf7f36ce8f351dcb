"""Where the time of a pipeline goes: the seconds of each stage, by clocks put around functions."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from spacy.language import Language

from ..models import bilstm_tok2vec
from ..models import coref as models_coref
from ..models.lexemes import Lexicon
from ..nn import coref as nn_coref
from ..nn.classifier import PooledClassifier
from ..nn.coref import CorefScorer
from ..nn.syntax import SyntaxHead
from ..nn.tok2vec import SplitLayer, TokenEncoder
from ..pipeline import coref as pipe_coref
from ..pipeline.coref import CoreferenceResolver
from ..pipeline.sentiment import SentimentClassifier

__all__ = ["STAGES", "clocked"]

STAGES: Final[dict[str, list[tuple[Any, str]]]] = {
    "tokenizer": [(Language, "make_doc")],
    "features": [
        (bilstm_tok2vec, "find_words"),
        (models_coref, "find_words"),
        (Lexicon, "rows"),
        (bilstm_tok2vec, "to_features"),
        (nn_coref, "read_words"),
    ],
    # But for what reads its vectors.
    "encoder": [(TokenEncoder, "forward")],
    # The scorer, but for what has a stage of its own within it.
    "mentions": [(CorefScorer, "forward")],
    "trees": [(SyntaxHead, name) for name in ("score_bands", "read_governors", "read_trees")],
    "pairs": [
        (nn_coref, "pair_candidates"),
        (CorefScorer, "_project_mentions"),
        (CorefScorer, "_score_pairs"),
    ],
    "clusters": [(pipe_coref, "decode"), (CoreferenceResolver, "decode_scores")],
    "pooling": [(TokenEncoder, "_split"), (SplitLayer, "read"), (PooledClassifier, "forward")],
    "shares": [(SentimentClassifier, "predict")],
    "writing": [
        (CoreferenceResolver, "set_annotations"),
        (SentimentClassifier, "set_annotations"),
    ],
}
"""What each stage is in the code; its time leaves out the stages inside it."""


@contextmanager
def clocked(clock: Callable[[], float] = time.perf_counter) -> Iterator[dict[str, float]]:
    """The seconds of each stage while the block runs. For one thread at a time."""
    seconds = dict.fromkeys(STAGES, 0.0)
    inner = [0.0]
    kept = [(owner, name, getattr(owner, name)) for owner, name in _functions()]
    for stage, parts in STAGES.items():
        for owner, name in parts:
            setattr(owner, name, _timed(getattr(owner, name), stage, seconds, inner, clock))
    try:
        yield seconds
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def _functions() -> Iterable[tuple[Any, str]]:
    return (part for parts in STAGES.values() for part in parts)


def _timed(
    function: Callable[..., Any],
    stage: str,
    seconds: dict[str, float],
    inner: list[float],
    clock: Callable[[], float],
) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        inner.append(0.0)
        started = clock()
        try:
            return function(*args, **kwargs)
        finally:
            passed = clock() - started
            seconds[stage] += passed - inner.pop()
            inner[-1] += passed

    return run
