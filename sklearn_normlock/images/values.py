"""Whether pixels hold values that a preprocessor can give, without the images that they were made of.

Where an image is still of eight bits when its pixels become numbers, each channel of the output can take 256 values and
no others. Each fault of the arithmetic has 256 values of its own, so that a batch shows it exactly: no profile is
fitted, and other subjects are no alarm. A fault that moves pixels about (filter, crop,
mirror), exchanges colours before the statistics, or exchanges dark and light leaves the values as they are. It can't be
told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputFaultError, NormLockError
from .decoding import pictures
from .differences import HALF, ROUND_OFF, PixelReport, arrays, level
from .faults import Fault, faults_of
from .operations import Operation, Picture, canonical, run

if TYPE_CHECKING:
    from .preprocessor import ImagePreprocessor

_PLACES = ("exif", "resize", "center_crop")  # operations that move pixels, and make no numbers
_BETWEEN = Fault("not_rounded", "values between those of eight bits: resized behind rescaling, or resized as floats")
_UNKNOWN = Fault("unknown", "no single fault that is known gives these values")
_MOST = 65_536  # values of a channel that are looked at, evenly spread


def check_pixels(preprocessor: ImagePreprocessor, produced: Sequence[Any]) -> PixelReport:
    """Check that arrays hold values that a preprocessor can give, without the images that they were made of.

    Parameters
    ----------
    preprocessor : ImagePreprocessor
        The one that training used.
    produced : array, or sequence of arrays
        What was made of images, one array for each.

    Returns
    -------
    report : PixelReport
        ``report.ok`` if all values are among the 256 of their channel. ``report.faults`` are those that give these
        values, and ``report.invisible`` those that would give values such as these as well.

    Raises
    ------
    InputFaultError
        If ``produced`` holds no numbers, or arrays of another number of channels.
    NormLockError
        If the preprocessor itself resizes numbers that are no longer of eight bits: then any value can come out.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.images import ImagePreprocessor, check_pixels
    >>> prepare = ImagePreprocessor(["rescale", ("normalize", {"mean": [0.5] * 3, "std": [0.25] * 3})]).fit()
    >>> image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> check_pixels(prepare, prepare.transform([image])).ok
    True
    >>> check_pixels(prepare, [image / 255]).faults[0].name
    'normalize_left_out'
    """
    operations = canonical(preprocessor.operations)
    rest = _arithmetic(operations)
    # Every level in every channel; an image of eight bits has no other.
    (ramp,) = pictures([np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)])
    ours = run(rest, ramp)
    axis = 0 if any(name == "layout" and dict(values)["to"] == "CHW" for name, values in rest) else 2
    usual = _values(ours, axis)
    theirs = arrays(produced)
    for i, each in enumerate(theirs):
        if each.ndim != 3 or each.shape[axis] != len(usual) or not each.size:
            raise InputFaultError(
                f"produced[{i}] has shape {each.shape}; channel {axis} must have {len(usual)} entries.",
                path=f"produced[{i}]",
                expected=len(usual),
                actual=each.shape,
                remedy="Check the layout: it may have the channels at the other end.",
            )
    if not theirs:
        raise InputFaultError("There is no array in produced.", path="produced", remedy="Give at least one.")
    found = [
        np.concatenate([channel.ravel() for channel in each]) for each in zip(*map(_split(axis), theirs), strict=True)
    ]
    found = [each[:: -(-each.size // _MOST)].astype(np.float64) for each in found]
    unit = level(operations)
    half = any(each.dtype == np.float16 for each in theirs)
    tolerance = (HALF if half else ROUND_OFF) * unit
    precision = float(np.finfo(np.float16 if half else np.float32).eps)
    away = np.array([_away(each, values) for each, values in zip(found, usual, strict=True)])
    fitting: list[Fault] = []
    raw = (Fault("numbers_left_out", "0 to 255: neither rescaled nor normalised"), _untouched(rest))
    for fault, redo in (*faults_of(rest), raw):
        try:
            values = _values(redo(ramp), axis)
        except (NormLockError, ValueError):
            continue
        if len(values) != len(usual) or fault in fitting:
            continue
        # Values that are themselves closer together than round-off would fit anything.
        apart = min((float(np.diff(each).min()) for each in values if len(each) > 1), default=0.0)
        largest = max(_away(each, others) for each, others in zip(found, values, strict=True))
        rounding = 4 * precision * max(float(np.abs(each).max()) for each in values)
        if largest <= min(max(tolerance, rounding), apart / 4):
            fitting.append(fault)
    ok = bool((away <= tolerance).all())
    between = all(
        each.min() >= v[0] - tolerance and each.max() <= v[-1] + tolerance for each, v in zip(found, usual, strict=True)
    )
    return PixelReport(
        faults=() if ok else tuple(fitting) or ((_BETWEEN,) if between else (_UNKNOWN,)),
        largest=float(away.max()) / unit,
        mean=float("nan"),
        invisible=tuple(fitting) if ok else (),
        n_images=len(theirs),
        judged="values",
    )


def _arithmetic(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the operations that make the values, if the others come before them."""
    names = [name for name, _ in operations]
    first = next((i for i, name in enumerate(names) if name in ("rescale", "normalize")), len(names))
    if "resize" in names[first:]:
        raise NormLockError(
            "This preprocessor resizes behind rescaling: any value can come out, and none says anything.",
            path="operations",
            remedy="Compare with the images themselves: compare_pixels(preprocessor, images, produced).",
        )
    return tuple(each for each in operations if each[0] not in _PLACES)


def _untouched(operations: tuple[Operation, ...]) -> Callable[[Picture], np.ndarray]:
    kept = tuple(each for each in operations if each[0] not in ("rescale", "normalize", "dtype"))
    return lambda source: run(kept, source)


def _split(axis: int) -> Any:
    return lambda array: list(np.moveaxis(array, axis, 0))


def _values(array: np.ndarray, axis: int) -> list[np.ndarray]:
    return [np.unique(channel.astype(np.float64)) for channel in _split(axis)(array)]


def _away(found: np.ndarray, values: np.ndarray) -> float:
    """Return how far the farthest number is from the nearest of some values, which are sorted."""
    if not np.isfinite(found).all():
        return float("inf")
    at = np.clip(np.searchsorted(values, found), 1, max(len(values) - 1, 1))
    right = values[np.minimum(at, len(values) - 1)]
    return float(np.minimum(np.abs(found - values[at - 1]), np.abs(found - right)).max())
