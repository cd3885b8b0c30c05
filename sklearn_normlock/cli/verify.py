"""``normlock verify``: tell whether an artifact is the one that was approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactDigestError, MissingLockError
from .outcome import (
    COULD_NOT_CHECK,
    add_format,
    code_of,
    print_error,
    print_nothing,
    print_report,
    progress,
    worst,
)
from .reading import LOCK_SUFFIX, is_lock, pin

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
        "--expect",
        type=pin,
        metavar="FINGERPRINT",
        help="accept this fingerprint alone (default: NORMLOCK_EXPECT, if it is set)",
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
        given = {path.name: path for path in arguments.path}
        return _verified(None, arguments.lock, _Places(arguments.lock.parent, given), arguments)
    codes = []
    for path in arguments.path:
        tasks = list(_tasks(path, arguments.lock))
        if not tasks:
            codes.append(print_nothing("there is no lock in it", arguments.format, path))
        codes += [_verified(artifact, lock, _Places(folder), arguments) for artifact, lock, folder in tasks]
    return worst(codes)


class _Places:
    """Where the files lie that a lock names: in a folder, but for those that were given."""

    def __init__(self, folder: Path, given: Mapping[str, Path] | None = None) -> None:
        self.folder = folder
        self.given = given or {}

    def __getitem__(self, name: str) -> Path:
        return self.given.get(name, self.folder / name)


def _tasks(path: Path, lock: Path | None) -> Iterator[tuple[Path | None, Path, Path]]:
    """Yield what is to be compared: an artifact, or None for all that the lock names; the lock; and their folder."""
    if path.is_dir():
        if lock is not None:
            yield None, lock, path
            return
        yield from ((None, found, found.parent) for found in sorted(path.rglob(f"*{LOCK_SUFFIX}")))
    elif lock is not None:
        yield path, lock, path.parent
    elif is_lock(path):
        yield None, path, path.parent
    else:
        yield path, path.with_name(path.name + LOCK_SUFFIX), path.parent


def _verified(artifact: Path | None, lock_file: Path, places: _Places, arguments: argparse.Namespace) -> int:
    try:
        for path in (*places.given.values(), *([] if artifact is None else [artifact])):
            if not path.exists():
                raise FileNotFoundError(2, "No such file", str(path))
        from ..locks.document import Lock

        lock = Lock.load(lock_file)
        report = _compared(artifact, lock, lock_file, places, arguments)
    except Exception as error:  # of several paths the others are still verified
        code = code_of(error)
        print_error(error, arguments.format, code, str(artifact or lock_file))
        return code
    if report is None:
        return print_nothing("the lock names no file and none lies beside it", arguments.format, lock_file)
    unclear = report.ok and report.environment and report.undecided
    code = print_report(report, arguments.format, COULD_NOT_CHECK if unclear else None)
    if unclear:
        print(
            f"{lock_file}: could not check: it was locked under other versions, and no probe decides whether that "
            "matters. Verify it under the versions it was locked under, or lock it anew.",
            file=sys.stderr,
        )
    return code


def _compared(
    artifact: Path | None, lock: Lock, lock_file: Path, places: _Places, arguments: argparse.Namespace
) -> Report | None:
    from ..formats import FORMATS
    from ..persistence import open_locked, pins_of

    options: dict[str, Any] = {"trusted": arguments.trusted, "trust_file": arguments.trust_file}
    pins = pins_of(arguments.expect)
    if artifact is not None:
        if artifact.suffix not in FORMATS and lock.bundle:
            return _by_bytes(artifact, lock, pins)
        return open_locked(artifact, lock, pins=pins, progress=progress(artifact), **options)[1]
    if lock.bundle:
        return _bundle(lock, lock_file, places, pins, options)
    if places.given:
        raise MissingLockError(
            f"{lock_file} locks one artifact, and {len(places.given)} were given.",
            remedy="Give one, or lock them together: `normlock lock A B -o BUNDLE.normlock.json`.",
        )
    beside = lock_file.name.removesuffix(LOCK_SUFFIX)
    names = [*lock.files] or ([beside] if beside not in ("", lock_file.name) and places[beside].exists() else [])
    found = [places[name] for name in names]
    if not found:
        return None
    for path in found:
        report = open_locked(path, lock, pins=pins, progress=progress(path), **options)[1]
        if not report.ok:
            break
    return report


def _bundle(lock: Lock, lock_file: Path, places: _Places, pins: frozenset[str], options: dict[str, Any]) -> Report:
    """Verify all files of a bundle, and that they are the ones that belong together."""
    from ..formats import FORMATS
    from ..locks.comparison import compare
    from ..persistence import open_locked

    unknown = sorted(set(places.given) - set(lock.files))
    if unknown:
        raise MissingLockError(
            f"{lock_file} says nothing of {', '.join(unknown)}: it is of {', '.join(lock.files)}.",
            remedy="Name the lock that belongs to it.",
        )
    members: dict[str, Any] = {}
    notes: list[str] = []
    for name, entry in lock.files.items():
        path = places[name]
        if path.suffix in FORMATS:
            members[str(entry.member)], part = open_locked(path, lock, pins=pins, progress=progress(path), **options)
            notes += [note for note in part.notes if not note.startswith("member ")]
        else:
            _by_bytes(path, lock, pins)
            members[str(entry.member)] = path
    missing = sorted(set(lock.members) - set(members))
    if missing:
        raise MissingLockError(
            f"{lock_file} names no file for {', '.join(missing)}.", remedy="Lock the bundle from its files."
        )
    report = compare(members, lock)
    return replace(report, subject=str(lock_file), notes=(*report.notes, *notes))


def _by_bytes(path: Path, lock: Lock, pins: frozenset[str]) -> Report:
    """Verify a file that is no scikit-learn object: its bytes are all that is known of it."""
    from ..documents.files import file_digest, reading
    from ..locks.report import Report
    from ..persistence import part_for, require_pinned

    with reading(path) as file:
        sha256, _ = file_digest(file, progress(path))
    part, notes = part_for(path, sha256, lock)
    require_pinned(path, pins, lock, part)
    locked = {each.sha256 for each in part.files.values()}
    if sha256 not in locked:
        expected = ", ".join(f"{each[:12]}…" for each in sorted(locked)) or "a file that the lock has no digest of"
        raise ArtifactDigestError(
            f"{path} is not the file that was locked: its SHA-256 is {sha256[:12]}…, not {expected}.",
            path=str(path),
            expected=", ".join(sorted(locked)) or None,
            actual=sha256,
            remedy="Deploy the file that was locked with the others, or lock the bundle anew.",
        )
    notes.append("compared by its bytes")
    return Report(ok=True, expected=lock.fingerprint, actual=lock.fingerprint, subject=str(path), notes=tuple(notes))
