"""Faults of the steps of a pipeline: exchanged, refitted, re-ordered, edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from fault_objects import KITS, NUMBERS, WEIGHTS_OF_WORDS, classes, people, texts, weights_of_words
from fault_table import MISSING, STATE, Fault, drifted, drop, edit, put, retuple, step, swap
from sklearn.linear_model import LogisticRegression, RidgeClassifier

import sklearn_normlock as nl


class Contrary(LogisticRegression):
    """A model that says the opposite."""

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X)[:, ::-1]


def _refit_model(p: Any, y_of: Callable[[Any], Any]) -> None:
    X, y = KITS["pipe"][1](0)
    p[-1].fit(p["pca"].transform(p["scaler"].transform(X)), y_of(y))


def _train_model_on(p: Any) -> None:
    words, y = texts()
    p["model"].partial_fit(p["tfidf"].transform(words), 1 - y)


def _train_scaler_on(p: Any) -> None:
    with nl.config_context(policy="ignore"):  # else a scaler that came from a file refuses
        p["scaler"].partial_fit(drifted())


def _other_model(p: Any) -> None:
    X, y = KITS["pipe"][1](0)
    step(p, -1, RidgeClassifier().fit(p["pca"].transform(p["scaler"].transform(X)), y))


def _insert_second_scaler(p: Any, v2: Any) -> None:
    scaled = p["scaler"].transform(people()[0][NUMBERS])
    p.steps.insert(1, ("again", type(p["scaler"])().fit(scaled + 1)))


STEPS = [
    # -- a step is another one -------------------------------------------------------------------------
    Fault(
        name="scaler refitted on other data",
        kit="pipe",
        apply=lambda p, v2: p["scaler"].fit(drifted()),
        path="scaler",
    ),
    Fault(
        name="scaler refitted on the batch that is served",
        kit="pipe",
        apply=lambda p, v2: p["scaler"].fit_transform(people()[0][NUMBERS].iloc[:5]),
        path="scaler",
    ),
    Fault(
        name="scaler trained further on what is served",
        kit="pipe",
        apply=lambda p, v2: _train_scaler_on(p),
        path="scaler",
    ),
    Fault(
        name="step exchanged for the one of another version",
        kit="pipe",
        apply=lambda p, v2: step(p, 0, v2()["scaler"]),
        path="scaler",
    ),
    Fault(
        name="step exchanged by set_params",
        kit="pipe",
        apply=lambda p, v2: p.set_params(pca=v2()["pca"]),
        path="pca",
    ),
    Fault(
        name="step exchanged for one of another class",
        kit="pipe",
        apply=lambda p, v2: step(p, 0, classes(True).MinMaxScaler().fit(people()[0][NUMBERS])),
        path="scaler",
    ),
    Fault(
        name="old scaler, new model: pieces put together by hand",
        kit="pipe",
        apply=lambda p, v2: type(p)([p.steps[0], *v2().steps[1:]]),
        assembles=True,
        path="scaler.feature_names_in_",
        error=MISSING,
    ),
    Fault(
        name="old pipeline, new model",
        kit="pipe",
        apply=lambda p, v2: step(p, -1, v2()["model"]),
        path="model.coef_",
    ),
    Fault(name="model of another class", kit="pipe", apply=lambda p, v2: _other_model(p), path="model"),
    Fault(
        name="class of the model exchanged in place",
        kit="pipe",
        apply=lambda p, v2: put(p["model"], __class__=Contrary),
        path="model",
    ),
    Fault(
        name="model refitted",
        kit="pipe",
        apply=lambda p, v2: _refit_model(p, lambda y: np.roll(y, 7)),
        path="model.coef_",
    ),
    Fault(name="model trained further", kit="text", apply=lambda p, v2: _train_model_on(p), path="model.coef_"),
    Fault(
        name="classes of the model renamed",
        kit="pipe",
        apply=lambda p, v2: put(p["model"], classes_=np.array([1, 0])),
        path="model.classes_",
        harm=False,  # of its probabilities; the labels that they stand for are others
    ),
    # -- the composition -------------------------------------------------------------------------------
    Fault(name="steps in another order", kit="two scalers", apply=lambda p, v2: swap(p.steps), path="steps"),
    Fault(name="step dropped", kit="two scalers", apply=lambda p, v2: drop(p.steps, 0), path="steps"),
    Fault(name="step dropped from the end", kit="text", apply=lambda p, v2: drop(p.steps, -1), path="steps"),
    Fault(
        name="step set to passthrough",
        kit="array",
        apply=lambda p, v2: p.set_params(scaler="passthrough"),
        path="scaler",
    ),
    Fault(name="step set to None", kit="array", apply=lambda p, v2: p.set_params(scaler=None), path="scaler"),
    Fault(name="step inserted: scaled twice", kit="pipe", apply=_insert_second_scaler, path="steps"),
    Fault(
        name="step renamed",
        kit="pipe",
        apply=lambda p, v2: retuple(p.steps, 0, name="centred"),
        path="steps",
        harm=False,
    ),
    # -- a parameter or an attribute of a step ---------------------------------------------------------
    Fault(
        name="parameter of a step set through the pipeline",
        kit="pipe",
        apply=lambda p, v2: p.set_params(scaler__with_mean=False),
        path="scaler.with_mean",
    ),
    Fault(
        name="parameter of a step set on the step",
        kit="pipe",
        apply=lambda p, v2: p["pca"].set_params(whiten=True),
        path="pca.whiten",
    ),
    Fault(
        name="parameter of a nested step set through the pipeline",
        kit="table",
        apply=lambda p, v2: p.named_steps["preprocess"].named_transformers_["num"].set_params(scaler__with_std=False),
        path="preprocess.num.scaler.with_std",
    ),
    Fault(
        name="attribute of a step bound anew",
        kit="pipe",
        apply=lambda p, v2: put(p["scaler"], scale_=p["scaler"].scale_ * 1000),
        path="scaler.scale_",
    ),
    Fault(
        name="coefficients of the model bound anew",
        kit="pipe",
        apply=lambda p, v2: put(p["model"], coef_=-p["model"].coef_),
        path="model.coef_",
    ),
    Fault(
        name="step edited in place",
        kit="pipe",
        apply=lambda p, v2: edit(p["scaler"].mean_, 1, 0.0),
        path="scaler.mean_",
    ),
    Fault(
        name="model edited in place",
        kit="pipe",
        apply=lambda p, v2: edit(p["model"].intercept_, 0, 9.0),
        path="model.intercept_",
    ),
    Fault(
        name="sparse weights edited in place",
        kit="sparse weights",
        apply=lambda w, v2: edit(w.weights_.data, 0, 9.0),
        path="weights_.data",
        error=STATE,
    ),
    Fault(
        name="model made sparse",
        kit="text",
        apply=lambda p, v2: p["model"].sparsify(),
        path="model.coef_",
        harm=False,
    ),
    Fault(
        name="directions of a component flipped",
        kit="pipe",
        apply=lambda p, v2: put(p["pca"], components_=p["pca"].components_ * [[-1], [1], [1]]),
        path="pca.components_",
    ),
    Fault(
        name="word exchanged with another",
        kit="text",
        apply=lambda p, v2: p["tfidf"].vocabulary_.update(amber=1, black=0),
        path="tfidf.vocabulary_",
    ),
    Fault(
        name="weights of the words edited in place",
        kit="text",
        apply=lambda p, v2: edit(weights_of_words(p["tfidf"]), 0, 50.0),
        path=f"tfidf._tfidf.{WEIGHTS_OF_WORDS}",
    ),
    Fault(
        name="tree of a forest exchanged",
        kit="forest",
        apply=lambda p, v2: p["model"].estimators_.__setitem__(0, v2()["model"].estimators_[0]),
        path="model.estimators_[0]",
    ),
    Fault(
        name="leaves of a tree edited in place",
        kit="forest",
        apply=lambda p, v2: p["model"].estimators_[0].tree_.value.__setitem__(slice(None), 0.5),
        path="model.estimators_[0].tree_",
        unseen="the tree's memory is not NumPy's: each access gives a new, writable view of it",
    ),
    Fault(
        name="classes of the neighbours edited in place",
        kit="neighbours",
        apply=lambda p, v2: edit(p[-1]._y, slice(None), 0),
        path="kneighborsclassifier._y",
    ),
]
