"""``Canary``: a share of the rows is answered by the candidate, the same rows in every process."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from .. import events
from ..errors import FallbackWarning, NormLockError
from .delegation import Counter, Opened, Outcome, ServingEstimator, callers_level, report_refused
from .keys import Key, keys_of, position
from .members import LockLike, Member, check_locks, one_line

__all__ = ["Canary", "CanaryStatus"]


@dataclass(frozen=True)
class CanaryStatus:
    """Who has answered.

    Parameters
    ----------
    ok : bool
        Whether the candidate may answer, and has not failed.
    rows : dict of str to int
        How many rows the primary and the candidate have answered.
    failures : int
        How many calls the candidate failed in.
    refused : str
        Why the candidate may not answer; empty if it may.
    """

    ok: bool = True
    rows: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    refused: str = ""

    def explain(self) -> str:
        """Return it as text."""
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.rows.items()))
        lines = [f"{'OK' if self.ok else 'FALLBACK'}: rows answered: {counts or 'none'}."]
        if self.refused:
            lines.append(f"  candidate may not answer: {self.refused}")
        if self.failures:
            lines.append(f"  candidate: failed in {self.failures} of its calls")
        return "\n".join(lines)


class _Open(Opened):
    def __init__(self, primary: Member, candidate: Member | None, refused: str) -> None:
        super().__init__(primary)
        self.primary = primary
        self.candidate = candidate
        self.refused = refused
        self.rows = Counter()
        self.failures = Counter()


class Canary(ServingEstimator):
    """Let a candidate answer a share of the rows, chosen by a stable hash of their key.

    The same key goes the same way in every process and every version, so that a customer doesn't see two models in
    turn. A row without a key (a missing value) is the primary's.

    Parameters
    ----------
    primary : estimator or path-like
        The model that answers.
    candidate : estimator or path-like
        The model that answers a share of the rows.
    share : float, default=0.05
        The share of the keys, from 0 to 1. A larger one keeps the keys that a smaller one had.
    key : str, int or callable, default=None
        A column by name or position, or a function of X that returns a key for each row. None is the content of the
        row: the same row goes the same way.
    salt : str, default=""
        Another text chooses other keys: give each release its own, or the same customers are the first each time.
    on_error : {"raise", "fallback"}, default="raise"
        What an error of the candidate does, that of a broken seal included: it reaches the caller, or the primary
        answers the call, and that is said.
    locks : list of two, default=None
        What was approved, for the primary and the candidate; as for :class:`Fallback`. An object without a lock and
        without a seal is taken as it stands.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        As the primary has them.
    n_features_in_ : int
        Number of columns, as the primary has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they had names.

    See Also
    --------
    Shadow : Try a candidate without letting it answer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_normlock.serving import Canary
    >>> X, y = np.arange(1000.0).reshape(-1, 1), np.arange(1000) % 2
    >>> old, new = (DummyClassifier(strategy="constant", constant=label).fit(X, y) for label in (0, 1))
    >>> canary = Canary(old, new, share=0.1, key=0)
    >>> int(canary.predict(X).sum()) == int(canary.assigned(X).sum())
    True
    >>> canary.status().rows
    {'candidate': 114, 'primary': 886}
    """

    def __init__(
        self,
        primary: Any,
        candidate: Any,
        *,
        share: float = 0.05,
        key: Key = None,
        salt: str = "",
        on_error: str = "raise",
        locks: Sequence[LockLike] | None = None,
    ) -> None:
        self.primary = primary
        self.candidate = candidate
        self.share = share
        self.key = key
        self.salt = salt
        self.on_error = on_error
        self.locks = locks

    def assigned(self, X: Any) -> np.ndarray:
        """Tell which rows are the candidate's by their keys.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        mask : ndarray of bool of shape (n_samples,)
            True where the candidate answers, if it may.
        """
        places = [position(key, self.salt) for key in keys_of(X, self.key)]
        return np.fromiter((place is not None and place < self.share for place in places), bool, len(places))

    def status(self) -> CanaryStatus:
        """Return who has answered.

        Returns
        -------
        status : CanaryStatus
            ``.ok``, ``.rows``, ``.failures``, ``.refused``, ``.explain()``.
        """
        opened: _Open = self._ready()
        failures = opened.failures.get("candidate")
        return CanaryStatus(
            ok=opened.candidate is not None and not failures,
            rows=opened.rows.counts(),
            failures=failures,
            refused=opened.refused,
        )

    def _sources(self) -> dict[str, tuple[Any, LockLike]]:
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)) or not 0 <= self.share <= 1:
            raise NormLockError(f"share is {self.share!r}; it must be a number from 0 to 1.")
        if self.on_error not in ("raise", "fallback"):
            raise NormLockError(f"on_error is {self.on_error!r}; it must be 'raise' or 'fallback'.")
        locks = check_locks(self.locks, 2)
        return {"primary": (self.primary, locks[0]), "candidate": (self.candidate, locks[1])}

    def _members(self, opened: _Open) -> list[Member]:
        return [each for each in (opened.primary, opened.candidate) if each is not None]

    def _begin(self, outcomes: dict[str, Outcome]) -> _Open:
        primary, candidate = outcomes["primary"], outcomes["candidate"]
        if isinstance(primary, Exception):
            raise primary
        if isinstance(candidate, Member):
            try:
                _require_alike(primary.estimator, candidate.estimator)
            except NormLockError as error:
                candidate = error
        if isinstance(candidate, Member):
            return _Open(primary, candidate, "")
        refused = report_refused("candidate", candidate, "The primary answers every row.")
        warnings.warn(
            f"candidate may not answer: {refused} The primary answers every row.",
            FallbackWarning,
            stacklevel=callers_level(),
        )
        return _Open(primary, None, refused)

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        opened: _Open = self._ready()
        ask = getattr(opened.primary.estimator, method)
        if not hasattr(X, "shape") and not hasattr(X, "__len__"):
            X = np.asarray(X)
        if opened.candidate is None:
            answer = ask(X, *args, **kwargs)
            opened.rows.add("primary", X.shape[0] if hasattr(X, "shape") else len(X))
            return answer
        mask = self.assigned(X)
        theirs = int(mask.sum())
        if not theirs:
            answer = ask(X, *args, **kwargs)
        else:
            answer = self._both(opened, method, X, mask, args, kwargs)
            if answer is None:  # the candidate failed, and the primary stands in for it
                answer, theirs = ask(X, *args, **kwargs), 0
        opened.rows.add("candidate", theirs)
        opened.rows.add("primary", len(mask) - theirs)
        return answer

    def _both(
        self, opened: _Open, method: str, X: Any, mask: np.ndarray, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        assert opened.candidate is not None
        try:
            new = getattr(opened.candidate.estimator, method)(_taken(X, mask), *args, **kwargs)
            _require_rows(new, int(mask.sum()), method)
        except Exception as error:
            count = opened.failures.add("candidate")
            if self.on_error == "raise":
                raise
            if count == 1:
                self._say(method, error)
            return None
        if mask.all():
            return new
        old = getattr(opened.primary.estimator, method)(_taken(X, ~mask), *args, **kwargs)
        merged = _merged(old, new, mask)
        if hasattr(merged, "iloc") and not hasattr(X, "iloc"):
            merged.index = np.arange(len(mask))  # as a transformer numbers the rows of an array
        return merged

    @staticmethod
    def _say(method: str, error: Exception) -> None:
        text = f"candidate did not answer {method}: {one_line(error)}. The primary did."
        events.emit(
            "fallback",
            text,
            verdict=events.verdict_of(error),
            member="candidate",
            method=method,
            reason=one_line(error),
            **events.error_fields(error),
        )
        warnings.warn(text, FallbackWarning, stacklevel=callers_level())


def _require_alike(primary: Any, candidate: Any) -> None:
    """Refuse a candidate whose answers can't stand beside the primary's in one array."""
    for name in ("n_features_in_", "feature_names_in_", "classes_"):
        ours, theirs = getattr(primary, name, None), getattr(candidate, name, None)
        if ours is not None and theirs is not None and not np.array_equal(np.asarray(ours), np.asarray(theirs)):
            raise NormLockError(
                f"The candidate's {name} are not the primary's.",
                path=name,
                expected=ours,
                actual=theirs,
                remedy="A canary serves one interface: train the candidate on the same columns and classes.",
            )


def _require_rows(answer: Any, rows: int, method: str) -> None:
    parts = answer if isinstance(answer, list) and answer and hasattr(answer[0], "shape") else [answer]
    found = {part.shape[0] if hasattr(part, "shape") else len(part) for part in parts}
    if found != {rows}:
        raise NormLockError(
            f"The candidate's {method} returned {min(found)} rows for {rows}.", path=method, expected=rows, actual=found
        )


def _taken(X: Any, mask: np.ndarray) -> Any:
    """Return some of the rows, in a container of the same kind."""
    from sklearn.utils import _safe_indexing

    at = np.flatnonzero(mask)
    if sparse.issparse(X):
        return X.tocsr()[at]
    return _safe_indexing(X, at)


def _merged(old: Any, new: Any, mask: np.ndarray) -> Any:
    """Return the answers of both in the order of the rows."""
    order = np.argsort(np.concatenate([np.flatnonzero(~mask), np.flatnonzero(mask)]))
    if isinstance(old, list) and not hasattr(new, "shape"):
        # The probabilities of several outputs: one array for each.
        return [_merged(*both, mask) for both in zip(old, new, strict=True)]
    if sparse.issparse(old) or sparse.issparse(new):
        return sparse.vstack([old, new]).tocsr()[order]
    if hasattr(old, "columns") and hasattr(old, "iloc"):
        import pandas as pd

        return pd.concat([old, new]).iloc[order]
    if hasattr(old, "columns") and hasattr(old, "vstack"):
        return old.vstack(new)[order.tolist()]
    return np.concatenate([old, new])[order]
