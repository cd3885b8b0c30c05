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
from sklearn_normlock.drop_ins import MODULES, drop_ins
from sklearn_normlock.pipeline import Pipeline, make_pipeline, make_union
from sklearn_normlock.preprocessing import (
    StandardScaler,
)

DROP_INS = {f"{cls.__module__.partition('.')[2]}.{cls.__name__}": cls for cls in drop_ins().values()}
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
each_drop_in = pytest.mark.parametrize("cls", DROP_INS.values(), ids=DROP_INS)


def stock_of(cls: type) -> type:
    module = cls.__module__.replace("sklearn_normlock", "sklearn")
    return getattr(import_module(module), cls.__name__)


#: Models that a composite holds and binds as they are. The ensembles of trees grow their members themselves.
MODELS = frozenset(
    "AdaBoostClassifier AdaBoostRegressor ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier "
    "GradientBoostingRegressor HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest "
    "RandomForestClassifier RandomForestRegressor RandomTreesEmbedding BaseEnsemble".split()
)
PUBLIC = {"calibration": ["CalibratedClassifierCV", "CalibrationDisplay", "calibration_curve"]}  # it has no __all__


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_what_its_twin_has(module):
    """Each estimator of a twin module has a drop-in; what keeps no state is passed on; models are named as missing."""
    ours = import_module(f"sklearn_normlock.{module}")
    try:
        stock = import_module(f"sklearn.{module}")
    except ModuleNotFoundError:
        assert ours.__all__ == []
        return
    for name in PUBLIC.get(module) or stock.__all__:
        value = getattr(stock, name, None)
        if name in MODELS:
            with pytest.raises(ImportError, match=f"no drop-in for {name}: import it from sklearn.{module}"):
                getattr(ours, name)
        elif isinstance(value, type) and issubclass(value, BaseEstimator) and hasattr(value, "fit"):
            assert issubclass(getattr(ours, name), nl.Locked), f"{module}.{name}"
            assert name in ours.__all__
        elif not inspect.ismodule(value) and name not in ("image", "text"):
            assert name in ours.__all__
            assert value is None or name.startswith("make_") or getattr(ours, name) is value


def test_a_name_that_this_scikit_learn_lacks():
    """A drop-in whose stock class came later is absent under an old scikit-learn, and its import says which has it."""
    later = {"model_selection.TunedThresholdClassifierCV": (1, 5), "frozen.FrozenEstimator": (1, 6)}
    for path, since in later.items():
        module, name = path.split(".")
        ours = import_module(f"sklearn_normlock.{module}")
        if VERSION >= since:
            assert issubclass(getattr(ours, name), nl.Locked)
        else:
            with pytest.raises(ImportError, match=rf"{name} .* from {since[0]}\.{since[1]} on; this is scikit-learn"):
                getattr(ours, name)
    from sklearn_normlock.seals.missing import missing

    with pytest.raises(ImportError, match=r"Later .* from 9\.9 on; this is scikit-learn"):
        missing("sklearn_normlock.frozen", {"Later": "9.9"})("Later")
    assert not hasattr(import_module("sklearn_normlock.ensemble"), "Nonsense")


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


#: What the constructors ask for, by the name of the parameter.
REQUIRED = {
    "steps": [("a", "passthrough")],
    "transformer_list": [("a", "passthrough")],
    "transformers": [("a", "passthrough", [0])],
    "dictionary": np.eye(2),
    "estimator": LogisticRegression(),
    "base_estimator": LogisticRegression(),  # of the chains, up to 1.6
    "estimators": [("a", LogisticRegression())],
    "param_grid": {"C": [1.0]},
    "param_distributions": {"C": [1.0]},
}


@each_drop_in
def test_parameters(cls):
    """``get_params``, ``repr`` and tags are the stock class's; no parameter is added."""
    stock = stock_of(cls)
    needed = {name for name, each in inspect.signature(cls).parameters.items() if each.default is each.empty}
    required = {name: value for name, value in REQUIRED.items() if name in needed}
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
