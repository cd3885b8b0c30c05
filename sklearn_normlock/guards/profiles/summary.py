"""The content of a profile, which is all that the tests know of training."""

from __future__ import annotations

from typing import Any

from .categories import Categories
from .dependence import Dependence
from .statistics import Moments


class Summary:
    """Counts, moments, sketches and dependence of rows; :class:`sklearn_normlock.Profile` learns them."""

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
