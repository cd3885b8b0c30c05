"""The type of a column in words that pandas, polars and NumPy share, such as ``datetime[ns, Europe/Berlin]``.

A time is told with its resolution and its zone; one without a zone is naive.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

#: Values of Python and NumPy that are times, and spans of time.
TIMES, DURATIONS = (date, np.datetime64), (timedelta, np.timedelta64)
_UTC = frozenset({"utc", "Etc/UTC", "tzutc()", "UTC+00:00", "+00:00", "Zulu"})
_TYPE = re.compile(r"(datetime|duration)(?:\[(\w*)(?:, (.*))?\])?$")


@lru_cache(maxsize=1024)
def type_of(dtype: Any) -> str:
    """Return what a dtype of NumPy, pandas or polars is called here."""
    name = getattr(dtype, "name", None) or str(dtype)
    unit = getattr(dtype, "unit", None) or getattr(dtype, "time_unit", None)  # pandas with a zone; polars
    if unit:
        zone = getattr(dtype, "tz", None) or getattr(dtype, "time_zone", None)
        return time_type("duration" if str(dtype).startswith("Duration") else "datetime", unit, [zone] if zone else [])
    if getattr(dtype, "kind", "") in ("M", "m") and isinstance(dtype, np.dtype):
        return time_type("datetime" if dtype.kind == "M" else "duration", np.datetime_data(dtype)[0], [])
    if name.startswith(("str", "String", "Utf8")):
        return "text"
    if name.startswith(("category", "Categorical", "Enum")):
        return "category"
    return "datetime[D]" if name == "Date" else name.replace("boolean", "bool").lower()


def type_of_values(values: Any) -> str | None:
    """Return the type of the values of a column of objects, missing ones left out; None for numbers and mixtures."""
    if len(values) and all(isinstance(value, TIMES) for value in values):
        return time_type("datetime", "object", {str(getattr(value, "tzinfo", None) or "") for value in values})
    if len(values) and all(isinstance(value, DURATIONS) for value in values):
        return time_type("duration", "object", [])
    return "text" if any(isinstance(value, str) for value in values) else None


def time_type(kind: str, unit: str, zones: Any) -> str:
    """Return the type of times or durations; a column of objects may have several zones, and none ("")."""
    zones = sorted({"UTC" if str(zone) in _UTC else str(zone) for zone in zones} - {""}) + ["naive"] * ("" in zones)
    zones = [] if zones == ["naive"] else zones
    return f"{kind}[{unit}{', ' if zones else ''}{' and '.join(zones)}]"


def certain(was: str | None, now: str | None) -> bool:
    """Tell whether a type is certainly another: a time or a duration and something else, or a time of other zones.

    Widths of numbers and resolutions of times are read as the same numbers, and are judged by their values.
    """
    return bool(was and now and was != now) and (_kind(was) != _kind(now) or not zones_of(now) <= zones_of(was))


def zones_of(name: str | None) -> set[str]:
    """Return the zones of a type of times, "naive" for times without one; nothing for another type."""
    found = _TYPE.match(name or "")
    return set((found[3] or "naive").split(" and ")) if found and found[1] == "datetime" else set()


def _kind(name: str | None) -> str:
    found = _TYPE.match(name or "")
    return found[1] if found else ""
