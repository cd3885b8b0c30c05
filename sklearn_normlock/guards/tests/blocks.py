"""Rows that come in blocks: how odd an ordinary block looks to those before it, learned at fit.

The tests assume that a batch is exchangeable with the rows of training. An hour of requests or a month of sales is
not: it is narrower, lies elsewhere, and its columns go together in a way of their own. If the rows of training are
given with their block, each later block is judged by those before it, as production will be. The oddest log p-value
that such a clean block reached, in each test and column, is the *allowance*. A batch has to be odder than twice that.

A column that only grows (a time, an id, an odometer) is always beyond all that it was before. It is exempt from the
tests of where its values lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputFaultError
from ..profiles.rows import MEASURES

if TYPE_CHECKING:
    from ..data.tables import Table
    from ..profiles.profile import Profile

__all__ = ["allow", "block_numbers", "growing", "learn"]

#: Fewest blocks to learn from; profiles of the blocks so far that are made, and windows of later blocks for each.
LEAST_BLOCKS, _PROFILES, _WINDOWS = 4, 8, 6
#: Fewest and most rows of a window. An allowance grows with the rows of a batch, as the log p-value of a shift does.
FEW, _ROWS = 16, 64
#: How many times the oddest clean block of training a batch may be as odd (a log p-value).
_MARGIN = 2.0
_ODDEST = 1e6
#: Of the tests with one entry a column, those of where its values lie, and of what depends on that.
_OF_PLACE = ("location", "tails", "narrow", "beyond", "values", "dependence")
_OF_ALL_COLUMNS = ("spread", "exchanged")
_WITH_ROWS = ("location", "tails", "narrow", "beyond")
#: Rows from which on a column in ascending order is no accident.
_ROWS_IN_ORDER = 32
#: The share of blocks that must lie beyond all before, of a column that grows.
_OF_BLOCKS = 0.9


def block_numbers(groups: Any, rows: int) -> Any:
    """Return the number of each row's block, in the order in which the blocks first appear.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        Labels.
    rows : int
        Rows of the table.

    Returns
    -------
    numbers : ndarray of int of shape (n_rows,)
        From 0.

    Raises
    ------
    InputFaultError
        If there is not one label for each row, or there are too few blocks to learn from.
    """
    labels = np.asarray(groups)
    if labels.shape != (rows,):
        raise InputFaultError(
            f"groups has shape {labels.shape}; expected one label for each of the {rows} rows.",
            expected=(rows,),
            actual=labels.shape,
            remedy="Hand over one label a row: the week, the patient, the machine.",
        )
    _, first, numbers = np.unique(labels.astype(str), return_index=True, return_inverse=True)
    if len(first) < LEAST_BLOCKS:
        raise InputFaultError(
            f"groups has {len(first)} blocks; at least {LEAST_BLOCKS} are needed to learn how much they differ.",
            expected=LEAST_BLOCKS,
            actual=len(first),
            remedy="Use smaller blocks (weeks in place of months), or leave groups out and set drift.",
        )
    return np.argsort(np.argsort(first))[numbers.ravel()]


def growing(numbers: Any, blocks: Any = None) -> tuple[int, ...]:
    """Return the columns that only grow, or only fall, in the order of the rows or of their blocks.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_columns)
        The table of training, in its order.
    blocks : ndarray of shape (n_rows,), default=None
        The number of each row's block.

    Returns
    -------
    columns : tuple of int
        Positions. Without blocks only whole numbers count that are larger, or smaller, from each row to the next, as
        ids and times in seconds are. A measure by which a table happens to be sorted is no such column. With blocks,
        nine of ten blocks must have their median beyond those of all blocks before.
    """
    rises = _rises if blocks is None else _rises_by_block
    found = []
    for j in range(numbers.shape[1]):
        known = np.isfinite(numbers[:, j])
        x, at = numbers[known, j], None if blocks is None else blocks[known]
        if len(x) >= _ROWS_IN_ORDER and (rises(x, at) or rises(-x, at)):
            found.append(j)
    return tuple(found)


def _rises(x: Any, _: None) -> bool:
    # The first rows rule most columns out.
    return all(bool((np.diff(part) > 0).all() and (part == np.rint(part)).all()) for part in (x[:_ROWS_IN_ORDER], x))


def _rises_by_block(x: Any, at: Any) -> bool:
    medians = np.array([np.median(x[at == block]) for block in np.unique(at)])
    return len(medians) > LEAST_BLOCKS and bool(
        (medians[1:] > np.maximum.accumulate(medians)[:-1]).mean() >= _OF_BLOCKS
    )


def learn(table: Table, blocks: Any) -> dict[str, Any]:
    """Judge later blocks of training by those before them.

    Parameters
    ----------
    table : Table
        The rows of training, in their order.
    blocks : ndarray of int of shape (n_rows,)
        The number of each row's block.

    Returns
    -------
    allowances : dict of str to ndarray
        For each test the least log p-value that a window of 64 rows of an ordinary block reached.
    """
    from ..profiles.profile import Profile
    from .evidence import weigh
    from .reference import Reference

    last, d = int(blocks.max()), table.shape[1]
    found: dict[str, Any] = {}
    cuts = np.unique(np.linspace(max(1, last // 3), last, _PROFILES + 1).astype(int))
    for cut, end in zip(cuts[:-1], cuts[1:], strict=True):
        reference = Reference(Profile.from_data(table.take(np.flatnonzero(blocks <= cut))), 0.3)
        for window in _windows(blocks, cut + 1, end):
            part = table.take(window).dense()
            larger = max(1.0, _ROWS / len(window))
            for test, log_p in weigh(reference, part.numbers, part.categories, 1e-3).log_p.items():
                worst = _of_columns(test, np.maximum(log_p * larger, -_ODDEST), d)
                before = found.get(test, worst)
                if len(before) == len(worst):
                    found[test] = np.minimum(before, worst)
    # As a profile is written: the same before and after it was saved.
    return {test: worst.astype(np.float32).astype(np.float64) for test, worst in found.items() if worst.any()}


def _windows(blocks: Any, first: int, last: int) -> list[Any]:
    """Return stretches of at most 64 rows of some blocks, each of one block, evenly over them."""
    found = []
    for block in range(first, last + 1):
        rows = np.flatnonzero(blocks == block)
        found += [window for window in np.array_split(rows, max(1, len(rows) // _ROWS)) if len(window) >= FEW]
    return found[:: max(1, -(-len(found) // _WINDOWS))]


def _of_columns(test: str, log_p: Any, d: int) -> Any:
    """Return the least of each column: a block that lay too high may lie too low the next time."""
    width = d + (len(MEASURES) if test in _WITH_ROWS else 0)
    return log_p.reshape(-1, width).min(axis=0) if len(log_p) % width == 0 else log_p


def allow(profile: Profile, log_p: dict[str, Any], rows: int) -> None:
    """Take off, in place, what blocks of training were allowed, and what a growing column can't be asked.

    Parameters
    ----------
    profile : Profile
        The profile.
    log_p : dict of str to ndarray
        The evidence.
    rows : int
        Rows of the batch.
    """
    d, columns = profile.n_features_in_, list(profile.growing)
    share = _MARGIN * max(rows / _ROWS, 0.25)
    for test, allowed in profile.allowances.items():
        if test in log_p and len(log_p[test]) % len(allowed) == 0:
            log_p[test] = np.minimum(log_p[test].reshape(-1, len(allowed)) - share * allowed, 0.0).ravel()
    if not columns:
        return
    for test in set(_OF_PLACE) & set(log_p):
        width = d + (len(MEASURES) if test in _WITH_ROWS else 0)
        of_each = log_p[test].reshape(-1, width)
        of_each[:, columns] = 0.0
        of_each[:, d:] = 0.0  # a row's distance and length have the growing column in them
    for test in set(_OF_ALL_COLUMNS) & set(log_p):
        log_p[test] = np.zeros_like(log_p[test])
