"""Checks of arguments: a profile, and numbers that are what they must be, or an error by name."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from .profile import Profile


def check_profile(profile: Any) -> None:
    """Raise if it is no profile: the data itself, say."""
    if not isinstance(profile, Profile):
        raise TypeError(
            f"profile is of type {type(profile).__name__}; expected a Profile. Make one of the data of "
            "training with Profile.from_data(X), or of a document with Profile.from_dict(d)."
        )


def check_numbers(*, budget: Any, drift: Any) -> None:
    """Raise if these are not a probability and a number of deviations."""
    _require_number(budget, "budget", "a number between 0 and 1")
    if not 0 < budget < 1:
        raise ValueError(f"budget is {budget!r}; it must lie between 0 and 1.")
    _require_number(drift, "drift", "a number of deviations, 0 or more")
    if not 0 <= drift < float("inf"):
        raise ValueError(f"drift is {drift!r}; it must be a number of deviations, 0 or more.")


def check_rows(rows: Any, name: str) -> None:
    """Raise if it is no number of rows."""
    _require_number(rows, name, "a whole number, 1 or more")
    if not isinstance(rows, Integral) or rows < 1:
        raise ValueError(f"{name} is {rows!r}; it must be a whole number, 1 or more.")


def _require_number(value: Any, name: str, what: str) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; it must be {what}.")
