"""A drop-in looks like what it stands for: signatures, parameters, documentation, names."""

from __future__ import annotations

import inspect
from importlib import import_module

import numpy as np
import pytest
import sklearn
from ordinary import X, scaled_model, y
from sklearn import preprocessing as stock_preprocessing
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline as StockPipeline

import sklearn_normlock as nl
from sklearn_normlock.decomposition import PCA
from sklearn_normlock.pipeline import Pipeline, make_pipeline, make_union
from sklearn_normlock.preprocessing import (
    StandardScaler,
)

MODULES = (
    "preprocessing", "pipeline", "compose", "impute", "decomposition", "feature_extraction", "feature_extraction.text"
)  # fmt: skip
DROP_INS = {
    f"{module}.{name}": value
    for module in MODULES
    for name, value in vars(import_module(f"sklearn_normlock.{module}")).items()
    if isinstance(value, type) and issubclass(value, nl.Locked) and value is not nl.Locked
}
each_drop_in = pytest.mark.parametrize("cls", DROP_INS.values(), ids=DROP_INS)


def stock_of(cls: type) -> type:
    module = cls.__module__.replace("sklearn_normlock", "sklearn")
    return getattr(import_module(module), cls.__name__)


def test_every_transformer_of_the_modules_has_one():
    """Every public transformer of scikit-learn's preprocessing, impute, compose and text modules has a drop-in."""
    assert len(DROP_INS) >= 45
    for module in MODULES:
        stock, ours = import_module(f"sklearn.{module}"), import_module(f"sklearn_normlock.{module}")
        for name in stock.__all__:
            value = getattr(stock, name, None)
            if isinstance(value, type) and issubclass(value, BaseEstimator) and hasattr(value, "fit"):
                assert issubclass(getattr(ours, name), nl.Locked), f"{module}.{name}"
            elif module != "feature_extraction" and not inspect.ismodule(value) and name in vars(ours):
                assert name in ours.__all__


@each_drop_in
def test_signatures(cls):
    """Every method, and the constructor, has the signature of the stock one; metadata routing reads them."""
    stock = stock_of(cls)
    assert str(inspect.signature(cls)) == str(inspect.signature(stock))  # not ==, for the NaNs among the defaults
    for name in dir(stock):
        ours, theirs = inspect.getattr_static(cls, name, None), inspect.getattr_static(stock, name)
        if name.startswith("_") or not (callable(theirs) or hasattr(theirs, "fn")):
            continue
        if hasattr(theirs, "fn"):  # there under a condition
            ours, theirs = ours.fn, theirs.fn
        if isinstance(theirs, (classmethod, staticmethod)):
            ours, theirs = ours.__func__, theirs.__func__
        assert str(inspect.signature(ours)) == str(inspect.signature(theirs)), name
        assert ours.__doc__ == theirs.__doc__
        assert ours.__name__ == theirs.__name__
    assert {name for name in dir(cls) if not name.startswith("_")} == {n for n in dir(stock) if not n.startswith("_")}


@each_drop_in
def test_parameters(cls):
    """``get_params``, ``repr`` and tags are the stock class's; no parameter is added."""
    stock = stock_of(cls)
    required = {
        "Pipeline": {"steps": [("a", "passthrough")]},
        "FeatureUnion": {"transformer_list": [("a", "passthrough")]},
        "ColumnTransformer": {"transformers": [("a", "passthrough", [0])]},
        "SparseCoder": {"dictionary": np.eye(2)},
    }.get(cls.__name__, {})
    ours, theirs = cls(**required), stock(**required)
    assert repr(ours.get_params()) == repr(theirs.get_params())
    assert repr(ours) == repr(theirs)
    assert cls._get_param_names() == stock._get_param_names()
    assert not any("lock" in name for name in vars(ours))
    if hasattr(sklearn.utils, "get_tags"):
        assert sklearn.utils.get_tags(ours) == sklearn.utils.get_tags(theirs)


@each_drop_in
def test_documentation(cls):
    """The docstring says that it is locked, links to the stock class's page, and holds the stock docstring."""
    stock = stock_of(cls)
    first = cls.__doc__.splitlines()[0]
    assert f"https://scikit-learn.org/stable/modules/generated/sklearn.{cls.__module__.partition('.')[2]}" in first
    assert first.endswith("locked: sealed by every fit, checked at every call and load.")
    assert stock.__doc__.strip() in cls.__doc__
    assert inspect.getdoc(cls).splitlines()[2].startswith("Parameters")


def test_names_of_steps():
    """The ``make_*`` functions name steps as scikit-learn's do, pass their options on, and give locked classes."""
    pipe = make_pipeline(StandardScaler(), StandardScaler(), PCA(), memory=None, verbose=True)
    assert list(pipe.named_steps) == ["standardscaler-1", "standardscaler-2", "pca"]
    assert type(pipe) is Pipeline and pipe.verbose
    assert [name for name, _ in make_union(PCA(), StandardScaler(), n_jobs=1).transformer_list] == [
        "pca",
        "standardscaler",
    ]
    from sklearn.compose import make_column_transformer as stock

    from sklearn_normlock.compose import make_column_transformer

    columns = make_column_transformer((StandardScaler(), ["age"]), remainder="passthrough")
    assert repr(columns) == repr(stock((StandardScaler(), ["age"]), remainder="passthrough"))
    assert isinstance(columns, nl.Locked)
    for ours, theirs in ((make_column_transformer, stock), (make_pipeline, sklearn.pipeline.make_pipeline)):
        assert inspect.signature(ours) == inspect.signature(theirs)


def test_fingerprints_are_the_stock_ones():
    """A drop-in has the fingerprint of the stock object that it stands for, alone and in a pipeline."""
    assert StandardScaler().fit(X).fingerprint_ == nl.fingerprint(stock_preprocessing.StandardScaler().fit(X))
    locked = scaled_model().fit(X, y)
    stock = StockPipeline(
        [("standardscaler", stock_preprocessing.StandardScaler()), ("logisticregression", LogisticRegression())]
    )
    assert locked.fingerprint_ == nl.fingerprint(stock.fit(X, y))
