"""Pictures of what the components found: a `Doc` or a trace in, self-contained HTML out."""

from .rendering import STYLES, render

__all__ = ["STYLES", "render"]
