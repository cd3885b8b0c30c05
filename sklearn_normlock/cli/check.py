"""``normlock check DATA --lock LOCK``: tell whether this data is what the locked object was fitted for."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NormLockError
from .outcome import COULD_NOT_CHECK, MATCH, MISMATCH, NOTHING_CHECKED

if TYPE_CHECKING:
    from ..guards.finding import Diagnosis
    from ..guards.profile import Profile

HELP = "tell whether data is what a locked object was fitted for, and what happened to it"
DESCRIPTION = (
    "Compares the rows of a file (.parquet, .csv or .npy) with the profile in a lock, or with a profile saved as JSON, "
    "and names the fault: already normalised, another unit, columns in another order, and so on. Exit code 0 if there "
    "is none, 1 if there is one, 2 if the check can't be made, 3 if there is nothing to check or to compare with."
)
FORMATS = ("text", "json", "github", "html")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Parameters
    ----------
    parser : ArgumentParser
        The command's own.
    """
    parser.add_argument("data", metavar="DATA", help="the rows: .parquet, .csv (with or without a header) or .npy")
    parser.add_argument("--lock", required=True, metavar="LOCK", help="a lock with a profile in it, or a profile")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how the finding is printed")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it to a file instead")
    parser.add_argument("--budget", type=float, default=1e-3, help="probability of a false alarm (default: 0.001)")
    parser.add_argument(
        "--drift", type=float, default=0.3, help="drift that is no fault, in deviations of each column (default: 0.3)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : Namespace
        As :func:`configure` has them parsed.

    Returns
    -------
    code : int
        0 match, 1 mismatch, 2 could not check, 3 nothing was checked.
    """
    at = arguments.lock  # what an error is about
    try:
        profile = read_profile(arguments.lock)
        if profile is None:
            print(f"{arguments.lock}: the lock has no profile to compare with.", file=sys.stderr)
            return NOTHING_CHECKED
        from ..guards.diagnosis import diagnose
        from ..guards.parameters import check_numbers

        at = "normlock check"
        check_numbers(budget=arguments.budget, drift=arguments.drift)
        at = arguments.data
        X = _select(profile, read_rows(arguments.data, profile))
        found = diagnose(profile, X, budget=arguments.budget, drift=arguments.drift)
        text = _rendered(arguments, profile, X, found)
        at = arguments.output or "standard output"
        _write(text, arguments.output)
    except (NormLockError, OSError, EOFError, ValueError, TypeError) as error:
        print(f"{at}: {error}", file=sys.stderr)
        return COULD_NOT_CHECK
    if not found.judged:
        return NOTHING_CHECKED
    return MISMATCH if found.alarm else MATCH


def read_profile(path: str) -> Profile | None:
    """Return the profile in a lock, or a bare one; None if the lock has none."""
    from ..documents.envelope import parsed
    from ..documents.files import read_bytes
    from ..guards.profile import Profile
    from ..locks.document import Lock

    document: Any = parsed(read_bytes(path))
    if not isinstance(document, dict) or "profile_version" not in document:
        document = Lock.from_dict(document).profile
    return None if document is None else Profile.from_dict(document)


def read_rows(path: str, profile: Profile) -> Any:
    """Return the table in a file.

    Parameters
    ----------
    path : str
        A .parquet, .csv or .npy file.
    profile : Profile
        What it is to be compared with: a .csv file has no types of its own.

    Returns
    -------
    rows : ndarray, data frame or Table
        What :func:`sklearn_normlock.diagnose` takes.

    Raises
    ------
    MissingDependencyError
        If it is a .parquet file and neither pandas (with pyarrow) nor polars is installed.
    ValueError
        If it is of no known kind.
    """
    kind = Path(path).suffix.lower()
    if kind == ".npy":
        import numpy as np

        return np.load(path, allow_pickle=False)
    if kind == ".csv":
        from ..guards.files import read_csv

        return read_csv(path, profile)
    if kind in (".parquet", ".pq"):
        from ..guards.files import read_parquet

        return read_parquet(path)
    raise ValueError(f"a file of kind {kind!r} can't be read; expected .parquet, .csv or .npy.")


def _select(profile: Profile, X: Any) -> Any:
    """Return the profile's columns of a table that may have others, the target say."""
    from ..guards.tables import Table, as_table

    table = as_table(X)
    if not profile.names or not table.names or not set(profile.names) <= set(table.names):
        return X
    at = [table.names.index(name) for name in profile.names]
    categories = {at.index(j): values for j, values in table.categories.items() if j in at}
    # Columns in another order, under their right names, are no fault here: they are selected by name.
    return Table(table.numbers[:, at], profile.names, categories)


def _rendered(arguments: argparse.Namespace, profile: Profile, X: Any, found: Diagnosis) -> str:
    if arguments.format == "json":
        return json.dumps(found.to_dict(), indent=2, sort_keys=True)
    if arguments.format == "github":
        level = "error" if found.alarm else "notice"
        text = found.explain().replace("%", "%25").replace("\n", "%0A")
        return f"::{level} file={arguments.data}::{text}"
    if arguments.format == "html":
        from ..guards.page import page

        return page(profile, X, found, title=Path(arguments.data).name)
    return found.explain()


def _write(text: str, output: str | None) -> None:
    if output is None:
        print(text)
    else:
        from ..documents.files import replacing

        with replacing(Path(output)) as file:
            file.write((text + "\n").encode("utf-8"))
