"""From what a user has (a path, bytes, an image of Pillow's, an array) to an image that operations can start from."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..documents.files import read_bytes
from ..errors import ArtifactReadError, InputFaultError
from .operations import MOST_PIXELS, Picture, pillow

# Formats whose decoders are Pillow's own or a library's. Others start programs (EPS starts Ghostscript).
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


def pictures(X: Any) -> Iterator[Picture]:
    """Yield the images of a batch.

    Parameters
    ----------
    X : sequence
        Paths, bytes of files, images of Pillow's, arrays of uint8 (height, width) or (height, width, channels), or one
        array of several images.

    Raises
    ------
    InputFaultError
        If it is one image in place of several, or has something in it that is no decoded image; ``path`` says which.
    ArtifactReadError
        If a file can't be decoded.
    """
    single = isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "getbands")
    single |= isinstance(X, np.ndarray) and (X.ndim < 1 or X.ndim == 2 or (X.ndim == 3 and X.shape[2] in (3, 4)))
    if single or not hasattr(X, "__iter__"):
        raise InputFaultError(
            f"One {type(X).__name__} was given; images come as a list, or as an array of several.",
            path="X",
            remedy="Put it in a list: [image].",
        )
    for i, item in enumerate(X):
        yield Picture(_decoded(item, f"X[{i}]"))


def _decoded(item: Any, path: str) -> Any:
    image = pillow()
    if hasattr(item, "getbands"):
        return item
    if isinstance(item, np.ndarray):
        return image.fromarray(_checked(item, path))
    if not isinstance(item, (str, bytes, os.PathLike)):
        raise InputFaultError(
            f"{path} is a {type(item).__name__}; an image is a path, the bytes of a file, an image of Pillow's or an "
            "array of uint8.",
            path=path,
            remedy="Give the image as it was decoded, before anything is done with its pixels.",
        )
    try:
        data = item if isinstance(item, bytes) else read_bytes(item)
        found = image.open(io.BytesIO(data), formats=FORMATS)
        if found.size[0] * found.size[1] > MOST_PIXELS:
            raise ValueError(f"it claims {found.size[0]} × {found.size[1]} pixels")
        found.load()
    except ArtifactReadError:
        raise
    except FileNotFoundError as error:
        raise ArtifactReadError(f"{path}: there is no file {item!s}.", path=path, remedy="Name a file.") from error
    except Exception as error:  # Pillow raises whatever a decoder raises
        name = "its bytes" if isinstance(item, bytes) else str(item)
        raise ArtifactReadError(
            f"{path} ({name}) can't be decoded ({type(error).__name__}: {error}).",
            path=path,
            remedy=f"Give a whole file of one of the formats {', '.join(FORMATS)}.",
        ) from None
    return found


def _checked(array: np.ndarray, path: str) -> np.ndarray:
    if array.dtype != np.uint8:
        low, high = (float(array.min()), float(array.max())) if array.size and array.dtype.kind in "fiu" else (0, 0)
        raise InputFaultError(
            f"{path} is an array of {array.dtype} from {low:.3g} to {high:.3g}; the pixels of a decoded image are "
            "uint8, from 0 to 255.",
            path=path,
            expected="uint8",
            actual=str(array.dtype),
            remedy="It was rescaled or normalised already: give the image as it was decoded.",
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or not array.size or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputFaultError(
            f"{path} has shape {array.shape}; an image is (height, width) or (height, width, 1, 3 or 4 channels).",
            path=path,
            actual=array.shape,
            remedy="Put the channels last: array.transpose(1, 2, 0)." if array.ndim == 3 else "Give one image each.",
        )
    return np.ascontiguousarray(array)
