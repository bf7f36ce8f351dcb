"""Why a pipeline answers as it does, and what its memory holds: plain records."""

from ..explanations import (
    Candidate,
    FeatureShare,
    LinkExplanation,
    Memory,
    RunningScore,
    SentimentExplanation,
)
from .links import LINK_METHODS, explain_links
from .memory import memory_at
from .sentiment import SENTIMENT_METHODS, explain_sentiment, running_sentiment
from .whole import LONG_TEXT, Explanation, explain

__all__ = [
    "LINK_METHODS",
    "LONG_TEXT",
    "SENTIMENT_METHODS",
    "Candidate",
    "Explanation",
    "FeatureShare",
    "LinkExplanation",
    "Memory",
    "RunningScore",
    "SentimentExplanation",
    "explain",
    "explain_links",
    "explain_sentiment",
    "memory_at",
    "running_sentiment",
]
