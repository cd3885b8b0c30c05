"""``normlock verify``: tell whether an artifact is the one that was approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactDigestError, MissingLockError, NormLockError
from .outcome import (
    COULD_NOT_CHECK,
    NOTHING_CHECKED,
    add_format,
    code_of,
    print_error,
    print_report,
    progress,
    worst,
)
from .reading import LOCK_SUFFIX, is_lock

if TYPE_CHECKING:
    from ..locks.document import Lock
    from ..locks.report import Report

HELP = "verify that an artifact is what its lock says"
DESCRIPTION = (
    "Compares artifacts with their locks: the bytes of the file first, then the state of the object in it, then the "
    "outputs of probes. PATH is an artifact, a lock, or a folder in which every lock is verified. A .joblib or .pkl "
    "file whose bytes aren't the locked ones is not opened."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("path", nargs="+", type=Path, metavar="PATH", help="artifact, lock or folder")
    parser.add_argument(
        "--lock", type=Path, help="the lock (default: PATH.normlock.json); of a bundle, PATHs are its members"
    )
    parser.add_argument(
        "--expect", metavar="FINGERPRINT", help="accept this fingerprint alone (default: NORMLOCK_EXPECT, if it is set)"
    )
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument(
        "--trust-file",
        action="store_true",
        help="open a .joblib or .pkl file whose bytes the lock doesn't know: it runs code",
    )
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify each path; return the worst exit code."""
    if arguments.lock is not None and len(arguments.path) > 1:
        return _verified(None, arguments.lock, arguments, arguments.path)
    codes = []
    for path in arguments.path:
        tasks = list(_tasks(path, arguments.lock))
        if not tasks:
            print(f"{path}: nothing was checked, there is no lock in it", file=sys.stderr)
            codes.append(NOTHING_CHECKED)
        codes += [_verified(artifact, lock, arguments) for artifact, lock in tasks]
    return worst(codes)


def _tasks(path: Path, lock: Path | None) -> Iterator[tuple[Path | None, Path]]:
    """Yield what is to be compared: an artifact and its lock, or all that a lock names."""
    if path.is_dir():
        if lock is not None:
            yield None, lock
            return
        yield from ((None, found) for found in sorted(path.rglob(f"*{LOCK_SUFFIX}")))
    elif lock is not None:
        yield path, lock
    elif is_lock(path):
        yield None, path
    else:
        yield path, path.with_name(path.name + LOCK_SUFFIX)


def _verified(
    artifact: Path | None, lock_file: Path, arguments: argparse.Namespace, members: Sequence[Path] = ()
) -> int:
    try:
        for path in (*members, *([artifact] if artifact else [])):
            if not path.exists():
                raise FileNotFoundError(2, "No such file", str(path))
        from ..locks.document import Lock

        lock = Lock.load(lock_file)
        report = _compared(artifact, lock, lock_file, arguments, {path.name: path for path in members})
    except (NormLockError, OSError) as error:
        code = code_of(error)
        print_error(error, arguments.format, code, str(artifact or lock_file))
        return code
    if report is None:
        print(f"{lock_file}: nothing was checked, the lock names no file and none lies beside it", file=sys.stderr)
        return NOTHING_CHECKED
    code = print_report(report, arguments.format)
    if report.ok and report.environment and report.undecided:
        print(
            f"{lock_file}: could not check: it was locked under other versions, and no probe decides whether that "
            "matters. Verify it under the versions it was locked under, or lock it anew.",
            file=sys.stderr,
        )
        return COULD_NOT_CHECK
    return code


def _compared(
    artifact: Path | None, lock: Lock, lock_file: Path, arguments: argparse.Namespace, members: dict[str, Path]
) -> Report | None:
    from ..formats import FORMATS
    from ..persistence import open_locked, pins_of

    options: dict[str, Any] = {"trusted": arguments.trusted, "trust_file": arguments.trust_file}
    pins = pins_of(arguments.expect)
    if artifact is not None and artifact.suffix not in FORMATS:
        return _by_bytes(artifact, lock)
    if artifact is not None:
        return open_locked(artifact, lock, pins=pins, progress=progress(artifact), **options)[1]
    if lock.bundle:
        return _bundle(lock, lock_file, members, pins, options)
    if members:
        raise MissingLockError(
            f"{lock_file} locks one artifact, and {len(members)} were given.",
            remedy="Give one, or lock them together: `normlock lock A B -o BUNDLE.normlock.json`.",
        )
    beside = lock_file.with_name(lock_file.name.removesuffix(LOCK_SUFFIX))
    found = [lock_file.with_name(name) for name in lock.files] or ([beside] if beside.exists() else [])
    if not found:
        return None
    for path in found:
        report = open_locked(path, lock, pins=pins, progress=progress(path), **options)[1]
        if not report.ok:
            break
    return report


def _bundle(
    lock: Lock, lock_file: Path, given: dict[str, Path], pins: frozenset[str], options: dict[str, Any]
) -> Report:
    """Verify all files of a bundle, and that they are the ones that belong together."""
    from ..formats import FORMATS
    from ..locks.comparison import compare
    from ..persistence import open_locked

    unknown = sorted(set(given) - set(lock.files))
    if unknown:
        raise MissingLockError(
            f"{lock_file} says nothing of {', '.join(unknown)}: it is of {', '.join(lock.files)}.",
            remedy="Name the lock that belongs to it.",
        )
    members: dict[str, Any] = {}
    notes: list[str] = []
    for name, entry in lock.files.items():
        path = given.get(name, lock_file.with_name(name))
        if path.suffix in FORMATS:
            members[str(entry.member)], part = open_locked(path, lock, pins=pins, progress=progress(path), **options)
            notes += [note for note in part.notes if not note.startswith("member ")]
            continue
        _by_bytes(path, lock, name)
        members[str(entry.member)] = path
    missing = sorted(set(lock.members) - set(members))
    if missing:
        raise MissingLockError(
            f"{lock_file} names no file for {', '.join(missing)}.", remedy="Lock the bundle from its files."
        )
    report = compare(members, lock)
    return replace(report, subject=str(lock_file), notes=(*report.notes, *notes))


def _by_bytes(path: Path, lock: Lock, name: str | None = None) -> Report:
    """Verify a member that is not a scikit-learn object: its bytes are all that is known of it."""
    from ..files import file_digest
    from ..locks.report import Report

    entry = lock.files.get(name or path.name)
    if entry is None:
        raise MissingLockError(
            f"The lock says nothing of {path}: it is of {', '.join(lock.files) or 'no file'}.",
            path=str(path),
            remedy="Name the lock that belongs to it.",
        )
    with open(path, "rb") as file:
        sha256, _ = file_digest(file, progress(path))
    if sha256 != entry.sha256:
        raise ArtifactDigestError(
            f"{path} is not the file that was locked: its SHA-256 is {sha256[:12]}…, not {entry.sha256[:12]}….",
            path=str(path),
            expected=entry.sha256,
            actual=sha256,
            remedy="Deploy the file that was locked with the others, or lock the bundle anew.",
        )
    return Report(ok=True, subject=str(path), notes=(f"the same bytes, SHA-256 {sha256}",))
