"""What an encoder did with a text, as plain records that can be saved and loaded."""

from .attention import AttentionTrace
from .gates import CHANNELS, GateTrace
from .text import Trace
from .windows import Window

__all__ = ["CHANNELS", "AttentionTrace", "GateTrace", "Trace", "Window"]
