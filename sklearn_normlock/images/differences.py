"""What does another implementation do to the pixels? The fault is named by redoing it.

Each fault is a preprocessing that differs in one thing. A name is earned if that preprocessing gives what was produced;
if several do, all of them are told, and if none does, the fault is ``unknown``. Faults that these images can't show are
told as well: on grey images, an exchange of channels is invisible.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..documents.rendering import escaped, one_line
from ..errors import InputFaultError, NormLockError
from ..locks.report import Verdict
from .decoding import pictures
from .operations import FILTERS, Operation, Picture, canonical, pillow, resized, run

if TYPE_CHECKING:
    from .preprocessor import ImagePreprocessor

ROUND_OFF = 1e-3  # levels: float32 holds a level of 255 to 3e-5, float16 to 0.1
HALF = 0.25
_LEVELS = 2.5  # a resize in fixed point or of tensors comes this close to the same one in floats
_MEAN_LEVELS = 0.75
_FAULTS = ("faults", "invisible")


@dataclass(frozen=True)
class Fault:
    """A way in which preprocessing goes wrong.

    Parameters
    ----------
    name : str
        For a program, such as ``"channels_reversed"``.
    text : str
        For a reader.
    """

    name: str
    text: str


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


# -- the faults --------------------------------------------------------------------------------------------------------

Redo = Callable[[Picture], np.ndarray]


def faults_of(operations: tuple[Operation, ...]) -> Iterator[tuple[Fault, Redo]]:
    """Yield each fault with the preprocessing that has it, the simplest first."""
    for fault, other in _changed_lists(operations):
        yield fault, lambda source, other=other: run(other, source)  # type: ignore[misc]
    yield from _changed_images(operations)
    yield from _changed_arrays(operations)
    at = _positions(operations, "resize")
    if at:
        for name in ("bilinear", "bicubic"):
            fault = Fault("no_antialias", f"resized by {name} interpolation without smoothing, as OpenCV does")
            yield fault, _without_antialias(operations, at[0], name)


def _positions(operations: tuple[Operation, ...], name: str) -> list[int]:
    return [i for i, each in enumerate(operations) if each[0] == name]


def _with(operation: Operation, **changed: Any) -> Operation:
    return operation[0], tuple(sorted({**dict(operation[1]), **changed}.items()))


def _changed_lists(operations: tuple[Operation, ...]) -> Iterator[tuple[Fault, tuple[Operation, ...]]]:
    def put(i: int, *replacement: Operation) -> tuple[Operation, ...]:
        return (*operations[:i], *replacement, *operations[i + 1 :])

    for i, (name, parameters) in enumerate(operations):
        values = dict(parameters)
        operation = operations[i]
        if name == "resize":
            for other in FILTERS:
                if other != values["filter"]:
                    text = f"resized by {other} in place of {values['filter']}"
                    yield Fault("wrong_filter", text), put(i, _with(operation, filter=other))
            if values["rule"] == "shortest":
                size = (values["size"], values["size"])
                text = "both edges resized, so that the proportions change, in place of the shorter one"
                yield Fault("wrong_size_rule", text), put(i, _with(operation, size=size, rule="exact", max_size=None))
            elif values["size"][0] == values["size"][1]:
                text = "the shorter edge resized in place of both"
                edge = _with(operation, size=values["size"][0], rule="shortest")
                crop = ("center_crop", (("rounding", "floor"), ("size", values["size"])))
                yield Fault("wrong_size_rule", text), put(i, edge)
                yield Fault("wrong_size_rule", text), put(i, edge, crop)
            yield Fault("resize_left_out", "not resized"), put(i)
        elif name == "center_crop":
            squeezed = ("resize", _resize_to(operations, values["size"]))
            yield Fault("crop_left_out", "not cropped"), put(i)
            yield (
                Fault("crop_left_out", "resized to the size of the crop in place of cropped"),
                _without(put(i, squeezed), "resize", but=squeezed),
            )
            other = "floor" if values["rounding"] == "half_even" else "half_even"
            text = "the odd pixel of a margin goes to the other side"
            yield Fault("crop_shifted", text), put(i, _with(operation, rounding=other))
        elif name == "rescale":
            yield Fault("rescale_left_out", "0 to 255 in place of 0 to 1"), put(i)
            yield Fault("rescaled_twice", "divided by 255 twice"), put(i, operation, operation)
        elif name == "normalize":
            zero, one = (0.0,) * len(values["mean"]), (1.0,) * len(values["std"])
            yield Fault("normalize_left_out", "mean and standard deviation left out"), put(i)
            yield Fault("normalized_twice", "mean and standard deviation applied twice"), put(i, operation, operation)
            yield Fault("std_left_out", "not divided by the standard deviation"), put(i, _with(operation, std=one))
            yield Fault("mean_left_out", "the mean not subtracted"), put(i, _with(operation, mean=zero))
            text = "mean and standard deviation of the channels in the reverse order"
            other_way = _with(operation, mean=values["mean"][::-1], std=values["std"][::-1])
            yield Fault("statistics_reversed", text), put(i, other_way)
            for before in _positions(operations, "rescale"):
                if before < i:
                    parts = list(operations)
                    parts[before], parts[i] = parts[i], parts[before]
                    yield Fault("order_swapped", "normalised before rescaled"), tuple(parts)
        elif name == "grayscale":
            yield Fault("grayscale_left_out", "in colour"), put(i)
        elif name == "exif":
            yield Fault("exif_ignored", "not turned as the EXIF orientation says"), put(i)
        elif name == "channels":
            yield Fault("channels_reversed", "RGB and BGR exchanged"), put(i)
        elif name == "layout":
            yield Fault("wrong_layout", "channels at the other end of the shape"), put(i)
    yield from _swapped(operations)
    if operations and not _positions(operations, "exif"):
        turned = (("exif", ()), *operations)
        yield Fault("exif_applied", "turned as the EXIF orientation says, which training did not do"), turned


def _resize_to(operations: tuple[Operation, ...], size: Any) -> Any:
    at = _positions(operations, "resize")
    chosen = dict(operations[at[0]][1])["filter"] if at else "bilinear"
    return (("filter", chosen), ("max_size", None), ("rule", "exact"), ("size", size))


def _without(operations: tuple[Operation, ...], name: str, but: Operation) -> tuple[Operation, ...]:
    return tuple(each for each in operations if each[0] != name or each is but)


def _swapped(operations: tuple[Operation, ...]) -> Iterator[tuple[Fault, tuple[Operation, ...]]]:
    """Yield lists in which a resize or crop comes elsewhere."""
    for i in _positions(operations, "resize"):
        behind = [j for j, each in enumerate(operations) if j > i and each[0] in ("normalize", "rescale")]
        for j in reversed(behind):
            moved = [*operations[:i], *operations[i + 1 : j + 1], operations[i], *operations[j + 1 :]]
            yield Fault("order_swapped", f"resized behind {operations[j][0]}"), tuple(moved)
            crops = [k for k in _positions(operations, "center_crop") if i < k < j]
            if crops:
                rest = [each for k, each in enumerate(operations[: j + 1]) if k not in (i, *crops)]
                late = [*rest, operations[i], *(operations[k] for k in crops), *operations[j + 1 :]]
                yield Fault("order_swapped", f"resized and cropped behind {operations[j][0]}"), tuple(late)
        for j in _positions(operations, "center_crop"):
            parts = list(operations)
            parts[i], parts[j] = parts[j], parts[i]
            yield Fault("order_swapped", "cropped before resized" if i < j else "resized before cropped"), tuple(parts)


def _changed_images(operations: tuple[Operation, ...]) -> Iterator[tuple[Fault, Redo]]:
    def through(change: Callable[[Any], Any]) -> Redo:
        return lambda source: run(operations, Picture(change(source.pixels)))

    def inverted(image: Any) -> Any:
        return pillow().fromarray(255 - np.asarray(_plain(image)))

    def reversed_channels(image: Any) -> Any:
        array = np.asarray(_plain(image))
        return pillow().fromarray(np.ascontiguousarray(array[..., ::-1]) if array.ndim == 3 else array)

    def grey(image: Any) -> Any:
        return _plain(image).convert("L").convert("RGB")

    yield Fault("channels_reversed", "RGB and BGR exchanged"), through(reversed_channels)
    yield Fault("grey", "all channels the same: the colours are gone"), through(grey)
    yield Fault("inverted", "dark and light exchanged"), through(inverted)
    flip = pillow().Transpose
    for name, text, method in (
        ("mirrored", "left and right exchanged", flip.FLIP_LEFT_RIGHT),
        ("upside_down", "top and bottom exchanged", flip.FLIP_TOP_BOTTOM),
        ("axes_swapped", "rows and columns exchanged", flip.TRANSPOSE),
        ("rotated", "turned by 180 degrees", flip.ROTATE_180),
        ("rotated", "turned by 90 degrees", flip.ROTATE_90),
        ("rotated", "turned by 270 degrees", flip.ROTATE_270),
    ):
        yield Fault(name, text), through(lambda image, method=method: image.transpose(method))  # type: ignore[misc]
    for i in _positions(operations, "resize"):
        values = dict(operations[i][1])
        if values["rule"] == "shortest":
            yield Fault("size_rounded", "the longer edge rounded in place of truncated"), _rounded_edge(operations, i)


def _plain(image: Any) -> Any:
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _rounded_edge(operations: tuple[Operation, ...], i: int) -> Redo:
    def redo(source: Picture) -> np.ndarray:
        # The size at that point is that of the source unless something before it turns or crops.
        values = dict(operations[i][1])
        height, width = _before(operations[:i], source).size
        short = values["size"]
        long = int(short * max(height, width) / min(height, width) + 0.5)
        size = (long, short) if width <= height else (short, long)
        other = _with(operations[i], size=size, rule="exact", max_size=None)
        return run((*operations[:i], other, *operations[i + 1 :]), source)

    return redo


def _before(operations: tuple[Operation, ...], source: Picture) -> Picture:
    from .operations import KINDS

    for name, parameters in operations:
        source = KINDS[name].run(source, **dict(parameters))
    return source


def _changed_arrays(operations: tuple[Operation, ...]) -> Iterator[tuple[Fault, Redo]]:
    layouts = _positions(operations, "layout")
    axis = 0 if layouts and dict(operations[layouts[-1]][1])["to"] == "CHW" else 2

    def reversed_output(source: Picture) -> np.ndarray:
        return np.flip(run(operations, source), axis)

    def other_layout(source: Picture) -> np.ndarray:
        return np.moveaxis(run(operations, source), axis, 2 - axis)

    def to_symmetric(source: Picture) -> np.ndarray:
        kept = tuple(each for each in operations if each[0] != "normalize")
        return run(kept, source) * 2 - 1

    yield Fault("channels_reversed", "RGB and BGR exchanged behind the last operation"), reversed_output
    yield Fault("wrong_layout", "channels at the other end of the shape"), other_layout
    if _positions(operations, "rescale"):
        yield Fault("other_range", "from -1 to 1 in place of the mean and standard deviation of training"), to_symmetric


def _without_antialias(operations: tuple[Operation, ...], i: int, name: str) -> Redo:
    def redo(source: Picture) -> np.ndarray:
        before = _before(operations[:i], source)
        values = dict(operations[i][1])
        size = resized(before.size, values["size"], values["rule"], values["max_size"])
        array = _interpolated(np.moveaxis(before.array, before.axis, 2).astype(np.float64), size, name)
        if not isinstance(before.pixels, np.ndarray):
            array = np.clip(np.rint(array), 0, 255).astype(np.uint8)
            image = pillow().fromarray(array if array.shape[2] > 1 else array[:, :, 0])
            return run(operations[i + 1 :], Picture(image))
        moved = np.moveaxis(array.astype(np.float32), 2, before.axis)
        return run(operations[i + 1 :], Picture(moved, before.axis))

    return redo


def _interpolated(array: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """Resize without smoothing, pixels being areas: the nearest two or four pixels make each."""
    for axis in (0, 1):
        have, want = array.shape[axis], size[axis]
        at = (np.arange(want) + 0.5) * have / want - 0.5
        low = np.floor(at).astype(int)
        part = at - low
        if name == "bilinear":
            weights = {0: 1 - part, 1: part}
        else:
            weights = {k: _cubic(np.abs(part - k)) for k in (-1, 0, 1, 2)}
        shape = [1, 1, 1]
        shape[axis] = want
        array = sum(
            np.take(array, np.clip(low + k, 0, have - 1), axis=axis) * weight.reshape(shape)
            for k, weight in weights.items()
        )
    return array


def _cubic(x: np.ndarray) -> np.ndarray:
    a = -0.75  # OpenCV's and torch's
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
