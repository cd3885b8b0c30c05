"""The effect of a change of state on the outputs, where that follows from two records alone.

For the affine scalers it does: ``y = (x - centre) / scale``. The effect is the largest difference of their outputs over
the middle of a column (its centre, and one standard deviation to both sides), in standard deviations of the output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .columns import feature_names
from .diff import decode

_UNIFORM = math.sqrt(12.0)  # a range in standard deviations, if the values in it are all as likely


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How far the outputs of a step move.

    Parameters
    ----------
    path : str
        The step.
    label : str
        The column that moves most, such as ``'["income"]'``.
    sigmas : float
        By how many standard deviations of the step's output.
    """

    path: str
    label: str
    sigmas: float


Line = tuple[list[float], list[float], list[float], list[float]]  # slope, intercept, centre and deviation by column


def effects(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[Effect]:
    """Return how far the outputs of each scaler move, in the order of the first record.

    Parameters
    ----------
    expected, actual : mapping of path to entry
        Two records.

    Returns
    -------
    effects : list of Effect
        Of the scalers that both hold by value and that differ.
    """
    found = []
    for path, entry in expected.items():
        maker = _LINES.get(entry.get("class", "")) if isinstance(entry, Mapping) else None
        other = actual.get(path)
        if maker is None or not isinstance(other, Mapping) or other.get("class") != entry["class"]:
            continue
        old, new = maker(expected, path), maker(actual, path)
        if old is None or new is None or len(old[0]) != len(new[0]):
            continue
        moves = [_largest(old, new, j) for j in range(len(old[0]))]
        worst = max(range(len(moves)), key=moves.__getitem__, default=None)
        if worst is not None and moves[worst] > 1e-9:
            names = feature_names(expected, f"{path}." if path else "")
            label = f'["{names[worst]}"]' if len(names) == len(moves) else f"[{worst}]"
            found.append(Effect(path=path, label=label, sigmas=moves[worst]))
    return found


def _largest(old: Line, new: Line, j: int) -> float:
    slope, intercept, centre, deviation = (side[j] for side in old)
    spread = abs(slope) * deviation or 1.0
    return max(
        abs((new[0][j] - slope) * x + new[1][j] - intercept) / spread
        for x in (centre - deviation, centre, centre + deviation)
    )


def _numbers(record: Mapping[str, Any], path: str, name: str) -> list[float] | None:
    entry = record.get(f"{path}.{name}" if path else name)
    if not isinstance(entry, Mapping) or not ("values" in entry or "data" in entry) or "dtype" not in entry:
        return None
    values = decode(entry)
    return None if values is None else [float(value) for value in values]


def _standard(centre_name: str) -> Callable[[Mapping[str, Any], str], Line | None]:
    def line(record: Mapping[str, Any], path: str) -> Line | None:
        centre, scale = _numbers(record, path, centre_name), _numbers(record, path, "scale_")
        width = len(centre or scale or ())
        centre, scale = centre or [0.0] * width, scale or [1.0] * width
        if len(centre) != len(scale):
            return None
        if record.get(f"{path}.with_mean" if path else "with_mean") == "False":
            shift = [0.0] * width
        else:
            shift = centre
        slope = [1.0 / s if s else 1.0 for s in scale]
        return slope, [-m * k for m, k in zip(shift, slope, strict=True)], centre, [abs(s) or 1.0 for s in scale]

    return line


def _range(record: Mapping[str, Any], path: str) -> Line | None:
    slope, intercept = _numbers(record, path, "scale_"), _numbers(record, path, "min_")
    low, high = _numbers(record, path, "data_min_"), _numbers(record, path, "data_max_")
    if slope is None or intercept is None or low is None or high is None:
        return None
    centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    return slope, intercept, centre, [abs(b - a) / _UNIFORM or 1.0 for a, b in zip(low, high, strict=True)]


def _largest_value(record: Mapping[str, Any], path: str) -> Line | None:
    scale = _numbers(record, path, "scale_")
    if scale is None:
        return None
    zeros: Sequence[float] = [0.0] * len(scale)
    return [1.0 / s if s else 1.0 for s in scale], [*zeros], [*zeros], [2 * abs(s) / _UNIFORM or 1.0 for s in scale]


_LINES: Mapping[str, Callable[[Mapping[str, Any], str], Line | None]] = {
    "sklearn.preprocessing:StandardScaler": _standard("mean_"),
    "sklearn.preprocessing:RobustScaler": _standard("center_"),
    "sklearn.preprocessing:MinMaxScaler": _range,
    "sklearn.preprocessing:MaxAbsScaler": _largest_value,
}
