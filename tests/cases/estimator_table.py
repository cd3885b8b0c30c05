"""scikit-learn's own estimator checks, for the drop-ins: instances, variants by check, expected failures.

scikit-learn keys its tables (what to construct, with which parameters a check is to be run, which checks are known to
fail) on the exact class, so that a subclass silently gets none of it. Here the entries of each stock class are handed
to its drop-in: whatever a new release adds comes in by itself. `OWN_FAILURES` is what a drop-in adds to the expected
failures; each line has a reason.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import SkipTest, mock

import sklearn
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_checks

from sklearn_normlock.drop_ins import drop_ins

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
#: (class name, check name) -> why the drop-in fails what the stock class passes.
OWN_FAILURES: dict[tuple[str, str], str] = {}

#: Entries of scikit-learn's own table, up to a release, that its own classes pass.
_STALE_UP_TO = {
    ("KBinsDiscretizer", "check_sample_weight_equivalence_on_sparse_data"): (1, 6),
    ("SplineTransformer", "check_estimators_pickle"): (1, 6),  # SciPy was at fault, before 1.11
}

#: Checks of scikit-learn's test suite that its generator does not yield (which ones it yields depends on the release).
BESIDE_THE_GENERATOR = (
    "check_n_features_in_after_fitting",
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_set_output_transform_polars",
    "check_param_validation",
)
_SUITE_SKIPS = {
    # as scikit-learn's test_common.py does
    ("ColumnTransformer", "check_dataframe_column_names_consistency"),
    ("FeatureUnion", "check_param_validation"),
}

Check = Callable[[Any], None]


#: stock class -> drop-in, for every drop-in there is.
DROP_INS: dict[type, type] = dict(drop_ins())
STOCK: dict[type, type] = {ours: stock for stock, ours in DROP_INS.items()}


_COMPOSITES = frozenset({"ColumnTransformer", "FeatureUnion", "Pipeline"})

_FURTHER: dict[str, list[dict[str, Any]]] = {
    "ColumnTransformer": [{"transformers": [("a", StandardScaler(), [0]), ("b", MinMaxScaler(), slice(1, None))]}],
    "FeatureUnion": [{"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]}],
    "FunctionTransformer": [{"feature_names_out": "one-to-one"}],
    "OneHotEncoder": [{"sparse_output": False}],
    "Pipeline": [{"steps": [("scaler", StandardScaler()), ("other", MinMaxScaler())]}],
    "SimpleImputer": [{"add_indicator": True}],
}


def _rebuilt(value: Any, classes: dict[type, type]) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_rebuilt(item, classes) for item in value)
    if isinstance(value, dict):
        return {key: _rebuilt(item, classes) for key, item in value.items()}
    if type(value).__name__ == "FrozenEstimator":  # it holds a fitted one
        return classes.get(type(value), type(value))(value.estimator)
    if isinstance(value, BaseEstimator):
        params = {name: _rebuilt(item, classes) for name, item in value.get_params(deep=False).items()}
        return classes.get(type(value), type(value))(**params)
    return value


def in_our_classes(value: Any) -> Any:
    """Return a value with each estimator in it rebuilt in our class, where there is one."""
    return _rebuilt(value, DROP_INS)


def in_stock_classes(value: Any) -> Any:
    """Return a value with each drop-in in it rebuilt in its stock class."""
    return _rebuilt(value, STOCK)


# -- scikit-learn's tables, with our classes in them ------------------------------------------------------------------

_TABLES = ("INIT_PARAMS", "PER_ESTIMATOR_CHECK_PARAMS", "PER_ESTIMATOR_XFAIL_CHECKS")


@contextmanager
def registered() -> Iterator[None]:
    """Let scikit-learn find our classes in its tables: while checks are generated, and while they run."""
    with ExitStack() as stack:
        if VERSION >= (1, 6):
            from sklearn.utils._test_common import instance_generator

            for name in _TABLES:
                table = getattr(instance_generator, name, None)
                if table is not None:
                    rows = {ours: in_our_classes(table[stock]) for stock, ours in DROP_INS.items() if stock in table}
                    stack.enter_context(mock.patch.dict(table, rows))
        yield


def _up_to_1_5(ours: type) -> Iterator[Any]:
    """Construct what scikit-learn's ``test_common.py`` of 1.4 and 1.5 does."""
    if ours.__name__ == "Pipeline":
        for final in (Ridge(), LogisticRegression()):
            yield ours([("scaler", in_our_classes(StandardScaler())), ("final_estimator", final)])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield estimator_checks._construct_instance(ours)
            except SkipTest:
                return


def instances(ours: type) -> list[Any]:
    """Return the instances of a drop-in that scikit-learn's suite would check, as it would set them up."""
    if VERSION < (1, 6):
        made = list(_up_to_1_5(ours))
        for estimator in made:
            estimator_checks._set_checking_parameters(estimator)
        return made
    from sklearn.utils._test_common.instance_generator import SKIPPED_ESTIMATORS, _construct_instances

    if STOCK[ours] in SKIPPED_ESTIMATORS:
        return []
    with registered():
        return list(_construct_instances(ours))


def further_instances(ours: type) -> list[Any]:
    """Return instances that scikit-learn's suite does not put through every check: what they pass is not known.

    Composites stand here with stock members too, as users have it who changed one import.
    """
    if ours.__name__ == "FrozenEstimator":  # scikit-learn's own suite skips it, as it needs what was fitted
        fitted = in_our_classes(MinMaxScaler()).fit([[0.0, 1.0], [2.0, 3.0]])
        return [ours(fitted), ours(DummyClassifier().fit([[0.0], [1.0]], [0, 1]))]
    made = [ours(**params) for params in in_our_classes(_FURTHER.get(ours.__name__, []))]
    composites = [estimator for estimator in made + instances(ours) if ours.__name__ in _COMPOSITES]
    return made + [ours(**in_stock_classes(estimator.get_params(deep=False))) for estimator in composites]


def expected_failures(estimator: Any) -> dict[str, str]:
    """Return scikit-learn's own expected failures of the stock class, and ours."""
    if VERSION >= (1, 6):
        from sklearn.utils._test_common.instance_generator import _get_expected_failed_checks

        with registered():
            stock = dict(_get_expected_failed_checks(estimator))
    else:
        from sklearn.utils._tags import _safe_tags

        stock = dict(_safe_tags(estimator, key="_xfail_checks") or {})
    name = type(estimator).__name__
    kept = {check: reason for check, reason in stock.items() if VERSION > _STALE_UP_TO.get((name, check), (0, 0))}
    return kept | {check: reason for (cls, check), reason in OWN_FAILURES.items() if cls == name}


def check_name(check: Any) -> str:
    return check_name(check.func) if isinstance(check, partial) else check.__name__


def generated(estimator: Any) -> list[tuple[Any, Check]]:
    """Return every check of scikit-learn for an instance, with the variant of it that the check is to be run on."""
    with registered(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which estimators can't be checked: those for text, say
        if VERSION >= (1, 6):
            pairs = list(estimator_checks.estimator_checks_generator(estimator))
        else:
            name = type(estimator).__name__
            pairs = [(estimator, partial(check, name)) for check in estimator_checks._yield_all_checks(estimator)]
        return pairs + list(_beside_the_generator(estimator, {check_name(check) for _, check in pairs}))


def _beside_the_generator(estimator: Any, yielded: set[str]) -> Iterator[tuple[Any, Check]]:
    name = type(estimator).__name__
    for which in BESIDE_THE_GENERATOR:
        check = getattr(estimator_checks, which, None)
        if check is None or which in yielded or (name, which) in _SUITE_SKIPS:
            continue
        if "set_output" in which or "output_transform" in which:
            if not hasattr(estimator, "set_output"):
                continue
        if "feature_names_out" in which and not hasattr(estimator, "get_feature_names_out"):
            continue
        if which.startswith("check_transformer") and not hasattr(estimator, "fit_transform"):
            continue  # a pipeline that ends in a predictor
        for variant in _variants(check, estimator):
            yield variant, partial(check, name)


def _variants(check: Check, estimator: Any) -> Iterator[Any]:
    if VERSION < (1, 6):
        yield estimator
        return
    from sklearn.utils._test_common.instance_generator import _yield_instances_for_check

    yield from _yield_instances_for_check(check, estimator)
