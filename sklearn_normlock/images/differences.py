"""What does another implementation do to the pixels? The fault is named by redoing it.

Each fault is a preprocessing that differs in one thing. A name is earned if that preprocessing gives what was produced;
if several do, all of them are told, and if none does, the fault is ``unknown``. Faults that these images can't show are
told as well: on grey images, an exchange of channels is invisible.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..documents.rendering import escaped, one_line
from ..errors import InputFaultError, NormLockError
from ..locks.report import Verdict
from .decoding import pictures
from .faults import Fault, faults_of
from .operations import Operation, canonical, run

if TYPE_CHECKING:
    from .preprocessor import ImagePreprocessor

ROUND_OFF = 1e-3  # levels: float32 holds a level of 255 to 3e-5, float16 to 0.1
HALF = 0.25
_LEVELS = 2.5  # a resize in fixed point or of tensors comes this close to the same one in floats
_MEAN_LEVELS = 0.75
_FAULTS = ("faults", "invisible")


@dataclass(frozen=True, kw_only=True)
class PixelReport:
    """Whether another implementation gives the same pixels, and what it does instead.

    Parameters
    ----------
    faults : tuple of Fault
        What explains the difference, the simplest first; empty if the pixels are the same. Several are equals: these
        images don't tell them apart.
    largest, mean : float
        The difference, in levels of 255.
    invisible : tuple of Fault
        What these images could not have shown.
    n_images : int
        How many were compared.
    judged : {"pixels", "values"}, default="pixels"
        Whether each pixel was compared, or it was asked whether a preprocessor can give such values.
    subject : str, default=""
        The name of what was judged.

    Examples
    --------
    >>> from sklearn_normlock.images import PixelReport
    >>> PixelReport(faults=(), largest=0.0, mean=0.0, invisible=(), n_images=3).ok
    True
    """

    faults: tuple[Fault, ...]
    largest: float
    mean: float
    invisible: tuple[Fault, ...]
    n_images: int
    judged: str = "pixels"
    subject: str = ""

    @property
    def verdict(self) -> Verdict:
        """The answer: a mismatch if there is a fault."""
        return Verdict.MISMATCH if self.faults else Verdict.MATCH

    @property
    def ok(self) -> bool:
        """Whether the pixels are the same."""
        return not self.faults

    def explain(self, style: str = "text") -> str:
        """Say it in words.

        Parameters
        ----------
        style : {"text", "json", "github"}, default="text"
            For a terminal, a program, or the annotations of a GitHub workflow.

        Returns
        -------
        text : str
            Without a newline at its end.

        Raises
        ------
        ValueError
            If the style is another.
        """
        if style not in ("text", "json", "github"):
            raise ValueError(f"style is {style!r}; it must be 'text', 'json' or 'github'.")
        if style == "json":
            return json.dumps(self.to_dict(), sort_keys=True)
        if style == "github":
            return f"::{'notice' if self.ok else 'error'} title=normlock::{escaped(self.explain())}"
        return f"{one_line(self.subject)}: {self._text()}" if self.subject else self._text()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for a program.

        Returns
        -------
        document : dict
            Plain JSON values.
        """
        sizes = {"largest": self.largest, "mean": self.mean}
        told = {name: [{"name": each.name, "text": each.text} for each in getattr(self, name)] for name in _FAULTS}
        return {
            "ok": self.ok,
            "verdict": self.verdict.value,
            "subject": self.subject,
            "judged": self.judged,
            "n_images": self.n_images,
            **{name: value if np.isfinite(value) else None for name, value in sizes.items()},
            **told,
        }

    def _text(self) -> str:
        of = f"{self.n_images} image{'s' * (self.n_images != 1)}"
        if self.ok and self.judged == "values":
            first = f"match, all values of {of} are among those that this preprocessing gives"
        elif self.ok:
            first = f"match, the same pixels in {of}"
        else:
            names = " or ".join(f"{fault.name} ({fault.text})" for fault in self.faults)
            size = "" if not np.isfinite(self.largest) else f" by up to {self.largest:.3g} levels of 255"
            mean = "" if not np.isfinite(self.mean) else f", {self.mean:.3g} on average"
            first = f"MISMATCH, {names}: the pixels of {of} differ{size}{mean}"
        if not self.invisible:
            return first
        unseen = ", ".join(dict.fromkeys(fault.name for fault in self.invisible))
        what = "values" if self.judged == "values" else "images"
        return f"{first}\n  these {what} can't show: {unseen}"


def compare_pixels(preprocessor: ImagePreprocessor, images: Sequence[Any], produced: Any) -> PixelReport:
    """Compare what another implementation makes of images with what a preprocessor makes of them.

    Parameters
    ----------
    preprocessor : ImagePreprocessor
        The one that training used.
    images : sequence
        The images, as they were decoded; :func:`sklearn_normlock.probes.pictures.probe_pictures` makes some.
    produced : array, or sequence of arrays
        The other implementation's arrays, one for each image.

    Returns
    -------
    report : PixelReport
        ``report.ok``, ``report.faults``, ``report.explain()``.

    Raises
    ------
    InputFaultError
        If the counts differ, or ``produced`` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.images import ImagePreprocessor, compare_pixels
    >>> prepare = ImagePreprocessor(["rescale", ("layout", {"to": "CHW"})]).fit()
    >>> image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> compare_pixels(prepare, [image], prepare.transform([image])).ok
    True
    >>> report = compare_pixels(prepare, [image], prepare.transform([image[..., ::-1]]))
    >>> report.faults[0].name
    'channels_reversed'
    """
    operations = canonical(preprocessor.operations)
    sources = list(pictures(images))
    theirs = arrays(produced)
    if not sources or len(sources) != len(theirs):
        raise InputFaultError(
            f"{len(sources)} images were given, and what was made of {len(theirs)}.",
            path="produced",
            expected=len(sources),
            actual=len(theirs),
            remedy="Give one array for each image, and at least one image.",
        )
    ours = [run(operations, source) for source in sources]
    unit = level(operations)
    tolerance = HALF if any(each.dtype == np.float16 for each in theirs) else ROUND_OFF
    largest, mean = _distance(ours, theirs, unit)
    same = largest <= tolerance
    exact: list[Fault] = []
    near: list[tuple[float, Fault]] = []
    invisible: list[Fault] = []
    for fault, redo in faults_of(operations):
        try:
            redone = [redo(source) for source in sources]
        except (NormLockError, ValueError):  # these images don't allow it: too small, or of another mode
            continue
        if _distance(ours, redone, unit)[0] <= tolerance:
            invisible += [fault] if fault not in invisible else []
            continue
        away, average = _distance(redone, theirs, unit)
        if away <= tolerance:
            exact += [fault] if fault not in exact else []
        elif away <= _LEVELS and average <= _MEAN_LEVELS:
            near.append((average, fault))
    if same:
        return PixelReport(faults=(), largest=largest, mean=mean, invisible=tuple(invisible), n_images=len(ours))
    found = tuple(exact)
    if not found and largest <= _LEVELS and mean <= _MEAN_LEVELS:
        found = (Fault("other_arithmetic", "a resize in fixed point or of tensors, or other rounding"),)
    if not found and near:
        least = min(average for average, _ in near)
        found = tuple(dict.fromkeys(fault for average, fault in near if average <= least + 0.05))
    return PixelReport(
        faults=found or (Fault("unknown", "no single fault that is known gives these pixels"),),
        largest=largest,
        mean=mean,
        invisible=tuple(invisible),
        n_images=len(ours),
    )


def arrays(produced: Any) -> list[np.ndarray]:
    """Return what was made of images as arrays of numbers, or refuse it."""
    if not hasattr(produced, "__iter__") or isinstance(produced, (str, bytes)):
        raise InputFaultError(
            f"produced is a {type(produced).__name__}; it must have one array for each image.",
            path="produced",
            remedy="Give an array of several images, or a list of arrays.",
        )
    return [_numbers(each, i) for i, each in enumerate(produced)]


def _numbers(each: Any, i: int) -> np.ndarray:
    try:
        array = np.asarray(each)
    except ValueError:  # rows of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "fiu":
        raise InputFaultError(
            f"produced[{i}] has dtype {array.dtype}; pixels are numbers.", path=f"produced[{i}]", remedy="Give arrays."
        )
    return array


def level(operations: tuple[Operation, ...]) -> float:
    """Return how large a level of 255 is in the output: the finest of the channels."""
    unit = 1.0
    for name, parameters in operations:
        values = dict(parameters)
        if name == "rescale":
            unit *= values["by"] if values["how"] != "divide" else 1 / values["by"]
        elif name == "normalize":
            unit /= max(values["std"])
    return unit


def _distance(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], unit: float) -> tuple[float, float]:
    """Return the largest and the mean difference, in levels; infinite for another shape."""
    largest, total, count = 0.0, 0.0, 0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            return np.inf, np.inf
        difference = np.abs(a.astype(np.float64) - b.astype(np.float64)) / unit
        if not np.isfinite(difference).all():
            return np.inf, np.inf
        largest, total, count = max(largest, float(difference.max())), total + float(difference.sum()), count + a.size
    return largest, total / max(count, 1)
