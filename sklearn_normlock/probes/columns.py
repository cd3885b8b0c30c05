"""Frames of pandas and polars in a lock, column by column: names, order, dtypes and the index are kept exactly.

A column whose dtype is NumPy's is an array. Each other dtype has a form of its own: ``"categorical"``, ``"zoned"``
(times with a zone), ``"masked"`` (nullable numbers), ``"text"``, ``"arrow"``, and ``"physical"`` for polars.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import MissingDependencyError
from .items import Unkept, item, restored, zone_name, zone_of


def encoded_frame(rows: Any) -> dict[str, Any]:
    """Return a frame or series as plain JSON values."""
    if hasattr(rows, "get_columns"):
        columns = [_named(column.name, _polars_column, column) for column in rows.get_columns()]
        return {"form": "frame", "library": "polars", "names": list(rows.columns), "columns": columns}
    if not hasattr(rows, "columns"):
        found = {"form": "series", "name": item(rows.name), "column": _named(rows.name, _pandas_column, rows)}
        return {**found, **_index(rows.index)}
    if rows.columns.nlevels > 1:
        raise TypeError("rows can't be kept in a lock: the columns have names of several levels")
    columns = [_named(name, _pandas_column, rows.iloc[:, i]) for i, name in enumerate(rows.columns)]
    names = [item(name) for name in rows.columns.tolist()]
    return {"form": "frame", "names": names, "columns": columns, **_index(rows.index)}


def _named(name: Any, encode: Any, column: Any) -> dict[str, Any]:
    try:
        return encode(column)
    except Unkept as error:
        raise Unkept(error.value, f"column {name!r}") from None
    except TypeError as error:
        raise TypeError(f"rows can't be kept in a lock: column {name!r}: {error}") from None


def _index(index: Any) -> dict[str, Any]:
    """Return what says more of an index than that it counts from 0."""
    if index.nlevels > 1:
        raise TypeError("rows can't be kept in a lock: the index has several levels")
    named = {} if index.name is None else {"index_name": item(index.name)}
    if type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1):
        return named
    return {"index": _named("index", _pandas_column, index.to_series()), **named}


# -- pandas ------------------------------------------------------------------------------------------------------------


def _pandas_column(column: Any) -> dict[str, Any]:
    import pandas as pd

    from .rows import encoded_array

    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return encoded_array(column.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _pandas_column(dtype.categories.to_series())
        codes = encoded_array(column.cat.codes.to_numpy().astype(np.int64))
        return {"form": "categorical", "categories": categories, "ordered": bool(dtype.ordered), "codes": codes}
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return {"form": "zoned", "zone": _zone(dtype.tz), "times": encoded_array(naive)}
    if isinstance(dtype, pd.ArrowDtype):
        return {"form": "arrow", "type": str(dtype.pyarrow_dtype), "data": _arrow_bytes(column)}
    if isinstance(dtype, pd.StringDtype):
        missing = "nan" if getattr(dtype, "na_value", pd.NA) is not pd.NA else "NA"
        texts = [None if gone else str(text) for text, gone in zip(column, column.isna(), strict=True)]
        return {"form": "text", "storage": dtype.storage, "missing": missing, "items": texts}
    array = column.array
    if hasattr(array, "_mask") and hasattr(array, "_data"):  # nullable integers, floats and truth values
        mask = column.isna().to_numpy()
        numpy_dtype = dtype.numpy_dtype
        data = column.to_numpy(dtype=numpy_dtype, na_value=numpy_dtype.type(0))
        return {"form": "masked", "dtype": dtype.name, "values": encoded_array(data), "mask": encoded_array(mask)}
    raise TypeError(f"its dtype is {dtype}")


def _zone(zone: Any) -> Any:
    """Return the name of a zone of pandas, which may be one of pytz: its name says all that a column needs."""
    name = getattr(zone, "zone", None)
    return name if isinstance(name, str) else zone_name(zone)


def _arrow_bytes(column: Any) -> str:
    import pyarrow as pa

    array = pa.chunked_array(column.array.__arrow_array__())
    table = pa.table({"": array.combine_chunks()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return b64encode(sink.getvalue().to_pybytes()).decode("ascii")


def decoded_frame(document: Mapping[str, Any]) -> Any:
    """Return a frame or series as it was.

    Raises
    ------
    MissingDependencyError
        If its library isn't installed.
    """
    if document.get("library") == "polars":
        return _polars_frame(document)
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "The probes of this lock are rows of a DataFrame.", remedy="Install pandas."
        ) from None
    index = None
    if "index" in document:
        index = pd.Index(_restored_column(document["index"]))
    if document["form"] == "series":
        result = _series(document["column"], index)
        result.name = restored(document["name"])
    else:
        columns = [_series(column, index) for column in document["columns"]]
        result = pd.DataFrame(dict(enumerate(columns)), index=index)
        names = [restored(name) for name in document["names"]]
        result.columns = names if names else result.columns
    if "index_name" in document:
        result.index.name = restored(document["index_name"])
    return result


def _series(document: Mapping[str, Any], index: Any) -> Any:
    import pandas as pd

    values = _restored_column(document)
    dtype = object if isinstance(values, np.ndarray) and values.dtype == object else None
    return pd.Series(values, index=index, dtype=dtype)


def _restored_column(document: Mapping[str, Any]) -> Any:
    """Return the values of a column with their dtype."""
    import pandas as pd

    from .rows import decoded_array

    form = document["form"]
    if form == "array":
        return decoded_array(document)
    if form == "categorical":
        categories = pd.Index(_restored_column(document["categories"]))
        return pd.Categorical.from_codes(decoded_array(document["codes"]), categories, ordered=document["ordered"])
    if form == "zoned":
        zone = document["zone"]
        times = pd.Series(decoded_array(document["times"])).dt.tz_localize("UTC")
        return times.dt.tz_convert(zone if isinstance(zone, str) else zone_of(zone)).array
    if form == "arrow":
        return _arrow_values(document)
    if form == "text":
        dtype = _text_dtype(document)
        if dtype is not None:
            return pd.array(document["items"], dtype=dtype)
        return np.array([np.nan if text is None else text for text in document["items"]], dtype=object)
    values, mask = decoded_array(document["values"]), decoded_array(document["mask"])
    result = pd.array(values, dtype=document["dtype"])
    result[mask] = pd.NA
    return result


def _text_dtype(document: Mapping[str, Any]) -> Any:
    """Return the dtype of a column of texts; None if this pandas keeps such texts as objects."""
    import pandas as pd

    storage = document["storage"]
    if storage == "pyarrow" and find_spec("pyarrow") is None:
        storage = "python"  # the same texts: only where they lie differs
    try:
        if document["missing"] == "NA":
            return pd.StringDtype(storage)
        return pd.StringDtype(storage, na_value=np.nan)
    except TypeError:
        return None  # before 2.3
    except (ImportError, ValueError) as error:
        raise MissingDependencyError(
            f"The probes of this lock hold texts that pandas {pd.__version__} has no dtype for ({error}).",
            remedy="Install the pandas and pyarrow that they were locked under.",
        ) from None


def _arrow_values(document: Mapping[str, Any]) -> Any:
    import pandas as pd

    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        raise MissingDependencyError("The probes of this lock hold Arrow columns.", remedy="Install pyarrow.") from None
    with pa.ipc.open_stream(b64decode(document["data"])) as reader:
        column = reader.read_all().column(0)
    return pd.arrays.ArrowExtensionArray(column)


# -- polars ------------------------------------------------------------------------------------------------------------

# Types without parameters; the others are in `_polars_type`.
_PLAIN = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "Boolean",
          "String", "Binary", "Date", "Time", "Null", "Categorical")  # fmt: skip
_COUNTS = ("Date", "Time", "Datetime", "Duration")  # kept as the numbers that they are inside


def _polars_column(column: Any) -> dict[str, Any]:
    import polars as pl

    kind = type(column.dtype).__name__
    if kind == "DataTypeClass":
        kind = str(column.dtype)
    facts: dict[str, Any] = {}
    if kind in ("Datetime", "Duration"):
        facts["unit"] = column.dtype.time_unit
        if kind == "Datetime" and column.dtype.time_zone is not None:
            facts["zone"] = column.dtype.time_zone
    elif kind == "Decimal":
        facts = {"precision": int(column.dtype.precision or 38), "scale": int(column.dtype.scale)}
    elif kind == "Enum":
        facts = {"categories": [str(name) for name in column.dtype.categories]}
    elif kind not in _PLAIN:
        raise TypeError(f"its dtype is {column.dtype}")
    if kind in _COUNTS:
        column = column.to_physical().cast(pl.Int64)
    return {"form": "physical", "dtype": kind, **facts, "items": [item(value) for value in column.to_list()]}


def _polars_frame(document: Mapping[str, Any]) -> Any:
    try:
        import polars as pl
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "The probes of this lock are rows of a polars DataFrame.", remedy="Install polars."
        ) from None
    series = []
    for name, column in zip(document["names"], document["columns"], strict=True):
        dtype, values = _polars_type(column), [restored(value) for value in column["items"]]
        if column["dtype"] in _COUNTS:
            physical = pl.Int32 if column["dtype"] == "Date" else pl.Int64
            series.append(pl.Series(name, values, dtype=physical).cast(dtype))
        else:
            series.append(pl.Series(name, values, dtype=dtype))
    return pl.DataFrame(series)


def _polars_type(column: Mapping[str, Any]) -> Any:
    import polars as pl

    kind = column["dtype"]
    if kind == "Datetime":
        return pl.Datetime(column["unit"], column.get("zone"))
    if kind == "Duration":
        return pl.Duration(column["unit"])
    if kind == "Decimal":
        return pl.Decimal(column["precision"], column["scale"])
    if kind == "Enum":
        return pl.Enum(column["categories"])
    return getattr(pl, kind)
