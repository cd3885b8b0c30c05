"""The state of models that other libraries keep in compiled objects (clause 7.7 of ``docs/spec.md``).

Each library has a text or bytes of its own for a model. Only the part that determines predictions counts: it
is the same for equal models, whatever was called on them before, and through every way of saving them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UnfingerprintableError
from .exclusions import counted
from .naming import class_name

State = Mapping[str, Any]

# Parameters of CatBoost that say how to train and where to write, not what.
_CATBOOST_RUN = frozenset(
    {
        "thread_count",
        "verbose",
        "verbose_eval",
        "silent",
        "logging_level",
        "metric_period",
        "allow_writing_files",
        "train_dir",
        "save_snapshot",
        "snapshot_file",
        "snapshot_interval",
        "used_ram_limit",
        "name",
    }
)


def _lightgbm(booster: Any) -> tuple[str, State]:
    text = booster.model_to_string(num_iteration=-1)
    return "lightgbm:Booster", {
        "model": text.split("\nparameters:")[0],
        "best_iteration": max(booster.best_iteration, 0),
    }


def _xgboost(booster: Any) -> tuple[str, State]:
    return "xgboost:Booster", {"model": bytes(booster.save_raw(raw_format="ubj"))}


def _catboost(model: Any) -> tuple[str, State]:
    parameters = {name: value for name, value in model.get_params().items() if name not in _CATBOOST_RUN}
    state: dict[str, Any] = {"parameters": parameters}
    if model.is_fitted():
        exported = _catboost_export(model)
        # When, by which build, and under which run's name it was trained.
        information = exported.pop("model_info")
        state["model"] = exported
        state["loss"] = information.get("params", {}).get("loss_function")
        state["classes"] = information.get("class_params")
    return class_name(type(model)), state


def _catboost_export(model: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        try:
            model.save_model(path, format="json")
        except Exception as error:  # CatBoost's own, whose class lies in a compiled module
            reason = " ".join(str(error).split())[:160]
            raise UnfingerprintableError(
                f"this {type(model).__name__} can't be fingerprinted: CatBoost can't write it as JSON ({reason}).",
                remedy="Train it without text and embedding features, or bind its file: nl.lock({'model': path}).",
            ) from None
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def _onedal_forest(forest: Any) -> tuple[str, State]:
    # Two fits serialise the same trees in two ways: the trees are read out and counted.
    state = counted(type(forest), vars(forest))
    if "_onedal_estimator" in vars(forest):
        state["estimators_"] = list(forest.estimators_)
    return class_name(type(forest)), state


BOOSTERS: dict[str, Callable[[Any], tuple[str, State]]] = {
    "lightgbm.basic.Booster": _lightgbm,
    "xgboost.core.Booster": _xgboost,
    "catboost.core.CatBoost": _catboost,
    "sklearnex.ensemble._forest.BaseForest": _onedal_forest,
}
