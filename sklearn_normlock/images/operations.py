"""The operations that an image goes through: their parameters, and how each computes.

An operation is a name and its parameters, all of them spelled out. Images are Pillow's until an operation needs
numbers; from then on they are arrays. Resizing and converting are bit-equal to Pillow's, because Pillow does them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import InputFaultError, MissingDependencyError, NormLockError

Parameters = tuple[tuple[str, Any], ...]
Operation = tuple[str, Parameters]
MOST_PIXELS = 1 << 27  # a file of a few kilobytes can claim more

FILTERS = ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")
MODES = ("L", "RGB", "RGBA")  # the modes whose pixels are numbers of light; a palette's are not
RULES = ("exact", "shortest")
CROPS = ("floor", "half_even")  # where an odd margin goes: as Hugging Face rounds, as torchvision rounds
RESCALES = ("divide", "multiply_float32", "multiply_float64")
DTYPES = ("uint8", "float16", "float32", "float64")
_NAMED = {1: ("L",), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}


def pillow() -> Any:
    """Return the module PIL.Image.

    Raises
    ------
    MissingDependencyError
        If Pillow isn't installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError(
            f"Images can't be processed: Pillow isn't here ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[images]'.",
        ) from None
    return Image


@dataclass(frozen=True)
class Picture:
    """An image on its way.

    Parameters
    ----------
    pixels : PIL.Image.Image or ndarray
        As Pillow's image up to the first operation on numbers.
    axis : int
        Where an array has its channels: 2, or 0 once the layout is CHW.
    """

    pixels: Any
    axis: int = 2

    @property
    def array(self) -> np.ndarray:
        """The pixels as numbers, with an axis of channels."""
        if isinstance(self.pixels, np.ndarray):
            return self.pixels
        if self.pixels.mode not in MODES:
            raise InputFaultError(
                f"The image is of mode {self.pixels.mode}, whose pixels are not levels of light.",
                expected=" or ".join(MODES),
                actual=self.pixels.mode,
                remedy='Put ("convert", {"mode": "RGB"}) before the first operation on numbers.',
            )
        array = np.asarray(self.pixels)
        return array[:, :, None] if array.ndim == 2 else array

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        if isinstance(self.pixels, np.ndarray):
            height, width = (n for i, n in enumerate(self.pixels.shape) if i != self.axis)
            return height, width
        return self.pixels.size[1], self.pixels.size[0]

    def numbers(self, array: np.ndarray) -> Picture:
        """Return the image with these numbers as its pixels."""
        return replace(self, pixels=array)

    def planes(self, function: Callable[[Any], Any]) -> Picture:
        """Apply a function of a Pillow image: to the whole, or to each channel of an array as floats."""
        if not isinstance(self.pixels, np.ndarray):
            return replace(self, pixels=function(self.pixels))
        channels = np.moveaxis(self.pixels.astype(np.float32, copy=False), self.axis, 0)
        image = pillow()
        done = [np.asarray(function(image.fromarray(np.ascontiguousarray(plane)))) for plane in channels]
        return self.numbers(np.stack(done, axis=self.axis))


# -- what each does ----------------------------------------------------------------------------------------------------


def _exif(picture: Picture) -> Picture:
    from PIL import ImageOps

    if isinstance(picture.pixels, np.ndarray):
        return picture
    return replace(picture, pixels=ImageOps.exif_transpose(picture.pixels))


def _convert(picture: Picture, mode: str) -> Picture:
    if isinstance(picture.pixels, np.ndarray):
        raise NormLockError(
            "convert comes behind an operation on numbers, where an image has no mode.",
            path="convert",
            remedy="Put it first.",
        )
    if picture.pixels.mode[:1] in ("I", "F"):  # integers of 16 or 32 bits, floats
        raise InputFaultError(
            f"The image is of mode {picture.pixels.mode}: its levels go beyond 255, and would be cut off.",
            path="convert",
            expected="8 bits a channel",
            actual=picture.pixels.mode,
            remedy="Scale it to 8 bits before, as training did.",
        )
    return picture if picture.pixels.mode == mode else replace(picture, pixels=picture.pixels.convert(mode))


def _resize(picture: Picture, size: Any, rule: str, filter: str, max_size: int | None) -> Picture:
    height, width = resized(picture.size, size, rule, max_size)
    if (height, width) == picture.size:
        return picture
    if not isinstance(picture.pixels, np.ndarray) and picture.pixels.mode in ("1", "P", "PA"):
        raise InputFaultError(
            f"The image is of mode {picture.pixels.mode}, which Pillow resizes by nearest pixels whatever the filter.",
            path="resize",
            actual=picture.pixels.mode,
            remedy='Put ("convert", {"mode": "RGB"}) before resize.',
        )
    _refuse_many(height, width, "resize")
    resample = getattr(pillow().Resampling, filter.upper())
    return picture.planes(lambda image: image.resize((width, height), resample))


def resized(old: tuple[int, int], size: Any, rule: str, max_size: int | None) -> tuple[int, int]:
    """Return height and width after a resize; the longer edge is truncated, as torchvision and Hugging Face do."""
    if rule == "exact":
        return size
    (height, width), short = old, size
    long = int(short * max(old) / min(old))
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (max(1, long), short) if width <= height else (short, max(1, long))


def _center_crop(picture: Picture, size: tuple[int, int], rounding: str) -> Picture:
    """Cut the middle out; around an image that is too small there is black."""
    _refuse_many(*size, "center_crop")
    array = np.moveaxis(picture.array, picture.axis, 2)
    spans = []
    for have, want in zip(picture.size, size, strict=True):
        margin = have - want
        if margin >= 0:
            at = margin // 2 if rounding == "floor" else round(margin / 2)
            spans.append((slice(at, at + want), slice(0, want)))
        else:
            at = -(margin // 2) if rounding == "floor" else -margin // 2
            spans.append((slice(0, have), slice(at, at + have)))
    cut = np.zeros((*size, array.shape[2]), dtype=array.dtype)
    cut[spans[0][1], spans[1][1]] = array[spans[0][0], spans[1][0]]
    if not isinstance(picture.pixels, np.ndarray):
        return replace(picture, pixels=pillow().fromarray(cut if cut.shape[2] > 1 else cut[:, :, 0]))
    return picture.numbers(np.ascontiguousarray(np.moveaxis(cut, 2, picture.axis)))


def _refuse_many(height: int, width: int, name: str) -> None:
    """Refuse to make an image that would take the memory of the machine: of a strip one pixel high, say."""
    if height * width > MOST_PIXELS:
        raise InputFaultError(
            f"{name} would give {width:,} × {height:,} pixels.",
            path=name,
            expected=MOST_PIXELS,
            actual=height * width,
            remedy="Leave the image out, or limit the longer edge: max_size.",
        )


def _grayscale(picture: Picture, channels: int) -> Picture:
    if isinstance(picture.pixels, np.ndarray):
        raise NormLockError(
            "grayscale comes behind an operation on numbers.", path="grayscale", remedy="Put it before that."
        )
    grey = picture.pixels.convert("L")
    return replace(picture, pixels=grey if channels == 1 else pillow().merge("RGB", (grey, grey, grey)))


def _channels(picture: Picture, order: tuple[int, ...]) -> Picture:
    array = picture.array
    _same_count(array.shape[picture.axis], len(order), "order", "channels")
    return picture.numbers(np.take(array, order, axis=picture.axis))


def _rescale(picture: Picture, by: float, how: str) -> Picture:
    array = picture.array
    if how == "multiply_float64":
        return picture.numbers((array.astype(np.float64) * by).astype(np.float32))
    single = array.astype(np.float32)
    return picture.numbers(single / np.float32(by) if how == "divide" else single * np.float32(by))


def _normalize(picture: Picture, mean: tuple[float, ...], std: tuple[float, ...]) -> Picture:
    array = picture.array
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    _same_count(array.shape[picture.axis], len(mean), "mean", "normalize")
    shape = [1, 1, 1]
    shape[picture.axis] = len(mean)
    shift, scale = (np.array(values, dtype=array.dtype).reshape(shape) for values in (mean, std))
    return picture.numbers((array - shift) / scale)


def _layout(picture: Picture, to: str) -> Picture:
    axis = 0 if to == "CHW" else 2
    return Picture(np.ascontiguousarray(np.moveaxis(picture.array, picture.axis, axis)), axis)


def _dtype(picture: Picture, to: str) -> Picture:
    array = picture.array
    if to == "uint8" and array.dtype != np.uint8:
        raise NormLockError(
            f"dtype would cut {array.dtype} down to uint8.", path="dtype", remedy="Leave out what made it a float."
        )
    return picture.numbers(array.astype(to))


def _same_count(have: int, want: int, parameter: str, name: str) -> None:
    if have != want:
        raise InputFaultError(
            f"{name} has a {parameter} for {want} channel{'s' * (want != 1)}, and the image has {have} "
            f"({', '.join(_NAMED.get(have, ()))}).",
            path=f"{name}.{parameter}",
            expected=want,
            actual=have,
            remedy='Put ("convert", {"mode": "RGB"}) first, or give the images as they were in training.',
        )


# -- what each may be told ---------------------------------------------------------------------------------------------


class _Wrong(Exception):  # noqa: N818 - caught here, and told with its place
    pass


def _one_of(*allowed: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in allowed or isinstance(value, bool):
            raise _Wrong(f"one of {', '.join(map(repr, allowed))}")
        return value

    return read


def _whole(value: Any) -> int:
    if isinstance(value, (bool, str)) or not hasattr(value, "__index__") or not 0 < int(value) <= 1 << 16:
        raise _Wrong("a whole number of pixels, from 1 to 65536")
    return int(value)


def _pair(value: Any) -> tuple[int, int]:
    values = [value, value] if hasattr(value, "__index__") else list(value)
    if len(values) != 2:
        raise _Wrong("height and width")
    return _whole(values[0]), _whole(values[1])


def _edge_or_pair(value: Any) -> Any:
    return _whole(value) if hasattr(value, "__index__") else _pair(value)


def _maybe_whole(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _number(value: Any) -> float:
    number = float(value)
    if isinstance(value, (bool, str)) or not np.isfinite(number) or number <= 0:
        raise _Wrong("a finite number above 0")
    return number


def _numbers(value: Any) -> tuple[float, ...]:
    numbers = tuple(map(float, value))
    if not numbers or not np.isfinite(numbers).all():
        raise _Wrong("a finite number for each channel")
    return numbers


def _positive(value: Any) -> tuple[float, ...]:
    numbers = _numbers(value)
    if min(numbers) <= 0:
        raise _Wrong("a number above 0 for each channel")
    return numbers


def _permutation(value: Any) -> tuple[int, ...]:
    order = tuple(operator.index(each) for each in value)
    if sorted(order) != list(range(len(order))) or not order:
        raise _Wrong("a permutation of the channels, such as [2, 1, 0]")
    return order


_NEEDED = object()


@dataclass(frozen=True)
class _Kind:
    run: Callable[..., Picture]
    parameters: Mapping[str, tuple[Callable[[Any], Any], Any]]  # how to read it, and its default


KINDS: Mapping[str, _Kind] = {
    "exif": _Kind(_exif, {}),
    "convert": _Kind(_convert, {"mode": (_one_of(*MODES), "RGB")}),
    "resize": _Kind(
        _resize,
        {
            "size": (_edge_or_pair, _NEEDED),
            "rule": (_one_of(*RULES), "exact"),
            "filter": (_one_of(*FILTERS), _NEEDED),
            "max_size": (_maybe_whole, None),
        },
    ),
    "center_crop": _Kind(_center_crop, {"size": (_pair, _NEEDED), "rounding": (_one_of(*CROPS), "floor")}),
    "grayscale": _Kind(_grayscale, {"channels": (_one_of(1, 3), 1)}),
    "channels": _Kind(_channels, {"order": (_permutation, _NEEDED)}),
    "rescale": _Kind(_rescale, {"by": (_number, 255.0), "how": (_one_of(*RESCALES), "divide")}),
    "normalize": _Kind(_normalize, {"mean": (_numbers, _NEEDED), "std": (_positive, _NEEDED)}),
    "layout": _Kind(_layout, {"to": (_one_of("HWC", "CHW"), "CHW")}),
    "dtype": _Kind(_dtype, {"to": (_one_of(*DTYPES), "float32")}),
}


def canonical(operations: Any) -> tuple[Operation, ...]:
    """Return operations with every parameter spelled out, as values that can't be changed.

    Parameters
    ----------
    operations : sequence
        Each a name, or a name and a mapping of parameters.

    Raises
    ------
    NormLockError
        If a name or a parameter is unknown, missing or of the wrong kind; ``path`` says which.
    """
    if not isinstance(operations, (list, tuple)):  # a set has no order, and an iterator is empty the second time
        raise NormLockError(
            f"operations is a {type(operations).__name__}; it must be a list.",
            path="operations",
            remedy='Give a name and its parameters for each, such as ("resize", {"size": 224, "filter": "bicubic"}).',
        )
    return tuple(_canonical(entry, i) for i, entry in enumerate(operations))


def _canonical(entry: Any, i: int) -> Operation:
    path = f"operations[{i}]"
    name, given = (entry, {}) if isinstance(entry, str) else _name_and_parameters(entry, path)
    kind = KINDS.get(name)
    if kind is None:
        raise NormLockError(
            f"{path} is {name!r}, which is no operation.",
            path=path,
            expected=tuple(KINDS),
            actual=name,
            remedy=f"Those that exist: {', '.join(KINDS)}.",
        )
    unknown = sorted(set(map(str, given)) - set(kind.parameters))
    if unknown:
        raise NormLockError(
            f"{path} ({name}) has a parameter {unknown[0]!r}, which {name} doesn't know.",
            path=f"{path}.{unknown[0]}",
            remedy=f"Its parameters: {', '.join(kind.parameters) or 'none'}.",
        )
    read = {}
    for parameter, (reader, default) in kind.parameters.items():
        value = given.get(parameter, default)
        try:
            if value is _NEEDED:
                raise _Wrong("given")
            read[parameter] = reader(value)
        except (_Wrong, TypeError, ValueError, OverflowError) as error:
            expected = str(error) if isinstance(error, _Wrong) else "of another kind"
            shown = "missing" if value is _NEEDED else repr(value)[:80]
            raise NormLockError(
                f"{path} ({name}): {parameter} is {shown}; it must be {expected}.",
                path=f"{path}.{parameter}",
                expected=expected,
                actual=None if value is _NEEDED else value,
                remedy="Give the value that training used.",
            ) from None
    _fits_together(name, read, path)
    return name, tuple(sorted(read.items()))


def _name_and_parameters(entry: Any, path: str) -> tuple[Any, Mapping[str, Any]]:
    if isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[0], str):
        name, given = entry
        if isinstance(given, tuple) and all(isinstance(each, tuple) and len(each) == 2 for each in given):
            given = dict(given)  # as canonical() gives them
        if isinstance(given, Mapping):
            return name, given
    raise NormLockError(
        f"{path} is {str(entry)[:80]!r}; it must be a name, or a name and a dict of parameters.",
        path=path,
        remedy='Write it like ("resize", {"size": 224, "filter": "bicubic"}).',
    )


def _fits_together(name: str, read: Mapping[str, Any], path: str) -> None:
    wrong = None
    if name == "resize":
        edge = isinstance(read["size"], int)
        if edge != (read["rule"] == "shortest"):
            wrong = "size", 'one number with rule="shortest", and height and width with rule="exact"'
        elif read["max_size"] is not None and (not edge or read["max_size"] <= read["size"]):
            wrong = "max_size", 'larger than the shorter edge, and there only with rule="shortest"'
    if name == "normalize" and len(read["mean"]) != len(read["std"]):
        wrong = "std", "as long as mean"
    if wrong is not None:
        raise NormLockError(
            f"{path} ({name}): {wrong[0]} is {read[wrong[0]]}; it must be {wrong[1]}.",
            path=f"{path}.{wrong[0]}",
            actual=read[wrong[0]],
            remedy="Give the values that training used.",
        )


@lru_cache(maxsize=64)
def _runs(operations: tuple[Operation, ...]) -> list[tuple[Callable[..., Picture], dict[str, Any]]]:
    return [(KINDS[name].run, dict(parameters)) for name, parameters in operations]


def run(operations: tuple[Operation, ...], picture: Picture) -> np.ndarray:
    """Return what operations make of an image.

    Parameters
    ----------
    operations : tuple
        As :func:`canonical` gives them.
    picture : Picture
        As it was decoded.
    """
    for (name, _), (function, parameters) in zip(operations, _runs(operations), strict=True):
        try:
            picture = function(picture, **parameters)
        except (NormLockError, MemoryError):
            raise
        except Exception as error:  # Pillow's, of damaged metadata and of modes that it can't convert
            raise InputFaultError(
                f"{name} can't be done with this image ({type(error).__name__}: {error}).",
                path=name,
                remedy="Save the image anew, as RGB with 8 bits a channel.",
            ) from None
    return picture.array
