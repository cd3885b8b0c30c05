"""Save and load sealed objects: ``.skops``, ``.joblib`` and ``.pkl``, written whole and verified on the way back."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from .config import policy
from .errors import ArtifactReadError, FingerprintMismatchError, MissingFingerprintError, NormLockError
from .files import replacing
from .fingerprints import fingerprint
from .seals.mixin import Locked
from .seals.seal import find_problem, respond
from .seals.watch import FINGERPRINT, Layout

_MODULES = (
    "preprocessing",
    "pipeline",
    "compose",
    "impute",
    "decomposition",
    "feature_extraction",
    "feature_extraction.text",
)
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
    names = set(_INERT)
    for module_name in _MODULES:
        module = import_module(f"sklearn_normlock.{module_name}")
        names |= {
            f"{module.__name__}.{name}"
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Locked) and value.__module__ == module.__name__
        }
    return tuple(sorted(names))


def dump(est: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted object; the file is written whole or not at all.

    Parameters
    ----------
    est : estimator
        Fitted. What is sealed in it is checked first, so that nothing altered is saved. An object without a seal is
        saved as it is; :func:`load` will ask for ``expect`` or ``unsealed``.
    path : path-like
        Its suffix chooses the format: ``.skops``, ``.joblib`` or ``.pkl``.

    Raises
    ------
    NormLockError
        If the suffix is another, or the format can't hold the object.
    FingerprintMismatchError, PipelineMismatchError
        If a sealed object is not what was fitted.
    UnfingerprintableError
        If the object isn't fitted, or has state without a stable name.

    Examples
    --------
    >>> import sklearn_normlock as nl, tempfile, pathlib
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.skops"
    >>> nl.dump(StandardScaler().fit([[0.0], [2.0]]), path)
    >>> nl.load(path).mean_
    array([1.])
    """
    path = Path(path)
    write = _writer(path)
    fingerprint(est)  # refuses what could not be vouched for
    for member in (est, *Layout(est).members):
        if isinstance(member, Locked):
            _require_intact(member)
    with replacing(path) as file:
        try:
            write(est, file)
        except NormLockError:
            raise
        except Exception as error:
            raise NormLockError(
                f"{path}: {path.suffix} can't hold this {type(est).__name__} ({type(error).__name__}: {error}).",
                path=str(path),
                remedy="Save it in another format.",
            ) from None


def load(
    path: str | os.PathLike[str],
    *,
    expect: str | None = None,
    trusted: Sequence[str] | None = None,
    unsealed: bool = False,
) -> Any:
    """Load an object and verify the whole of it.

    Parameters
    ----------
    path : path-like
        A file of :func:`dump`, or one that skops, joblib or pickle wrote of a sealed object. ``.joblib`` and ``.pkl``
        run code when they are read: load only what you trust.
    expect : str, default=None
        The fingerprint that the object must have, from a place that whoever writes the file can't write to.
    trusted : sequence of str, default=None
        Further types that a ``.skops`` file may hold, as :func:`skops.io.load` takes them; this package's are included.
    unsealed : bool, default=False
        Whether to take an object that has no seal; with ``expect`` it is verified against that.

    Returns
    -------
    est : estimator
        As it was fitted.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArtifactReadError
        If the file is cut short, damaged, not of the format that its suffix names, or holds types that aren't trusted.
    FingerprintMismatchError, PipelineMismatchError
        If the object is not what was fitted, or not the expected one.
    MissingFingerprintError
        If the object has no fingerprint.

    Notes
    -----
    Under the policies ``"warn"`` and ``"ignore"`` (:func:`sklearn_normlock.set_config`) a mismatch does not raise; an
    ``expect`` that isn't met always does.
    """
    path = Path(path)
    est = _read(path, trusted)
    sealed = isinstance(est, Locked) and FINGERPRINT in vars(est)
    if not sealed and not unsealed and expect is None:
        inner = " save its best_estimator_," if hasattr(est, "best_estimator_") else ""
        respond(
            MissingFingerprintError(
                f"{path} holds a {type(est).__name__} without a fingerprint: nothing says that it is what was fitted.",
                path=str(path),
                remedy=f"Train it with the classes of sklearn_normlock,{inner} pass expect=, or unsealed=True to take "
                "it as it is.",
            )
        )
    if expect is not None:
        found = fingerprint(est)
        if found != expect:
            raise FingerprintMismatchError(
                f"{path} holds {found}, not the expected {expect}.",
                path=str(path),
                expected=expect,
                actual=found,
                remedy="Deploy the file that was approved, or approve this one.",
            )
    elif sealed and policy() == "raise":  # under another policy it was looked at, and told of, on its way in
        _require_intact(est)
    return est


def _require_intact(est: Any) -> None:
    problem = find_problem(est)
    if problem is not None:
        respond(problem)


def _read(path: Path, trusted: Sequence[str] | None) -> Any:
    reader = _reader(path, trusted)
    with open(path, "rb") as file:
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


def _writer(path: Path) -> Callable[[Any, IO[bytes]], None]:
    suffix = _suffix(path)
    if suffix == ".skops":
        return lambda est, file: _skops().dump(est, file)
    if suffix == ".joblib":
        import joblib

        return lambda est, file: joblib.dump(est, file)
    return lambda est, file: pickle.dump(est, file, protocol=5)


def _reader(path: Path, trusted: Sequence[str] | None) -> Callable[[IO[bytes]], Any]:
    suffix = _suffix(path)
    if suffix == ".skops":
        return lambda file: _skops().load(file, trusted=[*trusted_types(), *(trusted or ())])
    if suffix == ".joblib":
        import joblib

        return joblib.load
    return pickle.load


def _suffix(path: Path) -> str:
    if path.suffix not in FORMATS:
        raise NormLockError(
            f"{path}: the format {path.suffix or 'without a suffix'!r} is not known.",
            path=str(path),
            remedy=f"Use one of {', '.join(FORMATS)}.",
        )
    return path.suffix
