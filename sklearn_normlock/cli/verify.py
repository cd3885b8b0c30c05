"""``normlock verify``: tell whether an artifact is the one that was approved."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactDigestError, MissingLockError, NormLockError
from .folders import survey, unlocked
from .outcome import (
    add_format,
    code_of,
    print_error,
    print_nothing,
    print_report,
    progress,
    worst,
)
from .reading import LOCK_SUFFIX, add_python_path, is_lock, pin

if TYPE_CHECKING:
    from ..locks.document import Lock
    from ..locks.report import Report

FILE_CLASS = "sklearn_normlock:File"  # of a member that is bound by its bytes, in the state of a lock
CONTENT_CLASSES = ("sklearn_normlock:Weights", "sklearn_normlock:Settings")  # of what a file holds

HELP = "verify that an artifact is what its lock says"
DESCRIPTION = (
    "Compares artifacts with their locks: the bytes of the file first, then the state of the object in it, then the "
    "outputs of probes. PATH is an artifact, a lock, or a folder in which every lock is verified and every artifact "
    "must have one. A pickle whose bytes aren't the locked ones is not opened."
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
        "--allow-unlocked", action="store_true", help="in a folder, pass over artifacts that no lock speaks of"
    )
    parser.add_argument(
        "--trust-file",
        action="store_true",
        help="open a .joblib or .pkl file whose bytes the lock doesn't know: it runs code",
    )
    add_python_path(parser)
    parser.add_argument(
        "--recorded",
        type=Path,
        metavar="OUTPUTS",
        help="compare with outputs, too, that `normlock recorder` recorded where the artifact was fitted",
    )
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify each path; return the worst exit code."""
    if arguments.lock is not None:
        return worst(_by_lock(arguments.path, arguments.lock, arguments))
    codes: list[int] = []
    for path in arguments.path:
        if os.path.isdir(path):
            codes += _folder(path, arguments)
        elif is_lock(path):
            codes.append(_verified(_Task(path), arguments))
        else:
            codes.append(_verified(_Task(path.with_name(path.name + LOCK_SUFFIX), {"": path}), arguments))
    return worst(codes)


@dataclass
class _Task:
    """A lock, and the files that are to be compared with it.

    Parameters
    ----------
    lock_file : Path
        The lock.
    given : mapping of str to Path, default={}
        Where files lie that the lock names, if not where it says. Under the name "" a file that is to be compared
        alone, whatever it is called in the lock.
    folder : Path, default=None
        Where all other files lie; the folder of the lock if None.
    covered : set of str
        The files that the lock spoke of, by their real paths.
    """

    lock_file: Path
    given: Mapping[str, Path] = field(default_factory=dict)
    folder: Path | None = None
    covered: set[str] = field(default_factory=set)

    def path(self, key: str) -> Path:
        """Return where a file lies that the lock names."""
        from ..locks.naming import file_of

        return self.given[key] if key in self.given else file_of(key, self.folder or self.lock_file.parent)

    @property
    def alone(self) -> Path | None:
        """The file that is to be compared alone."""
        return self.given.get("")


def _folder(folder: Path, arguments: argparse.Namespace) -> list[int]:
    """Verify every lock in a folder, and say which artifacts have none."""
    found, covered, codes = survey(folder), set(), []
    for lock_file in found.locks:
        task = _Task(lock_file)
        codes.append(_verified(task, arguments))
        covered |= task.covered
    codes += _said(found.problems, arguments)
    if found.locks:
        return codes + _unlocked(found.artifacts, covered, arguments)
    names = ", ".join(str(path) for path in found.artifacts[:3]) + (", …" if len(found.artifacts) > 3 else "")
    text = "there is no lock in it" + (f", and none of {names}. `normlock lock` makes one for each" if names else "")
    return [*codes, print_nothing(text, arguments.format, folder)]


def _unlocked(artifacts: list[Path], covered: set[str], arguments: argparse.Namespace) -> list[int]:
    return [] if arguments.allow_unlocked else _said(unlocked(artifacts, covered), arguments)


def _said(errors: Iterable[NormLockError], arguments: argparse.Namespace) -> list[int]:
    """Print errors; return their exit codes."""
    codes = []
    for error in errors:
        codes.append(code_of(error))
        print_error(error, arguments.format, codes[-1], error.path or "")
    return codes


def _by_lock(paths: list[Path], lock_file: Path, arguments: argparse.Namespace) -> list[int]:
    """Compare files, or those in folders, with one lock that may lie elsewhere."""
    from ..locks.document import Lock

    if len(paths) == 1 and not os.path.isdir(paths[0]):
        return [_verified(_Task(lock_file, {"": paths[0]}), arguments)]
    try:
        lock = Lock.load(lock_file)
        for path in paths:
            if not path.exists():
                raise FileNotFoundError(2, "No such file", str(path))
        folders = [path for path in paths if os.path.isdir(path)]
        surveys = {folder: survey(folder) for folder in folders}
        inside = [path for each in surveys.values() for path in each.artifacts]
        given, rest = _named(lock, lock_file, [path for path in paths if path not in surveys], inside)
    except Exception as error:
        return _said_once(error, lock_file, arguments)
    task = _Task(lock_file, given, folders[0] if folders else None)
    codes = [_verified(task, arguments)]
    codes += _said([problem for each in surveys.values() for problem in each.problems], arguments)
    return codes + _unlocked(rest, task.covered, arguments)


def _said_once(error: Exception, subject: Path, arguments: argparse.Namespace) -> list[int]:
    if isinstance(error, BrokenPipeError):
        raise error
    code = code_of(error)
    print_error(error, arguments.format, code, str(subject))
    return [code]


def _named(lock: Lock, lock_file: Path, files: list[Path], inside: list[Path]) -> tuple[dict[str, Path], list[Path]]:
    """Return which file is which of those that a lock names, and the files in folders that it doesn't name."""
    from ..locks.naming import key_of

    if not lock.bundle and len(files) + (not files and len(inside) == 1) == 1:
        return {"": (files or inside)[0]}, inside if files else []
    if not lock.bundle and len(files) > 1:
        raise MissingLockError(
            f"{lock_file} locks one artifact, and {len(files)} were given.",
            remedy="Give one, or lock them together: `normlock lock A B -o BUNDLE.normlock.json`.",
        )
    given: dict[str, Path] = {}
    rest = []
    for path in (*files, *inside):
        key = key_of(path, lock.files, lock_file.parent)
        if key is None and path not in files:
            rest.append(path)
            continue
        if key is None:
            raise MissingLockError(
                f"{lock_file} says nothing of {path}: it is of {', '.join(lock.files)}.",
                path=str(path),
                remedy="Name the lock that belongs to it.",
            )
        if key in given:
            raise MissingLockError(
                f"{given[key]} and {path} are both {key} in {lock_file}: one of them would not be looked at.",
                path=str(path),
                remedy="Name one of them.",
            )
        given[key] = path
    return given, rest


def _verified(task: _Task, arguments: argparse.Namespace) -> int:
    try:
        from ..locks.document import Lock

        for path in task.given.values():
            if not path.exists():
                raise FileNotFoundError(2, "No such file", str(path))
        # A file that can't be read is told once, and not again with the artifact beside it.
        task.covered.add(os.path.realpath(str(task.lock_file).removesuffix(LOCK_SUFFIX)))
        lock = Lock.load(task.lock_file)
        task.covered.clear()
        report = _compared(task, lock, arguments)
    except Exception as error:  # of several paths the others are still verified
        return _said_once(error, task.alone or task.lock_file, arguments)[0]
    if report is None:
        return print_nothing("the lock names no file and none lies beside it", arguments.format, task.lock_file)
    return print_report(report, arguments.format)


def _compared(task: _Task, lock: Lock, arguments: argparse.Namespace) -> Report | None:
    from ..locks.naming import key_of
    from ..persistence import open_locked, pins_of

    options: dict[str, Any] = {"trusted": arguments.trusted, "trust_file": arguments.trust_file}
    alone = task.alone
    names = [*lock.files] or _beside(task, lock)
    task.covered |= {os.path.realpath(task.path(name)) for name in names}
    options["pins"] = pins_of(arguments.expect)
    if alone is not None:
        key = key_of(alone, lock.files, task.lock_file.parent)
        if lock.bundle and _holds_a_file(lock, key, alone):
            return _by_bytes(alone, lock, key, options["pins"])
        if _has_content(lock, key):
            return _by_content(alone, lock, key, options["pins"])
        est, found = open_locked(alone, lock, key=key, progress=progress(alone), **options)
        return found if arguments.recorded is None else _with_recorded(found, est, alone, arguments.recorded)
    if arguments.recorded is not None:
        raise NormLockError("Recorded outputs go with one artifact.", remedy="Name it: `normlock verify ARTIFACT`.")
    if lock.bundle:
        return _bundle(lock, task, options)
    report = None
    for path in map(task.path, names):
        if _has_content(lock, None):
            report = _by_content(path, lock, None, options["pins"])
        else:
            report = open_locked(path, lock, progress=progress(path), **options)[1]
        if not report.ok:
            break
    return report


def _with_recorded(report: Report, est: Any, path: Path, recorded: Path) -> Report:
    """Return a report that also says whether the outputs are those that were recorded."""
    from ..locks.recorded import Recording

    found = Recording.load(recorded).report(est, path)
    note = f"{found.probed} outputs agree with those of {recorded}" if found.ok else f"compared with {recorded}"
    return replace(
        report,
        deviations=(*report.deviations, *found.deviations),
        undecided=(*report.undecided, *found.undecided),
        notes=(*report.notes, note),
    )


def _beside(task: _Task, lock: Lock) -> list[str]:
    """Return the name of the artifact that lies beside a lock of an object that was locked in memory."""
    name = task.lock_file.name.removesuffix(LOCK_SUFFIX)
    known = not lock.bundle and name not in ("", task.lock_file.name) and task.path(name).exists()
    return [name] if known else []


def _holds_a_file(lock: Lock, key: str | None, path: Path) -> bool:
    """Tell whether a member of a bundle is bound by its bytes alone."""
    from ..documents.kinds import is_readable

    member = None if key is None else lock.files[key].member
    entry = lock.state.get(member) if member is not None else None
    recorded = isinstance(entry, Mapping) and entry.get("class") == FILE_CLASS
    return recorded or not (is_readable(path) or _has_content(lock, key))


def _has_content(lock: Lock, key: str | None) -> bool:
    """Tell whether a lock, or its member of that file, is of what a file holds: tensors or settings, in any bytes."""
    member = lock.files[key].member if key is not None and lock.bundle else ""
    entry = lock.state.get(str(member))
    return isinstance(entry, Mapping) and entry.get("class") in CONTENT_CLASSES


def _by_content(path: Path, lock: Lock, key: str | None, pins: frozenset[str]) -> Report:
    """Verify a file by the tensors or settings in it."""
    from ..locks.comparison import compare

    part, notes = _bytes_of(path, lock, key, pins)
    report = compare(path, part)
    return replace(report, subject=str(path), notes=(*report.notes, *notes))


def _bytes_of(path: Path, lock: Lock, key: str | None, pins: frozenset[str]) -> tuple[Lock, list[str]]:
    """Return the part of a lock that a file is of, and notes: its bytes may be others than those that were locked."""
    from ..documents.files import file_digest, reading
    from ..persistence import part_for, require_pinned

    with reading(path) as file:
        sha256, _ = file_digest(file, progress(path))
    part, notes = part_for(path, sha256, lock, key)
    require_pinned(path, pins, lock, part)
    if part.files and sha256 not in {each.sha256 for each in part.files.values()}:
        notes.append(f"{path.name} has other bytes than the locked file, and was judged by what it holds")
    return part, notes


def _bundle(lock: Lock, task: _Task, options: dict[str, Any]) -> Report:
    """Verify all files of a bundle, and that they are the ones that belong together."""
    from ..locks.comparison import compare
    from ..persistence import open_locked

    missing = sorted(set(lock.members) - {str(entry.member) for entry in lock.files.values()})
    if missing:
        raise MissingLockError(
            f"{task.lock_file} names no file for {', '.join(missing)}.", remedy="Lock the bundle from its files."
        )
    members: dict[str, Any] = {}
    notes: list[str] = []
    for key, entry in lock.files.items():
        path = task.path(key)
        if _holds_a_file(lock, key, path):
            _by_bytes(path, lock, key, options["pins"])
            members[str(entry.member)] = path
        elif _has_content(lock, key):  # judged below, with all others
            notes += [note for note in _bytes_of(path, lock, key, options["pins"])[1] if not note.startswith("member ")]
            members[str(entry.member)] = path
        else:
            members[str(entry.member)], part = open_locked(path, lock, key=key, progress=progress(path), **options)
            notes += [note for note in part.notes if not note.startswith("member ")]
    report = compare(members, lock)
    return replace(report, subject=str(task.lock_file), notes=(*report.notes, *notes))


def _by_bytes(path: Path, lock: Lock, key: str | None, pins: frozenset[str]) -> Report:
    """Verify a file that is no scikit-learn object: its bytes are all that is known of it."""
    from ..documents.files import file_digest, reading
    from ..locks.report import Report
    from ..persistence import part_for, require_pinned

    with reading(path) as file:
        sha256, _ = file_digest(file, progress(path))
    part, notes = part_for(path, sha256, lock, key)
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
    return Report(expected=lock.fingerprint, actual=lock.fingerprint, subject=str(path), notes=tuple(notes))
