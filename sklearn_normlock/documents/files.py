"""Files: written whole or not at all, and known by the digest of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of ``path`` when it is complete and on the disk."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:  # of a name that nobody knows
        raise type(error)(error.errno, error.strerror, str(path.parent)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(name, (path.stat().st_mode if path.exists() else 0o666 & ~_umask()) & 0o777)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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
