"""A profile as JSON, and back. The format's version is here, with what a change to it needs.

To change the format: raise ``VERSION``; keep reading the versions before; say in the change log, under Formats, what
moved.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LockFormatError, LockVersionError
from .categories import Categories
from .dependence import Dependence
from .moments import Moments
from .rows import MEASURES

if TYPE_CHECKING:
    from .profile import Profile

VERSION = 1


def write_profile(profile: Profile) -> dict[str, Any]:
    """Return a profile as plain lists, strings and numbers."""
    found = profile.dependence
    return {
        "profile_version": VERSION,
        "n_rows": profile.n_rows,
        "n_columns": profile.n_features_in_,
        "names": None if profile.names is None else list(profile.names),
        "moments": profile.moments.to_lists(),
        "categories": {str(j): kept.to_dict() for j, kept in sorted(profile.categories.items())},
        "sketches": [[_packed(values), _packed(shares.astype("<f4"))] for values, shares in profile.sketches],
        "sampled": profile.sampled.tolist(),
        "ties": profile.ties.tolist(),
        "grids": _packed(profile.grids.astype("<f4")),
        "grid_rows": profile.grid_rows,
        "unit": profile.unit.tolist(),
        "dependence": found
        and {
            "rows": found.rows,
            "factor": _packed(found.factor.astype("<f2")),
            "expected": _packed(found.expected.astype("<f4")),
            "spread": _packed(found.spread.astype("<f4")),
            "surprise": None if found.surprise is None else _packed(found.surprise.astype("<f4")),
            "trust": found.trust,
        },
    }


def read_profile(profile: Profile, d: Any) -> Profile:
    """Fill a bare profile from what :func:`write_profile` returned."""
    if not isinstance(d, dict) or "profile_version" not in d:
        raise LockFormatError("This is no profile: it has no profile_version.", remedy="Expected Profile.to_dict().")
    if d["profile_version"] != VERSION:
        raise LockVersionError(
            f"The profile is of version {d['profile_version']!r}; this release reads version {VERSION}.",
            path="profile_version",
            expected=VERSION,
            actual=d["profile_version"],
            remedy="Use a newer sklearn-normlock, or learn the profile anew.",
        )
    try:
        _fill(profile, d)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LockFormatError):
            raise
        raise LockFormatError(
            f"The profile can't be read: {type(error).__name__}: {error}.", remedy="Learn the profile anew."
        ) from error
    return profile


def _fill(profile: Profile, d: dict[str, Any]) -> None:
    columns = d["n_columns"]
    profile.n_rows, profile.n_features_in_ = int(d["n_rows"]), int(columns)
    profile.names = None if d["names"] is None else tuple(map(str, d["names"]))
    profile.moments = Moments.from_lists(d["moments"])
    profile.categories = {int(j): Categories(**kept) for j, kept in d["categories"].items()}
    profile.sketches = [(_unpacked(values, "<f8"), _unpacked(shares, "<f4")) for values, shares in d["sketches"]]
    profile.sampled = np.array(d["sampled"], np.int64)
    profile.ties = np.array(d["ties"], float)
    profile.grids = _unpacked(d["grids"], "<f4").reshape(-1, columns)
    profile.grid_rows = int(d["grid_rows"])
    profile.unit = np.array(d["unit"], float)
    found = d["dependence"]
    profile.dependence = found and Dependence(
        _unpacked(found["factor"], "<f2").reshape(columns, -1),
        int(found["rows"]),
        _unpacked(found["expected"], "<f4"),
        _unpacked(found["spread"], "<f4"),
        _unpacked(found["surprise"], "<f4") if found.get("surprise") else None,
        float(found["trust"]),
    )
    measured = columns + len(MEASURES)
    for what, size, expected in (
        ("names", len(profile.names or range(columns)), columns),
        ("moments", len(profile.moments.mean), columns),
        ("sketches", len(profile.sketches), measured),
        ("sampled", len(profile.sampled), measured),
        ("ties", len(profile.ties), measured),
    ):
        if size != expected:
            raise LockFormatError(f"The profile's {what} are {size}, of {expected}.", path=what)
    for values, shares in profile.sketches:
        if (
            len(values)
            and not (math.isfinite(values[0]) and math.isfinite(values[-1]) and (np.diff(values) >= 0).all())
            or (np.diff(shares) < 0).any()
        ):
            raise LockFormatError("A sketch of the profile is not ascending.", path="sketches")


def _packed(array: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def _unpacked(text: str, dtype: str) -> Any:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype).astype(np.float64)
