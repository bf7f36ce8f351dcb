"""Why a pipeline answers as it does, and what its memory holds: plain records."""

from .links import LINK_METHODS, explain_links
from .memory import memory_at
from .records import Candidate, FeatureShare, LinkExplanation, Memory, SentimentExplanation
from .sentiment import SENTIMENT_METHODS, explain_sentiment, running_sentiment

__all__ = [
    "LINK_METHODS",
    "SENTIMENT_METHODS",
    "Candidate",
    "FeatureShare",
    "LinkExplanation",
    "Memory",
    "SentimentExplanation",
    "explain_links",
    "explain_sentiment",
    "memory_at",
    "running_sentiment",
]
