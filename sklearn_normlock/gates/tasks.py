"""The kinds of task, the answers of an estimator, and scikit-learn's scorers on answers that were already given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.metrics import get_scorer
from sklearn.utils.multiclass import type_of_target

from ..errors import GateInputError

KINDS = ("classifier", "regressor", "clusterer", "outlier_detector", "transformer")
#: Metrics of our own, beside the names of scikit-learn's scorers.
CALIBRATION = "neg_calibration_error"
_SCORES = ("predict_proba", "decision_function")


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The answers of an estimator, row by row.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Its labels, numbers, or transformed rows.
    scores : mapping of str to ndarray, default={}
        What ``predict_proba`` or ``decision_function`` answered, by the name of the method.
    classes : ndarray, default=None
        The classes, in the order of the columns of the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.gates.comparison import judge
    >>> from sklearn_normlock.gates.tasks import Outputs
    >>> y = np.arange(2000) % 2
    >>> judge(Outputs(predictions=y), Outputs(predictions=1 - y), y).answer
    'mismatch'
    """

    predictions: Any
    scores: Mapping[str, Any] = field(default_factory=dict)
    classes: Any = None

    def __len__(self) -> int:
        return len(self.predictions)


def kind_of(est: Any) -> str | None:
    """Return the kind of task of an estimator; None if it doesn't say."""
    last = est.steps[-1][1] if isinstance(getattr(est, "steps", None), list) and est.steps else est
    with suppress(AttributeError):  # an estimator that is not scikit-learn's has no tags
        if is_classifier(est):
            return "classifier"
        if is_regressor(est):
            return "regressor"
    for candidate in (est, last):
        # is_clusterer and is_outlier_detector are younger than the oldest scikit-learn that is supported.
        declared = getattr(candidate, "_estimator_type", None)
        if declared is None:
            with suppress(AttributeError):
                declared = candidate.__sklearn_tags__().estimator_type
        if declared in KINDS:
            return declared
    if not hasattr(est, "predict") and hasattr(est, "transform"):
        return "transformer"
    return None


def kind_of_answers(predictions: Any, y: Any = None) -> str:
    """Return the kind of task that answers are of, when no estimator is at hand."""
    array = np.asarray(predictions if y is None else y)
    try:
        target = type_of_target(array)
    except (TypeError, ValueError) as error:
        raise GateInputError(
            f"These answers are of no known kind ({error}).",
            remedy="Give labels or numbers, one for each row, or name the kind.",
        ) from None
    return "regressor" if target.startswith("continuous") else "classifier"


def default_metrics(kind: str, has_y: bool) -> tuple[str, ...]:
    """Return the metrics that are judged if none are named."""
    if not has_y or kind not in ("classifier", "regressor"):
        return ("agreement",)
    return ("accuracy",) if kind == "classifier" else ("neg_mean_absolute_error",)


# -- scorers on recorded answers ---------------------------------------------------------------------------------------


class _Recorded(BaseEstimator):
    """An estimator whose rows are positions, and whose answers were given before."""

    def __init__(self, outputs: Outputs | None = None, asked: set[str] | None = None) -> None:
        self.outputs = outputs
        self.asked = asked
        if outputs is not None and outputs.classes is not None:
            self.classes_ = outputs.classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        return self._answers("predict", self.outputs.predictions, X)  # type: ignore[union-attr]

    def __getattr__(self, name: str) -> Any:
        scores = vars(self).get("outputs")
        if name not in _SCORES or scores is None or name not in scores.scores:
            raise AttributeError(name)

        if scores.scores[name] is None:
            raise ValueError(f"the classes of both differ, so {name} can't be compared")

        def answer(X: Any) -> Any:
            return self._answers(name, scores.scores[name], X)

        answer.__name__ = name  # scikit-learn asks a method for its name
        return answer

    def _answers(self, name: str, values: Any, X: Any) -> Any:
        if self.asked is not None:
            self.asked.add(name)
        return values[X]


class _Classifier(ClassifierMixin, _Recorded):
    pass


class _Regressor(RegressorMixin, _Recorded):
    pass


def scorer_of(metric: str | Callable[..., float]) -> Callable[..., float]:
    """Return a scorer by its name, or as it is."""
    if callable(metric):
        return _checked(metric)
    try:
        return get_scorer(metric)
    except (ValueError, KeyError):
        raise GateInputError(
            f"There is no metric {metric!r}.",
            path="metrics",
            actual=metric,
            remedy="Name one of sklearn.metrics.get_scorer_names(), neg_calibration_error, agreement or "
            "negative_flips, or give a scorer.",
        ) from None


def _checked(scorer: Callable[..., float]) -> Callable[..., float]:
    """Refuse a function of answers: a scorer takes an estimator, rows and right answers."""
    try:
        signature = inspect.signature(scorer)
    except (ValueError, TypeError):  # it has none to be read
        return scorer
    try:
        signature.bind(None, None, None)
    except TypeError:
        name = getattr(scorer, "__name__", type(scorer).__name__)
        raise GateInputError(
            f"{name} is no scorer: it can't be called with an estimator, X and y.",
            path="metrics",
            actual=name,
            remedy=f"Give sklearn.metrics.make_scorer({name}), or the name of a scorer.",
        ) from None
    return scorer


def scored(kind: str, outputs: Outputs, scorer: Callable[..., float], y: Any, rows: Any, weight: Any = None) -> float:
    """Return a scorer's value for some rows."""
    recorded = (_Regressor if kind == "regressor" else _Classifier)(outputs)
    if weight is None:
        return float(scorer(recorded, rows, y[rows]))
    return float(scorer(recorded, rows, y[rows], sample_weight=weight[rows]))


def asked_by(metrics: Sequence[Any], kind: str, offered: Sequence[str], classes: Any) -> tuple[str, ...]:
    """Return which of the score methods an estimator has to be asked for these metrics.

    Each scorer is tried on a few made-up answers, and says by what it asks: there is no public way to read it off.
    """
    if kind != "classifier":
        return ()
    found: set[str] = set()
    classes = np.asarray([0, 1] if classes is None or isinstance(classes, list) else classes)  # a list: many outputs
    y = np.resize(classes, 2 * len(classes))
    table = np.full((len(y), len(classes)), 1 / len(classes))
    scores = {name: table if name == "predict_proba" or len(classes) > 2 else table[:, 0] for name in offered}
    outputs = Outputs(predictions=y, scores=scores, classes=classes)
    for metric in metrics:
        if metric in ("agreement", "negative_flips", "accuracy"):
            continue
        if metric == CALIBRATION:
            found.add("predict_proba")
            continue
        recorded = _Classifier(outputs, found)
        try:
            scorer_of(metric)(recorded, np.arange(len(y)), y)
        except GateInputError:
            raise
        except Exception:  # noqa: BLE001, S112 - the real answers will tell; here only the asking counts
            continue
    return tuple(name for name in offered if name in found)


def as_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return answers with one output as a vector, whatever shape they came in."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
