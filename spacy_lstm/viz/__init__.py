"""Pictures of what the components found: a `Doc` or a trace in, self-contained HTML out; traces
also as figures of matplotlib."""

from .figures import FIGURES, draw
from .rendering import STYLES, render

__all__ = ["FIGURES", "STYLES", "draw", "render"]
