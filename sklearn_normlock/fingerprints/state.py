"""The state that counts: which part of an object determines its output (clauses 7.1 to 7.7 of ``docs/spec.md``).

The rule is to count: constructor parameters and every instance attribute, and what an object that isn't an estimator
hands to pickle. Exceptions are data, in :mod:`sklearn_normlock.fingerprints.exclusions`; an attribute that a new
release adds therefore counts until it is excluded.
"""

from __future__ import annotations

import copyreg
import enum
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from ..errors import UnfingerprintableError
from . import exclusions
from .boosters import BOOSTERS
from .exclusions import counted
from .naming import cached, class_name, function_name, resolved_name

State = Mapping[str, Any]

ENTRY_POINT_GROUP = "sklearn_normlock.state"


class Partly:
    """An estimator some of whose parameters are set anew for each call by the estimator that holds it."""

    def __init__(self, estimator: Any, without: frozenset[str]) -> None:
        self.estimator = estimator
        self.without = without


class params_only:  # noqa: N801 - a marker that reads like a word
    """An estimator that counts by its parameters: a template that was cloned and fitted elsewhere."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator


def fingerprint_state(obj: Any) -> tuple[str, State]:
    """Return the stable class name of an object and the state that counts.

    Parameters
    ----------
    obj : object
        An estimator, or anything that is found in an estimator's state and isn't a plain value.

    Returns
    -------
    name : str
        As :func:`~sklearn_normlock.fingerprints.naming.class_name` gives it.
    state : mapping of str to object
        Attribute names and values.

    Raises
    ------
    UnfingerprintableError
        If the class has no stable name or the state can't be had.
    """
    cls: Any = type(obj)
    if cls is params_only:
        # Not get_params: it goes by the signature of the installed class, which another version may have changed.
        state = counted(type(obj.estimator), vars(obj.estimator))
        return class_name(type(obj.estimator)), {
            name: templates(value) for name, value in state.items() if not name.startswith("_") and name[-1] != "_"
        }
    if cls is Partly:
        name, whole = fingerprint_state(obj.estimator)
        return name, {key: value for key, value in whole.items() if key not in obj.without}
    declared = getattr(cls, "__fingerprint_state__", None)
    if declared is not None:
        return class_name(cls), declared(obj)
    adapter = _adapter(cls)
    if adapter is not None:
        return adapter(obj)
    if is_estimator(obj):
        return class_name(cls), _estimator_state(obj, cls)
    if isinstance(obj, tuple) and hasattr(cls, "_fields"):
        return class_name(cls), dict(zip(cls._fields, obj, strict=True))
    return _pickled_state(obj)


def is_estimator(obj: Any) -> bool:
    """Tell whether an object follows scikit-learn's convention of parameters and fitted attributes."""
    return _is_estimator_class(type(obj)) and hasattr(obj, "__dict__")


@cached
def _is_estimator_class(cls: type) -> bool:
    return hasattr(cls, "get_params") and hasattr(cls, "fit")


def _estimator_state(estimator: Any, cls: type) -> State:
    state = counted(cls, vars(estimator))
    for name in state.keys() & exclusions.TEMPLATES.keys():
        # A parameter that was cloned and fitted elsewhere: the fitted object counts, the template by its parameters.
        if any(fitted in state for fitted in exclusions.TEMPLATES[name]):
            state[name] = templates(state[name])
    for member, without in _partly(cls):
        if member in state:
            state[member] = Partly(state[member], without)
    if "cv_results_" in state:
        state["cv_results_"] = {k: v for k, v in state["cv_results_"].items() if k not in exclusions.TIMES}
    return state


@cached
def _partly(cls: type) -> list[tuple[str, frozenset[str]]]:
    bases = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
    return [(member, names) for (owner, member), names in exclusions.BY_MEMBER.items() if owner in bases]


def templates(value: Any) -> Any:
    """Return a value with each estimator in it marked as counting by its parameters alone (clause 7.5)."""
    if is_estimator(value):
        return params_only(value)
    if type(value) in (list, tuple):
        return type(value)(templates(item) for item in value)
    if type(value) is dict:
        return {key: templates(item) for key, item in value.items()}
    return value


def _pickled_state(obj: Any) -> tuple[str, State]:
    """Take the state of an object that isn't an estimator from what it hands to pickle (clause 7.6)."""
    registered = copyreg.dispatch_table.get(type(obj))
    reduced = registered(obj) if registered is not None else obj.__reduce_ex__(2)
    if isinstance(reduced, str):
        return class_name(type(obj)), {"name": resolved_name(obj, getattr(obj, "__module__", None), reduced)}
    function, args, state, items, pairs = (*reduced, None, None, None)[:5]
    if getattr(function, "__name__", "") == "__newobj__":
        args, name = args[1:], class_name(type(obj))
    elif getattr(function, "__name__", "").startswith("__pyx_unpickle_"):
        # Cython passes the class, a checksum of its own layout, and a tuple of the C attributes: as the third argument,
        # or as the state, by what the class inherits. A class that another release gives a ``__reduce__`` of its own
        # hands over the same values as arguments.
        layout = args[2] if len(args) > 2 else None
        if layout is None and type(state) is tuple:
            layout, state = state, None
        args, name = layout if type(layout) is tuple else (), class_name(type(obj))
    elif isinstance(function, type):
        name = class_name(function)
    else:
        name = function_name(function)
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict and type(state[0]) in (dict, type(None)):
        state = {**(state[0] or {}), **state[1]}  # the attributes and the slots
    attributes = counted(type(obj), state) if _has_names(state) else {} if state is None else {"(state)": state}
    if args:
        attributes["(args)"] = tuple(args)
    if items is not None:
        attributes["(items)"] = list(items)
    if pairs is not None:
        attributes["(pairs)"] = dict(pairs)
    return name, attributes


def _has_names(state: Any) -> bool:
    return isinstance(state, dict) and all(type(key) is str for key in state)


# -- objects of other libraries --------------------------------------------------------------------------------------


def _sparse(sparse: Any) -> tuple[str, State]:
    # The order of entries, duplicates and the width of the indices change with use and with formats; what the matrix
    # holds does not (clause 7.7).
    canonical = (sparse if sparse.ndim == 2 else sparse.reshape(1, -1)).tocsr()
    if not canonical.has_canonical_format:
        canonical = canonical.copy()
        canonical.sum_duplicates()
    return class_name(type(sparse)), {
        "shape": tuple(int(n) for n in sparse.shape),
        "data": canonical.data,
        "indices": canonical.indices.astype(np.int64, copy=False),
        "indptr": canonical.indptr.astype(np.int64, copy=False),
    }


def _array_subclass(array: Any) -> tuple[str, State]:
    return class_name(type(array)), {**getattr(array, "__dict__", {}), "(array)": np.asarray(array)}


def _masked(array: Any) -> tuple[str, State]:
    mask = np.ma.getmaskarray(array)
    return "numpy.ma:MaskedArray", {"shape": array.shape, "mask": mask, "values": array.compressed()}


def _random(generator: Any) -> tuple[str, State]:
    # The position in a stream is use, not state.
    bits = getattr(generator, "bit_generator", getattr(generator, "_bit_generator", generator))
    return class_name(type(generator)), {"bits": type(bits).__name__}


def _neighbours_tree(tree: Any) -> tuple[str, State]:
    # Items 7 to 10 count the tree's own calls.
    state = tree.__getstate__()
    return class_name(type(tree)), {"(state)": [item for i, item in enumerate(state) if not 7 <= i <= 10]}


def _spline(spline: Any) -> tuple[str, State]:
    # SciPy's versions differ in what else they keep, and from 1.16 on `t` and `c` are views of `_t` and `_c`. A spline
    # that came from a pickle of the other kind has no such view, and still is what it was.
    held = getattr(spline, "__dict__", {})
    names = ("t", "c", "k", "extrapolate", "axis")
    values = {name: held[name] if name in held else held.get(f"_{name}") for name in names}
    return "scipy.interpolate:BSpline", {
        name: getattr(spline, name) if value is None else value for name, value in values.items()
    }


def _pandas_frame(frame: Any) -> tuple[str, State]:
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    return "pandas:DataFrame", {
        "columns": frame.columns,
        "index": frame.index,
        "dtypes": [_pandas_dtype_of(dtype) for dtype in frame.dtypes],
        "values": [column.to_numpy() for column in columns],
    }


def _pandas_series(series: Any) -> tuple[str, State]:
    name = "Series" if hasattr(series, "index") else "Index"
    state = {"name": series.name, "dtype": _pandas_dtype_of(series.dtype), "values": series.to_numpy()}
    return f"pandas:{name}", {**state, "index": series.index} if name == "Series" else state


def _pandas_index(index: Any) -> tuple[str, State]:
    if getattr(index, "nlevels", 1) > 1:
        return "pandas:MultiIndex", {"names": list(index.names), "values": index.tolist()}
    if type(index).__name__ == "RangeIndex":
        return "pandas:RangeIndex", {"name": index.name, "range": range(index.start, index.stop, index.step)}
    return _pandas_series(index)


def _pandas_array(array: Any) -> tuple[str, State]:
    return "pandas:array", {"dtype": _pandas_dtype_of(array.dtype), "values": np.asarray(array)}


def _pandas_dtype_of(dtype: Any) -> Any:
    return dtype if hasattr(dtype, "categories") else str(dtype)


def _pandas_dtype(dtype: Any) -> tuple[str, State]:
    categories = getattr(dtype, "categories", None)
    return "pandas:dtype", {"name": str(dtype), "categories": categories, "ordered": getattr(dtype, "ordered", None)}


def _pandas_missing(value: Any) -> tuple[str, State]:
    return f"pandas:{type(value).__name__}", {}


def _polars_frame(frame: Any) -> tuple[str, State]:
    return "polars:DataFrame", {"columns": [frame[name] for name in frame.columns]}


def _polars_series(series: Any) -> tuple[str, State]:
    return "polars:Series", {"name": series.name, "dtype": str(series.dtype), "values": series.to_list()}


def _polars_dtype(dtype: Any) -> tuple[str, State]:
    return "polars:DataType", {"name": str(dtype)}


def _enum(member: Any) -> tuple[str, State]:
    # A combination of flags has no name on every Python.
    state = {"value": member.value} if isinstance(member, enum.Flag) else {"name": member.name}
    return class_name(type(member)), state


# By the name of a base class, so that no library is imported to recognise its objects.
_ADAPTERS: dict[str, Callable[[Any], tuple[str, State]]] = {
    "enum.Enum": _enum,
    "numpy.ndarray": _array_subclass,
    "numpy.ma.MaskedArray": _masked,
    "numpy.ma.core.MaskedArray": _masked,
    "numpy.random.mtrand.RandomState": _random,
    "numpy.random._generator.Generator": _random,
    "numpy.random.bit_generator.BitGenerator": _random,
    "scipy.sparse._base._spbase": _sparse,
    "scipy.sparse._base.spmatrix": _sparse,
    "scipy.interpolate._bsplines.BSpline": _spline,
    "scipy.interpolate._bsplines._BSpline": _spline,
    "sklearn.neighbors._kd_tree.BinaryTree64": _neighbours_tree,
    "sklearn.neighbors._kd_tree.BinaryTree32": _neighbours_tree,
    "sklearn.neighbors._ball_tree.BinaryTree64": _neighbours_tree,
    "sklearn.neighbors._ball_tree.BinaryTree32": _neighbours_tree,
    "sklearn.neighbors._kd_tree.BinaryTree": _neighbours_tree,
    "sklearn.neighbors._ball_tree.BinaryTree": _neighbours_tree,
    "pandas.DataFrame": _pandas_frame,
    "pandas.core.frame.DataFrame": _pandas_frame,
    "pandas.Series": _pandas_series,
    "pandas.core.series.Series": _pandas_series,
    "pandas.Index": _pandas_index,
    "pandas.core.indexes.base.Index": _pandas_index,
    "pandas.api.extensions.ExtensionArray": _pandas_array,
    "pandas.core.arrays.base.ExtensionArray": _pandas_array,
    "pandas.api.extensions.ExtensionDtype": _pandas_dtype,
    "pandas.core.dtypes.base.ExtensionDtype": _pandas_dtype,
    "pandas._libs.missing.NAType": _pandas_missing,
    "pandas._libs.tslibs.nattype.NaTType": _pandas_missing,
    "polars.dataframe.frame.DataFrame": _polars_frame,
    "polars.series.series.Series": _polars_series,
    "polars.datatypes.classes.DataType": _polars_dtype,
    **BOOSTERS,
}


@cached
def _adapter(cls: type) -> Callable[[Any], tuple[str, State]] | None:
    plugins = _plugins()
    for base in cls.__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if name in plugins:
            function = plugins[name].load()
            return lambda obj: (class_name(type(obj)), function(obj))
        if name in _ADAPTERS:
            return _ADAPTERS[name]
    return None


@cached
def declares_state(cls: type) -> bool:
    """Tell whether a class, or somebody for it, says what its state is."""
    return hasattr(cls, "__fingerprint_state__") or _adapter(cls) is not None


@cached
def _plugins() -> dict[str, EntryPoint]:
    """Return the entry points by which other distributions declare the state of their classes (clause 7.2)."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if found.setdefault(point.name, point).value != point.value:
            raise UnfingerprintableError(
                f"two installed plugins declare the state of {point.name}: {found[point.name].value}, {point.value}.",
                remedy="Uninstall one of them.",
            )
    return found
