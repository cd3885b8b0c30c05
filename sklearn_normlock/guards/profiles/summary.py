"""The content of a profile: counts, moments, sketches and dependence of rows, in kilobytes and without a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ...documents.rendering import html_table
from ...errors import InputFaultError
from ..calibration import CALIBRATION as C
from ..data.tables import Table, aligned, as_table, certain, rows_to_look_at
from .categories import Categories
from .dependence import Dependence, dependence_of
from .serial import read_profile, write_profile
from .sketch import merged, merged_steps, quantile, sketch_of, steps_of
from .statistics import Moments, moments_of, repeated_rows, row_measures

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Summary", "growing"]


class Summary:
    """A picture of rows; :class:`sklearn_normlock.Profile` is it with what blocks of training taught."""

    n_rows: int
    n_features_in_: int
    names: tuple[str, ...] | None
    #: The type of each column, None where it is not known; see ``data.tables.type_of``.
    types: tuple[str | None, ...]
    moments: Moments
    categories: dict[int, Categories]
    #: For each column, then for each measure of a row: its sketch, and the rows that the sketch stands for.
    sketches: list[tuple[Any, Any]]
    sampled: Any
    #: Share of pairs of rows that have the same value, other than a value that is a jump of the sketch.
    ties: Any
    #: For each column: an offset, the step between its values (0: none), and the share of values off the steps.
    steps: Any
    #: Share of pairs of rows that are equal throughout.
    copies: float
    #: Share of the rows whose norm is 1: by the sum, the root of squares, the maximum.
    unit: Any
    dependence: Dependence | None
    #: How odd ordinary blocks of training were in each test, and the columns that only grow.
    allowances: dict[str, Any]
    growing: tuple[int, ...]

    def __init__(self) -> None:
        raise TypeError("Make a profile with Profile.from_data(X) or Profile.from_dict(d).")

    @classmethod
    def _bare(cls) -> Self:
        return cls.__new__(cls)

    @classmethod
    def from_data(cls, X: Any) -> Self:
        """Learn from rows alone."""
        table = as_table(X)
        n, d = table.shape
        if n == 0:
            raise InputFaultError(
                f"Found array with 0 sample(s) (shape={table.shape}) while a minimum of 1 is required.",
                remedy="A profile is learned from at least one row.",
            )
        self = cls._bare()
        self.n_rows, self.n_features_in_, self.names = n, d, table.names
        self.types = table.types() if table.types else (None,) * d
        self.moments = moments_of(table.numbers)
        too_large = np.flatnonzero(self.moments.greatest > C.largest)
        if len(too_large):
            j = int(too_large[0])
            raise InputFaultError(
                f"Column {table.named(j)} holds values of the size of {self.moments.greatest[j]:.3g}; at most "
                f"{C.largest:g} has a square that can be computed with.",
                path=str(j),
                expected=C.largest,
                actual=float(self.moments.greatest[j]),
                remedy="Divide the column by a constant, take its logarithm, or leave it out.",
            )
        self.categories = {j: Categories.of(values) for j, values in table.categories.items()}
        part = table.sample(rows_to_look_at(d)).dense()
        self._look_at(part)
        self.growing = growing(np.zeros((0, 0)) if sparse.issparse(table.numbers) else table.numbers)
        self.allowances = {}
        return self

    def _look_at(self, part: Table) -> None:
        X = np.where(np.isfinite(part.numbers), part.numbers, np.nan)
        measures = row_measures(X, self.moments.mean, self.moments.std)
        every = np.hstack([X, measures])
        ordered = np.sort(every, axis=0)  # missing values come last
        self.sampled = (~np.isnan(every)).sum(axis=0)
        self.sketches = []
        self.ties = np.zeros(every.shape[1])
        for j, m in enumerate(self.sampled):
            column = ordered[:m, j]
            self.sketches.append(sketch_of(column) if m else (np.zeros(0), np.zeros(0)))
            self.ties[j] = _tied_pairs(column, self.sketches[j])
        self.steps = steps_of(X, self.sketches[: X.shape[1]])
        self.copies = repeated_rows(X)[1]
        self.unit = (np.abs(measures[:, 1:] - 1) <= C.unit_slack).mean(axis=0)
        self.dependence = dependence_of(X)

    def update(self, X: Any) -> Self:
        """Add rows, in place.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            More of what the pipeline is fitted on; some hundred rows at a time give the best sketches. No rows change
            nothing.

        Returns
        -------
        self : Profile
            This profile.

        Raises
        ------
        InputFaultError
            If X has other columns than this profile.
        """
        table = as_table(X)
        if not table.shape[0]:
            aligned(self, table)  # a stream goes on after an hour without rows, not with other columns
            return self
        self.__dict__ = self.merge(self.from_data(table)).__dict__  # at once: another thread may be reading
        return self

    def merge(self, other: Summary) -> Self:
        """Return the profile of both parts together: the parts may have been learned on different machines.

        Parameters
        ----------
        other : Profile
            A profile of other rows of the same columns.

        Returns
        -------
        profile : Profile
            Its counts, moments and bounds are exactly those of all rows; its quantiles are the weighted mean of both.

        Raises
        ------
        InputFaultError
            If the columns differ.
        """
        self._require_same_columns(other)
        new = self._bare()
        new.n_rows, new.n_features_in_, new.names = self.n_rows + other.n_rows, self.n_features_in_, self.names
        new.types = tuple(one if one == two else None for one, two in zip(self.types, other.types, strict=True))
        new.moments = self.moments.merge(other.moments)
        new.categories = {j: kept.merge(other.categories[j]) for j, kept in self.categories.items()}
        # A sketch stands for all the rows of its part; what it is worth as evidence is the rows that it was made from.
        new.sampled = self.sampled + other.sampled
        weights = zip(self.sketches, self._weights(), other.sketches, other._weights(), strict=True)
        new.sketches = [_either(a, n, b, m) for a, n, b, m in weights]
        part = other.n_rows / new.n_rows
        new.ties = ((1 - part) * np.sqrt(self.ties) + part * np.sqrt(other.ties)) ** 2
        new.steps = merged_steps(self.steps, other.steps, part)
        new.copies = ((1 - part) * np.sqrt(self.copies) + part * np.sqrt(other.copies)) ** 2
        new.unit = (1 - part) * self.unit + part * other.unit
        mine, theirs = self.dependence, other.dependence
        new.dependence = mine.merge(theirs) if mine and theirs else mine or theirs
        new.growing = tuple(j for j in self.growing if j in other.growing)
        new.allowances = {**other.allowances, **self.allowances}
        for test in set(self.allowances) & set(other.allowances):
            one, two = self.allowances[test], other.allowances[test]
            new.allowances[test] = np.minimum(one, two) if len(one) == len(two) else one
        return new

    def _weights(self) -> Any:
        finite = self.moments.count
        return np.concatenate([finite, np.full(len(self.sketches) - len(finite), self.n_rows)])

    def _require_same_columns(self, other: Summary) -> None:
        if self.n_features_in_ != other.n_features_in_:
            raise InputFaultError(
                f"The profiles have {self.n_features_in_} and {other.n_features_in_} columns.",
                expected=self.n_features_in_,
                actual=other.n_features_in_,
                remedy="Only profiles of the same columns can be merged.",
            )
        kinds = any(certain(*both) for both in zip(self.types, other.types, strict=True))
        if self.names != other.names or set(self.categories) != set(other.categories) or kinds:
            raise InputFaultError(
                "The profiles have columns of other names or kinds.",
                expected=(self.names, self.types),
                actual=(other.names, other.types),
                remedy="Only profiles of the same columns, in the same order, can be merged.",
            )

    # -- what it says ------------------------------------------------------------------------------------------------

    @property
    def mean(self) -> Any:
        """Mean of each column, of shape (n_columns,); NaN for one without a number in it."""
        return self.moments.mean

    @property
    def std(self) -> Any:
        """Standard deviation of each column, of shape (n_columns,), divided by the count as ``StandardScaler`` does."""
        return np.where(self.moments.count > 0, self.moments.std, np.nan)

    def quantile(self, q: float) -> Any:
        """Return the value below which a share of the rows lies, of shape (n_columns,).

        Parameters
        ----------
        q : float
            The share, from 0 to 1.

        Returns
        -------
        values : ndarray of shape (n_columns,)
            NaN for a column without a number in it.
        """
        sketches = self.sketches[: self.n_features_in_]
        return np.array([quantile(*sketch, q) if len(sketch[0]) else np.nan for sketch in sketches])

    def column_name(self, column: int) -> str:
        """Return what a column is called in a message.

        Parameters
        ----------
        column : int
            Its position.

        Returns
        -------
        name : str
            The name in quotes, or the position if the data had no names.
        """
        return f'"{self.names[column]}"' if self.names else str(column)

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as JSON has it.

        Returns
        -------
        d : dict
            Numbers, strings, lists and dicts. Curves are base64 of little-endian float64.
        """
        return write_profile(self)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote.

        Parameters
        ----------
        d : dict
            As read from JSON.

        Returns
        -------
        profile : Profile
            The same profile.

        Raises
        ------
        LockFormatError
            If d is no profile.
        LockVersionError
            If it was written by a version whose format isn't known here.
        """
        new = cls._bare()
        read_profile(new, d)
        return new

    def __getstate__(self) -> dict[str, Any]:
        return {"document": self.to_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        read_profile(self, state["document"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it can be updated

    def _repr_html_(self) -> str:
        """Show it in a notebook: where the middle and the edges of each column lie."""
        shown = min(self.n_features_in_, 50)
        values = [self.quantile(share) for share in (0.05, 0.5, 0.95)]
        rows = (
            (self.column_name(j).strip('"'), self.types[j] or "", *(f"{each[j]:.6g}" for each in values))
            for j in range(shown)
        )
        more = f"and {self.n_features_in_ - shown} more columns" if shown < self.n_features_in_ else ""
        return html_table(f"{self!r}", ("column", "type", "5 %", "median", "95 %"), rows, more)

    def __repr__(self) -> str:
        grows = ", ".join(self.column_name(j) for j in self.growing)
        return f"Profile({self.n_rows} rows, {self.n_features_in_} columns{f'; only grows: {grows}' if grows else ''})"


def _either(one: tuple[Any, Any], n_one: int, other: tuple[Any, Any], n_other: int) -> tuple[Any, Any]:
    if not len(one[0]) or not n_one:
        return other
    if not len(other[0]) or not n_other:
        return one
    return merged(one, int(n_one), other, int(n_other))


def _tied_pairs(ordered: Any, sketch: tuple[Any, Any]) -> float:
    """Return the share of pairs of rows with the same value, leaving out the values that are jumps of the sketch."""
    n = len(ordered)
    if n < 2:
        return 0.0
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.concatenate([starts, [n]]))
    repeated = counts > 1
    values, counts = ordered[starts[repeated]], counts[repeated]
    jumps = sketch[0][1:][(np.diff(sketch[0]) == 0) & (np.diff(sketch[1]) > 1.5 / n)]
    counts = counts[~np.isin(values, jumps)]
    return float((counts * (counts - 1.0)).sum() / (n * (n - 1.0)))


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
        if len(x) >= C.rows_in_order and (rises(x, at) or rises(-x, at)):
            found.append(j)
    return tuple(found)


def _rises(x: Any, _: None) -> bool:
    # The first rows rule most columns out.
    return all(bool((np.diff(part) > 0).all() and (part == np.rint(part)).all()) for part in (x[: C.rows_in_order], x))


def _rises_by_block(x: Any, at: Any) -> bool:
    medians = np.array([np.median(x[at == block]) for block in np.unique(at)])
    return len(medians) > C.least_blocks and bool(
        (medians[1:] > np.maximum.accumulate(medians)[:-1]).mean() >= C.blocks_in_order
    )
