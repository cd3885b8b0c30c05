"""Faults of what is composed otherwise, and of the seal itself: columns, unions, targets, containers of others."""

from __future__ import annotations

from typing import Any

import numpy as np
from fault_table import MISSING, STATE, STEP, Fault, drifted, put, retuple, step, strip, swap


def _num(p: Any, step: str) -> Any:
    return p["preprocess"].named_transformers_["num"][step]


def _mixed_up_table(p: Any) -> None:
    encoder = p["preprocess"].named_transformers_["cat"]
    encoder.categories_[0] = encoder.categories_[0][::-1].copy()


MEMBERS = [
    # -- columns ---------------------------------------------------------------------------------------
    Fault(
        name="nested scaler refitted",
        kit="table",
        apply=lambda p, v2: _num(p, "scaler").fit(drifted().to_numpy()),
        path="preprocess.num.scaler",
    ),
    Fault(
        name="columns of a transformer exchanged",
        kit="matrix",
        apply=lambda p, v2: retuple(p["preprocess"].transformers_, 0, columns=[1, 0]),
        path="preprocess.centred",
    ),
    Fault(
        name="transformer exchanged for the one of another version",
        kit="table",
        apply=lambda p, v2: retuple(
            p["preprocess"].transformers_, 0, estimator=v2()["preprocess"].named_transformers_["num"]
        ),
        path="preprocess.num",
    ),
    Fault(
        name="transformer dropped",
        kit="table",
        apply=lambda p, v2: retuple(p["preprocess"].transformers_, 1, estimator="drop"),
        path="preprocess.cat",
        loud="the model finds too few columns",
    ),
    Fault(
        name="weights of the transformers set",
        kit="table",
        apply=lambda p, v2: p.set_params(preprocess__transformer_weights={"num": 10.0}),
        path="preprocess.transformer_weights",
    ),
    Fault(
        name="category exchanged in a list of arrays",
        kit="table",
        apply=lambda p, v2: _mixed_up_table(p),
        path="preprocess.cat.categories_",
    ),
    Fault(
        name="weight of a union's part changed in place",
        kit="union",
        apply=lambda u, v2: u.transformer_weights.update(standard=0.1),
        path="transformer_weights",
        error=STATE,
    ),
    Fault(
        name="part of a union exchanged",
        kit="union",
        apply=lambda u, v2: retuple(u.transformer_list, 1, estimator=v2().transformer_list[1][1]),
        path="range",
    ),
    Fault(
        name="parts of a union in another order",
        kit="union",
        apply=lambda u, v2: swap(u.transformer_list),
        path="transformer_list",
        error=STEP,
    ),
    # -- targets ---------------------------------------------------------------------------------------
    Fault(
        name="transformer of the target exchanged",
        kit="target",
        apply=lambda t, v2: put(t, transformer_=v2().transformer_),
        path="transformer_",
    ),
    Fault(
        name="regressor exchanged",
        kit="target",
        apply=lambda t, v2: put(t, regressor_=v2().regressor_),
        path="regressor_.ridge.coef_",
    ),
    Fault(
        name="inverse function of the target set",
        kit="log target",
        apply=lambda t, v2: t.transformer_.set_params(inverse_func=np.exp),
        path="transformer_.inverse_func",
    ),
    # -- locked objects in scikit-learn's own containers -----------------------------------------------
    Fault(
        name="scaler in a search's best pipeline edited",
        kit="search",
        apply=lambda s, v2: put(s.best_estimator_["scaler"], mean_=v2().best_estimator_["scaler"].mean_),
        path="scaler.mean_",
    ),
    Fault(
        name="model in a search's best pipeline exchanged",
        kit="search",
        apply=lambda s, v2: step(s.best_estimator_, -1, v2().best_estimator_["model"]),
        path="model.coef_",
    ),
    Fault(
        name="pipeline in a vote: scaler refitted",
        kit="voting",
        apply=lambda v, v2: v.estimators_[0]["scaler"].fit(drifted()),
        path="scaler",
    ),
    Fault(
        name="pipeline in a stack: parameter set",
        kit="stacking",
        apply=lambda s, v2: s.estimators_[0].set_params(scaler__with_std=False),
        path="scaler.with_std",
    ),
    Fault(
        name="scaler in scikit-learn's pipeline: attribute bound anew",
        kit="stock pipeline",
        apply=lambda p, v2: put(p["scaler"], mean_=np.zeros(4)),
        path="mean_",
        error=STATE,
    ),
    Fault(
        name="scaler in scikit-learn's pipeline: parameter set through it",
        kit="stock pipeline",
        apply=lambda p, v2: p.set_params(scaler__with_mean=False),
        path="with_mean",
        error=STATE,
    ),
    # -- the seal itself -------------------------------------------------------------------------------
    Fault(
        name="fingerprint of the pipeline removed",
        kit="pipe",
        apply=lambda p, v2: strip(p, "fingerprint_"),
        path="scaler.feature_names_in_",
        error=MISSING,
        harm=False,
    ),
    Fault(
        name="everything that the seal carries removed",
        kit="pipe",
        apply=lambda p, v2: strip(p),
        path="scaler.feature_names_in_",
        error=MISSING,
        harm=False,
    ),
    Fault(
        name="fingerprint of another version, valid there",
        kit="pipe",
        apply=lambda p, v2: put(p, fingerprint_=getattr(v2(), "fingerprint_", "")),
        path="",
        error=STATE,
        harm=False,
    ),
]
