"""The three formats of a file: ``.skops``, ``.joblib``, ``.pkl``; who writes and reads each, and what one may hold."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from .bounds import require_sound
from .documents.kinds import COMPRESSED, JOBLIB, SKOPS, ZIP, content_of, format_of, holds, other_kind
from .errors import ArtifactReadError, NormLockError, UnfingerprintableError
from .fingerprints.naming import BARE_MODULES
from .locks.fitted import remember
from .trust import default_trust

# Bytes that a .skops file may hold when it is unpacked: a few MB of a file could ask for all memory.
MAX_UNPACKED = 1 << 31
LIMIT_VARIABLE = "NORMLOCK_MAX_UNPACKED"


def read(
    file: IO[bytes], path: Path, trusted: Sequence[str] | None, max_unpacked: int | None = None, moved: str = ""
) -> Any:
    """Return the object in an open file, in the format that its bytes are of; ``path`` names it.

    ``moved`` says which versions are others than those under which these very bytes were locked: such a file is whole.

    Raises
    ------
    ArtifactReadError
        If it can't be read as that.
    """
    reader = _reader(file, path, trusted, max_unpacked)
    try:
        est = reader(file)
    except NormLockError:
        raise
    except Warning:
        raise  # made an error by the caller's filters
    except Exception as error:
        elsewhere = moved and (
            f"Its bytes are those that were locked, under other versions ({moved}): load it under those, or fit it "
            "anew under these."
        )
        if type(error).__name__ == "UntrustedTypesFoundException":
            gone = next((name for name in BARE_MODULES if f"'{name}." in str(error)), None)
            if gone is not None and find_spec(gone) is None:  # no name in trusted= would help
                raise _of_another_version(path, gone, BARE_MODULES[gone]) from None
            raise ArtifactReadError(
                f"{path} was not loaded. {error}",
                path=str(path),
                remedy="If you know them to be harmless, name them: in trusted= (--trusted TYPE), or for good in the "
                "lock, with nl.dump(..., lock=True, trusted=[...]), nl.lock(..., trusted=[...]) or `normlock lock "
                "--trusted TYPE`.",
            ) from None
        if isinstance(error, AttributeError) and "__main__" in str(error):
            raise ArtifactReadError(
                f"{path} needs something of __main__, the script that saved it, and this process has another "
                f"__main__ ({error}).",
                path=str(path),
                remedy="Move that function or class to a module that training and serving both import, fit again and "
                "save it anew.",
            ) from None
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = BARE_MODULES.get(error.name, error.name.partition(".")[0])
            if package in sys.modules:
                raise _of_another_version(path, error.name, package) from None
            raise ArtifactReadError(
                f"{path} needs something that isn't here (the module {error.name}).",
                path=str(path),
                remedy=elsewhere
                or "Install the package that has it; if it is a module of yours, say where it lies: --python-path "
                "FOLDER, or PYTHONPATH.",
            ) from None
        if isinstance(error, (ImportError, AttributeError)):
            raise ArtifactReadError(
                f"{path} needs something that isn't here ({type(error).__name__}: {error}).",
                path=str(path),
                remedy=elsewhere or "Install the versions it was fitted under, or the package that it names.",
            ) from None
        raise ArtifactReadError(
            f"{path} can't be read as {'.skops' if content_of(file) == ZIP else 'a pickle'} "
            f"({type(error).__name__}: {error}).",
            path=str(path),
            remedy=elsewhere
            or "It is cut short, damaged or of another format, or other versions of a library saved it; copy it again "
            "from where it was saved, or load it under those versions.",
        ) from None
    remember(est, path)
    return est


def require_one(est: Any, path: Path) -> None:
    """Refuse what was read from a file and is a container of objects: a lock is of one, or of files.

    Raises
    ------
    UnfingerprintableError
    """
    if isinstance(est, (Mapping, list, tuple, set)):
        raise UnfingerprintableError(
            f"{path} holds a {type(est).__name__}, and no fitted estimator.",
            path=str(path),
            remedy="Save each estimator in a file of its own, and lock them together: `normlock lock A B -o "
            "BUNDLE.normlock.json`.",
        )


def _of_another_version(path: Path, module: str, package: str) -> ArtifactReadError:
    return ArtifactReadError(
        f"{path} needs the module {module}, which another version of {package} has, and this one hasn't.",
        path=str(path),
        remedy="Load it under the version it was fitted under, or fit it anew under this one.",
    )


def is_safe(file: IO[bytes]) -> bool:
    """Tell whether reading an open file runs no code, whatever is in it: skops does so with zip files."""
    return content_of(file) == ZIP


def _skops() -> Any:
    import skops.io

    return skops.io


def writer(path: Path) -> Callable[[Any, IO[bytes]], None]:
    """Return what writes an object into a file, by the suffix of its path."""
    suffix, compression = named_format(path)
    if suffix == SKOPS:
        return lambda est, file: _skops().dump(est, file)
    if suffix == JOBLIB:
        import joblib

        compress: Any = 0 if compression is None else (compression, 3)
        return lambda est, file: joblib.dump(est, file, compress=compress)
    return lambda est, file: pickle.dump(est, file, protocol=5)


def _reader(
    file: IO[bytes], path: Path, trusted: Sequence[str] | None, max_unpacked: int | None
) -> Callable[[IO[bytes]], Any]:
    """Return what reads an open file, by its first bytes: names of pickles are of no rule."""
    content = content_of(file)
    if content is None:
        kind, remedy = other_kind(file) or ("no artifact", "Name one.")
        raise ArtifactReadError(
            f"{path} can't be read as a fitted object: it is {kind}.", path=str(path), remedy=remedy
        )
    if content == ZIP:
        _require_sizes(file, path, max_unpacked)
        return lambda file: _audited(file, path, trusted or ())
    if named_format(path)[0] == SKOPS:
        raise ArtifactReadError(
            f"{path} can't be read as .skops: it is a pickle or something else that would run code.",
            path=str(path),
            remedy="It is cut short, damaged or of another format; if you trust it as a pickle, name it .pkl.",
        )
    if content == COMPRESSED or holds(file, b"joblib.numpy_pickle"):
        import joblib

        return joblib.load
    return pickle.load


def _require_sizes(file: IO[bytes], path: Path, max_unpacked: int | None) -> None:
    """Refuse a zip file that is none of skops, or that would unpack to more than is allowed, by its directory."""
    import zipfile

    limit = _limit() if max_unpacked is None else max_unpacked
    try:
        with zipfile.ZipFile(file) as archive:
            names, unpacked = archive.namelist(), sum(member.file_size for member in archive.infolist())
    except Exception as error:
        raise ArtifactReadError(
            f"{path} can't be read as .skops ({type(error).__name__}: {error}).",
            path=str(path),
            remedy="It is cut short, damaged or of another format; copy it again from where it was saved.",
        ) from None
    size = file.seek(0, 2)
    file.seek(0)
    if "schema.json" not in names:
        raise ArtifactReadError(
            f"{path} is a zip file without schema.json, and so not of skops: weights of PyTorch, perhaps.",
            path=str(path),
            remedy="Bind it by its bytes, as a member of a bundle: `normlock lock A B -o BUNDLE.normlock.json`.",
        )
    # Members that are not compressed take no more room than the file itself.
    if unpacked > max(limit, size):
        raise ArtifactReadError(
            f"{path} was not opened: its {size:,} bytes unpack to {unpacked:,}, more than {limit:,}.",
            path=str(path),
            expected=limit,
            actual=unpacked,
            remedy=f"If that is right, raise the limit: max_unpacked=, or {LIMIT_VARIABLE} in the environment.",
        )


def _limit() -> int:
    text = os.environ.get(LIMIT_VARIABLE)
    if text is None:
        return MAX_UNPACKED
    if not text.isascii() or not text.isdigit():
        raise NormLockError(f"{LIMIT_VARIABLE} is {text!r}, which is not a number of bytes.", remedy="Give digits.")
    return int(text)


def _audited(file: IO[bytes], path: Path, trusted: Sequence[str]) -> Any:
    est = _skops().load(file, trusted=[*default_trust(), *trusted])
    require_sound(est, str(path))
    return est


def untrusted(path: Path, trusted: Sequence[str]) -> list[str]:
    """Return the types in a file that was just written which :func:`read` would not take, unless they are named."""
    if named_format(path)[0] != SKOPS:
        return []
    known = {*default_trust(), *trusted}
    return [each for each in _skops().get_untrusted_types(file=path) if each not in known]


def named_format(path: Path) -> tuple[str, str | None]:
    """Return the format that a path names, and how it is compressed."""
    found = format_of(path)
    if found is None:
        raise ArtifactReadError(
            f"{path}: the format {path.suffix or 'without a suffix'!r} is not known.",
            path=str(path),
            remedy="Use one of .skops, .joblib, .pkl.",
        )
    return found
