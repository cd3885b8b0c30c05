"""A column of text: its most frequent values, and the measures of its rows if it has more, which makes it free text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C

MEASURES = ("length", "share of letters", "share of rare words")
WORD = re.compile(r"\w+")
#: Rows of free text that are measured, and the shares of them that lie within a bound, on either side.
MEASURED, SHARES = C.texts_measured, (0.5, 0.9, 1.0)


@dataclass
class Categories:
    """``values``: the most frequent with their counts; ``other`` rows have one of the rest; ``once``: seen once.

    ``words`` of free text come with the rows that have them. ``bounds``, of shape (2, 3, 3), are thresholds above and
    below, for each of :data:`SHARES` and :data:`MEASURES`; None if it is no free text.
    """

    values: dict[str, int]
    other: int
    once: int
    missing: int
    words: dict[str, int] = field(default_factory=dict)
    bounds: Any = None

    @property
    def count(self) -> int:
        """Rows that have a value."""
        return sum(self.values.values()) + self.other

    @classmethod
    def of(cls, column: Any) -> Categories:
        """Count a column of text with None where it is missing."""
        counts = Counter(column.tolist())
        missing = counts.pop(None, 0)
        found = cls(*_most(counts, C.values_kept), sum(n == 1 for n in counts.values()), missing)
        if found.other:
            texts = [text for text in column[:: max(1, len(column) // MEASURED)] if text is not None]
            words = Counter(word for text in texts for word in set(WORD.findall(text)))
            found.words = _most({word: n for word, n in words.items() if n > 1}, C.words_kept)[0]
            measures = found.measure(texts, themselves=1)
            found.bounds = np.stack([s * np.quantile(s * measures, SHARES, axis=0, method="higher") for s in (1, -1)])
        return found

    def measure(self, texts: Any, themselves: int = 0) -> Any:
        """Return the :data:`MEASURES` of texts, (n_texts, 3); ``themselves``: how often each is among those counted."""
        measures = np.zeros((len(texts), len(MEASURES)))
        for row, text in zip(measures, texts, strict=True):
            words = WORD.findall(text)
            rare = sum(self.words.get(word, 0) < 2 + themselves for word in words)
            letters = sum(char.isalpha() or char.isspace() for char in text)
            row[:] = len(text), letters / max(len(text), 1), rare / max(len(words), 1)
        return measures

    def merge(self, other: Categories) -> Categories:
        """Return the counts of both parts; exact as long as both hold every value."""
        counts = Counter(self.values) + Counter(other.values)
        values, rest = _most(counts, C.values_kept)
        rest += self.other + other.other
        once = self.once + other.once if self.other or other.other else sum(n == 1 for n in counts.values())
        words = _most(Counter(self.words) + Counter(other.words), C.words_kept)[0]
        bounds = [each.bounds for each in (self, other) if each.bounds is not None]
        # Beyond the farther of two thresholds lies no more than beyond either.
        farther = np.stack([np.max(bounds, axis=0)[0], np.min(bounds, axis=0)[1]]) if bounds else None
        return Categories(values, rest, once, self.missing + other.missing, words, farther)


def _most(counts: Any, size: int) -> tuple[dict[str, int], int]:
    """Return the most frequent, and how many the others are; equal ones by name, whatever the order of the rows."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:size]), sum(n for _, n in ranked[size:])
