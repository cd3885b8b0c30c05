"""The ways in which preprocessing of images goes wrong: each is a preprocessing that differs in one thing.

A fault is held as what redoes it: a function from a decoded image to the pixels that the faulty preprocessing gives. A
new fault is one more pair here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .operations import FILTERS, Operation, Picture, pillow, resized, run

Redo = Callable[[Picture], np.ndarray]


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
