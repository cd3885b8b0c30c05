"""Dask: fit over partitions, with the same fingerprint whatever the partitioning; profiles by partitions.

The fits are those of :mod:`sklearn_normlock.partitions`; this module runs their rounds as Dask tasks. They run where
Dask computes: on the cluster of the current client, or in local threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce as fold
from typing import Any

from ..errors import InputFaultError, MissingDependencyError
from ..guards.profile import Profile
from ..partitions import fit as fit_over

__all__ = ["fit", "profile"]

_TOGETHER = 8  # summaries merged by one task


def fit(est: Any, X: Any) -> Any:
    """Fit a transformer over the partitions of a Dask collection, and seal it.

    Parameters
    ----------
    est : estimator
        ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler``, ``RobustScaler``, ``QuantileTransformer``,
        ``SimpleImputer``, ``OneHotEncoder``, ``OrdinalEncoder``, or a ``Pipeline`` of these; locked or scikit-learn's
        own. It is left as it is.
    X : dask.array.Array of shape (n_rows, n_columns), dask.dataframe.DataFrame, or list of dask.delayed.Delayed
        What to fit on. Each partition is read once for bounds, moments and categories, and about three times for
        quantiles: persist it if it is costly to make and fits into the workers' memory.

    Returns
    -------
    fitted : Locked
        A new, locked scikit-learn estimator. Its fingerprint depends on the rows alone.

    Raises
    ------
    NormLockError
        If the estimator, or one of its parameters, has no such fit.
    InputFaultError
        If X is no such collection, or holds what the estimator doesn't take.

    Examples
    --------
    >>> import dask.array as da  # doctest: +SKIP
    >>> from sklearn_normlock.integrations import dask
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> scaler = dask.fit(StandardScaler(), da.random.normal(size=(10**8, 30)))  # doctest: +SKIP
    >>> nl.lock(scaler).save("scaler.normlock.json")  # doctest: +SKIP
    """
    parts = _parts(X)

    def reduce(summarise: Callable[[Any], Any], merge: Callable[[Any, Any], Any]) -> Any:
        return _reduced(parts, summarise, merge)

    return fit_over(est, reduce)


def profile(X: Any) -> Profile:
    """Learn the profile of a Dask collection, partition by partition.

    Parameters
    ----------
    X : dask.array.Array of shape (n_rows, n_columns), dask.dataframe.DataFrame, or list of dask.delayed.Delayed
        What a pipeline is fitted on. Partitions of some hundred rows and more give the best sketches.

    Returns
    -------
    profile : Profile
        Counts and bounds are those of all rows. Quantiles and dependences are merged ones: unlike a fit, they depend
        on the partitioning.

    Raises
    ------
    InputFaultError
        If X is no such collection, has no rows, or its partitions have different columns.

    Examples
    --------
    >>> from sklearn_normlock.integrations import dask
    >>> profile = dask.profile(frame)  # doctest: +SKIP
    >>> nl.diagnose(profile, batch)  # doctest: +SKIP
    """
    found = _reduced(_parts(X), _profile_of, _merged_profiles)
    if found is None:
        raise InputFaultError("The collection has no rows to learn a profile from.", remedy="Look at its source.")
    return found


def _profile_of(part: Any) -> Profile | None:
    return Profile.from_data(part) if len(part) else None


def _merged_profiles(one: Profile | None, other: Profile | None) -> Profile | None:
    return one.merge(other) if one is not None and other is not None else one or other


def _parts(X: Any) -> list[Any]:
    try:
        from dask.delayed import Delayed
    except ImportError as error:
        raise MissingDependencyError(
            f"There is no Dask to compute with ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[dask]'.",
        ) from None
    if isinstance(X, Sequence) and X and all(isinstance(part, Delayed) for part in X):
        return list(X)
    shape = getattr(X, "shape", ())
    if not hasattr(X, "to_delayed") or len(shape) != 2:
        what = type(X).__name__ + (f" of {len(shape)} dimensions" if hasattr(X, "to_delayed") else "")
        raise InputFaultError(
            f"A {what} is no Dask collection of rows and columns.",
            expected="dask.array.Array or dask.dataframe.DataFrame of two dimensions",
            actual=type(X).__name__,
            remedy="Take dask.array.from_array or dask.dataframe.from_pandas; or fit without Dask.",
        )
    if hasattr(X, "rechunk"):
        whole_rows = X.rechunk({1: -1}) if X.numblocks[1] != 1 else X
        return list(whole_rows.to_delayed().ravel())
    return list(X.to_delayed())


def _reduced(parts: list[Any], summarise: Callable[[Any], Any], merge: Callable[[Any, Any], Any]) -> Any:
    from dask.delayed import delayed

    summarised = delayed(summarise, pure=False)
    together = delayed(_Fold(merge), pure=False)
    summaries = [summarised(part) for part in parts]
    while len(summaries) > 1:
        summaries = [together(summaries[i : i + _TOGETHER]) for i in range(0, len(summaries), _TOGETHER)]
    return summaries[0].compute() if summaries else None


class _Fold:
    """Merge a list of summaries; a class, so that it can be pickled."""

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self.merge = merge

    def __call__(self, summaries: list[Any]) -> Any:
        return fold(self.merge, summaries)
