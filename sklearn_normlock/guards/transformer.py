"""The guard as the first step of a pipeline: it learns the data at fit, and checks it at transform."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import _safe_indexing, validation

from .. import events
from ..errors import InputFaultError, InputFaultWarning
from .data.tables import Table, aligned, as_table, positions
from .diagnosis import check_numbers, diagnose
from .faults import changed_types
from .profile import Profile
from .reports import Diagnosis


class InputGuard(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Pass data through unchanged, and say so when it is not the data that the pipeline was fitted for.

    Put it first in a pipeline; behind the scaler, a second one checks the scaled side. At ``fit`` it learns a
    :class:`Profile` and checks nothing. At ``transform``, which several threads may call, it diagnoses what goes
    through. Rows that wait to be checked are dropped when the guard is copied or saved.

    Parameters
    ----------
    on_fault : {"warn", "raise"} or callable, default="warn"
        What an alarm does: an ``InputFaultWarning``, an ``InputFaultError``, or a call with the :class:`Diagnosis`.
    budget : float, default=1e-3
        The probability of a false alarm that is allowed for each check.
    min_rows : int, default=64
        How many rows a check takes. Smaller requests are gathered until so many are there, and then checked together;
        larger ones are checked at once and alone. 1 checks each request by itself.
    drift : float, default=0.3
        How far the mean of each column may move, in its standard deviations, without being a fault.
    columns : str, int, slice, list of these, mask or callable, default=None
        Which columns are guarded, as ``ColumnTransformer`` takes them; all by default. The others may hold anything.

    Attributes
    ----------
    profile_ : Profile
        What was learned at ``fit``, of the columns that are guarded.
    columns_ : list of int or None
        The positions of the columns that are guarded, if ``columns`` is given.
    n_features_in_ : int
        Columns seen at ``fit``.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Their names, if these are all strings.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = make_pipeline(nl.InputGuard(on_fault="raise"), StandardScaler(), Ridge()).fit(X[:300], y[:300])
    >>> model.predict(StandardScaler().fit(X[:300]).transform(X[300:]))
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.InputFaultError: double_normalised: the data is normalised already (standard): ...
    """

    passes_rows_through = True  # what is probed step by step leaves it out

    def __init__(
        self,
        on_fault: str | Callable[[Diagnosis], Any] = "warn",
        *,
        budget: float = 1e-3,
        min_rows: int = 64,
        drift: float = 0.3,
        columns: Any = None,
    ) -> None:
        self.on_fault = on_fault
        self.budget = budget
        self.min_rows = min_rows
        self.drift = drift
        self.columns = columns

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> InputGuard:
        """Learn what the data looks like.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            What the pipeline is fitted on.
        y : None
            Ignored.
        groups : array-like of shape (n_rows,), default=None
            The block of each row, as in :meth:`Profile.from_data`; of a pipeline, ``inputguard__groups=...``.

        Returns
        -------
        self : InputGuard
            This guard.

        Raises
        ------
        TypeError, ValueError
            If a parameter has no such value, or X is no table of at least one row.
        """
        if not callable(self.on_fault) and self.on_fault not in ("warn", "raise"):
            raise ValueError(f"on_fault is {self.on_fault!r}; it must be 'warn', 'raise' or a function of a Diagnosis.")
        check_numbers(min_rows=self.min_rows, budget=self.budget, drift=self.drift)
        rows, self.columns_ = _as_is(X), None
        if self.columns is not None and len(rows.shape) == 2:  # any other shape is refused by what follows
            names = getattr(rows, "columns", range(rows.shape[1]))
            self.columns_ = positions(names, self.columns(rows) if callable(self.columns) else self.columns)
        self.profile_ = Profile.from_data(self._guarded(X, reset=True), groups=groups)
        self._pool = _Pool(self.min_rows)
        return self

    def transform(self, X: Any) -> Any:
        """Check the data and return it.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
            What is served.

        Returns
        -------
        X : object
            The very same; only a list comes out as an array.

        Raises
        ------
        InputFaultError
            If X has other columns than at ``fit``; if there is a fault, and ``on_fault`` is "raise".
        """
        validation.check_is_fitted(self, "profile_")
        table = aligned(self.profile_, self._guarded(X, reset=False))
        # A change of type is certain in a single row.
        self._judge(table if changed_types(self.profile_, table)[0] else self._pool.add(table))
        return _as_is(X)

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Learn what the data looks like and return it, unchecked.

        Parameters
        ----------
        X, y, groups : array-like
            As for :meth:`fit`.

        Returns
        -------
        X : object
            As from :meth:`transform`.
        """
        self.fit(X, y, groups)
        return _as_is(X)

    def flush(self) -> Diagnosis | None:
        """Check the rows that wait, however few they are.

        Returns
        -------
        diagnosis : Diagnosis or None
            None if no rows wait. A fault is reported as at ``transform``, too.
        """
        validation.check_is_fitted(self, "profile_")
        return self._judge(self._pool.flush())

    def _guarded(self, X: Any, reset: bool) -> Table:
        """Read the columns that are guarded; without names they are called by their positions in all of X."""
        if self.columns_ is None:
            table = as_table(X)  # refuses what is no table
        # Names and number of all columns, as every scikit-learn transformer checks them.
        if hasattr(validation, "validate_data"):
            validation.validate_data(self, X, reset=reset, skip_check_array=True)
        else:  # before scikit-learn 1.6
            self._validate_data(X, reset=reset, cast_to_ndarray=False)
        if self.columns_ is None:
            return table
        table = as_table(_safe_indexing(_as_is(X), self.columns_, axis=1))
        return table if table.names else replace(table, names=tuple(map(str, self.columns_)))

    def _judge(self, table: Table | None) -> Diagnosis | None:
        if table is None:
            return None
        found = replace(diagnose(self.profile_, table, budget=self.budget, drift=self.drift), requests=table.requests)
        if self.columns_ is not None and self.profile_.names == tuple(map(str, self.columns_)):  # see `_guarded`
            found = replace(found, columns=tuple(map(int, found.columns)), not_judged=tuple(map(int, found.not_judged)))
        said, columns = found.explain(), tuple(map(str, found.columns))
        verdict = "mismatch" if found.alarm else "match" if found.judged else "undecided"
        level = logging.WARNING if found.alarm else logging.DEBUG  # a healthy service judges many batches
        facts = {"reason": found.fault, "columns": columns, "p_value": found.p_value, "count": found.n_rows}
        events.emit("guard", said, verdict=verdict, level=level, **facts)
        if found.alarm and callable(self.on_fault):
            self.on_fault(found)
        elif found.alarm and self.on_fault == "raise":
            raise InputFaultError(said, path=", ".join(columns) or None, actual=found)
        elif found.alarm:
            # To whoever called the pipeline, as far as can be told from here.
            warnings.warn(said, InputFaultWarning, stacklevel=4)
        return found

    def __getstate__(self) -> dict[str, Any]:
        # The profile as text, so that this class alone is to be trusted; rows that wait belong to their process.
        state = {name: value for name, value in super().__getstate__().items() if name != "_pool"}
        if "profile_" in state:
            state["profile_"] = json.dumps(self.profile_.to_dict())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "profile_" in state:
            self.profile_ = Profile.from_dict(json.loads(state["profile_"]))
            self.columns_ = state.get("columns_")
            self._pool = _Pool(self.min_rows)

    def __fingerprint_state__(self) -> dict[str, Any]:
        """Return what counts for a fingerprint: what is checked for, not what is done then, nor the rows that wait."""
        state = {name: getattr(self, name) for name in ("budget", "min_rows", "drift")}
        if getattr(self, "columns_", None) is not None:
            state["columns_"] = self.columns_
        if hasattr(self, "profile_"):
            state["profile_"] = self.profile_.to_dict()
            # By themselves, so that a diff tells which column has another type.
            names = self.profile_.names or map(str, range(self.profile_.n_features_in_))
            state["types"] = dict(zip(names, self.profile_.types, strict=True))
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = tags.input_tags.categorical = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"allow_nan": True, "preserves_dtype": []}


class _Pool:
    """Requests that wait until they have enough rows together; no more than that, and one request's, are ever kept."""

    def __init__(self, enough: int) -> None:
        self.enough, self.rows, self._lock = enough, 0, threading.RLock()
        self._waiting: list[Table] = []

    def add(self, table: Table) -> Table | None:
        """Take a request in; return what waits once it is enough. One that is enough by itself is judged alone."""
        if table.shape[0] >= self.enough:
            return table
        kept = table.dense().take(np.arange(table.shape[0]))  # a copy: buffers are used again
        with self._lock:
            self._waiting.append(kept)
            self.rows += kept.shape[0]
            return self.flush(self.enough)

    def flush(self, least: int = 1) -> Table | None:
        """Return what waits as one table, if that has so many rows, and start anew."""
        with self._lock:
            if self.rows < least:
                return None
            parts, self._waiting, self.rows = self._waiting, [], 0
        numbers = np.concatenate([part.numbers for part in parts])
        categories = {j: np.concatenate([part.categories[j] for part in parts]) for j in parts[0].categories}
        return Table(numbers, parts[0].names, categories, requests=len(parts))


def _as_is(X: Any) -> Any:
    return X if hasattr(X, "shape") else np.asarray(X)
