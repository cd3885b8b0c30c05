"""Columns of another type: certain, for the types say so themselves, and told before any test."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.tables import Table
from ..data.types import certain, zones_of
from ..profiles.summary import Summary
from .base import Fault


class TypeChanged(Fault):
    """Times or durations where there were others, or numbers, or the other way round."""

    name = "type_changed"
    words = "{columns} of another type: {here} here, {training} in training"
    remedy = "Read the column with the type of training."

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Count times as whole numbers, in a frame of pandas."""
        return X.assign(**{name: X[name].astype("int64") for name in columns})


class ZoneChanged(Fault):
    """Times of another zone, or with a zone where there was none; whatever asks for their hour gets another."""

    name = "zone_changed"
    words = "{columns} in another time zone: {here} here, {training} in training"
    remedy = "Convert to the zone of training; naive times must be given their own zone first."

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Drop the zone, or say that naive times are in UTC, in a frame of pandas."""
        return X.assign(**{name: X[name].dt.tz_localize(None if X[name].dt.tz else "UTC") for name in columns})


def changed_types(profile: Summary, table: Table) -> tuple[dict[str, dict[int, Any]], dict[int, tuple[str, str]]]:
    """Return the columns of another type: those that are a fault by its name, and those whose values are compared.

    Each comes with the types in training and in the table.
    """
    certainly: dict[str, dict[int, Any]] = {}
    compared = {}
    for j, (was, now) in enumerate(zip(profile.types, table.types() if table.types else (), strict=False)):
        if was and now and was != now and not _nothing(table, j):
            if certain(was, now):
                zones = [" and ".join(sorted(zones_of(each))) for each in (was, now)]
                name, told = (ZoneChanged.name, zones) if all(zones) else (TypeChanged.name, [was, now])
                certainly.setdefault(name, {})[j] = dict(zip(("training", "here"), told, strict=True))
            elif "[object" not in was + now:  # objects have no resolution
                compared[j] = was, now
    return certainly, compared


def _nothing(table: Table, j: int) -> bool:
    """Tell whether a column has nothing but missing values, which have no type."""
    return j not in table.categories and bool(np.isnan(table.select([j], None).dense().numbers).all())
