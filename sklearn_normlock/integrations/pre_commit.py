"""The hooks for pre-commit: no artifact is committed without its lock, and no lock that can't be read.

``.pre-commit-hooks.yaml`` runs them as ``python -I -m sklearn_normlock.integrations.pre_commit HOOK FILE...``, isolated
so that no module of the repository is imported. They look at bytes alone: nothing is unpickled, and neither
scikit-learn nor NumPy is imported. Whether an object behaves as approved is the business of ``normlock verify``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from ..cli.outcome import MATCH, USAGE, code_of, print_error, worst
from ..errors import ArtifactDigestError, LockFormatError, MissingLockError, NormLockError
from ..files import file_digest
from ..locks.document import SUFFIX, Lock, parsed

__all__ = ["check_artifact", "check_lock", "main"]

# What git holds in place of a large file (git-lfs.com, specification of the pointer), where the file itself was not
# fetched. It names the SHA-256, which is what a lock does.
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_POINTER_SIZE = 1024


def check_lock(path: Path) -> None:
    """Check that a lock can be read.

    Parameters
    ----------
    path : Path
        Of the lock.

    Raises
    ------
    LockFormatError, LockVersionError, MissingLockError
        If it is no lock, damaged, or edited by hand.
    """
    Lock.load(path)


def check_artifact(path: Path, tracked: Callable[[Path], bool]) -> None:
    """Check that a file is one that a lock speaks of, by its bytes.

    Parameters
    ----------
    path : Path
        An artifact; or a lock, for all artifacts that lie beside it.
    tracked : callable
        Tells whether a file is under version control: a lock that isn't would not be committed.

    Raises
    ------
    MissingLockError
        If no lock names the file.
    ArtifactDigestError
        If its bytes are others than those that were locked.
    """
    if path.name.endswith(SUFFIX):
        for name in Lock.load(path).files:
            if (path.parent / name).exists():
                _compare(path.parent / name, path)
        return
    locks = _locks_of(path)
    for lock_file in locks:
        _compare(path, lock_file)
        if not tracked(lock_file):
            raise MissingLockError(
                f"{lock_file}, the lock of {path}, is not under version control.",
                path=str(lock_file),
                remedy=f"`git add {lock_file}`.",
            )


def _locks_of(path: Path) -> list[Path]:
    """Return the locks that speak of an artifact: its own, and those beside it that name it."""
    own = path.with_name(path.name + SUFFIX)
    found = [own] if own.exists() else []
    for lock_file in sorted(path.parent.glob(f"*{SUFFIX}")):
        try:
            if lock_file != own and path.name in Lock.load(lock_file).files:
                found.append(lock_file)
        except LockFormatError:  # the other hook tells of it
            continue
    if not found:
        raise MissingLockError(
            f"{path} has no lock.",
            path=str(path),
            remedy=f"Lock it if it is what was approved, `normlock lock {path}`, and add {own.name} to the commit.",
        )
    return found


def _compare(path: Path, lock_file: Path) -> None:
    entry = Lock.load(lock_file).files.get(path.name)
    if entry is None:
        raise MissingLockError(
            f"{lock_file} holds no digest of {path.name}: it says nothing of the file's bytes.",
            path=str(path),
            remedy=f"Lock the file, `normlock lock {path}`, and not the object alone.",
        )
    with open(path, "rb") as file:
        sha256 = _pointed_at(file) or file_digest(file)[0]
    if sha256 != entry.sha256:
        raise ArtifactDigestError(
            f"{path} is not the file that {lock_file.name} locks: its SHA-256 is {sha256[:12]}…, not "
            f"{entry.sha256[:12]}….",
            path=str(path),
            expected=entry.sha256,
            actual=sha256,
            remedy="Restore the file; or lock this one, `normlock lock`, and have the difference reviewed.",
        )


def _pointed_at(file: IO[bytes]) -> str | None:
    """Return the digest that a pointer of Git LFS names, or None if the file is none."""
    match = _POINTER.match(file.read(_POINTER_SIZE))
    return None if match is None else match[1].decode("ascii")


def _git(folder: Path, *arguments: str) -> tuple[int, bytes]:
    """Return the exit code of git and what it printed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise LockFormatError(f"git can't be run ({error}).", remedy="These are hooks for a git repository.") from None
    if done.returncode > 1:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise LockFormatError(f"git {arguments[0]}: {said}.", remedy="These are hooks for a git repository.")
    return done.returncode, done.stdout


def _tracked(path: Path) -> bool:
    """Tell whether git knows a file: committed, or added to be."""
    return _git(path.parent, "ls-files", "--error-unmatch", "--", path.name)[0] == 0


def _left_without_lock() -> list[Path]:
    """Return the artifacts whose locks this commit deletes: pre-commit passes no file that is gone."""
    options = ("--cached", "--relative", "--name-only", "--no-renames", "--diff-filter=D", "-z")
    _, names = _git(Path(), "diff", *options, "--", f"*{SUFFIX}")
    found = []
    for name in map(os.fsdecode, filter(None, names.split(b"\0"))):
        lock_file = Path(name)
        try:
            files = Lock.from_dict(parsed(_git(Path(), "show", f"HEAD:./{name}")[1])).files
        except LockFormatError:  # it locked nothing
            files = {}
        own = lock_file.name.removesuffix(SUFFIX)
        found += [lock_file.parent / each for each in dict.fromkeys([own, *files])]
    return [path for path in found if path.exists() and _tracked(path)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a hook on the files of a commit.

    Parameters
    ----------
    argv : sequence of str, default=None
        The hook, ``artifacts`` or ``locks``, and the files; those of the process if None.

    Returns
    -------
    code : int
        As the command ``normlock`` has them; 0 also if the commit has nothing for the hook to look at.
    """
    parser = argparse.ArgumentParser(prog="normlock hook", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("hook", choices=["artifacts", "locks"])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:
        return USAGE if stop.code else MATCH
    if arguments.hook == "locks":
        return _run(check_lock, arguments.files)
    try:
        left = _left_without_lock()
    except LockFormatError as error:
        print_error(error, "text", code_of(error))
        return code_of(error)
    return _run(lambda path: check_artifact(path, _tracked), dict.fromkeys([*arguments.files, *left]))


def _run(hook: Callable[[Path], None], files: Iterable[Path]) -> int:
    codes = [MATCH]
    said = set()
    for path in files:
        try:
            hook(path)
            codes.append(MATCH)
        except (NormLockError, OSError) as error:
            codes.append(code_of(error))
            if str(error) not in said:  # an artifact and its lock, changed together, are both asked about
                print_error(error, "text", codes[-1], os.fspath(path))
                said.add(str(error))
    return worst(codes)


if __name__ == "__main__":
    sys.exit(main())
