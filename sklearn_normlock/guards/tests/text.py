"""Columns of text: values that training never had, or had far less often, and free text of other measures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..profiles.categories import MEASURED, SHARES, Categories
from .base import Batch, Test
from .probability import log_tail, more_frequent
from .reference import Reference


def log_p_of_text(learned: Categories, values: Any, drift: float) -> float:
    """Return the log p-value of a batch's values, None where they are missing; whichever value it is, paid for.

    Beta-binomial tails, exact where rows are exchangeable: of the rows that have a value, or none of those that are
    kept, and of the rows of free text whose measures are beyond quantiles of training.
    """
    known = [value for value in values if value is not None]
    n = float(len(known))
    if not n:
        return 0.0
    counts, m = Counter(known), float(max(learned.count, 1))
    b = [n - sum(counts[value] for value in learned.values), *(counts[value] for value in learned.values)]
    share = [(r + 1.0) / (m + 1) for r in (learned.other + learned.once, *learned.values.values())]
    size = np.full(len(b), m)
    if learned.bounds is not None:
        beyond = beyond_bounds(learned, known)
        measured = min(m, MEASURED)
        b += beyond.ravel().tolist()
        share += [(1 - SHARES[k] + 1 / measured) * measured / (measured + 1) for _, k, _ in np.ndindex(beyond.shape)]
        size = np.append(size, np.full(beyond.size, measured))
    r = np.minimum(np.ceil(more_frequent(np.minimum(share, 1.0), drift) * size), size)
    return float(log_tail(b, n, r, size).min()) + float(np.log(len(b)))


def beyond_bounds(learned: Categories, texts: list[str]) -> Any:
    """Return how many texts are beyond each bound of free text, of the bounds' shape."""
    measures = learned.measure(texts)[:, None, :]
    above, below = learned.bounds
    return np.stack([(measures > above).sum(axis=0), (measures < below).sum(axis=0)])


class Text(Test):
    """Values of text that were never seen, or that are far more frequent than they were: beta-binomial counts.

    Conservative for exchangeable rows: of all values a column may have, the oddest counts, paid for by their number.
    New values are as many as those that training had once (Good 1953).
    """

    name, scope, share = "categories", "column", 0.05

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether there are columns of text."""
        return bool(batch.text)

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one row; 0 for columns of numbers."""
        out = np.zeros((1, batch.d))
        for j, values in batch.text.items():
            out[0, j] = log_p_of_text(reference.profile.categories[j], values, reference.drift)
        return out

    def entries(self, reference: Reference, batch: Batch, log_p: Any) -> int:
        """Return the columns of text."""
        return len(batch.text)
