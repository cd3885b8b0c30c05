"""Bounds on how probable a count is, that hold whatever the distribution and for small profiles too.

Let r - 1 of m training rows lie beyond a threshold. If a batch is exchangeable with them, the share beyond it has the
Beta(r, m + 1 - r) distribution, that of an order statistic. The count in a batch of n is then exactly beta-binomial,
and the size of the profile is paid for (David & Nagaraja, Order Statistics, 2003).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaln, gammaln


def log_tail(b: Any, n: Any, r: Any, m: Any) -> Any:
    """Return the log of (a bound on) the probability of at least b of n, for a share that is Beta(r, m + 1 - r).

    Counts are broadcast, 1 <= r <= m. The result is 0 wherever b isn't above what is expected.
    """
    b, n, r, m = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (b, n, r, m)))
    out = np.zeros(b.shape)
    odd = (b > n * r / (m + 1)) & (b > 0)
    b, n, r, s = b[odd], n[odd], r[odd], (m + 1 - r)[odd]
    pmf = log_choose(n, b) + betaln(b + r, n - b + s) - betaln(r, s)
    # The ratio of neighbours falls (r, s >= 1), so that a geometric series bounds the rest of the tail.
    ratio = (n - b) * (b + r) / ((b + 1) * np.maximum(n - b - 1 + s, 1e-9))
    out[odd] = np.minimum(pmf - np.log1p(-np.minimum(ratio, 1 - 1e-12)), 0.0)
    return out


def log_tail_of_share(b: Any, n: Any, share: Any, m: Any) -> Any:
    """Return :func:`log_tail` for a share of training's m rows, which is rounded up and paid for by one row."""
    return log_tail(b, n, np.minimum(np.ceil(share * m) + 1, m), m)


def log_choose(n: Any, k: Any) -> Any:
    """Return the logarithm of the number of ways to choose k of n."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def more_frequent(share: Any, drift: float) -> Any:
    """Return the greatest share that rows may have after a drift which had a share before, whichever rows they are.

    A drift gives each row a weight, of mean 1 and of this deviation. The bound is that of Cauchy and Schwarz.
    """
    return np.minimum(share + drift * np.sqrt(share * (1 - share)), 1.0)
