"""Why a pipeline answered as it did, as plain records that are ready for JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from .coref.mentions import Span

__all__ = [
    "Candidate",
    "Explanation",
    "FeatureShare",
    "LinkExplanation",
    "Memory",
    "RunningScore",
    "SentimentExplanation",
]


class _Record:
    def to_dict(self) -> dict[str, Any]:
        """The fields by name, nested records too: what `json.dumps` takes."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # subclasses are


@dataclass(frozen=True)
class Candidate(_Record):
    """A mention that an anaphor may refer to."""

    span: Span
    """In tokens."""
    text: str
    probability: float
    chosen: bool
    """Whether it is of the cluster that the anaphor was joined to."""


@dataclass(frozen=True)
class FeatureShare(_Record):
    """What a named feature brought to a decision."""

    name: str
    """A key of `coref.pair_features.PAIR_FEATURES` or `coref.roles.ROLE_FEATURES`."""
    value: str
    """Of the mention and the likeliest chosen candidate, in words."""
    share: float
    """Above 0 it spoke for the decision. It counts the feature in all pairs of the mention: that
    a rival does not agree speaks for the one that does."""


@dataclass(frozen=True)
class LinkExplanation(_Record):
    """Why an anaphor has the antecedent that it has."""

    tokens: tuple[str, ...]
    offsets: tuple[int, ...]
    """Of each token's first character in the text."""
    anaphor: Span
    anaphor_text: str
    antecedent: Span
    antecedent_text: str
    probability: float
    """Of the link, calibrated, as in `token._.antecedent_score`."""
    decided_by: Span
    """The mention whose decision is explained: the anaphor, or the antecedent where that joined
    the anaphor instead."""
    candidates: tuple[Candidate, ...]
    """Of this mention, the likeliest first."""
    none: float
    """The probability that it has no antecedent; with those of all candidates it sums to 1."""
    log_odds: float
    """Of all chosen candidates together against all others and none: what is shared out."""
    features: tuple[FeatureShare, ...]
    """The largest first. Their shares and `without_features` sum to `log_odds`, to 1 %."""
    without_features: float
    """The log odds that the vectors of the mentions alone would give."""
    words: tuple[float, ...]
    """What each token brought to `log_odds` through the encoder, as `method` sees it."""
    method: str

    @property
    def ruled_out(self) -> tuple[Candidate, ...]:
        """Candidates more probable than all chosen ones together: their clusters are of another
        gender or number than the mention, which `coref.decode` forbids."""
        joined = sum(each.probability for each in self.candidates if each.chosen)
        return tuple(
            each for each in self.candidates if not each.chosen and each.probability > joined
        )


@dataclass(frozen=True)
class SentimentExplanation(_Record):
    """Why a text has the sentiment that it has."""

    tokens: tuple[str, ...]
    offsets: tuple[int, ...]
    """Of each token's first character in the text."""
    label: str
    """The answer that is explained."""
    probability: float
    """Its probability, calibrated."""
    probabilities: dict[str, float]
    log_odds: float
    """Of the label against all others together, before calibration: what is shared out."""
    words: tuple[float, ...]
    """What each token brought to it, as `method` sees it; below 0 it spoke against the label.
    (Attention knows no sign.)"""
    method: str


@dataclass(frozen=True)
class RunningScore(_Record):
    """The sentiment of a text up to a token, as if it ended there."""

    token: str
    offset: int
    """Of its first character in the text."""
    score: float
    """P(POSITIVE) - P(NEGATIVE), from -1 to 1."""


@dataclass(frozen=True)
class Explanation(_Record):
    """Why a text got the answers that it got."""

    text: str
    lang: str
    links: tuple[LinkExplanation, ...] | None
    """In text order; None where the pipeline has no `lstm_coref`."""
    sentiment: SentimentExplanation | None
    """None where the pipeline has no `lstm_sentiment`."""
    running: tuple[RunningScore, ...]
    """In text order, the last of the whole text: of each token, or in a long text of some evenly
    spread ones. Empty without `lstm_sentiment`, and for labels that have no two sides."""


@dataclass(frozen=True)
class Memory(_Record):
    """What one direction of a layer remembers of every token when it has read one of them."""

    tokens: tuple[str, ...]
    token: int
    """The one it has read."""
    layer: int
    direction: str
    survival: tuple[float, ...]
    """How much of the state after each token is left: the mean over the units."""
    kept: tuple[float, ...]
    """The same, each unit weighed by how much its state was: what share of the state as it stood
    after that token is left."""
    shares: tuple[float, ...]
    """How much of the state at `token` each token has written: they sum to 1."""
