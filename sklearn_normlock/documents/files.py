"""Files: read only if they are plain files, written whole or not at all, and known by the digest of their bytes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ..errors import ArtifactReadError, ArtifactWriteError, NormLockError

_CHUNK = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
# Errors of the system that a reader of the message wants in other words.
_REASONS = {
    errno.ENOSPC: ("No space left on device", "Make room"),
    errno.EDQUOT: ("the disk quota is used up", "Make room"),
    errno.EROFS: ("the file system is read-only", "Write to another folder"),
    errno.EACCES: ("permission was denied", "Write to a folder where you may"),
    errno.EPERM: ("the operation is not permitted", "Write to a folder where you may"),
    errno.ENOENT: ("there is no such folder", "Make the folder first"),
    errno.ENOTDIR: ("its parent is not a folder", "Write to a folder"),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "Choose a shorter name"),
    errno.ELOOP: ("it is a link that leads to itself", "Mend the link"),
}


def kind_of(mode: int) -> str:
    """Return what a file is that isn't a plain one, by its mode: "a folder", say."""
    return next((name for test, name in _KINDS if test(mode)), "no plain file")


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a plain file to read it: a FIFO would wait for ever, a device may have no end.

    Raises
    ------
    ArtifactReadError
        If it is not a plain file.
    OSError
        If it can't be opened.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO would already wait.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags)
    except ValueError as error:  # a NUL in the name, or a letter that the locale hasn't
        raise ArtifactReadError(
            f"{os.fspath(path)!r} can't be the name of a file ({error}).", path=str(path), remedy="Name a file."
        ) from None
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EISDIR):  # a socket; a folder, on Windows
            raise _not_plain(path, "a socket" if error.errno == errno.ENXIO else "a folder") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_plain(path, kind_of(mode))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return what a plain file holds."""
    with reading(path) as file:
        return file.read()


def _not_plain(path: str | os.PathLike[str], kind: str) -> ArtifactReadError:
    return ArtifactReadError(f"{path} is {kind}, not a file.", path=str(path), remedy="Name a file.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of ``path`` when it is complete and on the disk.

    A link stays, and the file that it leads to is replaced. The new file has the owner, the group and the mode of the
    old one, as far as the process may give them.

    Raises
    ------
    ArtifactWriteError
        If it can't be written; the file that was there is untouched.
    """
    part: str | None = None
    try:
        os.fsencode(path)
    except UnicodeError as error:
        raise _unwritten(path, OSError(errno.EINVAL, f"the locale has no such name ({error})")) from None
    try:
        target = os.path.realpath(path)
        before = _plain_or_none(target, path)
        # A short name of its own: that of the target may already be as long as names may be. The umask of the process
        # applies, because the system makes the file.
        folder = os.path.dirname(target)
        name = os.path.join(folder, f".normlock-{os.urandom(8).hex()}.part")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(name, flags, 0o666 if before is None else 0o600)
        part = name
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            to_disk(file)
            if before is not None:
                _keep(file.fileno(), part, before)
        os.replace(part, target)
        part = None
        _sync_folder(folder)
    except OSError as error:
        if isinstance(error, NormLockError):
            raise
        raise _unwritten(path, error) from None
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise _unwritten(path, OSError(errno.EINVAL, str(error))) from None
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                os.unlink(part)


def to_disk(file: IO[bytes]) -> None:
    """Have on the disk what was written to a file so far."""
    file.flush()
    os.fsync(file.fileno())


def _plain_or_none(target: str, path: Path) -> os.stat_result | None:
    """Return the status of the file that will be replaced; None if there is none."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactWriteError(
            f"{path} was not written: it is {kind_of(found.st_mode)}.", path=str(path), remedy="Name a file."
        )
    return found


def _keep(descriptor: int, part: str, before: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of the one that it replaces, as far as that is allowed."""
    if hasattr(os, "fchown"):
        for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
            with contextlib.suppress(OSError):
                os.fchown(descriptor, owner, group)
    mode = stat.S_IMODE(before.st_mode)
    with contextlib.suppress(OSError):
        # After the owner: a change of owner takes special bits away.
        os.fchmod(descriptor, mode) if hasattr(os, "fchmod") else os.chmod(part, mode)


def _sync_folder(folder: str) -> None:
    """Have the new name on the disk as well; some systems and file systems can't."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritten(path: Path, error: OSError) -> ArtifactWriteError:
    reason, remedy = _REASONS.get(error.errno or 0, (error.strerror or str(error), "Mend that"))
    return ArtifactWriteError(
        f"{path} was not written: {reason}.",
        path=str(path),
        actual=error.errno,
        remedy=f"{remedy}, then write it again; a file that was there before is untouched.",
    )


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one process after another write the files of a folder that belong together.

    The lock is advisory and is the folder's own, so that nothing is left behind. Where the system has no such lock, or
    the file system refuses it, writers are not kept apart.
    """
    descriptor = None
    try:
        import fcntl

        with contextlib.suppress(OSError, UnicodeError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except ImportError:  # Windows
        pass
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def file_digest(file: IO[bytes], progress: Callable[[int], None] | None = None) -> tuple[str, int]:
    """Return the SHA-256 of an open file, in hexadecimal, and its size; the file stands at its start again.

    Parameters
    ----------
    file : binary file
        Open for reading. Hash and read one open file: another could have taken its name in between.
    progress : callable, default=None
        Called with the number of bytes read so far.
    """
    digest, size, buffer = hashlib.sha256(), 0, bytearray(_CHUNK)
    view = memoryview(buffer)
    file.seek(0)
    while read := file.readinto(buffer):  # type: ignore[attr-defined]
        digest.update(view[:read])
        size += read
        if progress is not None:
            progress(size)
    file.seek(0)
    return digest.hexdigest(), size
