"""A column of text: its most frequent values, how often each, and how many were seen once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tests.tails import log_tail
from ..tests.tilt import more_frequent

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

    def log_p(self, values: Any, drift: float) -> float:
        """Return the log p-value of a batch: values never seen, or seen far less often.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
            Text, None where it is missing.
        drift : float
            How far the population may have moved, in deviations.

        Returns
        -------
        log_p : float
            Whichever value it is, paid for.
        """
        m = float(max(self.count, 1))
        known = [value for value in values if value is not None]
        n = float(len(known))
        if not n:
            return 0.0
        events = [(sum(value not in self.values for value in known), self.other + self.once + 1.0)]
        events += [(sum(value == name for value in known), count + 1.0) for name, count in self.values.items()]
        b = np.array([event[0] for event in events], dtype=float)
        r = np.array([event[1] for event in events])
        r = np.minimum(np.ceil(more_frequent(np.minimum(r / (m + 1), 1.0), drift) * m), m)
        return float(log_tail(b, n, r, m).min()) + float(np.log(len(events)))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"values": self.values, "other": self.other, "once": self.once, "missing": self.missing}
