"""The effect of a fault of vectors on a search, by metric and side.

A score is ``q @ v`` (``ip``), ``-|q - v|**2`` (``l2``) or the cosine. A query's length multiplies all its scores by one
number, and the order stays. The length of a vector in the index moves that vector alone, and the order changes: unless
all lengths change by one factor.
"""

from __future__ import annotations

from .report import Effect

METRICS = ("ip", "l2", "cosine")
SIDES = ("index", "query")


def of_lengths(metric: str, side: str, *, uniform: bool, unit_index: bool) -> Effect:
    """Return what other lengths do, if directions are what they were.

    Parameters
    ----------
    metric : {"ip", "l2", "cosine"}
        Of the search.
    side : {"index", "query"}
        Whose lengths they are.
    uniform : bool
        Whether all changed by one factor.
    unit_index : bool
        Whether the vectors of the index have length 1, or one length after the fault.
    """
    if metric == "cosine":
        return Effect.NOTHING
    if metric == "ip":
        return Effect.SCORES if side == "query" or uniform else Effect.RANKING
    # |q - v|**2 = |q|**2 + |v|**2 - 2 q @ v: with one length of v the order is that of the inner product.
    return Effect.SCORES if unit_index and (side == "query" or uniform) else Effect.RANKING
