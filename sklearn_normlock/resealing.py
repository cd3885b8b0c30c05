"""``seal``: the way back from ``unlock``, for a fitted stock object that exists already."""

from __future__ import annotations

from typing import Any

from .drop_ins import sealing_classes
from .errors import NormLockError, UnfingerprintableError
from .fingerprints import fingerprint
from .records.environment import versions
from .seals.mixin import Locked
from .seals.opening import InClasses
from .seals.seal import seal as take_seal
from .seals.watch import ENVIRONMENT


def seal(est: Any) -> Any:
    """Return the same fitted object in drop-in classes, sealed as it stands.

    It is the way back from :func:`unlock`, and the way to the seal for a pickle that exists: nothing is trained again.
    Whoever calls it vouches for the object: a seal says that nothing has changed since.

    Parameters
    ----------
    est : estimator
        Fitted; it is left as it is. Each estimator in it, at any depth, that has a drop-in class is taken into that.
        The others stay as they are, and are bound by the drop-in that holds them.

    Returns
    -------
    sealed : Locked
        A copy with arrays of its own, the same outputs and the same fingerprint.

    Raises
    ------
    UnfingerprintableError
        If it isn't fitted, or has state without a stable name.
    NormLockError
        If its class has no drop-in: there would be nothing to keep the seal.

    Notes
    -----
    Objects in it that aren't scikit-learn's (a spline of SciPy's, a booster) are shared with the original.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> stock = make_pipeline(StandardScaler()).fit([[0.0], [2.0]])
    >>> sealed = nl.seal(stock)
    >>> type(sealed[0]).__module__, sealed.fingerprint_ == nl.fingerprint(stock)
    ('sklearn_normlock.preprocessing', True)
    """
    expected = fingerprint(est)
    classes = sealing_classes()
    if not isinstance(est, Locked) and type(est) not in classes:
        raise NormLockError(
            f"{type(est).__module__}.{type(est).__name__} has no drop-in class that could keep a seal.",
            remedy="Put it into a pipeline of sklearn_normlock's, or import the integration that has one; or lock the "
            "file: `normlock lock`.",
        )
    copies = InClasses(lambda cls: classes.get(cls, cls))
    sealed = copies.copied(est)
    for each in copies.made:  # from the inside out: a container takes over the fingerprints of its members
        if isinstance(each, Locked) and _is_fitted(each):
            take_seal(each)
            _keep_version(each)
    if sealed.fingerprint_ != expected:
        raise NormLockError(
            f"The sealed copy of this {type(est).__name__} is {sealed.fingerprint_}, not {expected}.",
            remedy="Train it with the classes of sklearn_normlock; this is a fault of this package, please report it.",
        )
    return sealed


def _keep_version(est: Any) -> None:
    """Say which scikit-learn an object was fitted under, if it came from a pickle of another."""
    fitted_under = vars(est).get("_sklearn_version")
    if fitted_under is not None and fitted_under != versions()["scikit-learn"]:
        vars(est)[ENVIRONMENT] = f"scikit-learn {fitted_under}, other versions unknown"


def _is_fitted(est: Any) -> bool:
    try:
        fingerprint(est)
    except UnfingerprintableError:
        return False
    return True
