"""How a lock names the files that it speaks of.

A key of ``files`` is the path of the file from the folder of the lock, with ``/`` between its parts: ``model.skops``,
``members/eu.joblib``, ``../models/eu.joblib``. A file that was moved keeps its last name, and is found by that.

Keys are read as UTF-8, whatever the locale says of the names of files: a lock that was written under one is read under
another.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import MissingLockError, NormLockError

KEY = "the path of a file from the lock's folder, with / between its parts, .. at its beginning alone"


def is_key(text: str) -> bool:
    """Tell whether a text can name a file in a lock; each file has one such name, the same on every system."""
    parts = text.split("/")
    while parts[:1] == [".."]:
        parts = parts[1:]
    plain = bool(parts) and not any(part in ("", ".", "..") for part in parts)
    return plain and not set(text) & set("\\\0") and not PureWindowsPath(text).drive


def file_key(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Return the name that a lock in a folder has for a file.

    Raises
    ------
    NormLockError
        If it can have none.
    """
    try:
        key = _portable(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:  # on another drive
        key = ""
    if not is_key(key):
        raise NormLockError(
            f"A lock in {folder} can't name {path}: a name there is {KEY}.",
            path=str(path),
            remedy="Rename the file if its name has a backslash or begins like a drive (C:); keep the lock on the same "
            "drive.",
        )
    return key


def file_of(key: str, folder: Path) -> Path:
    """Return the path of a file that a lock in a folder names."""
    try:
        return folder / os.fsdecode(key.encode("utf-8", "surrogateescape"))
    except UnicodeError:  # surrogates in a lock, or bytes that are no text of Windows
        return folder / key


def _portable(name: str) -> str:
    """Return a name as UTF-8 has it; Python has read its bytes by the locale."""
    try:
        return os.fsencode(name).decode("utf-8", "surrogateescape")
    except UnicodeError:  # no name of a file that is there
        return name


def key_of(path: Path, keys: Iterable[str], folder: Path | None = None) -> str | None:
    """Return which of the files in a lock a path is, by its name; None if it is none of them.

    Parameters
    ----------
    path : Path
        Of a file.
    keys : iterable of str
        What the lock calls its files.
    folder : Path, default=None
        Where the lock lies, if that is known.

    Raises
    ------
    MissingLockError
        If it could be one as well as another.
    """
    keys = list(keys)
    if folder is not None:
        exact = [key for key in keys if os.path.normpath(file_of(key, folder)) == os.path.normpath(path)]
        exact = exact or [key for key in keys if os.path.abspath(file_of(key, folder)) == os.path.abspath(path)]
        if exact:
            return exact[0]
    named = [key for key in keys if PurePosixPath(key).name == _portable(path.name)]
    if len(named) > 1:
        parts = Path(_portable(os.path.abspath(path))).parts[::-1]
        lengths = {key: _common(parts, PurePosixPath(key).parts[::-1]) for key in named}
        named = [key for key in named if lengths[key] == max(lengths.values())]
    if len(named) > 1:
        raise MissingLockError(
            f"The lock has several files of the name {path.name}, and {path} could be any of {', '.join(named)}.",
            path=str(path),
            remedy="Keep it in a folder of the name that it has in the lock.",
        )
    return named[0] if named else None


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return how many parts two paths have in common from their ends."""
    return next(
        (i for i, both in enumerate(zip(one, other, strict=False)) if both[0] != both[1]), min(map(len, (one, other)))
    )
