"""The content of a profile: counts, moments, sketches and dependence of rows, in kilobytes and without a row.

To change its format: raise ``VERSION``; keep reading the versions before; say in the change log, under Formats, what
moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...documents.entries import Entry, Origin, packed
from ...documents.envelope import Envelope
from ...documents.rendering import html_table
from ...errors import InputFaultError
from ..calibration import CALIBRATION as C
from ..data.tables import aligned, as_table, certain, name_of
from .categories import Categories
from .dependence import Dependence, dependence_of
from .sketch import merged, merged_steps, quantile, read_sketch, sketch_of, steps_of
from .statistics import MEASURES, Moments, growing, moments_of, repeated_rows, row_measures

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Summary"]

VERSION = 1
_ORIGIN = Origin("profile", "Copy the profile again from where it was saved, or learn it anew.")
_ENVELOPE = Envelope(_ORIGIN, VERSION, "learn the profile anew", digest=False)


class Summary:
    """A picture of rows; :class:`sklearn_normlock.Profile` is it with what blocks of training taught."""

    n_rows: int
    n_features_in_: int
    names: tuple[str, ...] | None
    #: The type of each column, None where it is not known; see ``data.tables.type_of``.
    types: tuple[str | None, ...]
    moments: Moments
    categories: dict[int, Categories]
    #: For each column, then for each measure of a row: its sketch, and the rows that it was made from.
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
    def from_data(cls, X: Any) -> Self:
        """Learn from rows alone."""
        table = as_table(X)
        n, d = table.shape
        if n == 0:
            raise InputFaultError(
                f"Found array with 0 sample(s) (shape={table.shape}) while a minimum of 1 is required.",
                remedy="A profile is learned from at least one row.",
            )
        self = cls.__new__(cls)
        self.n_rows, self.n_features_in_, self.names = n, d, table.names
        self.types = table.types or (None,) * d
        self.moments = moments_of(table.numbers)
        greatest = np.maximum(np.abs(self.moments.low), np.abs(self.moments.high))
        for j in np.flatnonzero(greatest > C.largest).tolist():
            raise InputFaultError(
                f"Column {name_of(self.names, j)} holds values of the size of {greatest[j]:.3g}; at most {C.largest:g} "
                "has a square that can be computed with.",
                path=str(j),
                expected=C.largest,
                actual=float(greatest[j]),
                remedy="Divide the column by a constant, take its logarithm, or leave it out.",
            )
        self.categories = {j: Categories.of(values) for j, values in table.categories.items()}
        X = table.sample().numbers
        X = np.where(np.isfinite(X), X, np.nan)
        measures = row_measures(X, self.moments.mean, self.moments.std)
        every = np.hstack([X, measures])
        self.sampled = (~np.isnan(every)).sum(axis=0)
        ordered = np.sort(every, axis=0).T  # missing values come last
        sketched = [sketch_of(x[:m]) for x, m in zip(ordered, self.sampled, strict=True)]
        self.sketches, self.ties = [sketch for sketch, _ in sketched], np.array([ties for _, ties in sketched])
        self.steps = steps_of(X, self.sketches[:d])
        self.copies, self.growing, self.allowances = repeated_rows(X)[1], growing(X), {}
        self.unit = (np.abs(measures[:, 1:] - 1) <= C.unit_slack).mean(axis=0)
        self.dependence = dependence_of(X)
        return self

    def update(self, X: Any) -> Self:
        """Add rows, in place.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            More of what the pipeline is fitted on; some hundred rows at a time give the best sketches.

        Returns
        -------
        self : Profile

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
        """Return the profile of two parts together, which may have been learned on different machines.

        Parameters
        ----------
        other : Profile
            That of other rows of the same columns.

        Returns
        -------
        profile : Profile
            Its counts, moments and bounds are exact; its quantiles are those of rows drawn from the sketches of both.

        Raises
        ------
        InputFaultError
            If the columns differ.
        """
        d, more = self.n_features_in_, other.n_features_in_
        kinds = any(certain(*both) for both in zip(self.types, other.types, strict=False))
        if d != more or self.names != other.names or {*self.categories} != {*other.categories} or kinds:
            raise InputFaultError(
                f"The profiles have {d} and {more} columns{'' if d != more else ' of other names or kinds'}.",
                expected=(d, self.names, self.types),
                actual=(more, other.names, other.types),
                remedy="Only profiles of the same columns, in the same order, can be merged.",
            )
        new = type(self).__new__(type(self))
        new.n_rows, new.n_features_in_, new.names = self.n_rows + other.n_rows, self.n_features_in_, self.names
        new.types = tuple(one if one == two else None for one, two in zip(self.types, other.types, strict=True))
        new.moments = self.moments.merge(other.moments)
        new.categories = {j: kept.merge(other.categories[j]) for j, kept in self.categories.items()}
        # A sketch stands for all the rows of its part; what it is worth as evidence is the rows that it was made from.
        new.sampled = self.sampled + other.sampled
        weights = zip(self.sketches, self.counted.tolist(), other.sketches, other.counted.tolist(), strict=True)
        new.sketches = [merged(*each) for each in weights]
        part = other.n_rows / new.n_rows
        new.ties = ((1 - part) * np.sqrt(self.ties) + part * np.sqrt(other.ties)) ** 2
        new.copies = ((1 - part) * np.sqrt(self.copies) + part * np.sqrt(other.copies)) ** 2
        new.unit = (1 - part) * self.unit + part * other.unit
        new.steps = merged_steps(self.steps, other.steps, part)
        mine, theirs = self.dependence, other.dependence
        new.dependence = mine.merge(theirs) if mine and theirs else mine or theirs
        new.growing = tuple(j for j in self.growing if j in other.growing)
        one, two = self.allowances, other.allowances
        new.allowances = {test: np.minimum(one.get(test, 0.0), two.get(test, 0.0)) for test in {**one, **two}}
        return new

    @property
    def counted(self) -> Any:
        """Rows with a number in each column; and, for each measure of a row, all rows."""
        return np.append(self.moments.count, np.full(len(MEASURES), self.n_rows))

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
        """Return the value below which a share of the rows lies.

        Parameters
        ----------
        q : float
            The share, from 0 to 1.

        Returns
        -------
        values : ndarray of shape (n_columns,)
            NaN for a column without a number in it.
        """
        return np.array([quantile(*sketch, q) for sketch in self.sketches[: self.n_features_in_]])

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as JSON has it.

        Returns
        -------
        d : dict
            Numbers, strings, lists and dicts. Curves are base64 of little-endian numbers.
        """
        content = {
            "n_rows": self.n_rows,
            "n_columns": self.n_features_in_,
            "names": None if self.names is None else list(self.names),
            "types": list(self.types),
            "moments": self.moments.to_lists(),
            "categories": {str(j): kept.to_dict() for j, kept in sorted(self.categories.items())},
            "sketches": [[packed(values), packed(shares.astype("<f4"))] for values, shares in self.sketches],
            **{name: getattr(self, name).tolist() for name in ("sampled", "ties", "unit")},
            "steps": packed(self.steps),
            "copies": self.copies,
            "growing": list(self.growing),
            "allowances": {test: packed(p.astype("<f4")) for test, p in sorted(self.allowances.items())},
            "dependence": self.dependence and self.dependence.to_dict(),
        }
        return _ENVELOPE.closed(content)

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

        Raises
        ------
        LockFormatError
            If d is no profile.
        LockVersionError
            If it was written by a version whose format isn't known here.
        """
        _ENVELOPE.opened(d)
        new, read = cls.__new__(cls), Entry(d, _ORIGIN)
        new.n_rows, new.n_features_in_ = rows, columns = read["n_rows"].whole(1), read["n_columns"].whole(1)
        measured, largest = columns + len(MEASURES), [C.largest] * columns + [C.largest * columns] * len(MEASURES)
        new.names = None if read["names"].value is None else tuple(n.text() for n in read["names"].elements(columns))
        new.types = tuple(None if t.value is None else t.text() for t in read["types"].elements(columns))
        new.moments = Moments.read(read["moments"], rows, columns)
        of_text = {str(j): j for j in range(columns) if not new.moments.count[j]}
        new.categories = {}
        for key, kept in read["categories"].items():
            kept.require(key in of_text, "to be of a column without numbers")
            new.categories[of_text[key]] = Categories.read(kept, rows)
        new.sampled = read["sampled"].wholes(measured)
        read["sampled"].require(bool((new.sampled <= new.counted).all()), "at most the rows that have a number")
        sketches = zip(read["sketches"].elements(measured), new.sampled.tolist(), largest, strict=True)
        new.sketches = [read_sketch(each, bool(n), size) for each, n, size in sketches]
        new.ties = read["ties"].numbers(0, 1, np.ones(measured, bool))
        new.steps = read["steps"].packed("<f8", 3 * columns, -C.largest, C.largest).reshape(3, columns)
        _, step, share = new.steps
        sound = ((step == 0) | (step >= C.smallest_step)) & (share >= 0) & (share <= 1)
        read["steps"].require(
            bool(sound.all()), "offsets, steps that are 0 or can be divided by, and shares from 0 to 1"
        )
        new.copies = read["copies"].number(0, 1)
        new.unit = read["unit"].numbers(0, 1, np.ones(len(MEASURES) - 1, bool))
        new.growing = tuple(each.whole(0, columns - 1) for each in read["growing"].elements())
        new.allowances = {test: p.packed("<f4", None, -C.oddest_block, 0) for test, p in read["allowances"].items()}
        found = read["dependence"]
        new.dependence = None if found.value is None else Dependence.read(found, rows, columns)
        return new

    def __getstate__(self) -> dict[str, Any]:
        return {"document": self.to_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = self.from_dict(state["document"]).__dict__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it can be updated

    def _repr_html_(self) -> str:
        """Show it in a notebook: where the middle and the edges of each column lie."""
        d, values = self.n_features_in_, np.stack([self.quantile(share) for share in (0.05, 0.5, 0.95)], axis=1)
        columns = zip(self.names or range(d), self.types, values[:50], strict=False)
        rows = [(name, of_type or "", *(f"{value:.6g}" for value in of)) for name, of_type, of in columns]
        more = f"and {d - 50} more columns" if d > 50 else ""
        return html_table(f"{self!r}", ("column", "type", "5 %", "median", "95 %"), rows, more)

    def __repr__(self) -> str:
        grows = ", ".join(name_of(self.names, j) for j in self.growing)
        return f"Profile({self.n_rows} rows, {self.n_features_in_} columns{f'; only grows: {grows}' if grows else ''})"
