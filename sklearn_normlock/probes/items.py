"""A single value of a row as JSON and back: what JSON has no name for stands as an object with one field.

The field says which type it is, such as ``{"decimal": "1.50"}`` or ``{"date": "2024-02-29"}``. Types are matched
exactly: a subclass could be read back as something else, and is refused.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..errors import MissingDependencyError


class Unkept(TypeError):
    """A value that can't be kept in a lock exactly."""

    def __init__(self, value: Any, where: str = "") -> None:
        self.value = value
        named = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        super().__init__(f"rows can't be kept in a lock: {where or 'they'} hold{'s' if where else ''} a {named}")


def item(value: Any) -> Any:
    """Return a value as plain JSON.

    Raises
    ------
    Unkept
        If it can't be kept exactly.
    """
    kind = type(value)
    if value is None or kind in (str, bool):
        return value
    if kind is int:
        return value if abs(value) < 1 << 63 else {"int": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind in _WRITTEN:
        name, write = _WRITTEN[kind]
        return {name: write(value)}
    if isinstance(value, np.generic) and value.dtype.kind in "fiubMm" and value.dtype.itemsize <= 8:
        little = value.dtype.newbyteorder("<")
        return {"scalar": [little.str, b64encode(np.asarray(value, dtype=little).tobytes()).decode("ascii")]}
    if isinstance(value, np.str_) and kind is np.str_:
        return {"scalar": ["str", str(value)]}
    if kind is dict and all(type(key) is str for key in value):
        return {"record": {key: item(inner) for key, inner in value.items()}}
    module = kind.__module__.partition(".")[0]
    if module == "pandas":
        return _of_pandas(value)
    raise Unkept(value)


def restored(value: Any) -> Any:
    """Return a value as it was."""
    if not isinstance(value, Mapping):
        return value
    ((name, inner),) = value.items()
    return _READ[name](inner)


def _moment(value: dt.datetime) -> list[Any]:
    plain = value.replace(tzinfo=None, fold=0).isoformat()
    return [plain, zone_name(value.tzinfo), value.fold]


def _read_moment(parts: list[Any]) -> dt.datetime:
    plain, zone, fold = parts
    return dt.datetime.fromisoformat(plain).replace(tzinfo=zone_of(zone), fold=fold)


def zone_name(zone: dt.tzinfo | None) -> Any:
    """Return the name of a zone: seconds from UTC, or its name in the database of zones; None for none.

    Raises
    ------
    Unkept
        If it has no such name.
    """
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        if zone == dt.timezone(offset) and str(zone) == str(dt.timezone(offset)) and not offset.microseconds:
            return int(offset.total_seconds())
    key = getattr(zone, "key", None)
    if isinstance(key, str) and type(zone).__module__.partition(".")[0] == "zoneinfo":
        return key
    raise Unkept(zone)


def zone_of(name: Any) -> dt.tzinfo | None:
    """Return the zone of a name."""
    if name is None:
        return None
    if isinstance(name, int):
        return dt.timezone(dt.timedelta(seconds=name))
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        raise MissingDependencyError(
            f"The probes of this lock hold times in the zone {name}, which is not known here.", remedy="Install tzdata."
        ) from None


def _clock(value: dt.time) -> list[Any]:
    if value.tzinfo is not None:
        raise Unkept(value)
    return [value.isoformat(), value.fold]


def _of_pandas(value: Any) -> Any:
    import pandas as pd

    if value is pd.NaT:
        return {"missing": "NaT"}
    if value is pd.NA:
        return {"missing": "NA"}
    if type(value) is pd.Timedelta:
        return {"span": [value.unit, int(value.asm8.view("i8"))]}
    if type(value) is pd.Timestamp:
        naive = value if value.tzinfo is None else value.tz_convert("UTC").tz_localize(None)
        return {"timestamp": [value.unit, int(naive.asm8.view("i8")), zone_name(value.tzinfo), value.fold]}
    raise Unkept(value)


def _pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "The probes of this lock hold values of pandas.", remedy="Install pandas."
        ) from None
    return pandas


def _missing(name: str) -> Any:
    return {"NaT": _pandas().NaT, "NA": _pandas().NA}[name]


def _span(parts: list[Any]) -> Any:
    return _pandas().Timedelta(np.timedelta64(parts[1], parts[0]))


def _timestamp(parts: list[Any]) -> Any:
    unit, number, zone, fold = parts
    naive = _pandas().Timestamp(np.datetime64(number, unit))
    if zone is None:
        return naive.replace(fold=fold) if fold else naive
    return naive.tz_localize("UTC").tz_convert(zone_of(zone))


def _scalar(parts: list[Any]) -> Any:
    dtype, data = parts
    return np.str_(data) if dtype == "str" else np.frombuffer(b64decode(data), dtype=dtype)[0]


def _sorted(values: Any) -> list[Any]:
    return sorted((item(value) for value in values), key=lambda each: json.dumps(each, sort_keys=True))


_WRITTEN: dict[type, tuple[str, Callable[[Any], Any]]] = {
    Decimal: ("decimal", str),
    bytes: ("bytes", lambda value: b64encode(value).decode("ascii")),
    complex: ("complex", lambda value: [item(value.real), item(value.imag)]),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", _clock),
    dt.datetime: ("datetime", _moment),
    dt.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    tuple: ("tuple", lambda value: [item(inner) for inner in value]),
    list: ("list", lambda value: [item(inner) for inner in value]),
    set: ("set", _sorted),
    frozenset: ("frozenset", _sorted),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "decimal": Decimal,
    "bytes": b64decode,
    "complex": lambda parts: complex(restored(parts[0]), restored(parts[1])),
    "date": dt.date.fromisoformat,
    "time": lambda parts: dt.time.fromisoformat(parts[0]).replace(fold=parts[1]),
    "datetime": _read_moment,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "tuple": lambda values: tuple(map(restored, values)),
    "list": lambda values: list(map(restored, values)),
    "set": lambda values: set(map(restored, values)),
    "frozenset": lambda values: frozenset(map(restored, values)),
    "record": lambda fields: {key: restored(inner) for key, inner in fields.items()},
    "scalar": _scalar,
    "missing": _missing,
    "span": _span,
    "timestamp": _timestamp,
}
