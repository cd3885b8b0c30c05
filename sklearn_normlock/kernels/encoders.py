"""Kernels of the encoders: OneHotEncoder, OrdinalEncoder and TargetEncoder.

Whatever an encoder does with a category (group it with other rare ones, drop it, give it a number of its own) depends
on the category alone. It is therefore worked out once for every category, by scikit-learn's own steps, and once for
a value that is none of them. A call looks each value up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiler import Compiler, Factory, demand, schema_of
from .inputs import Frame, Kernel, by_rows, ndarray
from .sparse import Rows

NOTHING = -1  # a value that leaves its row zero
UNSURE = -2  # a value of which scikit-learn has something to say
_CODED = 256  # rows from which on a library's own codes are worth asking for


class Lookup:
    """From the values of one column to the numbers of their categories.

    Parameters
    ----------
    categories : ndarray of shape (n_categories,)
        Texts, of which one may be None and one NaN, or numbers.

    Attributes
    ----------
    unknown : int
        Stands for a value that is no category.
    """

    def __init__(self, categories: Any) -> None:
        demand(type(categories) is np.ndarray, categories.ndim == 1, len(categories))
        self.kind = categories.dtype.kind
        demand(self.kind in "Oiufb")
        values = categories.tolist()
        self.unknown = self.nan = len(values)
        self.table: dict[Any, int] = {}
        for i, value in enumerate(values):
            if type(value) is float and value != value:
                demand(self.nan == self.unknown)
                self.nan = i
            else:
                demand(self.kind != "O" or value is None or type(value) is str)
                self.table[value] = i
        demand(len(self.table) + (self.nan != self.unknown) == len(values))
        self.texts = tuple(value for value in values if type(value) is str)

    def __call__(self, column: tuple[list[Any], str] | None) -> Any:
        """Return the numbers; None if there is a value of which it isn't sure what scikit-learn makes."""
        if column is None or column[1] != self.kind:
            return None
        values = column[0]
        try:
            if len(values) == 1:
                return [self.table[values[0]]]
            return np.fromiter(map(self.table.__getitem__, values), np.intp, len(values))
        except KeyError:
            return self._one_by_one(values)
        except TypeError:  # a value that has no hash
            return None

    def of(self, frame: Frame, i: int) -> Any:
        """Return the numbers of a frame's column, as the call: each of its values is looked up once, if that pays."""
        coded = None
        if self.kind == "O" and frame.rows >= _CODED and len(self.texts) < frame.rows:
            coded = frame.coded(i, self.texts)
        if coded is None:
            return self(frame.values(i))
        values, codes = coded
        found = self((values, "O"))
        return None if found is None else np.array(found, dtype=np.intp).take(codes)

    def _one_by_one(self, values: list[Any]) -> list[int] | None:
        try:
            found: list[Any] = [*map(self.table.get, values)]
        except TypeError:
            return None
        for i, number in enumerate(found):
            if number is None:
                value = values[i]
                if type(value) is float and value != value:
                    found[i] = self.nan
                elif self.kind != "O" or type(value) is str or value is None:
                    found[i] = self.unknown
                else:
                    return None
        return found


def _columns_of(est: Any) -> tuple[list[Lookup], Kernel]:
    """Return a lookup for each column, and what reads the columns of an input."""
    width, names = schema_of(est)
    categories = vars(est).get("categories_")
    demand(type(categories) is list and len(categories) == width)
    lookups = [Lookup(each) for each in categories]

    def numbers(X: Any) -> list[Any] | None:
        if isinstance(X, Frame):
            if names is None or X.names != names:
                return None
            read = (lookup.of(X, i) for i, lookup in enumerate(lookups))
        elif type(X) is ndarray and names is None and X.dtype.char in "Odlq?":
            if X.ndim != 2 or X.shape[1] != width or not len(X):
                return None
            kind = X.dtype.kind
            if kind == "f" and np.isinf(X).any():
                return None
            read = (lookup((values, kind)) for lookup, values in zip(lookups, X.T.tolist(), strict=True))
        else:
            return None
        found = []
        for each in read:
            if each is None:
                return None
            found.append(each)
        return found

    return lookups, numbers


def _grouped(est: Any, i: int, numbers: np.ndarray, *, spared: int = -1) -> tuple[np.ndarray, int | None]:
    """Return the numbers with the rare categories grouped; and that of an unknown value, if it counts as rare."""
    if not est._infrequent_enabled:
        return numbers, None
    rare, mapping = est._infrequent_indices[i], est._default_to_infrequent_mappings[i]
    if mapping is None:
        return numbers, None
    grouped = numbers.copy()
    counted = numbers != spared  # what is missing is not grouped, and the mapping may not know it
    grouped[counted] = np.take(mapping, numbers[counted])
    unknown = None
    if rare is not None and est.handle_unknown in ("infrequent_if_exist", "warn"):
        unknown = int(np.take(mapping, rare[0]))
    return grouped, unknown


def _positions(est: Any, lookups: list[Lookup]) -> tuple[list[np.ndarray], int]:
    """Return, for each column, the position in the output of each category and of an unknown value; and the width."""
    dropped = est._drop_idx_after_grouping
    warned = est.handle_unknown in ("warn", "error") or est.drop is not None
    start, positions = 0, []
    for i, (lookup, wide) in enumerate(zip(lookups, est._n_features_outs, strict=True)):
        numbers, unknown = _grouped(est, i, np.arange(lookup.unknown))
        drop = None if dropped is None else dropped[i]
        found = numbers + start
        if drop is not None:
            found[numbers > drop] -= 1
            found[numbers == drop] = NOTHING
        last = UNSURE if warned else NOTHING if unknown is None else start + unknown
        positions.append(np.append(found, last))
        start += int(wide)
    return positions, start


def _one_hot(compiler: Compiler, est: Any) -> Kernel:
    demand(type(est.sparse_output) is bool)
    return _sparse_one_hot(compiler, est) if est.sparse_output else _dense_one_hot(compiler, est)


def _dense_one_hot(compiler: Compiler, est: Any) -> Kernel:
    lookups, numbers_of = _columns_of(est)
    positions, width = _positions(est, lookups)
    dtype = np.dtype(est.dtype)
    demand(dtype.kind in "fiub", width)
    listed, flat = [each.tolist() for each in positions], np.concatenate(positions)
    starts = np.cumsum([0, *map(len, positions)])[:-1, None]

    def kernel(X: Any) -> Any:
        numbers = numbers_of(X)
        if numbers is None:
            return None
        rows = len(numbers[0])
        out = np.zeros((rows, width), dtype=dtype)
        if rows == 1:
            for places, (number,) in zip(listed, numbers, strict=True):
                place = places[number]
                if place >= 0:
                    out[0, place] = 1
                elif place == UNSURE:
                    return None
            return out
        found = flat.take(np.array(numbers) + starts)
        mask = found >= 0
        if mask.all():
            out.reshape(-1)[found + np.arange(0, out.size, width)] = 1
        elif (found == UNSURE).any():
            return None
        else:
            out[mask.nonzero()[1], found[mask]] = 1
        return out

    return by_rows(kernel, width)


def _sparse_one_hot(compiler: Compiler, est: Any) -> Kernel:
    lookups, numbers_of = _columns_of(est)
    positions, width = _positions(est, lookups)
    dtype = np.dtype(est.dtype)

    def kernel(X: Any) -> Any:
        numbers = numbers_of(X)
        if numbers is None:
            return None
        found = np.array([places.take(each) for places, each in zip(positions, numbers, strict=True)]).T
        if (found == UNSURE).any():
            return None
        mask = found >= 0
        indptr = np.zeros(len(found) + 1, dtype=np.int32)
        np.cumsum(np.sum(mask, axis=1), out=indptr[1:])
        return Rows(np.ones(indptr[-1]).astype(dtype), found[mask].astype(np.int32), indptr, width)

    return kernel


def _ordinal(compiler: Compiler, est: Any) -> Kernel:
    demand(est.handle_unknown in ("error", "use_encoded_value"))
    lookups, numbers_of = _columns_of(est)
    dtype = np.dtype(est.dtype)
    demand(dtype.kind in "fiu")
    sure = est.handle_unknown == "use_encoded_value"
    codes: list[np.ndarray] = []
    for i, lookup in enumerate(lookups):
        missing = est._missing_indices.get(i)
        numbers, _ = _grouped(est, i, np.arange(lookup.unknown), spared=-1 if missing is None else missing)
        each = np.append(numbers, 0).astype(dtype)
        if missing is not None:
            each[:-1][numbers == missing] = est.encoded_missing_value
        if sure:
            each[-1] = est.unknown_value
        codes.append(each)

    def kernel(X: Any) -> Any:
        numbers = numbers_of(X)
        if numbers is None:
            return None
        out = np.empty((len(numbers[0]), len(codes)), dtype=dtype)
        for i, (each, code, lookup) in enumerate(zip(numbers, codes, lookups, strict=True)):
            if not sure and lookup.unknown in each:
                return None
            out[:, i] = code.take(each)
        return out

    return by_rows(kernel, len(codes))


def _target(compiler: Compiler, est: Any) -> Kernel:
    lookups, numbers_of = _columns_of(est)
    demand(est.target_type_ in ("continuous", "binary", "multiclass"), not est._infrequent_enabled)
    several = est.target_type_ == "multiclass"
    means = np.ravel(est.target_mean_).tolist()
    width = len(means) * len(lookups)
    demand(len(est.encodings_) == width, several or len(means) == 1)
    # The columns of a feature stand side by side, one for each class; last is what an unknown value gets.
    tables = [
        np.append(np.asarray(each, dtype=np.float64), means[i % len(means)]) for i, each in enumerate(est.encodings_)
    ]

    def kernel(X: Any) -> Any:
        numbers = numbers_of(X)
        if numbers is None:
            return None
        out = np.empty((len(numbers[0]), width))
        for i, table in enumerate(tables):
            out[:, i] = table.take(numbers[i // len(means)])
        return out

    return by_rows(kernel, width)


KERNELS: dict[tuple[str, str], Factory] = {
    ("OneHotEncoder", "transform"): _one_hot,
    ("OneHotEncoder", "dense"): _dense_one_hot,
    ("OrdinalEncoder", "transform"): _ordinal,
    ("TargetEncoder", "transform"): _target,
}
