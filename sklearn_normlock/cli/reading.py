"""The input of the commands: artifacts, locks, and tables of rows."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..documents.kinds import SKOPS
from ..errors import ArtifactDigestError, ArtifactReadError

if TYPE_CHECKING:
    from ..guards.profile import Profile
    from ..locks.parts import FileDigest

LOCK_SUFFIX = ".normlock.json"


def add_python_path(parser: argparse.ArgumentParser) -> None:
    """Give a command that opens artifacts its ``--python-path``."""
    parser.add_argument(
        "--python-path",
        action="append",
        default=[],
        metavar="FOLDER",
        help="where modules of yours lie that an artifact needs",
    )


def pin(text: str) -> str:
    """Return an argument that is one or several fingerprints; what is none can't be expected of anything."""
    from argparse import ArgumentTypeError

    if not re.fullmatch("nl1-sha256:[0-9a-f]{64}(,nl1-sha256:[0-9a-f]{64})*", text.replace(" ", "")):
        raise ArgumentTypeError(f"{text!r} is not a fingerprint, which is nl1-sha256: and 64 hexadecimal digits")
    return text


def is_lock(path: Path) -> bool:
    """Tell whether a path is that of a lock: by its name, and of a JSON file by what it holds."""
    from ..documents.files import reading
    from ..documents.kinds import holds

    if path.suffix == ".lock" or path.name.endswith(LOCK_SUFFIX):
        return True
    if path.suffix != ".json":
        return False
    try:
        with reading(path) as file:
            return holds(file, b'"lock_version"') or not has_content(path)
    except (ArtifactReadError, OSError):
        return True  # whoever reads it as a lock says what is wrong with it


def has_content(path: Path) -> bool:
    """Tell whether a file holds tensors or settings, which are read without running code."""
    from ..documents.kinds import is_readable
    from ..fingerprints.settings import is_settings
    from ..fingerprints.weights import is_weights

    return not is_readable(path) and (is_settings(path) or is_weights(path))


def approved_object(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read an object that the user vouches for; its own seal, if it has one, must be whole."""
    return approved_file(path, trusted)[0]


def approved_file(path: Path, trusted: Sequence[str] = ()) -> tuple[Any, FileDigest]:
    """Read an object as :func:`approved_object` does, with the digest of the very bytes that it was read from."""
    from sklearn.exceptions import InconsistentVersionWarning

    from ..documents.files import reading
    from ..formats import named_format, read, require_one
    from ..locks.parts import FileDigest

    named_format(path)
    with reading(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        digest = FileDigest.of_open(file)
        est = read(file, path, trusted)
    require_one(est, path)
    return est, digest


def safe_object(path: Path, trusted: Sequence[str] = (), trust_file: bool = False) -> Any:
    """Read an object to look at it: a file that runs code only if the user says that it may."""
    from ..documents.files import reading
    from ..formats import is_safe, named_format

    with reading(path) as file:
        safe = is_safe(file) or named_format(path)[0] == SKOPS  # which is refused if it is a pickle
    if not safe and not trust_file:
        raise ArtifactDigestError(
            f"{path} was not opened: reading a {path.suffix} file runs code, and nothing says where it comes from.",
            path=str(path),
            remedy="Name its lock instead, or say with --trust-file that you know.",
        )
    return approved_object(path, trusted)


def table(path: Path, profile: Profile | None = None) -> Any:
    """Read rows from a file: the one reader of every command.

    Parameters
    ----------
    path : Path
        ``.npy``, ``.csv`` or ``.parquet``.
    profile : Profile, default=None
        What the rows are compared with: its columns say what the texts of a CSV file are.

    Returns
    -------
    rows : ndarray, data frame or Table

    Raises
    ------
    ArtifactReadError
        If it can't be read.
    MissingDependencyError
        If what reads it isn't installed.
    """
    from .files import read_csv, read_csv_frame, read_npy, read_parquet

    kind = path.suffix.lower()
    if kind == ".npy":
        return read_npy(path)
    if kind == ".csv":
        return read_csv_frame(path) if profile is None else read_csv(path, profile)
    if kind in (".parquet", ".pq"):
        return read_parquet(path)
    raise ArtifactReadError(
        f"{path}: rows are read from .npy, .csv or .parquet.", path=str(path), remedy="Save them as one of these."
    )
