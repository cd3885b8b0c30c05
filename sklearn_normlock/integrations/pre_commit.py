"""The hooks for pre-commit: no artifact is committed without its lock, and no lock that can't be read.

``.pre-commit-hooks.yaml`` runs them as ``python -I -m sklearn_normlock.integrations.pre_commit HOOK FILE...``, isolated
so that no module of the repository is imported. They look at bytes alone: nothing is unpickled, and neither
scikit-learn nor NumPy is imported. Whether an object behaves as approved is the business of ``normlock verify``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

from ..cli.outcome import MATCH, USAGE, code_of, print_error, worst
from ..documents.envelope import parsed
from ..documents.files import file_digest, reading
from ..documents.kinds import is_artifact
from ..errors import ArtifactDigestError, LockFormatError, MissingLockError, NormLockError, UndecidedError
from ..locks.document import SUFFIX, Lock
from ..locks.judgement import unjudged
from ..locks.naming import file_of

__all__ = ["main"]

# The text that git holds in place of a large file (git-lfs.com, specification of the pointer), where the file itself
# was not fetched. It names the SHA-256, which is what a lock does.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[0-9]-[!-~]+ [!-~]+\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,19})\n"
)
_POINTER_SIZE = 1024


class Commit:
    """The questions of a hook to the repository that is the current folder; each lock is read once."""

    def __init__(self) -> None:
        self._read: dict[Path, Lock | LockFormatError] = {}

    def lock(self, path: Path) -> Lock:
        """Read a lock, or raise why it can't be read."""
        if path not in self._read:
            try:
                self._read[path] = Lock.load(path)
            except LockFormatError as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, LockFormatError):
            raise found
        return found

    def locks_of(self, path: Path) -> list[Path]:
        """Return the locks that speak of an artifact: its own, and those beside it that name it."""
        own = path.with_name(path.name + SUFFIX)
        found = [own] if own.exists() else []
        own_path = Path(os.path.abspath(own))
        beside = {Path(os.path.abspath(lock_file)) for lock_file in path.parent.glob(f"*{SUFFIX}")}
        for lock_file in sorted((beside | self._tracked_locks) - {own_path}):
            shown = Path(os.path.relpath(lock_file))
            try:
                if self.key(path, shown) is not None:
                    found.append(shown)
            except LockFormatError:  # the other hook tells of it
                continue
        return found

    def key(self, path: Path, lock_file: Path) -> str | None:
        """Return what a lock calls a file of this repository; None if it doesn't name it."""
        at = os.path.abspath(path)
        files = self.lock(lock_file).files
        return next((key for key in files if os.path.abspath(file_of(key, lock_file.parent)) == at), None)

    @cached_property
    def _tracked_locks(self) -> frozenset[Path]:
        names = _git("ls-files", "-z", "--", f":(top)*{SUFFIX}").split(b"\0")
        return frozenset(Path(os.path.abspath(os.fsdecode(name))) for name in names if name)

    def tracks(self, lock_file: Path) -> bool:
        """Tell whether git knows a lock: committed, or added to be."""
        return Path(os.path.abspath(lock_file)) in self._tracked_locks

    @cached_property
    def deleted(self) -> dict[Path, Path]:
        """The artifacts that stay, with the lock of each that this commit deletes; pre-commit passes no such lock."""
        options = ("--cached", "--relative", "--name-only", "--no-renames", "--diff-filter=D", "-z")
        names = _git("diff", *options, "--", f"*{SUFFIX}").split(b"\0")
        found: dict[Path, Path] = {}
        for lock_file in (Path(os.fsdecode(name)) for name in names if name):
            try:
                files = Lock.from_dict(parsed(_git("show", f"HEAD:./{lock_file.as_posix()}"))).files
            except LockFormatError:  # it locked nothing
                files = {}
            for name in (lock_file.name.removesuffix(SUFFIX), *files):
                found.setdefault(Path(os.path.normpath(file_of(name, lock_file.parent))), lock_file)
        return {
            path: lock_file
            for path, lock_file in found.items()
            if path.exists() and _git("ls-files", "-z", "--", f":(literal){path.as_posix()}")
        }


def _git(*arguments: str) -> bytes:
    """Return what git printed."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError as error:
        raise LockFormatError(f"git can't be run ({error}).", remedy="These are hooks for a git repository.") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]  # a page of its usage may follow
        raise LockFormatError(f"git {arguments[0]}: {said}.", remedy="These are hooks for a git repository.")
    return done.stdout


def check_lock(path: Path, commit: Commit) -> None:
    """Check that a lock can be read, and that it leaves nothing undecided whatever it is compared with.

    Parameters
    ----------
    path : Path
        Of the lock.
    commit : Commit
        What it belongs to.

    Raises
    ------
    LockFormatError, LockVersionError, MissingLockError
        If it is no lock, damaged, or edited by hand.
    UndecidedError
        If no comparison with it can be a match: a step has no probe and nobody accepted it, say.
    """
    for each in unjudged(commit.lock(path)):
        raise UndecidedError(f"{path}: no comparison with it is a match: {each.text}", path=each.path)


def check_artifact(path: Path, commit: Commit) -> None:
    """Check that a file is one that a lock speaks of, by its bytes.

    Parameters
    ----------
    path : Path
        An artifact; or a lock, for all artifacts that lie beside it.
    commit : Commit
        What it belongs to.

    Raises
    ------
    MissingLockError
        If no lock names the file, or the lock isn't under version control and so not committed.
    ArtifactDigestError
        If its bytes are others than those that were locked.
    LockFormatError
        If the lock can't be read.
    """
    if path.name.endswith(SUFFIX):
        named = [file_of(name, path.parent) for name in commit.lock(path).files]
        beside = path.with_name(path.name.removesuffix(SUFFIX))
        # A lock that no longer names the artifact beside it is said to be so.
        for each in dict.fromkeys([beside, *named]) if is_artifact(beside) else named:
            if each.exists():
                _compare(each, path, commit)
        return
    locks = commit.locks_of(path)
    if not locks:
        raise MissingLockError(
            f"{path} has no lock.",
            path=str(path),
            remedy=f"Lock it if it is what was approved, `normlock lock {path}`, and add the lock to the commit.",
        )
    own = path.with_name(path.name + SUFFIX)
    bundled = any(file.member for lock_file in locks for file in commit.lock(lock_file).files.values())
    if commit.deleted.get(path) == own and own not in locks and not bundled:
        raise MissingLockError(
            f"{own}, the lock of {path}, was renamed to {locks[0].name}: neither `normlock verify {path.name}` nor "
            "load(lock=True) finds it there.",
            path=str(path),
            expected=own.name,
            actual=locks[0].name,
            remedy=f"Rename it back, `git mv {locks[0]} {own}`.",
        )
    for lock_file in locks:
        _compare(path, lock_file, commit)
        if lock_file.is_symlink():
            raise MissingLockError(
                f"{lock_file}, the lock of {path}, is a link: git keeps where it leads to, and not the lock.",
                path=str(lock_file),
                remedy="Put the lock itself in its place.",
            )
        if not commit.tracks(lock_file):
            raise MissingLockError(
                f"{lock_file}, the lock of {path}, is not under version control.",
                path=str(lock_file),
                remedy=f"`git add {lock_file}`.",
            )


def _compare(path: Path, lock_file: Path, commit: Commit) -> None:
    key = commit.key(path, lock_file)
    entry = None if key is None else commit.lock(lock_file).files[key]
    if entry is None:
        raise MissingLockError(
            f"{lock_file} holds no digest of {path.name}: it says nothing of the file's bytes.",
            path=str(path),
            remedy=f"Lock the file, `normlock lock {path}`, and not the object alone.",
        )
    with reading(path) as file:
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
    """Return the digest that a pointer of Git LFS names, or None if the file is none.

    A pointer is the whole of a file: what begins like one and goes on is a file of its own bytes.
    """
    match = _POINTER.fullmatch(file.read(_POINTER_SIZE + 1))
    return None if match is None else match[1].decode("ascii")


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

    Examples
    --------
    >>> from sklearn_normlock.integrations.pre_commit import main
    >>> main(["locks"])
    0
    """
    # Nothing but the first word is an option: pre-commit passes names of files, and one may begin with a dash.
    hook, *names = sys.argv[1:] if argv is None else argv or [""]
    if hook not in ("artifacts", "locks"):
        print(f"normlock hook: the first argument is artifacts or locks, not {hook!r}", file=sys.stderr)
        return USAGE
    files = [Path(name) for name in (names[1:] if names[:1] == ["--"] else names)]
    commit = Commit()
    if hook == "locks":
        return _run(check_lock, files, commit)
    try:
        left = commit.deleted
    except LockFormatError as error:
        print_error(error, "text", code_of(error))
        return code_of(error)
    return _run(check_artifact, dict.fromkeys([*files, *left]), commit)


def _run(hook: Callable[[Path, Commit], None], files: Iterable[Path], commit: Commit) -> int:
    codes = [MATCH]
    said = set()
    for path in files:
        try:
            hook(path, commit)
        except (NormLockError, OSError) as error:
            codes.append(code_of(error))
            if str(error) not in said:  # an artifact and its lock, changed together, are both asked about
                print_error(error, "text", codes[-1], os.fspath(path))
                said.add(str(error))
    return worst(codes)


if __name__ == "__main__":
    sys.exit(main())
