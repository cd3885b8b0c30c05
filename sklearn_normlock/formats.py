"""The three formats of a file: ``.skops``, ``.joblib`` and ``.pkl``; who writes each, and what one may hold."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from .bounds import require_sound
from .errors import ArtifactReadError, NormLockError
from .trust import default_trust

FORMATS = (".skops", ".joblib", ".pkl")
# Further files that hold what was trained: bound by their bytes, and not expected to lie about without a lock.
_WEIGHTS = frozenset(".bst .cbm .ckpt .gguf .h5 .keras .mlmodel .onnx .pb .pt .pth .safetensors .tflite .ubj".split())


def read(file: IO[bytes], path: Path, trusted: Sequence[str] | None) -> Any:
    """Return the object in an open file; ``path`` names it and its format.

    Raises
    ------
    ArtifactReadError
        If it can't be read as that.
    """
    reader = _reader(path, trusted)
    try:
        return reader(file)
    except NormLockError:
        raise
    except Warning:
        raise  # made an error by the caller's filters
    except Exception as error:
        if type(error).__name__ == "UntrustedTypesFoundException":
            raise ArtifactReadError(
                f"{path} was not loaded. {error}",
                path=str(path),
                remedy="If you know them to be harmless, name them in trusted=.",
            ) from None
        if isinstance(error, (ImportError, AttributeError)):
            raise ArtifactReadError(
                f"{path} needs something that isn't here ({type(error).__name__}: {error}).",
                path=str(path),
                remedy="Install the versions it was fitted under, or the package that it names.",
            ) from None
        raise ArtifactReadError(
            f"{path} can't be read as {path.suffix} ({type(error).__name__}: {error}).",
            path=str(path),
            remedy="It is cut short, damaged or of another format; copy it again from where it was saved.",
        ) from None


def _skops() -> Any:
    import skops.io

    return skops.io


def writer(path: Path) -> Callable[[Any, IO[bytes]], None]:
    """Return what writes an object into a file, by the suffix of its path."""
    suffix = suffix_of(path)
    if suffix == ".skops":
        return lambda est, file: _skops().dump(est, file)
    if suffix == ".joblib":
        import joblib

        return lambda est, file: joblib.dump(est, file)
    return lambda est, file: pickle.dump(est, file, protocol=5)


def _reader(path: Path, trusted: Sequence[str] | None) -> Callable[[IO[bytes]], Any]:
    suffix = suffix_of(path)
    if suffix == ".skops":
        return lambda file: _audited(file, path, trusted or ())
    if suffix == ".joblib":
        import joblib

        return joblib.load
    return pickle.load


def is_readable(path: Path) -> bool:
    """Tell whether a file holds an object that can be read back, by its name."""
    return path.suffix in FORMATS


def is_artifact(path: Path) -> bool:
    """Tell whether a file holds something that was trained, by its name."""
    return is_readable(path) or path.suffix.lower() in _WEIGHTS


def _audited(file: IO[bytes], path: Path, trusted: Sequence[str]) -> Any:
    est = _skops().load(file, trusted=[*default_trust(), *trusted])
    require_sound(est, str(path))
    return est


def suffix_of(path: Path) -> str:
    """Return the suffix of a path, if it is one of a known format."""
    if path.suffix not in FORMATS:
        raise ArtifactReadError(
            f"{path}: the format {path.suffix or 'without a suffix'!r} is not known.",
            path=str(path),
            remedy=f"Use one of {', '.join(FORMATS)}.",
        )
    return path.suffix
