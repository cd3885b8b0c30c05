"""Columns of text: values that training never had, or had far less often."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.categories import Categories
from .tails import log_tail
from .tilt import more_frequent


def log_p_of_text(learned: Categories, values: Any, drift: float) -> float:
    """Return the log p-value of a batch's values, None where they are missing; whichever value it is, paid for."""
    m = float(max(learned.count, 1))
    known = [value for value in values if value is not None]
    n = float(len(known))
    if not n:
        return 0.0
    events = [(sum(value not in learned.values for value in known), learned.other + learned.once + 1.0)]
    events += [(sum(value == name for value in known), count + 1.0) for name, count in learned.values.items()]
    b = np.array([event[0] for event in events], dtype=float)
    r = np.array([event[1] for event in events])
    r = np.minimum(np.ceil(more_frequent(np.minimum(r / (m + 1), 1.0), drift) * m), m)
    return float(log_tail(b, n, r, m).min()) + float(np.log(len(events)))
