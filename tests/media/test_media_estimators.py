"""Transformers of images, texts and states are estimators as scikit-learn means it, and say what they lack."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from sklearn_normlock.errors import MissingDependencyError
from sklearn_normlock.images import ImagePreprocessor
from sklearn_normlock.onnx import ClsPooling, LastTokenPooling, MeanPooling, OnnxTransformer, Truncate
from sklearn_normlock.text import Tokenizer

STEPS = [ImagePreprocessor(), Tokenizer(), OnnxTransformer(), MeanPooling(), ClsPooling(), LastTokenPooling()]


def _name(step: Any) -> str:
    return type(step).__name__


@pytest.mark.parametrize("step", [*STEPS, Truncate(1), Truncate(1, renormalise=False)], ids=_name)
def test_it_passes_the_checks_of_scikit_learn(step: Any) -> None:
    """Vectors get every check. The others say by their tags that they take no tables, and get those without data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(step)


@pytest.mark.parametrize("step", [*STEPS, Truncate(3)], ids=_name)
def test_it_has_parameters_and_a_repr(step: Any) -> None:
    """get_params, clone and repr work on an unfitted one."""
    assert clone(step).get_params() == step.get_params()
    assert repr(step).startswith(_name(step))


WORDS = {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
NEEDS = {
    "images": ("PIL", lambda: ImagePreprocessor(["rescale"]).fit().transform([np.zeros((2, 2, 3), dtype=np.uint8)])),
    "text": ("tokenizers", lambda: Tokenizer(WORDS).fit()),
    "onnx": ("onnx", lambda: OnnxTransformer(b"").fit()),
}


@pytest.mark.parametrize("extra", NEEDS)
def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    """Without the optional package the error says which extra brings it, and to import the module is no error."""
    package, use = NEEDS[extra]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"sklearn-normlock\[{extra}\]"):
        use()
