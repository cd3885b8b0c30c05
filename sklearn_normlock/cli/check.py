"""``normlock check DATA --lock LOCK`` tells whether data is what the locked object was fitted for.

With ``--contract`` it tells whether vectors are what an index was built for, and with ``--pixels`` whether arrays are
what a locked preprocessing makes of images.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..documents.rendering import escaped, spelled_out
from ..errors import NormLockError
from .outcome import (
    COULD_NOT_CHECK,
    MATCH,
    MISMATCH,
    NOTHING_CHECKED,
    UsageError,
    add_format,
    code_of_verdict,
    print_error,
    print_nothing,
    print_report,
)
from .reading import LOCK_SUFFIX, table

if TYPE_CHECKING:
    from ..guards.profile import Profile
    from ..guards.reports import Diagnosis

HELP = "tell whether data is what a locked object was fitted for, and what happened to it"
DESCRIPTION = (
    "Compares the rows of a file (.parquet, .csv or .npy) with the profile in a lock, or with a profile saved as JSON. "
    "It names the fault: already normalised, another unit, columns in another order, and so on. Exit code 0 if there "
    "is none, 1 if there is one, 2 if the check can't be made, 3 if there is nothing to check or to compare with. With "
    "--contract, the rows of a .npy file are embeddings, compared with what an index was built for. With --pixels, "
    "it holds arrays that were made of images, compared with a locked preprocessing: pixel by pixel if --images names "
    "the folder of the images, else by the values that can come out."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Parameters
    ----------
    parser : ArgumentParser
        The command's own.
    """
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="the rows: .parquet, .csv (with or without a header) or .npy"
    )
    against = parser.add_mutually_exclusive_group()
    against.add_argument(
        "--lock",
        type=Path,
        metavar="LOCK",
        help="a lock with a profile in it, or a profile (default: the one lock beside the data, else in this folder)",
    )
    against.add_argument(
        "--contract", type=Path, metavar="CONTRACT", help="what EmbeddingContract.save wrote: DATA is embeddings"
    )
    against.add_argument(
        "--pixels", type=Path, metavar="LOCK", help="the lock of an ImagePreprocessor: DATA is what was made of images"
    )
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help="of pixels: the images that they were made of, by their names"
    )
    parser.add_argument(
        "--side", choices=("index", "query"), default="index", help="of embeddings: what they are used for"
    )
    parser.add_argument("--model", metavar="NAME", help="of embeddings: the model that made them")
    add_format(parser, "html")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it to a file instead")
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
    if arguments.contract is not None:
        return _vectors(arguments)
    if arguments.pixels is not None:
        return _pixels(arguments)
    if arguments.images is not None:
        raise UsageError("normlock check: --images goes with --pixels LOCK")
    lock_file = _default_lock(arguments) if arguments.lock is None else arguments.lock
    at: Path | str = lock_file  # what an error is about
    try:
        profile, fingerprint = read_profile(lock_file)
        if profile is None:
            return print_nothing(
                "the lock has no profile to compare with. Lock anew with rows of the training data, --rows FILE; or "
                "begin the pipeline with an InputGuard",
                _style(arguments),
                lock_file,
            )
        from ..guards.diagnosis import check_numbers, diagnose

        try:
            check_numbers(budget=arguments.budget, drift=arguments.drift)
        except ValueError as error:
            raise UsageError(f"normlock check: {error}") from None
        at = arguments.data
        X = _select(profile, table(arguments.data, profile))
        found = diagnose(profile, X, budget=arguments.budget, drift=arguments.drift)
        against = {"lock": spelled_out(str(lock_file))} | ({"fingerprint": fingerprint} if fingerprint else {})
        text = _rendered(arguments, profile, X, found, against)
        at = arguments.output or "standard output"
        _write(text, arguments.output)
    except (BrokenPipeError, UsageError):
        raise
    except (NormLockError, OSError, EOFError, ValueError, TypeError) as error:
        print_error(error, _style(arguments), COULD_NOT_CHECK, str(at))
        return COULD_NOT_CHECK
    if not found.judged:
        return NOTHING_CHECKED
    return MISMATCH if found.alarm else MATCH


def _style(arguments: argparse.Namespace) -> str:
    """Return how errors are printed: a page has no place for them."""
    return "text" if arguments.format == "html" else str(arguments.format)


def _default_lock(arguments: argparse.Namespace) -> Path:
    """Return the one lock beside the data, or in the current folder if there is none."""
    for folder in dict.fromkeys([arguments.data.parent, Path()]):
        found = sorted(folder.glob(f"*{LOCK_SUFFIX}"))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(path) for path in found[:3]) + (", …" if len(found) > 3 else "")
            raise UsageError(f"normlock check: there are several locks ({names}); name one with --lock")
    raise UsageError("normlock check: there is no lock beside the data or here; name one with --lock")


def _vectors(arguments: argparse.Namespace) -> int:
    """Check embeddings against a contract."""
    from ..retrieval import EmbeddingContract

    contract = EmbeddingContract.load(arguments.contract)
    V = _mapped(arguments.data, "embeddings", arguments.format)
    return _reported(contract.check(V, arguments.side, model=arguments.model), arguments)


def _pixels(arguments: argparse.Namespace) -> int:
    """Check what was made of images against a locked preprocessing."""
    from ..images import ImagePreprocessor, check_pixels, compare_pixels
    from ..locks.document import Lock

    preprocessor = ImagePreprocessor.from_lock(Lock.load(arguments.pixels))
    made = _mapped(arguments.data, "pixels", arguments.format)
    made = made[None] if made.ndim == 3 else made  # of one image
    if arguments.images is None:
        return _reported(check_pixels(preprocessor, made), arguments)
    images = sorted(path for path in arguments.images.iterdir() if not path.name.startswith("."))
    if not images:
        return print_nothing("the folder has no images", arguments.format, arguments.images)
    if len(images) != len(made):
        raise NormLockError(
            f"{arguments.images} has {len(images)} files, and {arguments.data} has {len(made)} images.",
            path=str(arguments.images),
            remedy="Give the images that the arrays were made of, named in their order.",
        )
    return _reported(compare_pixels(preprocessor, images, made), arguments)


def _reported(report: Any, arguments: argparse.Namespace) -> int:
    report = replace(report, subject=str(arguments.data))
    if arguments.output is None:
        return print_report(report, arguments.format)
    _write(report.explain(arguments.format), arguments.output)
    return code_of_verdict(report.verdict)


def _mapped(path: Path, what: str, style: str) -> Any:
    """Return the array in a file, in place."""
    import numpy as np

    from ..documents.files import reading
    from ..errors import ArtifactReadError

    if style == "html":
        raise UsageError(f"normlock check: a report on {what} is text, json or github")
    if path.suffix.lower() != ".npy":
        raise NormLockError(f"{path}: {what} are read from .npy.", path=str(path), remedy="Save them with numpy.save.")
    with reading(path):  # which refuses what is no plain file
        pass
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, TypeError, OverflowError, SyntaxError) as error:
        raise ArtifactReadError(
            f"{path} can't be read as .npy ({error}).", path=str(path), remedy="Copy it again."
        ) from None


def read_profile(path: Path) -> tuple[Profile | None, str]:
    """Return the profile in a lock and its fingerprint, or a bare profile; None if the lock has none."""
    from ..documents.envelope import parsed
    from ..documents.files import read_bytes
    from ..guards.profile import Profile
    from ..locks.document import Lock

    document: Any = parsed(read_bytes(path))
    fingerprint = ""
    if not isinstance(document, dict) or "profile_version" not in document:
        lock = Lock.from_dict(document)
        document, fingerprint = lock.profile, lock.fingerprint
    return None if document is None else Profile.from_dict(dict(document)), fingerprint


def _select(profile: Profile, X: Any) -> Any:
    """Return the profile's columns of a table that may have others, the target say."""
    from ..guards.data.tables import as_table

    table = as_table(X)
    # A guard of some columns without names calls them by their positions.
    names = table.names or tuple(map(str, range(table.shape[1])))
    if not profile.names or not set(profile.names) <= set(names):
        return X
    # Columns in another order, under their right names, are no fault here: they are selected by name.
    return table.select([names.index(name) for name in profile.names], profile.names)


def _rendered(
    arguments: argparse.Namespace, profile: Profile, X: Any, found: Diagnosis, against: dict[str, str]
) -> str:
    if arguments.format == "json":
        return json.dumps(found.to_dict(), sort_keys=True)
    if arguments.format == "github":
        level = "error" if found.alarm else "notice"
        return f"::{level} file={escaped(str(arguments.data), property=True)}::{escaped(found.explain())}"
    if arguments.format == "html":
        from ..guards.reports import page

        against["time"] = datetime.now(timezone.utc).isoformat(sep=" ", timespec="seconds")
        return page(profile, X, found, spelled_out(arguments.data.name), against)
    return spelled_out(found.explain())


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text)
    else:
        from ..documents.files import replacing

        with replacing(output) as file:
            file.write((text + "\n").encode("utf-8"))
