"""Kinds of files that hold what was trained: by their names, and by their first bytes. Nothing is opened to run."""

from __future__ import annotations

import zipfile
import zlib
from importlib import import_module
from pathlib import Path
from typing import IO

SKOPS, JOBLIB, PICKLE = ".skops", ".joblib", ".pkl"
SUFFIXES = {SKOPS: SKOPS, JOBLIB: JOBLIB, PICKLE: PICKLE, ".pickle": PICKLE, ".sav": PICKLE, ".pk": PICKLE}
# After the suffix of a pickle: how joblib calls the method of compression.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".lzma": "lzma", ".z": "zlib", ".lz4": "lz4"}
# Further files that hold what was trained: bound by their bytes, and not expected to lie about without a lock.
_WEIGHTS = frozenset(".bst .cbm .ckpt .gguf .h5 .keras .mlmodel .onnx .pb .pt .pth .safetensors .tflite .ubj".split())

ZIP, PLAIN, COMPRESSED = "zip", "pickle", "compressed"
_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x5d\x00\x00",
    b"\x04\x22\x4d\x18",
    b"x\x01",
    b"x\x5e",
    b"x\x9c",
    b"x\xda",
)
# Models of HDF5, GGUF, CatBoost, LightGBM and XGBoost.
_TRAINED = (b"\x89HDF", b"GGUF", b"CBM1", b"tree\nversion=", b"binf", b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner")
_LARGEST_HEADER = 100_000_000  # bytes of a header of safetensors
# Objects of scikit-learn by the two oldest protocols, which have no mark.
_OLD_PICKLES = (b"ccopy_reg\n", b"ccopyreg\n", b"csklearn")
_HEAD = 512  # bytes that a file is told by; the mark of a tar stands in the first block of that size
_OTHERS = (
    (b"version https://git-lfs", "a pointer of Git LFS", "Fetch the file itself: `git lfs pull`."),
    (b"\x93NUMPY", "an array of NumPy", "Lock the object that it belongs to."),
    (b"\x89HDF", "HDF5", "Bind it by its bytes, as a member of a bundle: `normlock lock A B -o BUNDLE.normlock.json`."),
    (b"PAR1", "a table (Parquet)", "Name the model, not its data."),
    (
        b"GGUF",
        "weights (GGUF)",
        "Bind it by its bytes, as a member of a bundle: `normlock lock A B -o BUNDLE.normlock.json`.",
    ),
    (b"\x7fELF", "a program", "Name the model."),
    (b"<", "HTML or XML: a page of an error, perhaps", "Download it again."),
    (b"{", "JSON", "Name the artifact, not its lock or its settings."),
)


def format_of(path: Path) -> tuple[str, str | None] | None:
    """Return the format that a file has by its name, and how it is compressed; None if the name says nothing."""
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        inner = SUFFIXES.get(Path(path.stem).suffix.lower())
        return None if inner in (None, SKOPS) else (JOBLIB, COMPRESSIONS[suffix])
    return (SUFFIXES[suffix], None) if suffix in SUFFIXES else None


def is_readable(path: Path) -> bool:
    """Tell whether a file holds an object that can be read back, by its name."""
    return format_of(path) is not None


def is_artifact(path: Path) -> bool:
    """Tell whether a file holds something that was trained, by its name."""
    return is_readable(path) or path.suffix.lower() in _WEIGHTS


def holds_artifact(file: IO[bytes]) -> bool:
    """Tell whether an open file holds something that was trained, by its bytes, whatever its name is.

    Pickles, plain or compressed; skops; HDF5, GGUF, safetensors, TensorFlow Lite; boosters of CatBoost, LightGBM and
    XGBoost; archives (zip, tar) that hold an artifact by its name. An array or a text is data; a pickle of protocol 0
    or 1, which is a text, is told if it begins with a class of scikit-learn.
    """
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return _zip_holds_artifact(file)
    if head.startswith(_TRAINED) or head[4:8] == b"TFL3" or _begins_safetensors(head):
        return True
    head = _unpacked(file, head) if head.startswith(_COMPRESSED) else head
    return _begins_pickle(head) or (_is_tar(head) and _tar_holds_artifact(file)) or head.startswith(_OLD_PICKLES)


def _begins_safetensors(head: bytes) -> bool:
    return head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < _LARGEST_HEADER


def _begins_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _zip_holds_artifact(file: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name == "schema.json" or is_artifact(Path(name)) for name in archive.namelist())
    except Exception:  # damaged, or no zip file but for its first bytes
        return False


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _tar_holds_artifact(file: IO[bytes]) -> bool:
    import tarfile

    try:
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:*") as archive:
            return any(is_artifact(Path(member.name)) for member in archive if member.isfile())
    except Exception:  # damaged: what it holds can't be told
        return False


def _unpacked(file: IO[bytes], head: bytes) -> bytes:
    """Return the first bytes of a compressed file; none if they can't be had."""
    try:
        if head.startswith(b"x"):
            return zlib.decompressobj().decompress(file.read(512), _HEAD)
        opener = {b"\x1f": "gzip", b"B": "bz2"}.get(head[:1], "lzma")  # an interpreter may be built without one of them
        with import_module(opener).open(file) as unpacked:
            return bytes(unpacked.read1(_HEAD))
    except Exception:  # damaged, or not compressed but for its first bytes
        return b""


def content_of(file: IO[bytes]) -> str | None:
    """Return what an open file is by its first bytes: a zip, a pickle, a compressed file; None if it is none of them.

    The two oldest protocols of pickle are text without a mark of their own, and are taken for pickles where the file is
    none of the kinds that are known.
    """
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return ZIP
    if _begins_pickle(head):
        return PLAIN
    if head.startswith(_COMPRESSED):
        return COMPRESSED
    return None if not head or other_kind(file) is not None else PLAIN


def other_kind(file: IO[bytes]) -> tuple[str, str] | None:
    """Return what a file is that is no artifact of ours, and what to do; None if it is not known either."""
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    if not head:
        return "empty", "Copy it again from where it was saved."
    return next(((kind, remedy) for mark, kind, remedy in _OTHERS if head.startswith(mark)), None)


def holds(file: IO[bytes], text: bytes) -> bool:
    """Tell whether a text occurs in an open file."""
    file.seek(0)
    tail, found = b"", False
    while not found and (chunk := file.read(1 << 20)):
        found = text in tail + chunk
        tail = chunk[-len(text) :]
    file.seek(0)
    return found
