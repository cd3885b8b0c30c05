"""The content of a profile: counts, moments, sketches and dependence of rows, in kilobytes and without a row.

To change its format: raise ``VERSION``, keep reading those before, and say under Formats in the change log what moved.
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
from . import statistics
from .categories import Categories
from .dependence import Dependence, dependence_of
from .statistics import MEASURES, Moments

if TYPE_CHECKING:
    from typing_extensions import Self

VERSION = 1
_ORIGIN = Origin("profile", "Copy the profile again from where it was saved, or learn it anew.")
_ENVELOPE = Envelope(_ORIGIN, VERSION, "learn the profile anew", digest=False)


class Summary:
    """A picture of rows; :class:`sklearn_normlock.Profile` is it with what blocks of training taught."""

    n_rows: int
    n_features_in_: int
    names: tuple[str, ...] | None
    types: tuple[str | None, ...]  # of each column, None where it is not known: see ``data.tables.type_of``
    moments: Moments
    categories: dict[int, Categories]
    sketches: list[tuple[Any, Any]]  # of each column, then of each measure of a row
    sampled: Any  # the rows that each sketch was made from
    ties: Any  # share of pairs of rows that have the same value, other than one that is a jump of the sketch
    steps: Any  # (3, n_columns): an offset, the step between values (0: none), and the share of values off the steps
    copies: float  # share of pairs of rows that are equal throughout
    unit: Any  # share of rows whose norm is 1: by the sum, the root of squares, the maximum
    dependence: Dependence | None
    allowances: dict[str, Any]  # how odd ordinary blocks of training were in each test
    growing: tuple[int, ...]  # the columns that only grow

    def __init__(self) -> None:
        raise TypeError("Make a profile with Profile.from_data(X) or Profile.from_dict(d).")

    @classmethod
    def from_data(cls, X: Any) -> Self:
        """Learn from rows alone."""
        table, new = as_table(X), cls.__new__(cls)
        n, d = new.n_rows, new.n_features_in_ = table.shape
        if n == 0:
            raise InputFaultError(
                f"Found array with 0 sample(s) (shape={table.shape}) while a minimum of 1 is required.",
                remedy="A profile is learned from at least one row.",
            )
        new.names, new.types = table.names, table.types or (None,) * d
        new.moments = statistics.moments_of(table.numbers)
        greatest = np.maximum(np.abs(new.moments.low), np.abs(new.moments.high))
        for j in np.flatnonzero(greatest > C.largest).tolist():
            raise InputFaultError(
                f"Column {name_of(new.names, j)} holds values of the size of {greatest[j]:.3g}; at most {C.largest:g} "
                "has a square that can be computed with.",
                path=str(j),
                expected=C.largest,
                actual=float(greatest[j]),
                remedy="Divide the column by a constant, take its logarithm, or leave it out.",
            )
        new.categories = {j: Categories.of(values) for j, values in table.categories.items()}
        X = table.sample().numbers
        X = np.where(np.isfinite(X), X, np.nan)
        measures = statistics.row_measures(X, new.moments.mean, new.moments.std)
        values = [np.sort(x[~np.isnan(x)]) for x in np.hstack([X, measures]).T]
        new.sampled = np.array([len(x) for x in values])
        sketches, ties = zip(*map(statistics.sketch_of, values), strict=True)
        new.sketches, new.ties = list(sketches), np.array(ties)
        new.steps = np.transpose([statistics.step_of(values[j], sketches[j][0]) for j in range(d)])
        new.copies, new.allowances = statistics.repeated_rows(X)[1], {}
        # Whole numbers, as ids are. A measure by which a table happens to be sorted is none that grows.
        whole = (np.isnan(X) | (X == np.rint(X))).all(axis=0)
        new.growing = statistics.growing(np.where(whole, X, np.nan), C.rows_in_order, 1.0)
        new.unit = (np.abs(measures[:, 1:] - 1) <= C.unit_slack).mean(axis=0)
        new.dependence = dependence_of(X)
        return new

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
        table = aligned(self, as_table(X))
        if table.shape[0]:
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
        new.n_rows, new.n_features_in_, new.names = self.n_rows + other.n_rows, d, self.names
        new.types = tuple(one if one == two else None for one, two in zip(self.types, other.types, strict=True))
        new.moments = self.moments.merge(other.moments)
        new.categories = {j: kept.merge(other.categories[j]) for j, kept in self.categories.items()}
        new.sampled = self.sampled + other.sampled
        # A sketch stands for all the rows of its part, of which only those that are sampled are worth evidence.
        counts = (np.append(each.moments.count, [each.n_rows] * len(MEASURES)).tolist() for each in (self, other))
        new.sketches = list(map(statistics.merged, self.sketches, other.sketches, *counts))
        part = other.n_rows / new.n_rows
        new.ties = ((1 - part) * np.sqrt(self.ties) + part * np.sqrt(other.ties)) ** 2
        new.copies = ((1 - part) * np.sqrt(self.copies) + part * np.sqrt(other.copies)) ** 2
        new.unit = (1 - part) * self.unit + part * other.unit
        new.steps = statistics.merged_steps(self.steps, other.steps, part)
        mine, theirs = self.dependence, other.dependence
        new.dependence = mine.merge(theirs) if mine and theirs else mine or theirs
        new.growing = tuple(j for j in self.growing if j in other.growing)
        one, two = self.allowances, other.allowances
        new.allowances = {test: np.minimum(one.get(test, 0.0), two.get(test, 0.0)) for test in {**one, **two}}
        return new

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
        return np.array([statistics.quantile(*sketch, q) for sketch in self.sketches[: self.n_features_in_]])

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
            "names": self.names and list(self.names),
            "types": list(self.types),
            "moments": self.moments.to_dict(),
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
        LockFormatError, LockVersionError
            If d is no profile, or of a version whose format isn't known here.
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
        new.sampled = read["sampled"].wholes(measured, rows)
        sketches = zip(read["sketches"].elements(measured), new.sampled.tolist(), largest, strict=True)
        new.sketches = [statistics.read_sketch(each, bool(n), size) for each, n, size in sketches]
        new.ties = read["ties"].numbers(0, 1, np.ones(measured, bool))
        new.steps = read["steps"].packed("<f8", 3 * columns, -C.largest, C.largest).reshape(3, columns)
        _, step, share = new.steps
        sound = ((step == 0) | (step >= C.smallest_step)) & (share >= 0) & (share <= 1)
        read["steps"].require(bool(sound.all()), "steps that are 0 or can be divided by, and shares from 0 to 1")
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

    def _repr_html_(self) -> str:
        d, values = self.n_features_in_, np.stack([self.quantile(share) for share in (0.05, 0.5, 0.95)], axis=1)
        columns = zip(self.names or range(d), self.types, values[:50], strict=False)
        rows = [(name, of_type or "", *(f"{value:.6g}" for value in of)) for name, of_type, of in columns]
        more = f"and {d - 50} more columns" if d > 50 else ""
        return html_table(f"{self!r}", ("column", "type", "5 %", "median", "95 %"), rows, more)

    def __repr__(self) -> str:
        grows = ", ".join(name_of(self.names, j) for j in self.growing)
        return f"Profile({self.n_rows} rows, {self.n_features_in_} columns{f'; only grows: {grows}' if grows else ''})"
