"""The common part of the serving estimators: scikit-learn's conventions, opened members, pickles, delegated methods.

Members that are fitted, and members that are files, are frozen: ``fit`` and ``clone`` leave them as they are, as
:class:`sklearn.frozen.FrozenEstimator` does. Members that aren't fitted are cloned and fitted by ``fit``, so that a
serving estimator can stand wherever an estimator can.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from types import MethodType
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if

from .. import events
from ..errors import NormLockError
from .members import LockLike, Member, is_fitted, is_path, one_line, open_member, reopen

__all__ = ["Opened", "ServingEstimator"]

Outcome = Member | Exception
# Members are opened one at a time, whoever needs them first: two threads would open the same files twice.
_opening = threading.RLock()


class Opened:
    """The opened members that a serving estimator works with: made by ``fit``, ``load`` or the first call."""

    front: Member  # whose methods and attributes the serving estimator shows

    def __init__(self, front: Member) -> None:
        self.front = front
        self.offered: dict[str, Any] = {}  # the front that was seen to have a method, by the method's name


class Counter:
    """Counts by name, exact under any number of threads."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, name: str, by: int = 1) -> int:
        """Count, and return the new count."""
        with self._lock:
            self._counts[name] = now = self._counts.get(name, 0) + by
        return now

    def get(self, name: str) -> int:
        """Return one count."""
        return self._counts.get(name, 0)

    def counts(self) -> dict[str, int]:
        """Return a copy of the counts."""
        with self._lock:
            return dict(self._counts)


def _checked(self: ServingEstimator, method: str) -> bool:
    try:
        front = self._front()
    except NormLockError:
        return True  # the call says why none can answer; an AttributeError would hide it
    getattr(front, method)  # its own AttributeError says why it hasn't it
    return True


class _Delegated:
    """A method that is there if the member in front has it, as by :func:`available_if`.

    A request looks it up each time. That a member offers a method is therefore remembered once it is open.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self._function = function
        self._name = name = function.__name__
        self._asked = available_if(lambda est: _checked(est, "transform" if name == "fit_transform" else name))(
            function
        )

    def __get__(self, est: Any, owner: Any = None) -> Any:
        opened = None if est is None else est.__dict__.get("_opened")
        if opened is None:
            return self._asked.__get__(est, owner)
        front = opened.front.estimator
        if opened.offered.get(self._name) is not front:
            self._asked.__get__(est, owner)
            opened.offered[self._name] = front
        return MethodType(self._function, est)


def _shown(name: str, doc: str) -> Any:
    def get(self: ServingEstimator) -> Any:
        try:
            return getattr(self._front(), name)
        except NormLockError as error:
            raise AttributeError(f"{type(self).__name__} has no {name}: {error}") from error

    return property(get, doc=doc)


class ServingEstimator(BaseEstimator):
    """Base class of the serving estimators."""

    _opened: Opened

    # -- what each of them says ---------------------------------------------------------------------------------------

    def _sources(self) -> dict[str, tuple[Any, LockLike]]:
        """Return the members as they were given, by name, each with its lock."""
        raise NotImplementedError

    def _begin(self, outcomes: dict[str, Outcome]) -> Opened:
        """Take what opening the members came to: a member, or the error that refuses it."""
        raise NotImplementedError

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a call."""
        raise NotImplementedError

    #: Whether an object without a lock and without a seal may serve.
    _unlocked = True

    # -- opening ------------------------------------------------------------------------------------------------------

    def fit(self, X: Any = None, y: Any = None, **params: Any) -> Any:
        """Open and verify the members; fit clones of those that are objects and not fitted yet.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Training data; needed only if a member isn't fitted.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params
            Passed to the members' ``fit``.

        Returns
        -------
        self : object
            This estimator. Members that are fitted, and files, are not changed.

        Raises
        ------
        NormLockError
            If none of the members may answer.
        """
        self.__dict__.pop("_carried", None)
        fitted = {}
        for name, (source, _) in self._sources().items():
            if not is_fitted(source) and hasattr(source, "fit") and X is not None:
                fitted[name] = clone(source).fit(X, y, **params)
        with _opening:
            self._opened = self._open(fitted)
        return self

    def load(self) -> Any:
        """Open and verify the members now, from their files where they are files.

        Without it the first call does so. A service calls it at its start, and again when the files have changed.

        Returns
        -------
        self : object
            This estimator.

        Raises
        ------
        NormLockError
            If none of the members may answer.
        """
        with _opening:
            self._opened = self._open({})
        return self

    def _open(self, fitted: dict[str, Any]) -> Opened:
        carried: dict[str, Member] = self.__dict__.get("_carried", {})
        outcomes: dict[str, Outcome] = {}
        for name, (source, lock) in self._sources().items():
            try:
                if name in fitted:
                    # Fitted here and now: it is what was fitted.
                    outcomes[name] = open_member(name, fitted[name], False, unlocked=True)
                elif name in carried:
                    outcomes[name] = reopen(carried[name])
                else:
                    outcomes[name] = open_member(name, source, lock, unlocked=self._unlocked)
            except Exception as error:
                outcomes[name] = error
        return self._begin(outcomes)

    def _ready(self) -> Any:
        opened = self.__dict__.get("_opened")
        if opened is not None:
            return opened
        with _opening:
            if "_opened" not in self.__dict__:
                self._opened = self._open({})
            return self._opened

    def _front(self) -> Any:
        """Return the estimator whose methods and attributes are shown; opens files if that takes it."""
        if "_opened" not in self.__dict__:
            first, _ = next(iter(self._sources().values()))
            if not is_path(first):
                return first
        return self._ready().front.estimator

    # -- scikit-learn's conventions -----------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        if "_opened" in self.__dict__:
            return is_fitted(self._opened.front.estimator)
        return any(is_fitted(source) for source, _ in self._sources().values())

    def __sklearn_clone__(self) -> Any:
        def kept(value: Any) -> Any:
            if isinstance(value, (list, tuple)):
                return type(value)(map(kept, value))
            return value if is_fitted(value) else clone(value, safe=False)

        return type(self)(**{name: kept(value) for name, value in self.get_params(deep=False).items()})

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        front = self._front_if_known()
        tags = super().__sklearn_tags__() if front is None else deepcopy(get_tags(front))
        tags.array_api_support = False  # rows are picked and answers compared by NumPy
        return tags

    def _more_tags(self) -> dict[str, Any]:  # up to scikit-learn 1.5
        front = self._front_if_known()
        tags = getattr(front, "_get_tags", None)
        return {**(tags() if tags is not None else {}), "array_api_support": False}

    @property
    def _estimator_type(self) -> Any:
        front = self._front_if_known()
        kind = getattr(front, "_estimator_type", None)
        if kind is None:
            raise AttributeError("_estimator_type")
        return kind

    def _front_if_known(self) -> Any:
        """Return the front without opening a file: looking at an estimator opens nothing."""
        if "_opened" in self.__dict__:
            return self._opened.front.estimator
        first, _ = next(iter(self._sources().values()))
        return None if is_path(first) else first

    classes_ = _shown("classes_", "Labels of the classes, as the member in front has them.")
    n_features_in_ = _shown("n_features_in_", "Number of columns seen during fit, as the member in front has it.")
    feature_names_in_ = _shown("feature_names_in_", "Names of the columns seen during fit, if they had names.")
    n_outputs_ = _shown("n_outputs_", "Number of outputs, as the member in front has it.")

    def __getstate__(self) -> dict[str, Any]:
        # Opened members belong to the process. Members that are objects travel with what they must be when they arrive;
        # files are opened and verified where they are served.
        state = dict(super().__getstate__())
        opened = state.pop("_opened", None)
        if opened is not None:
            files = {name for name, (source, _) in self._sources().items() if is_path(source)}
            state["_carried"] = {each.name: each for each in self._members(opened) if each.name not in files}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        sources = self._sources()
        if "_carried" in state and not any(is_path(source) for source, _ in sources.values()):
            self.load()

    def _members(self, opened: Any) -> list[Member]:
        """Return the members that are open."""
        raise NotImplementedError

    def __fingerprint_state__(self) -> dict[str, Any]:
        """Return what counts for a fingerprint: the parameters and the members, not what was counted."""
        state: dict[str, Any] = dict(self.get_params(deep=False))
        state.pop("locks", None)
        if "_opened" in self.__dict__:
            state["members_"] = {member.name: member.estimator for member in self._members(self._opened)}
        return state

    # -- what is delegated --------------------------------------------------------------------------------------------

    @_Delegated
    def predict(self, X: Any, **params: Any) -> Any:
        """Predict by the member that answers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        **params
            Passed on.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Its predictions.
        """
        return self._answer("predict", X, (), params)

    @_Delegated
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Predict probabilities by the member that answers; see :meth:`predict`."""
        return self._answer("predict_proba", X, (), params)

    @_Delegated
    def predict_log_proba(self, X: Any, **params: Any) -> Any:
        """Predict logarithms of probabilities by the member that answers; see :meth:`predict`."""
        return self._answer("predict_log_proba", X, (), params)

    @_Delegated
    def decision_function(self, X: Any, **params: Any) -> Any:
        """Decide by the member that answers; see :meth:`predict`."""
        return self._answer("decision_function", X, (), params)

    @_Delegated
    def transform(self, X: Any, **params: Any) -> Any:
        """Transform by the member that answers; see :meth:`predict`."""
        return self._answer("transform", X, (), params)

    @_Delegated
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and transform the same rows; see :meth:`fit`."""
        return self.fit(X, y, **params).transform(X)

    @_Delegated
    def inverse_transform(self, X: Any, **params: Any) -> Any:
        """Transform back by the member that answers; see :meth:`predict`."""
        return self._answer("inverse_transform", X, (), params)

    @_Delegated
    def score_samples(self, X: Any, **params: Any) -> Any:
        """Score each row by the member that answers; see :meth:`predict`."""
        return self._answer("score_samples", X, (), params)

    @_Delegated
    def score(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Score the rows by the member in front.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params
            Passed on, such as ``sample_weight``.

        Returns
        -------
        score : float
            Its score.
        """
        return self._ready().front.estimator.score(X, y, **params)

    @_Delegated
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the columns that :meth:`transform` of the member in front puts out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns that go in.

        Returns
        -------
        names : ndarray of str
            Names.
        """
        return self._ready().front.estimator.get_feature_names_out(input_features)

    @_Delegated
    def set_output(self, *, transform: Any = None) -> Any:
        """Set the container that the members' ``transform`` puts out.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            As for any scikit-learn transformer.

        Returns
        -------
        self : object
            This estimator.
        """
        opened = self.__dict__.get("_opened")
        objects = [each.estimator for each in self._members(opened)] if opened is not None else []
        for est in objects or [source for source, _ in self._sources().values() if not is_path(source)]:
            with suppress(AttributeError):
                est.set_output(transform=transform)
        return self


def callers_level() -> int:
    """Return the stacklevel at which a warning points to the code that called this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith(("sklearn_normlock.", "sklearn.")):
        level, frame = level + 1, frame.f_back
    return level - 1


def report_refused(name: str, error: Exception, consequence: str, event: str = "fallback") -> str:
    """Report a member that may not answer, once; return the reason in one line."""
    reason = one_line(error)
    events.emit(
        event,
        f"{name} may not answer: {reason}. {consequence}",
        verdict=events.verdict_of(error),
        member=name,
        reason=reason,
        **events.error_fields(error),
    )
    return reason
