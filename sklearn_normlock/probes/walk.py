"""Walk through the steps of a fitted object with some rows, and see what each step makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..config import config_context
from ..errors import NormLockError
from ..fingerprints.paths import joined
from ..records.environment import has_version

# The methods that a step is asked for. One of the second group is enough: they are made of the same numbers. One of the
# last group is asked where a step has nothing else to say of new rows: beside a transform, a likelihood is the worse
# conditioned of the two.
_FINAL = ("transform", "predict")
_SCORES = ("predict_proba", "decision_function")
_OTHERWISE = ("score_samples", "kneighbors", "mahalanobis")
_VOTERS = 16  # members that are asked in place of scores
# These say no more than the ones above if scikit-learn wrote them. Code of the user's may say anything there.
_FURTHER = (*_SCORES, "predict_log_proba", "score_samples", "inverse_transform", "get_feature_names_out")
# A method that leaves its work to a function that the estimator was given, and the parameter for it.
_LEFT_TO = {"inverse_transform": "inverse_func", "get_feature_names_out": "feature_names_out"}


class StepFailedError(Exception):
    """A step could not be run on rows that it ran on when it was locked."""

    def __init__(self, path: str, method: str, error: Exception) -> None:
        super().__init__(path, method, error)
        self.path = path
        self.method = method
        self.error = error


@contextmanager
def quietly() -> Iterator[None]:
    """Silence what rows at the edges, or of another kind than at fit, make estimators say."""
    import sklearn

    # By scikit-learn's own path: it is what a version changes, and the fast one would serve in spite of that. Missing
    # values are looked for even where the process vouches that there are none: the rows of a probe have some.
    whole = sklearn.config_context(assume_finite=False)
    with warnings.catch_warnings(), np.errstate(all="ignore"), config_context(fast=False), whole:
        warnings.simplefilter("ignore")
        yield


def walk(
    est: Any, rows: Any, path: str = "", *, last: bool = True, asked: Mapping[str, Sequence[str]] | None = None
) -> Iterator[tuple[str, str, Any]]:
    """Yield what each step of an object puts out, from the first to the last.

    Parameters
    ----------
    est : estimator
        Fitted.
    rows : array, DataFrame or list
        What it takes.
    path : str, default=""
        Where it stands in the whole.
    last : bool, default=True
        Whether nothing follows: only then is a step asked to predict.
    asked : mapping of path to method names, default=None
        What the last steps are asked; what :func:`calls` says if None. Another version may offer more, or something
        that comes before it.

    Yields
    ------
    path, method, output
        As ``("preprocess.num.scaler", "transform", array)``. The last one is the output of the object itself.

    Raises
    ------
    StepFailedError
        If a step can't be run on what the one before it put out.
    """
    if hasattr(est, "best_estimator_"):
        yield from walk(est.best_estimator_, rows, joined(path, "best_estimator_"), last=last, asked=asked)
    elif isinstance(getattr(est, "steps", None), list):
        steps = steps_of(est)
        for i, (name, step) in enumerate(steps):
            output = rows
            ends = last and i == len(steps) - 1
            for place, method, output in walk(step, rows, joined(path, name), last=ends, asked=asked):
                yield place, method, output
            rows = output
    else:
        for name, member, theirs in _branches(est, rows, path):
            yield from walk(member, theirs, joined(path, name), last=False)
        if not last:
            own = [name for name in _further(est) if asked is None or name in asked.get(path, ())]
            methods: Sequence[str] = (*_declared(est), *own, "transform")
        elif asked is None:
            methods = calls(est)
        else:
            methods = [method for method in asked.get(path, ()) if hasattr(est, method)]
        yield from _calls(est, rows, path, methods, first=asked is None)
        for name, member in _voters(est) if last else ():
            place = joined(path, name)
            # A margin first: it needs less of a member than probabilities, and is what most ways to vote begin with.
            scores = [name for name in reversed(_SCORES) if hasattr(member, name)][:1] or ["predict"]
            theirs = scores if asked is None else asked.get(place, ())
            yield from _calls(member, rows, place, [method for method in theirs if hasattr(member, method)])


def steps_of(est: Any) -> list[tuple[str, Any]]:
    """Return the steps that do something with new rows.

    Not those that only resample what is fitted on (imbalanced-learn), nor guards, which look at rows and pass them on.
    """
    return [
        (name, step)
        for name, step in est.steps
        if step is not None
        and not isinstance(step, str)
        and not hasattr(step, "passes_rows_through")
        and (step is est.steps[-1][1] or hasattr(step, "transform"))
    ]


def _members(est: Any) -> list[tuple[Any, ...]] | None:
    """Return the members that take the rows side by side: name, member, and its columns; None if it isn't of that kind.

    Other libraries use scikit-learn's names for something else.
    """
    for attribute in ("transformers_", "transformer_list"):
        members = getattr(est, attribute, None)
        if isinstance(members, list) and all(isinstance(item, tuple) and len(item) in (2, 3) for item in members):
            return [item for item in members if item[1] is not None and not isinstance(item[1], str)]
    return None


def _branches(est: Any, rows: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the members that take the rows side by side, and what each takes."""
    for name, member, *columns in _members(est) or ():
        if not columns:
            yield name, member, rows
        elif np.size(columns[0]):
            from sklearn.utils import _safe_indexing

            try:
                theirs = _safe_indexing(rows, columns[0], axis=1)
            except Exception as error:  # it wants columns that the rows don't have
                raise StepFailedError(joined(path, name), "transform", error) from error
            yield name, member, theirs


def _voters(est: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members of a classifier that has labels alone to give: what they say of the rows is all its scores."""
    if not hasattr(est, "classes_") or any(hasattr(est, name) for name in _SCORES):
        return
    members = getattr(est, "estimators_", None)
    for i, member in enumerate(members[:_VOTERS] if isinstance(members, list) else ()):
        if hasattr(member, "predict") and getattr(member, "n_features_in_", None) == getattr(
            est, "n_features_in_", None
        ):
            yield f"estimators_[{i}]", member


def _calls(
    est: Any, rows: Any, path: str, methods: Sequence[str], first: bool = False
) -> Iterator[tuple[str, str, Any]]:
    for method in methods:
        try:
            output = _answer(est, rows, method)
        except Exception as error:
            if first and _may_fail(method, methods, error):
                continue  # it can't do that in the way it was fitted, though it has the method
            raise StepFailedError(path, method, error) from error
        # Neighbours are compared by distance: which of two that are equally near comes first is nobody's word.
        yield path, method, output[0] if method == "kneighbors" else output


def _answer(est: Any, rows: Any, method: str) -> Any:
    if method == "get_feature_names_out":
        return est.get_feature_names_out()
    return getattr(est, method)(est.transform(rows) if method == "inverse_transform" else rows)


def _may_fail(method: str, methods: Sequence[str], error: Exception) -> bool:
    """Tell whether an object can be locked although a method of it fails: it has others that say what it does."""
    if method in _SCORES:
        return "predict" in methods and isinstance(error, (ValueError, NotImplementedError))
    return method in _FURTHER and any(name in methods for name in _FINAL) and not isinstance(error, NormLockError)


def _further(est: Any) -> list[str]:
    """Return the methods that run code of the user's, of those that not every object is asked."""
    return [name for name in _FURTHER if hasattr(est, name) and _is_users(_code_of(est, name))]


def _code_of(est: Any, method: str) -> Any:
    given = getattr(est, _LEFT_TO.get(method, ""), None)
    return getattr(given, "func", given) if callable(given) else getattr(type(est), method, None)


def _is_users(code: Any) -> bool:
    module = getattr(code, "__module__", None)
    return isinstance(module, str) and not has_version(module)


def calls(est: Any) -> list[str]:
    """Return the methods that a fitted object is asked with new rows.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    names : list of str
        Empty if it has nothing to say of new rows, as many clusterers have not.
    """
    if hasattr(est, "passes_rows_through"):
        return []
    final = [name for name in _FINAL if hasattr(est, name)]
    scores = [name for name in _SCORES if hasattr(est, name)][:1]
    further = [name for name in _further(est) if name not in scores]
    return [*_declared(est), *further, *final, *scores] or [name for name in _OTHERWISE if hasattr(est, name)][:1]


def _declared(est: Any) -> tuple[str, ...]:
    """Return the methods that a class wants to be asked besides: they show state that its other outputs hide."""
    return getattr(type(est), "__probe_methods__", ())


def leaves(est: Any, path: str = "", *, first: bool = True) -> Iterator[tuple[str, Any, bool]]:
    """Yield the estimators in an object that have no steps of their own.

    Parameters
    ----------
    est : estimator
        Fitted.
    path : str, default=""
        Where it stands in the whole.
    first : bool, default=True
        Whether it is given the rows of the whole as they are.

    Yields
    ------
    path, leaf, first
    """
    if hasattr(est, "best_estimator_"):
        yield from leaves(est.best_estimator_, joined(path, "best_estimator_"), first=first)
        return
    if isinstance(getattr(est, "steps", None), list):
        for i, (name, step) in enumerate(steps_of(est)):
            yield from leaves(step, joined(path, name), first=first and i == 0)
        return
    members = _members(est)
    if members is None:
        yield path, est, first
        return
    for name, member, *_ in members:
        yield from leaves(member, joined(path, name), first=first)
