"""A column of text: its most frequent values, how often each, and how many were seen once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

KEPT = 64


@dataclass
class Categories:
    """``values``: the most frequent with their counts; ``other`` rows have one of the rest; ``once``: seen once."""

    values: dict[str, int]
    other: int
    once: int
    missing: int

    @property
    def count(self) -> int:
        """Rows that have a value."""
        return sum(self.values.values()) + self.other

    @classmethod
    def of(cls, column: Any) -> Categories:
        """Count a column of text with None where it is missing."""
        counts = Counter(column.tolist())
        missing = counts.pop(None, 0)
        return cls._from(counts, 0, sum(1 for n in counts.values() if n == 1), missing)

    @classmethod
    def _from(cls, counts: Counter[str], other: int, once: int, missing: int) -> Categories:
        # Equal counts in the order of the values, so that the order of the rows does not matter.
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(dict(ranked[:KEPT]), other + sum(n for _, n in ranked[KEPT:]), once, missing)

    def merge(self, other: Categories) -> Categories:
        """Return the counts of both parts; exact as long as both hold every value."""
        counts = Counter(self.values)
        counts.update(other.values)
        if not self.other and not other.other:
            once = sum(1 for n in counts.values() if n == 1)
        else:
            once = self.once + other.once
        return self._from(counts, self.other + other.other, once, self.missing + other.missing)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"values": self.values, "other": self.other, "once": self.once, "missing": self.missing}
