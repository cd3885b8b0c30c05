"""The profile: what a pipeline was fitted on, in kilobytes and without a row, and how much its blocks differ.

To change its format: raise ``VERSION``, keep reading those before, and say under Formats in the change log what moved.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..documents.entries import MOST, Entry, Origin, packed
from ..documents.envelope import Envelope
from ..documents.rendering import html_table
from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .data.tables import Table, aligned, as_table, certain, name_of
from .profiles import statistics
from .profiles.categories import Categories
from .profiles.dependence import Dependence, dependence_of
from .profiles.statistics import MEASURES, Moments
from .profiles.summary import Summary
from .tests import weigh
from .tests.reference import Reference

VERSION = 1
_ORIGIN = Origin("profile", "Copy the profile again from where it was saved, or learn it anew.")
_ENVELOPE = Envelope(_ORIGIN, VERSION, "learn the profile anew", digest=False)


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

    def __init__(self) -> None:
        raise TypeError("Make a profile with Profile.from_data(X) or Profile.from_dict(d).")

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
        if groups is not None:
            new._learn_blocks(table, groups)
        return new

    def _learn_blocks(self, table: Table, groups: Any) -> None:
        """Learn which columns grow from block to block, and how odd a clean block is.

        The tests assume that a batch is exchangeable with training, which a month of sales is not. Later blocks are
        therefore judged by those before. The oddest log p-value in each test and column is the *allowance*: a batch has
        to be odder than twice that.
        """
        labels = np.asarray(groups)
        _, numbers, sizes = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
        if labels.shape != (self.n_rows,) or len(sizes) < C.least_blocks:
            raise InputFaultError(
                f"groups has shape {labels.shape} and {len(sizes)} blocks; at least {C.least_blocks} blocks, and "
                f"one label for each of the {self.n_rows} rows, are needed to learn how much blocks differ.",
                expected=(self.n_rows,),
                actual=labels.shape,
                remedy="Hand over a label a row, use smaller blocks (weeks, not months), or set drift instead.",
            )
        # The rows of each block, in the order in which the blocks appear first.
        blocks = np.split(np.argsort(numbers.ravel(), kind="stable"), np.cumsum(sizes)[:-1])
        blocks.sort(key=lambda rows: rows[0])
        if self.n_rows >= C.rows_in_order:
            medians = [statistics.quantiles(table.take(rows).looked_at().numbers, 0.5) for rows in blocks]
            self.growing = statistics.growing(np.stack(medians), C.least_blocks + 1, C.blocks_in_order)
        found, last = dict[str, Any](), len(blocks) - 1
        cuts = np.unique(np.linspace(max(1, last // 3), last, C.profiles_of_blocks + 1).astype(int)) + 1
        for cut, end in pairwise(cuts.tolist()):
            before = table.take(np.sort(np.concatenate(blocks[:cut])))
            reference = Reference(Profile.from_data(before), 0.3)
            parts = [np.array_split(rows, max(1, len(rows) // C.rows_of_allowance)) for rows in blocks[cut:end]]
            windows = [window for of_block in parts for window in of_block if len(window) >= C.few]
            for window in windows[:: max(1, -(-len(windows) // C.windows_of_blocks))]:
                part = table.take(window).dense()
                larger = max(1.0, C.rows_of_allowance / len(window))
                for test, log_p in weigh(reference, part.numbers, part.categories, 1e-3).log_p.items():
                    worst = np.maximum(log_p.min(axis=0) * larger, -C.oddest_block)
                    found[test] = np.minimum(found.get(test, 0.0), worst)
        # As a profile is written: the same before and after it was saved.
        self.allowances = {test: np.float64(np.float32(worst)) for test, worst in found.items() if worst.any()}

    def update(self, X: Any) -> Profile:
        """Add rows, in place.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            More of what the pipeline is fitted on; some hundred rows at a time give the best sketches.

        Returns
        -------
        self : Profile
            This profile.

        Raises
        ------
        InputFaultError
            If X has other columns than this profile.
        """
        table = aligned(self, as_table(X))
        if table.shape[0]:
            self.__dict__ = self.merge(self.from_data(table)).__dict__  # at once: another thread may be reading
        return self

    def merge(self, other: Profile) -> Profile:
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
        moments = {key: [None if v != v else v for v in values.tolist()] for key, values in vars(self.moments).items()}
        categories = {
            str(j): {**vars(kept), "bounds": None if kept.bounds is None else kept.bounds.ravel().tolist()}
            for j, kept in sorted(self.categories.items())
        }
        dependence = self.dependence and {
            "rows": self.dependence.rows,
            "regressed": True,
            "factor": packed(self.dependence.factor.astype("<f2")),
            "expected": packed(self.dependence.expected.astype("<f4")),
            "spread": packed(self.dependence.spread.astype("<f4")),
        }
        content = {
            "n_rows": self.n_rows,
            "n_columns": self.n_features_in_,
            "names": self.names and list(self.names),
            "types": list(self.types),
            "moments": moments,
            "categories": categories,
            "sketches": [[packed(values), packed(shares.astype("<f4"))] for values, shares in self.sketches],
            **{name: getattr(self, name).tolist() for name in ("sampled", "ties", "unit")},
            "steps": packed(self.steps),
            "copies": self.copies,
            "growing": list(self.growing),
            "allowances": {test: packed(p.astype("<f4")) for test, p in sorted(self.allowances.items())},
            "dependence": dependence,
        }
        return _ENVELOPE.closed(content)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Profile:
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
        new, read = cls.__new__(cls), _ENVELOPE.opened(d)
        new.n_rows, new.n_features_in_ = rows, columns = read["n_rows"].whole(1), read["n_columns"].whole(1)
        measured, largest = columns + len(MEASURES), [C.largest] * columns + [C.largest * columns] * len(MEASURES)
        new.names = None if read["names"].value is None else tuple(n.text() for n in read["names"].elements(columns))
        new.types = tuple(None if t.value is None else t.text() for t in read["types"].elements(columns))
        new.moments = _read_moments(read["moments"], rows, columns)
        of_text = {str(j): j for j in range(columns) if not new.moments.count[j]}
        new.categories = {}
        for key, kept in read["categories"].items():
            kept.require(key in of_text, "to be of a column without numbers")
            new.categories[of_text[key]] = _read_categories(kept, rows)
        new.sampled = read["sampled"].wholes(measured, rows)
        sketches = zip(read["sketches"].elements(measured), new.sampled.tolist(), largest, strict=True)
        new.sketches = [_read_sketch(each, bool(n), size) for each, n, size in sketches]
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
        new.dependence = None if found.value is None else _read_dependence(found, rows, columns)
        return new

    def __getstate__(self) -> dict[str, Any]:
        return {"document": self.to_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = self.from_dict(state["document"]).__dict__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.to_dict() == other.to_dict()

    def _repr_html_(self) -> str:
        d, values = self.n_features_in_, np.stack([self.quantile(share) for share in (0.05, 0.5, 0.95)], axis=1)
        columns = zip(self.names or range(d), self.types, values[:50], strict=False)
        rows = [(name, of_type or "", *(f"{value:.6g}" for value in of)) for name, of_type, of in columns]
        more = f"and {d - 50} more columns" if d > 50 else ""
        return html_table(f"{self!r}", ("column", "type", "5 %", "median", "95 %"), rows, more)

    def __repr__(self) -> str:
        grows = ", ".join(name_of(self.names, j) for j in self.growing)
        return f"Profile({self.n_rows} rows, {self.n_features_in_} columns{f'; only grows: {grows}' if grows else ''})"


def _read_moments(d: Entry, rows: int, columns: int) -> Moments:
    count, missing, infinite = (d[name].wholes(columns, rows) for name in ("count", "missing", "infinite"))
    d["count"].require(bool((count + missing + infinite == rows).all()), f"with missing and infinite {rows} rows")
    mean, low, high = (d[name].numbers(-C.largest, C.largest, count > 0) for name in ("mean", "low", "high"))
    d["high"].require(bool((low <= high)[count > 0].all()), "no number below that of low")
    m2 = d["m2"].numbers(0, np.finfo(float).max, np.ones(columns, bool))
    return Moments(count, missing, infinite, mean, m2, low, high)


def _read_categories(d: Entry, rows: int) -> Categories:
    values, words = ({key: n.whole(1, rows) for key, n in d[name].items()} for name in ("values", "words"))
    other, once, missing = (d[name].whole(0, rows) for name in ("other", "once", "missing"))
    found = Categories(values, other, once, missing, words)
    d.require(found.count + missing == rows, f"values of {rows} rows")
    d["once"].require(once <= found.count, "at most the rows that have a value")
    if d["bounds"].value is not None:
        found.bounds = d["bounds"].numbers(0, MOST, np.ones(18, bool)).reshape(2, 3, 3)
    return found


def _read_sketch(d: Entry, some: bool, largest: float) -> tuple[Any, Any]:
    """Read values and shares: none unless there are ``some``, and no value greater than ``largest``."""
    one, other = d.elements(2)
    values, shares = one.packed("<f8", None, -largest, largest), other.packed("<f4", None, 0, 1)
    whole = (*shares[:1], *shares[-1:]) == ((0, 1) if some else ())
    sound = whole and len(values) == len(shares) and bool((np.diff([values, shares]) >= 0).all())
    d.require(sound, "ascending values and as many ascending shares, from 0 to 1")
    return values, shares


def _read_dependence(d: Entry, rows: int, columns: int) -> Dependence | None:
    factor, largest = d["factor"].packed("<f2", None, -2, 2), float(np.finfo(np.float32).max)
    d["factor"].require(len(factor) > 0 and len(factor) % columns == 0, f"numbers for each of {columns} columns")
    expected = d["expected"].packed("<f4", columns, -largest, largest)
    spread = d["spread"].packed("<f4", columns, 0, largest)
    of_rows = d["rows"].whole(C.rows_of_ranks, rows)
    # Before regressions were for all, tables of many columns or few rows had another measure, which none now has.
    regressed = "regressed" in d.mapping() or (columns <= 128 and of_rows >= 8 * columns)
    return Dependence(factor.reshape(columns, -1), of_rows, expected, spread) if regressed else None
