"""The three formats of a file: ``.skops``, ``.joblib`` and ``.pkl``; who writes each, and what one may hold."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from .drop_ins import drop_ins
from .errors import ArtifactReadError, NormLockError

# A transformer that is no drop-in: of its state, which is text and numbers, loading makes a profile.
_GUARD = "sklearn_normlock.guards.transformer.InputGuard"
# Inert types that fitted state of these classes holds and skops does not trust by itself.
_INERT = (
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "scipy.interpolate._bsplines._BSpline",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.impute._iterative._ImputerTriplet",
)
FORMATS = (".skops", ".joblib", ".pkl")
# Further files that hold what was trained: bound by their bytes, and not expected to lie about without a lock.
_WEIGHTS = frozenset(".bst .cbm .ckpt .gguf .h5 .keras .mlmodel .onnx .pb .pt .pth .safetensors .tflite .ubj".split())


@lru_cache(maxsize=1)
def trusted_types() -> tuple[str, ...]:
    """Return the names of this package's classes, for the ``trusted=`` of :func:`skops.io.load`.

    The list is fixed by the installed version of this package; nothing of it is read from an artifact. skops trusts
    scikit-learn's own estimators by itself.

    A few inert types that fitted state holds, such as ``numpy.dtype``, are in it.

    Returns
    -------
    names : tuple of str
        Such as ``"sklearn_normlock.preprocessing.StandardScaler"``, sorted.

    Examples
    --------
    >>> import skops.io, sklearn_normlock as nl
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> data = skops.io.dumps(StandardScaler().fit([[0.0], [2.0]]))
    >>> skops.io.loads(data, trusted=nl.trusted_types()).mean_
    array([1.])
    """
    names = {f"{cls.__module__}.{cls.__name__}" for cls in drop_ins().values()}
    return tuple(sorted({_GUARD, *_INERT, *names}))


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
        return lambda file: _skops().load(file, trusted=[*trusted_types(), *(trusted or ())])
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


def suffix_of(path: Path) -> str:
    """Return the suffix of a path, if it is one of a known format."""
    if path.suffix not in FORMATS:
        raise ArtifactReadError(
            f"{path}: the format {path.suffix or 'without a suffix'!r} is not known.",
            path=str(path),
            remedy=f"Use one of {', '.join(FORMATS)}.",
        )
    return path.suffix
