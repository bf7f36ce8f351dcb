"""Words a second of pipelines and of what they are compared with, in turns over the same texts."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

import torch
from spacy.language import Language

from .peers import PEER_NAMES, BareLSTM, SpacyEncoder, TransformerEncoder, find_encoders
from .stages import clocked
from .texts import TextSource

__all__ = ["LENGTHS", "Length", "Speed", "measure_latency", "measure_speed", "measure_stages"]


class Length(NamedTuple):
    """Documents of one length."""

    words: int
    """In each."""
    documents: int
    """Documents of a turn."""
    rounds: int


LENGTHS: Final = {
    "short": Length(20, 1_500, 5),
    "paragraph": Length(90, 400, 5),
    "article": Length(500, 80, 5),
    "chapter": Length(2_000, 20, 5),
    "book": Length(100_000, 1, 2),
}
"""What is measured, by name."""


class Turn(NamedTuple):
    """What one document length took in one round: seconds a word, by contestant."""

    length: str
    words: int
    space_words: int
    seconds: dict[str, float]


class Speed(NamedTuple):
    """Figures of one number of threads."""

    pipelines: list[dict[str, Any]]
    peers: list[dict[str, Any]]


def measure_speed(
    pipelines: dict[str, Language],
    texts: TextSource,
    lengths: dict[str, Length],
    *,
    threads: int,
    clock: Callable[[], float],
    tell: Callable[[str], None],
) -> Speed:
    """Time every pipeline and peer.

    In each round every contestant has its turn on texts that nobody saw before, one contestant
    right after the other and in another order each time, since a machine is not equally fast from
    second to second. Ratios are those of one round; what is told are medians over rounds.

    pipelines: by name, in full: from text to annotated documents.
    clock: gives seconds.
    tell: called with what is done next.
    """
    torch.set_num_threads(threads)
    entrants = _Entrants(pipelines, texts, clock)
    turns: list[Turn] = []
    for number in range(max(length.rounds for length in lengths.values())):
        for name, length in lengths.items():
            if number >= length.rounds:
                continue
            found = texts.take(length.words, length.documents)
            if len(found) < length.documents:
                continue
            tell(f"{threads} thread{'s' * (threads > 1)}, {name}, round {number + 1}")
            turns.append(entrants.compete(name, found, first=number))
    return _summarize(turns, list(pipelines), threads)


class _Entrants:
    """Pipelines and peers, ready to run."""

    def __init__(
        self, pipelines: dict[str, Language], texts: TextSource, clock: Callable[[], float]
    ) -> None:
        self._pipelines = pipelines
        self._clock = clock
        # Tokens for the peers, whose time leaves them out.
        self._nlp = next(iter(pipelines.values())).__class__()
        self._nlp.max_length = 1 << 40
        docs = [self._nlp.make_doc(text) for text in texts.take(90, 8) or ["She smiles."]]
        self._peers: dict[str, Any] = {
            **{f"lstm {name}": BareLSTM(find_encoders(nlp)) for name, nlp in pipelines.items()},
            "cnn": SpacyEncoder("cnn", docs),
            "torch_bilstm": SpacyEncoder("torch_bilstm", docs),
            "transformer": TransformerEncoder(),
        }
        for words, count in ((20, 100), (90, 60), (500, 12)):
            warm_up = texts.take(words, count)
            if warm_up:
                self.compete("", warm_up, first=0)

    def compete(self, name: str, texts: list[str], *, first: int) -> Turn:
        docs = [self._nlp.make_doc(text) for text in texts]
        words = sum(map(len, docs))
        jobs = {key: peer.prepare(docs) for key, peer in self._peers.items()}
        for key, nlp in self._pipelines.items():
            jobs[key] = _annotate(nlp, texts)
        order = list(jobs)
        first %= len(order)
        seconds = {}
        for key in order[first:] + order[:first]:
            started = self._clock()
            jobs[key]()
            passed = self._clock() - started
            seconds[key] = passed / (self._peers[key].tokens if key == "transformer" else words)
        return Turn(name, words, sum(len(text.split()) for text in texts), seconds)


def _annotate(nlp: Language, texts: Iterable[str]) -> Callable[[], object]:
    def run() -> None:
        for _ in nlp.pipe(texts):
            pass

    return run


def _summarize(turns: Sequence[Turn], pipelines: Sequence[str], threads: int) -> Speed:
    rows, peers = [], []
    for name in dict.fromkeys(turn.length for turn in turns):
        mine = [turn for turn in turns if turn.length == name]
        share = sum(turn.space_words for turn in mine) / sum(turn.words for turn in mine)
        for key in pipelines:
            speed = 1 / median(turn.seconds[key] for turn in mine)
            ratios = {
                peer: median(
                    turn.seconds[f"lstm {key}" if peer == "lstm" else peer] / turn.seconds[key]
                    for turn in mine
                )
                for peer in PEER_NAMES
            }
            rows.append(
                {
                    "threads": threads,
                    "length": name,
                    "components": key,
                    "rounds": len(mine),
                    "words_per_second": speed,
                    "space_words_per_second": speed * share,
                    "ratios": ratios,
                }
            )
        for peer in mine[0].seconds.keys() - set(pipelines):
            speed = 1 / median(turn.seconds[peer] for turn in mine)
            peers.append(
                {"threads": threads, "length": name, "peer": peer, "words_per_second": speed}
            )
    return Speed(rows, sorted(peers, key=lambda row: str(row["peer"])))


def measure_stages(
    pipelines: dict[str, Language],
    texts: TextSource,
    lengths: dict[str, Length],
    *,
    clock: Callable[[], float],
) -> list[dict[str, Any]]:
    """The share of each stage in the time of a pipeline, on one thread, with clocks in it."""
    torch.set_num_threads(1)
    rows = []
    for name, length in lengths.items():
        found = texts.take(length.words, length.documents)
        for key, nlp in pipelines.items() if len(found) == length.documents else ():
            with clocked(clock) as seconds:
                started = clock()
                _annotate(nlp, found)()
                passed = clock() - started
            shares = {stage: spent / passed for stage, spent in seconds.items() if spent}
            rows.append(
                {
                    "length": name,
                    "components": key,
                    "shares": {**shares, "the rest": 1 - sum(shares.values())},
                }
            )
    return rows


def measure_latency(
    pipelines: dict[str, Language],
    texts: TextSource,
    *,
    words: int,
    count: int,
    clock: Callable[[], float],
) -> list[dict[str, Any]]:
    """Milliseconds of `nlp(text)` for single short texts, on one thread."""
    torch.set_num_threads(1)
    found = texts.take(words, count + 20)
    waits: dict[str, list[float]] = {key: [] for key in pipelines}
    for number, text in enumerate(found):
        for key, nlp in pipelines.items():
            started = clock()
            nlp(text)
            if number >= 20:
                waits[key].append((clock() - started) * 1000)
    return [
        {"components": key, "words": words, "texts": len(wait), **_spread(wait)}
        for key, wait in waits.items()
        if wait
    ]


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))]}
