"""The record of rows that could not be used: counted and named, never silently dropped."""

from dataclasses import dataclass, field

__all__ = ["SkippedRows", "UnusableRowError"]

_IDS_KEPT = 3


class UnusableRowError(Exception):
    """One row of a dataset cannot become a document; the message is the reason."""


@dataclass
class SkippedRows:
    """What one pass over a dataset left out.

    Attributes:
        seen: rows looked at, the excluded ones included.
        excluded: rows that the `exclude` filter took out, on purpose.
        cut_spans: annotated spans lost because a piece boundary ran through them.
        counts: reason → number of unusable rows.
        first_ids: reason → ids of the first such rows.
    """

    seen: int = 0
    excluded: int = 0
    cut_spans: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first_ids: dict[str, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of rows that could not be used."""
        return sum(self.counts.values())

    def add(self, reason: str, row_id: str) -> None:
        """Count one unusable row."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        ids = self.first_ids.setdefault(reason, [])
        if len(ids) < _IDS_KEPT:
            ids.append(row_id)

    def reasons(self) -> list[str]:
        """The reasons, the commonest first, each with its count and first row ids."""
        ordered = sorted(self.counts, key=lambda reason: (-self.counts[reason], reason))
        return [
            f"{reason} ({self.counts[reason]}: {', '.join(self.first_ids[reason])}"
            f"{', …' if self.counts[reason] > len(self.first_ids[reason]) else ''})"
            for reason in ordered
        ]

    def summary(self) -> str:
        """One line for a log, empty when nothing was left out."""
        parts = []
        if self.counts:
            parts.append(f"skipped {self.total} of {self.seen} rows: {'; '.join(self.reasons())}")
        if self.cut_spans:
            parts.append(f"{self.cut_spans} spans lost where documents were split")
        return "; ".join(parts)
