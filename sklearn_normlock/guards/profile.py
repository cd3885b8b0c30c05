"""The profile: what a pipeline was fitted on, and how much its blocks differ.

The tests assume that a batch is exchangeable with training, which an hour of requests or a month of sales is not. Each
later block of training is therefore judged by those before it, as production will be. The oddest log p-value that such
a clean block reached, in each test and column, is the *allowance*. A batch has to be odder than twice that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .data.tables import Table, as_table
from .profiles.statistics import growing, quantiles
from .profiles.summary import Summary
from .tests import weigh
from .tests.reference import Reference


class Profile(Summary):
    """A picture of data: learned once, compared with every batch from then on.

    Counts, moments, minima and maxima are exact. Quantiles, ties, precision, row norms and the dependence between
    columns come from all rows up to 20,000 (fewer if they are wide), and from a random sample beyond. No row is kept.
    Make one with :meth:`from_data`.

    Attributes
    ----------
    n_rows : int
        Rows seen.
    n_features_in_ : int
        Columns.
    names : tuple of str or None
        Names of the columns, if the data had them.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> profile = nl.Profile.from_data(X[:100])
    >>> profile.update(X[100:])
    Profile(150 rows, 4 columns)
    >>> profile.mean.round(2)
    array([5.84, 3.06, 3.76, 1.2 ])
    """

    @classmethod
    def from_data(cls, X: Any, *, groups: Any = None) -> Profile:
        """Learn a profile.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            What the pipeline is fitted on. Missing values (NaN, None, NA, NaT) are counted; columns of text are
            categories. Dates and times count as seconds since 1970-01-01 UTC, time spans as seconds.
        groups : array-like of shape (n_rows,), default=None
            The block that each row is of (its week, its patient), in the order of time if they have one. Differences
            as large as those between blocks of training are then no fault.

        Returns
        -------
        profile : Profile

        Raises
        ------
        InputFaultError
            If X is no table, has no rows, or holds finite values beyond 1e150, whose squares overflow; or groups has
            other rows, or too few blocks.
        TypeError
            If X can't be read, or a column holds neither text nor numbers nor times.
        """
        table = as_table(X)
        new = super().from_data(table)
        if groups is not None:
            labels = np.asarray(groups)
            _, first, numbers = np.unique(labels.astype(str), return_index=True, return_inverse=True)
            if labels.shape != (new.n_rows,) or len(first) < C.least_blocks:
                raise InputFaultError(
                    f"groups has shape {labels.shape} and {len(first)} blocks; at least {C.least_blocks} blocks, and "
                    f"one label for each of the {new.n_rows} rows, are needed to learn how much blocks differ.",
                    expected=(new.n_rows,),
                    actual=labels.shape,
                    remedy="Hand over a label a row, use smaller blocks (weeks, not months), or set drift instead.",
                )
            blocks = np.argsort(np.argsort(first))[numbers.ravel()]  # numbered as they first appear
            if not sparse.issparse(table.numbers) and new.n_rows >= C.rows_in_order:
                medians = [quantiles(table.numbers[blocks == block], 0.5) for block in range(len(first))]
                new.growing = growing(np.stack(medians), C.least_blocks + 1, C.blocks_in_order)
            new.allowances = _learn(table, blocks)
        return new


def _learn(table: Table, blocks: Any) -> dict[str, Any]:
    """Judge windows of later blocks of training by the blocks before; return the least log p-values of each test."""
    last, found = int(blocks.max()), dict[str, Any]()
    cuts = np.unique(np.linspace(max(1, last // 3), last, C.profiles_of_blocks + 1).astype(int))
    for cut, end in zip(cuts[:-1], cuts[1:], strict=True):
        reference = Reference(Summary.from_data(table.take(np.flatnonzero(blocks <= cut))), 0.3)
        each = (np.flatnonzero(blocks == block) for block in range(cut + 1, end + 1))
        windows = [part for rows in each for part in np.array_split(rows, max(1, len(rows) // C.rows_of_allowance))]
        windows = [window for window in windows if len(window) >= C.few]
        for window in windows[:: max(1, -(-len(windows) // C.windows_of_blocks))]:
            part = table.take(window).dense()
            larger = max(1.0, C.rows_of_allowance / len(window))
            for test, log_p in weigh(reference, part.numbers, part.categories, 1e-3).log_p.items():
                worst = np.maximum(log_p.min(axis=0) * larger, -C.oddest_block)
                found[test] = np.minimum(found.get(test, 0.0), worst)
    # As a profile is written: the same before and after it was saved.
    return {test: worst.astype(np.float32).astype(np.float64) for test, worst in found.items() if worst.any()}
