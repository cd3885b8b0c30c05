"""Images to probe with: edges, ramps, noise, strokes like text, fine patterns, and the modes that files come in.

They are made by whole numbers alone and written as PNG by hand, so that they are the same everywhere and Pillow is not
needed. Each is a few hundred bytes: a lock keeps them.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

_COLOURS = {1: 0, 3: 2, 4: 6}  # PNG's number for channels
_TURNED = 6  # the EXIF orientation of an image that was taken upright


def probe_pictures(variant: int = 0) -> list[bytes]:
    """Return images as PNG files.

    Parameters
    ----------
    variant : int, default=0
        0 has all modes and an EXIF orientation, 1 only RGB of several sizes, 2 to 4 one size in RGB, grey and RGBA.

    Returns
    -------
    files : list of bytes

    Examples
    --------
    >>> from sklearn_normlock.probes.pictures import probe_pictures
    >>> len(probe_pictures()), probe_pictures()[0][1:4]
    (10, b'PNG')
    """
    if variant < 2:
        arrays = [_edges(48, 64), _ramps(40, 72), _noise(20, 28), _strokes(64, 48), _checks(33, 47), _edges(7, 5)]
        files = [_png(array) for array in arrays]
        if variant == 0:
            files += [_png(_ramps(30, 30)[:, :, :1]), _png(_with_alpha(_edges(26, 34)))]
            files += [_png(_palette(16, 24), palette=True), _png(_edges(24, 40), orientation=_TURNED)]
        return files
    arrays = [_edges(32, 32), _ramps(32, 32), _noise(32, 32), _strokes(32, 32), _checks(32, 32)]
    if variant == 3:
        arrays = [array[:, :, :1] for array in arrays]
    if variant == 4:
        arrays = [_with_alpha(array) for array in arrays]
    return [_png(array) for array in arrays]


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:height, 0:width]
    return y, x


def _picture(*channels: np.ndarray) -> np.ndarray:
    return np.stack(channels, axis=2).astype(np.uint8)


def _edges(height: int, width: int) -> np.ndarray:
    """Return blocks of strong colours, none of them grey or symmetric."""
    y, x = _grid(height, width)
    left, top = x * 3 < width, y * 2 < height
    return _picture(
        np.where(left, 230, 25), np.where(top, 200, 60), np.where(left ^ top, 15, np.where(x * 6 > 5 * width, 250, 120))
    )


def _ramps(height: int, width: int) -> np.ndarray:
    y, x = _grid(height, width)
    across, down = x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1)
    return _picture(across, down, (across + 2 * down) // 3)


def _noise(height: int, width: int) -> np.ndarray:
    """Return noise that a generator of 32 bits makes."""
    state = np.arange(height * width * 3, dtype=np.uint64) + np.uint64(1)
    for _ in range(3):
        state = (state * np.uint64(1664525) + np.uint64(1013904223)) % np.uint64(1 << 32)
        state ^= state >> np.uint64(15)
    return (state >> np.uint64(24)).reshape(height, width, 3).astype(np.uint8)


def _strokes(height: int, width: int) -> np.ndarray:
    """Return thin dark lines on a bright ground, as letters have them."""
    y, x = _grid(height, width)
    ink = (x % 7 == 2) & (y % 11 < 8) | (y % 11 == 4) & (x % 7 < 4) | ((x + 2 * y) % 23 == 0)
    return _picture(np.where(ink, 20, 245), np.where(ink, 30, 240), np.where(ink, 60, 225))


def _checks(height: int, width: int) -> np.ndarray:
    """Return patterns that a resize without smoothing turns into others."""
    y, x = _grid(height, width)
    fine, coarse = (x + y) % 2, (x // 2 + y // 3) % 2
    return _picture(255 * fine, 255 * coarse, 255 * (x % 3 == 0))


def _palette(height: int, width: int) -> np.ndarray:
    y, x = _grid(height, width)
    return ((x // 4 + y // 4) % 5).astype(np.uint8)[:, :, None]


def _with_alpha(array: np.ndarray) -> np.ndarray:
    y, x = _grid(*array.shape[:2])
    return np.concatenate([array, ((x + y) * 255 // (array.shape[0] + array.shape[1] - 2))[:, :, None]], 2).astype("u1")


def _png(array: np.ndarray, palette: bool = False, orientation: int | None = None) -> bytes:
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3 if palette else _COLOURS[channels], 0, 0, 0)
    parts = [_chunk(b"IHDR", header)]
    if orientation is not None:
        entry = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
        parts.append(_chunk(b"eXIf", b"MM\0*" + struct.pack(">I", 8) + entry))
    if palette:
        parts.append(_chunk(b"PLTE", bytes([200, 30, 40, 20, 180, 60, 30, 50, 220, 240, 240, 10, 90, 90, 90])))
    rows = b"".join(b"\0" + row.tobytes() for row in array)  # each after the number of its filter: none
    parts += [_chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
