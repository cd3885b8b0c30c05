"""A permission for ``partial_fit`` that travels with an object: for fits that go on from process to process."""

from __future__ import annotations

from typing import Any

from ..errors import NormLockError
from ..fingerprints.exclusions import PARTIAL_FIT
from .layout import Layout
from .mixin import Locked


def allow_partial_fit(est: Any, allowed: bool = True) -> Any:
    """Let an object and its copies be trained further by ``partial_fit``, wherever they go; or end that.

    An object that came back from bytes refuses ``partial_fit``, since it may be in production. A fit that goes on from
    worker to worker (``Incremental`` of dask-ml, an actor of Ray) needs the permission to do so.

    Parameters
    ----------
    est : Locked
        Fitted or not. It has ``partial_fit``, or members that have. They are changed in place.
    allowed : bool, default=True
        False ends the permission.

    Returns
    -------
    est : Locked
        The same object.

    Raises
    ------
    NormLockError
        If the object is not one that can be sealed, or has no ``partial_fit``.

    See Also
    --------
    sklearn_normlock.thaw : Change a sealed object on purpose, in one process.

    Notes
    -----
    The permission goes with pickles, copies and clones, and doesn't count for the fingerprint. Each ``partial_fit``
    seals the object anew; all other changes are found as ever. Until the permission is ended, :func:`dump`,
    :func:`load` and :func:`lock` refuse the object, and for :func:`verify` it is a mismatch: what is approved and
    served is trained no further.

    Examples
    --------
    >>> import pickle
    >>> import sklearn_normlock as nl
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> scaler = nl.allow_partial_fit(StandardScaler())
    >>> for batch in ([[0.0], [2.0]], [[4.0], [6.0]]):
    ...     scaler = pickle.loads(pickle.dumps(scaler)).partial_fit(batch)
    >>> nl.allow_partial_fit(scaler, False).mean_
    array([3.])
    """
    members = [each for each in (est, *Layout(est).members) if isinstance(each, Locked)] if _is_locked(est) else []
    if not any(hasattr(each, "partial_fit") for each in members):
        lacks = "is not a locked object" if not members else "has no partial_fit, and neither have its members"
        raise NormLockError(
            f"A {type(est).__name__} {lacks}: there is nothing to allow.",
            path="partial_fit",
            remedy="Pass a locked estimator that learns in batches, such as StandardScaler or IncrementalPCA.",
        )
    for each in members:
        if allowed:
            vars(each)[PARTIAL_FIT] = True
        else:
            vars(each).pop(PARTIAL_FIT, None)
    return est


def _is_locked(est: Any) -> bool:
    return isinstance(est, Locked) and not isinstance(est, type)


def refuse_unfinished(est: Any) -> None:
    """Raise if an object may still be trained further."""
    if vars(est).get(PARTIAL_FIT):
        raise NormLockError(
            f"This {type(est).__name__} may be trained further: partial_fit is allowed wherever it goes. A file or a "
            "lock is for what is finished.",
            path="partial_fit",
            remedy="Call nl.allow_partial_fit(obj, False) when its training is over; until then, pass it on by pickle.",
        )
