"""Under which scikit-learn an object was fitted, as far as that is known.

scikit-learn writes its version into the state of each of its estimators when they are pickled, and takes it out again
when they are read. It has to be looked for in the bytes of the file. That runs no code.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from ..documents.files import reading
from ..records.environment import STAMP
from .code import Name
from .parts import Fitted

_KEY = b"_sklearn_version"
# A key, perhaps put into the memo of the pickle or at the end of a frame; then a string. The opcodes are those of
# SHORT_BINUNICODE, BINUNICODE, SHORT_BINSTRING, BINSTRING, each with the length of the string; UNICODE and STRING, of
# protocol 0, whose strings end with their line.
_GAP = rb"(?:\x94|q.|r.{4}|p\d+\n|\x95.{8})*"
_STRING = re.compile(_KEY + rb"['\n]*" + _GAP + rb"(?:[\x8cU](.)|[XT](.{4})|V|S')", re.DOTALL)
_VERSION = re.compile(rb"\d+\.\d+[0-9A-Za-z.+]*")
_CHUNK = 1 << 20
_OVERLAP = 128  # bytes: a key and its version
_ESTIMATOR_STAMP = re.compile(r"scikit-learn ([^,\s]+)")

# The files that objects of this process were read from, with what tells whether they are still the same; by object, as
# long as it lives.
_FILES: weakref.WeakKeyDictionary[Any, tuple[Path, tuple[int, int]]] = weakref.WeakKeyDictionary()


def remember(est: Any, path: Path) -> None:
    """Keep which file an object was just read from; :func:`fitted_under` looks into it if it is asked."""
    with suppress(TypeError, OSError):  # an object without weak references: nothing is known of it, which is said
        _FILES[est] = path.absolute(), _unchanged(path)


def _file_of(est: Any) -> Path | None:
    """Return the file that an object was read from, if it is still that."""
    with suppress(TypeError, OSError, KeyError):
        path, then = _FILES[est]
        return path if _unchanged(path) == then else None
    return None


def _unchanged(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def fitted_under(est: Any, names: frozenset[Name], path: Path | None = None) -> Fitted:
    """Return under which scikit-learn an object was fitted.

    Parameters
    ----------
    est : estimator
        In memory.
    names : set of (module, name)
        The code in it (:func:`~sklearn_normlock.locks.code.code_in`).
    path : Path, default=None
        The file that holds it.

    Returns
    -------
    fitted : Fitted
        By the stamps of the drop-ins in it, and by the file it was read from. An object of which nothing is known was
        fitted in this process, or read by other means.
    """
    stamps = {match for text in _stamps(est) for match in _ESTIMATOR_STAMP.findall(text)}
    path = path or _file_of(est)
    found = versions_in(path) if path is not None else ()
    stock = any(module.startswith("sklearn.") for module, _ in names)
    if path is not None and stock and not found and not stamps:
        return Fitted(evidence="absent")
    versions = tuple(sorted(stamps.union(found), key=_numbers))
    if not versions:
        return Fitted(evidence="memory")
    return Fitted(versions=versions, evidence="file" if found else "seal")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _stamps(obj: Any) -> Iterator[str]:
    """Yield the environments that drop-ins in an object carry; each is a plain attribute."""
    seen: set[int] = set()
    waiting = [obj]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, (list, tuple)):
            waiting += [item for item in each if _may_hold(item)]
        elif isinstance(each, dict):
            waiting += [item for item in each.values() if _may_hold(item)]
        elif hasattr(each, "__dict__") and not isinstance(each, type):
            attributes = vars(each)
            stamp = attributes.get(STAMP)
            if isinstance(stamp, str):
                yield stamp
            waiting += [item for item in attributes.values() if _may_hold(item)]


def _may_hold(item: Any) -> bool:
    return isinstance(item, (list, tuple, dict)) or (hasattr(item, "__dict__") and not isinstance(item, type))


def versions_in(path: Path) -> tuple[str, ...]:
    """Return the versions of scikit-learn that a file's estimators were pickled under; runs nothing that is in it.

    Parameters
    ----------
    path : Path
        Of a pickle, a joblib file, compressed or not, or a skops file.
    """
    with reading(path) as file:
        if zipfile.is_zipfile(file):
            return _in_schema(file)
        file.seek(0)
        found: set[str] = set()
        try:
            stream, end = _plain(file), b""
            while chunk := stream.read(_CHUNK):
                text = end + chunk
                if _KEY in text:
                    found |= set(_versions(text))
                end = text[-_OVERLAP:]
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            pass  # it is read to the end, or refused, where it is opened; here its beginning has to do
    return tuple(sorted(found, key=_numbers))


def _versions(text: bytes) -> Iterator[str]:
    """Yield the versions in a part of a pickle; what follows a string may look like more of it."""
    for match in _STRING.finditer(text):
        length = match[1] or match[2]
        rest = text[match.end() : match.end() + _OVERLAP]
        size = len(re.split(rb"['\n]", rest)[0]) if length is None else int.from_bytes(length, "little")
        string = rest[:size]
        if len(string) == size and _VERSION.fullmatch(string):
            yield string.decode("ascii")


def _plain(file: IO[bytes]) -> Any:
    """Return a stream of the bytes before joblib compressed them."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start.startswith((b"\xfd7zXZ", b"\x5d\x00")):
        return lzma.LZMAFile(file)
    if start[:1] == b"\x78" and int.from_bytes(start[:2], "big") % 31 == 0:
        return _Inflating(file)
    if start.startswith(b"\x04\x22\x4d\x18"):
        return import_module("lz4.frame").LZ4FrameFile(file)  # without it joblib could not have opened the file
    return file


class _Inflating:
    """A stream of what zlib compressed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; none at the end."""
        while not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._file.read(size)
            if not data:
                break
            found = self._inflate.decompress(data, size)
            if found:
                return found
        return b""


def _in_schema(file: IO[bytes]) -> tuple[str, ...]:
    """Return the versions in the schema of a skops file, which is JSON."""
    with zipfile.ZipFile(file) as archive:
        waiting = [json.loads(archive.read("schema.json"))] if "schema.json" in archive.namelist() else []
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            version = node.get("_sklearn_version")
            if isinstance(version, dict) and isinstance(version.get("content"), str):
                found.add(version["content"].strip('"'))
            waiting += node.values()
    return tuple(sorted(found, key=_numbers))
