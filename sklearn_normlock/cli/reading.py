"""What the commands read: artifacts, locks, and tables of rows."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..documents.kinds import SKOPS
from ..errors import ArtifactDigestError, ArtifactReadError, MissingDependencyError, NormLockError

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
    """Tell whether a path is that of a lock, by its name."""
    return path.suffix in (".json", ".lock")


def approved_object(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read an object that the user vouches for; its own seal, if it has one, must be whole."""
    from sklearn.exceptions import InconsistentVersionWarning

    from ..documents.files import reading
    from ..formats import named_format, read

    named_format(path)
    with reading(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return read(file, path, trusted)


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


def table(path: Path) -> Any:
    """Read rows from a file.

    Parameters
    ----------
    path : Path
        ``.npy``, ``.csv`` (with a header) or ``.parquet``.

    Returns
    -------
    rows : ndarray or DataFrame
    """
    if path.suffix == ".npy":
        import numpy as np

        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise _unreadable(path, error) from None
    if path.suffix not in (".csv", ".parquet"):
        raise NormLockError(
            f"{path}: rows are read from .npy, .csv or .parquet.", path=str(path), remedy="Save them as one of these."
        )
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise MissingDependencyError(f"Reading {path} needs pandas.", remedy="Install pandas.") from None
    if path.suffix == ".parquet":
        try:
            return pd.read_parquet(path)
        except ImportError:
            raise MissingDependencyError(f"Reading {path} needs pyarrow.", remedy="Install pyarrow.") from None
        except (ValueError, TypeError) as error:
            raise _unreadable(path, error) from None
    try:
        return pd.read_csv(path)
    except ValueError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> ArtifactReadError:
    return ArtifactReadError(
        f"{path} can't be read as {path.suffix} ({type(error).__name__}: {error}).",
        path=str(path),
        remedy="It is cut short, damaged or of another format.",
    )
