"""Real images, and preprocessing of them by Pillow and NumPy alone, right and with faults: what tests compare with."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.datasets import load_sample_images

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EDGE, CROP = 40, 32


@lru_cache(maxsize=1)
def photographs() -> tuple[np.ndarray, ...]:
    """Return 20 images: scikit-learn's two photographs, cut at places with something on them."""
    whole = load_sample_images().images
    cuts = []
    for image in whole:
        for i in range(10):
            top, left = 23 * i + 5, 41 * i + 3
            cuts.append(np.ascontiguousarray(image[top : top + 90 + 7 * i, left : left + 130 - 5 * i]))
    return tuple(cuts)


def reference(array: np.ndarray, fault: str = "") -> np.ndarray:
    """Preprocess an image as torchvision's presets do, or with one fault."""
    from PIL import Image

    size: Any = CROP
    filters = {
        "filter nearest": Image.Resampling.NEAREST,
        "filter bicubic": Image.Resampling.BICUBIC,
        "filter lanczos": Image.Resampling.LANCZOS,
    }
    if fault == "bgr":
        array = array[..., ::-1]
    if fault == "inverted":
        array = 255 - array
    image = Image.fromarray(np.ascontiguousarray(array))
    if fault == "grey":
        image = image.convert("L").convert("RGB")
    if fault == "mirrored":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    width, height = image.size
    short, long = EDGE, int(EDGE * max(image.size) / min(image.size))
    resized = (short, long) if width <= height else (long, short)
    if fault == "squeezed":
        resized = (EDGE, EDGE)
    if fault == "crop left out":
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    elif fault == "cropped first":
        image = _cut(image, size).resize(_shorter(_cut(image, size)), Image.Resampling.BILINEAR)
    elif fault != "resized last":
        image = image.resize(resized, filters.get(fault, Image.Resampling.BILINEAR))
    if fault not in ("resized last", "crop left out", "cropped first"):
        image = _cut(image, size)
    pixels = np.asarray(image).astype(np.float32)
    if fault != "0 to 255":
        pixels = pixels / np.float32(255)
    mean, std = np.float32(MEAN), np.float32(STD)
    if fault != "not normalised":
        pixels = pixels - (0 if fault == "no mean" else mean)
        pixels = pixels / (1 if fault == "no std" else std)
    if fault == "normalised twice":
        pixels = (pixels - mean) / std
    if fault == "resized last":
        planes = [Image.fromarray(pixels[..., i]).resize(resized, Image.Resampling.BILINEAR) for i in range(3)]
        pixels = np.stack([np.asarray(_cut(plane, size)) for plane in planes], axis=2)
    return pixels if fault == "channels last" else pixels.transpose(2, 0, 1)


def _shorter(image: Any) -> tuple[int, int]:
    return EDGE, EDGE


def _cut(image: Any, size: int) -> Any:
    left, top = round((image.size[0] - size) / 2), round((image.size[1] - size) / 2)
    return image.crop((left, top, left + size, top + size))


#: A fault of the reference -> the name that it has to be given.
FAULTS = {
    "filter nearest": "wrong_filter",
    "filter bicubic": "wrong_filter",
    "filter lanczos": "wrong_filter",
    "squeezed": "wrong_size_rule",
    "crop left out": "crop_left_out",
    "cropped first": "order_swapped",
    "resized last": "order_swapped",
    "bgr": "channels_reversed",
    "0 to 255": "rescale_left_out",
    "not normalised": "normalize_left_out",
    "normalised twice": "normalized_twice",
    "no mean": "mean_left_out",
    "no std": "std_left_out",
    "grey": "grey",
    "inverted": "inverted",
    "mirrored": "mirrored",
    "channels last": "wrong_layout",
}


def encoded(array: np.ndarray, format: str, **options: Any) -> bytes:
    """Return an image as the bytes of a file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format, **options)
    return buffer.getvalue()
