"""The form of a record's entries and of a probe's rows in a lock: the part of the format below its tables.

Pure Python. Each check names the field that is wrong and what it should be, or returns None; what passes can be
compared, decoded and shown without another look.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Problem = tuple[str, str]  # the field, from the checked value on, and what it should be

_DTYPE = re.compile(r"[<|][biufcmMSUV][0-9]{1,9}(\[[0-9A-Za-z]+\])?\Z")
_ENTRY_DIGEST = re.compile(r"([0-9a-f]{32}|[0-9a-f]{64})\Z")
_BLOCK_DIGEST = re.compile(r"[0-9a-f]{12}\Z")
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})
_NUMBERS = frozenset(["|b1", "|i1", "|u1", "<f2", *(f"<{kind}{n}" for kind in "fiu" for n in (2, 4, 8))])


def is_number(value: Any) -> bool:
    """Tell whether a value is a number that a float can hold; JSON's integers have no bound."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300 or (isinstance(value, float) and math.isfinite(value))


def is_base64(value: Any) -> bool:
    """Tell whether a value is canonical base64."""
    try:
        return isinstance(value, str) and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
    except (ValueError, TypeError):
        return False


def _is_float(value: Any) -> bool:
    return is_number(value) or (isinstance(value, str) and value in _NOT_FINITE)


def _is_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < 1 << 64


# How the elements of an array of a dtype look in plain JSON.
_ELEMENTS: Mapping[str, Callable[[Any], bool]] = {
    "f": _is_float,
    "i": _is_integer,
    "u": _is_integer,
    "b": lambda value: isinstance(value, bool),
    "U": lambda value: isinstance(value, str),
}


def is_count(value: Any) -> bool:
    """Tell whether a value is an integer that counts something: not negative, and no more than there can be."""
    return type(value) is int and 0 <= value < 1 << 63


def is_shape(value: Any) -> bool:
    """Tell whether a value is a shape; NumPy has no more than 64 dimensions."""
    return isinstance(value, list) and len(value) <= 64 and all(map(is_count, value))


def _is_texts(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, list) and all(isinstance(x, str) and pattern.match(x) for x in value)


# -- an entry of a record ----------------------------------------------------------------------------------------------

# The fields that it may have, what they hold, and that in words.
_ENTRY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "class": (lambda value: isinstance(value, str), "a string"),
    "digest": (
        lambda value: isinstance(value, str) and bool(_ENTRY_DIGEST.match(value)),
        "32 or 64 hexadecimal digits",
    ),
    "member": (lambda value: value is True, "true"),
    "cut": (lambda value: value is True, "true"),
    "text": (lambda value: isinstance(value, str), "a string"),
    "dtype": (lambda value: isinstance(value, str) and bool(_DTYPE.match(value)), "NumPy's name of a dtype"),
    "shape": (is_shape, "a list of integers, none negative"),
    "data": (is_base64, "base64"),
    "values": (lambda value: isinstance(value, list), "a list"),
    "summary": (
        lambda value: isinstance(value, Mapping) and all(map(is_number, value.values())),
        "an object with finite numbers",
    ),
    "blocks": (lambda value: _is_texts(value, _BLOCK_DIGEST), "a list of 12 hexadecimal digits each"),
    "span": (lambda value: is_count(value) and value > 0, "a positive integer"),
}


def entry_problem(entry: Mapping[str, Any], later: bool) -> Problem | None:
    """Return what is wrong with an entry of a record, or None.

    Parameters
    ----------
    entry : mapping
        Of strings to JSON values.
    later : bool
        Whether it is of a later revision, and may have fields that are unknown here.
    """
    for name, (check, expected) in _ENTRY.items():
        if name in entry and not check(entry[name]):
            return name, expected
    unknown = sorted(set(entry) - set(_ENTRY))
    if unknown and not later:
        return unknown[0], "absent: no entry has such a field"
    if not {"digest", "data", "values"} & set(entry):
        return "", "an entry with its digest, or an array by value"
    if "class" in entry and "digest" not in entry:
        return "", "an object with its digest"
    if {"data", "values", "blocks", "summary"} & set(entry) and not ("dtype" in entry and "shape" in entry):
        return "", "an array with its dtype and shape"
    if "blocks" in entry and "span" not in entry:
        return "", "blocks with their span"
    return _array_problem(entry)


def _array_problem(entry: Mapping[str, Any]) -> Problem | None:
    if "values" in entry:
        check = _ELEMENTS.get(entry["dtype"][1])
        if check is None:
            return "dtype", "one whose elements stand in plain JSON"
        for i, value in enumerate(entry["values"]):
            if not check(value):
                return f"values[{i}]", f"an element of dtype {entry['dtype']}"
        if len(entry["values"]) != math.prod(entry["shape"]):
            return "values", "as many values as the shape says"
    if "data" in entry:
        size = int(re.split(r"\[", entry["dtype"][2:])[0]) * (4 if entry["dtype"][1] == "U" else 1)
        if len(base64.b64decode(entry["data"])) != size * math.prod(entry["shape"]):
            return "data", "as many bytes as dtype and shape say"
    return None


# -- rows --------------------------------------------------------------------------------------------------------------


def rows_problem(rows: Mapping[str, Any], later: bool) -> Problem | None:
    """Return what is wrong with rows, as :mod:`sklearn_normlock.probes.rows` writes them, or None.

    Parameters
    ----------
    rows : mapping
        Of strings to JSON values.
    later : bool
        As for :func:`entry_problem`.
    """
    form = rows.get("form")
    if form not in ("array", "list", "sparse", "frame", "series"):
        return "form", "array, list, sparse, frame or series"
    return _part_problem(rows, later)


# The fields of each form: what it must have, and what it may have. A column of a frame is one of them, too.
_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "array": (("dtype", "shape"), ("data", "items")),
    "list": (("items",), ()),
    "sparse": (("layout", "kind", "shape", "values", "indices", "starts"), ()),
    "frame": (("names", "columns"), ("library", "index", "index_name")),
    "series": (("name", "column"), ("index", "index_name")),
    "categorical": (("categories", "ordered", "codes"), ()),
    "zoned": (("zone", "times"), ()),
    "masked": (("dtype", "values", "mask"), ()),
    "text": (("storage", "missing", "items"), ()),
    "arrow": (("type", "data"), ()),
    "physical": (("dtype", "items"), ("unit", "zone", "precision", "scale", "categories")),
}
_COLUMNS = ("array", "categorical", "zoned", "masked", "text", "arrow", "physical")

# The type of a field, and its name in words, where the field isn't rows itself.
_FACTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "layout": (lambda value: value in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr"), "a layout of SciPy's"),
    "kind": (lambda value: value in ("array", "matrix"), "array or matrix"),
    "library": (lambda value: value == "polars", "polars"),
    "ordered": (lambda value: isinstance(value, bool), "true or false"),
    "storage": (lambda value: value in ("python", "pyarrow"), "python or pyarrow"),
    "missing": (lambda value: value in ("NA", "nan"), "NA or nan"),
    "type": (lambda value: isinstance(value, str), "a string"),
    "unit": (lambda value: value in ("ns", "us", "ms"), "ns, us or ms"),
    "precision": (is_count, "an integer, not negative"),
    "scale": (is_count, "an integer, not negative"),
    "index_name": (lambda value: _is_item(value), "a value"),
    "name": (lambda value: _is_item(value), "a value"),
    "zone": (lambda value: isinstance(value, str) or _is_integer(value), "the name of a zone, or seconds from UTC"),
}
_INNER = ("values", "indices", "starts", "codes", "times", "mask")  # fields that are arrays
_LENGTHS = ("items", "codes", "times", "values")  # the field of a column that has an element for each row


def _part_problem(rows: Any, later: bool) -> Problem | None:
    """Return what is wrong with rows or a column."""
    form = rows["form"]
    needed, allowed = _FIELDS[form]
    missing = [name for name in needed if name not in rows]
    if missing:
        return missing[0], "there"
    unknown = sorted(set(rows) - {"form", *needed, *allowed})
    if unknown and not later:
        return unknown[0], "absent: rows of this form have no such field"
    if form == "array":
        return _numbers_problem(rows)
    for name in rows:
        if name in _FACTS and not _FACTS[name][0](rows[name]):
            return name, _FACTS[name][1]
        if name in _INNER:
            found = _inside_problem(name, rows[name], ("array",))
            if found is not None:
                return found
    if form == "sparse" and (not is_shape(rows["shape"]) or len(rows["shape"]) != 2):
        return "shape", "two integers, none negative"
    if form == "arrow":
        return None if is_base64(rows["data"]) else ("data", "base64")
    if "items" in rows:
        found = _items_problem("items", rows["items"])
        if found is not None:
            return found
    if form in ("masked", "physical") and not isinstance(rows["dtype"], str):
        return "dtype", "a string"
    if form == "masked" and rows["values"]["shape"] != rows["mask"]["shape"]:
        return "mask", "as many as there are values"
    if form == "categorical":
        return _inside_problem("categories", rows["categories"], _COLUMNS)
    if form == "physical" and "categories" in rows:
        return _items_problem("categories", rows["categories"])
    return _frame_problem(rows) if form in ("frame", "series") else None


def _inside_problem(name: str, value: Any, forms: tuple[str, ...]) -> Problem | None:
    """Return what is wrong with a column in a field."""
    if not isinstance(value, Mapping) or value.get("form") not in forms:
        return name, f"a column of the form {' or '.join(forms)}"
    found = _part_problem(value, False)
    return None if found is None else (f"{name}.{found[0]}", found[1])


def _frame_problem(rows: Mapping[str, Any]) -> Problem | None:
    columns = [rows["column"]] if rows["form"] == "series" else rows["columns"]
    if not isinstance(columns, list):
        return "columns", "a list"
    places = [(f"columns[{i}]" if "columns" in rows else "column", column) for i, column in enumerate(columns)]
    places += [("index", rows["index"])] if "index" in rows else []
    lengths = set()
    for place, column in places:
        found = _inside_problem(place, column, _COLUMNS)
        if found is not None:
            return found
        length = _length(column)
        lengths |= set() if length is None else {length}
        if length == -1 or len(lengths) > 1:
            return place, "one column, as long as the others"
    if rows["form"] == "series":
        return None
    found = _items_problem("names", rows["names"])
    if found is None and len(rows["names"]) != len(columns):
        return "names", "as many as there are columns"
    return found


def _length(column: Mapping[str, Any]) -> int | None:
    """Return how many rows a column has, -1 if it has no or several dimensions, None if only its library knows."""
    if column["form"] == "array":
        return column["shape"][0] if len(column["shape"]) == 1 else -1
    for name in _LENGTHS:
        if name in column:
            part = column[name]
            return len(part) if isinstance(part, list) else _length(part)
    return None


def _numbers_problem(rows: Mapping[str, Any]) -> Problem | None:
    if not is_shape(rows["shape"]):
        return "shape", "a list of integers, none negative"
    if "data" not in rows:
        if not isinstance(rows["dtype"], str) or not (rows["dtype"] == "object" or _TEXTS.match(rows["dtype"])):
            return "dtype", "a dtype of texts, or object"
        found = _items_problem("items", rows.get("items"))
        if found is None and len(rows["items"]) != math.prod(rows["shape"]):
            return "items", "as many as the shape says"
        return found
    if "items" in rows:
        return "items", "absent: the data is there"
    if not isinstance(rows["dtype"], str) or not (rows["dtype"] in _NUMBERS or _TIMES.match(rows["dtype"])):
        return "dtype", "a dtype of numbers or times"
    size = int(re.split(r"\[", rows["dtype"][2:])[0]) * math.prod(rows["shape"])
    if not is_base64(rows["data"]) or len(base64.b64decode(rows["data"])) != size:
        return "data", "base64 of as many bytes as dtype and shape say"
    return None


_TEXTS = re.compile(r"(<U|\|S)[0-9]{1,6}\Z")
_TIMES = re.compile(r"<[mM]8\[[0-9]{0,4}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]\Z")


def _items_problem(where: str, items: Any) -> Problem | None:
    if not isinstance(items, list):
        return where, "a list"
    for i, item in enumerate(items):
        try:
            known = _is_item(item)
        except RecursionError:
            return f"{where}[{i}]", "a value that is nested less deeply"
        if not known:
            return f"{where}[{i}]", "a value, or a named type of value"
    return None


def _is_list(check: Callable[[Any], bool], size: int | None = None) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and (size is None or len(value) == size) and all(map(check, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# The named types of a value: `sklearn_normlock.probes.items` writes and reads them.
_ITEMS: Mapping[str, Callable[[Any], bool]] = {
    "int": lambda value: isinstance(value, str) and bool(re.match(r"-?[0-9]{1,4000}\Z", value)),
    "float": lambda value: isinstance(value, str) and value in _NOT_FINITE,
    "decimal": _is_text,
    "bytes": is_base64,
    "complex": lambda value: _is_list(_is_item, 2)(value),
    "date": _is_text,
    "time": lambda value: _is_list(lambda _: True, 2)(value) and _is_text(value[0]) and value[1] in (0, 1),
    "datetime": lambda value: _is_list(lambda _: True, 3)(value) and _is_text(value[0]),
    "timedelta": _is_list(_is_integer, 3),
    "tuple": lambda value: _is_list(_is_item)(value),
    "list": lambda value: _is_list(_is_item)(value),
    "set": lambda value: _is_list(_is_item)(value),
    "frozenset": lambda value: _is_list(_is_item)(value),
    "record": lambda value: isinstance(value, Mapping) and all(map(_is_item, value.values())),
    "scalar": _is_list(_is_text, 2),
    "missing": lambda value: value in ("NaT", "NA"),
    "span": lambda value: _is_list(lambda _: True, 2)(value) and _is_text(value[0]) and _is_integer(value[1]),
    "timestamp": lambda value: _is_list(lambda _: True, 4)(value) and _is_text(value[0]) and _is_integer(value[1]),
}


def _is_item(item: Any) -> bool:
    if not isinstance(item, Mapping):
        return item is None or isinstance(item, (str, bool)) or _is_integer(item) or is_number(item)
    if len(item) != 1:
        return False
    ((kind, value),) = item.items()
    check = _ITEMS.get(kind)
    return check is not None and check(value)
