"""Messages name the columns of a step that itself saw none, and never by a wrong name."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline as locked_pipeline
from sklearn_normlock.preprocessing import StandardScaler as LockedScaler
from sklearn_normlock.records.columns import feature_names, literal_list

NUMBERS = pd.DataFrame(
    {"age": [23.0, 35, 41, 58, 62, 29], "income": [21.0, np.nan, 52, 64, 41, 27], "debt": [3.0, 1, 4, 1, 5, 9]}
)
X = NUMBERS.assign(city=["Bern", "Genf", "Bern", "Chur", "Genf", "Bern"])
Y = [0, 0, 1, 1, 1, 0]


def _imputed():
    return make_pipeline(SimpleImputer(), StandardScaler())


FOLLOWED = {
    "imputer": lambda: (_imputed(), NUMBERS),
    "nested": lambda: (make_pipeline(_imputed(), StandardScaler()), NUMBERS),
    "passthrough": lambda: (make_pipeline(SimpleImputer(), "passthrough"), NUMBERS),
    "reordered": lambda: (ColumnTransformer([("num", _imputed(), ["debt", "age"])]), X),
    "by position": lambda: (ColumnTransformer([("num", _imputed(), [2, 0])]), X),
    "by mask": lambda: (ColumnTransformer([("num", _imputed(), [False, True, True, False])]), X),
    "by type": lambda: (make_column_transformer((_imputed(), make_column_selector(dtype_include="number"))), X),
    "one-hot": lambda: (make_column_transformer((OneHotEncoder(), ["city"]), (_imputed(), ["income", "age"])), X),
    "short names": lambda: (
        make_column_transformer((_imputed(), ["income"]), (OneHotEncoder(), ["city"]), verbose_feature_names_out=False),
        X,
    ),
    "passed beside": lambda: (
        make_column_transformer((_imputed(), ["income"]), ("passthrough", ["debt"]), remainder="drop"),
        X,
    ),
    "united": lambda: (
        make_pipeline(SimpleImputer(), FeatureUnion([("a", _imputed()), ("b", "passthrough"), ("c", "drop")])),
        NUMBERS,
    ),
    "united in a group": lambda: (
        make_column_transformer((make_pipeline(SimpleImputer(), make_union(StandardScaler())), ["debt", "age"])),
        X,
    ),
    "guarded": lambda: (make_pipeline(nl.InputGuard(), SimpleImputer()), NUMBERS),
    "declared": lambda: (
        make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p, feature_names_out="one-to-one")),
        NUMBERS,
    ),
}
#: Steps that may drop, mix or add columns: silence is the only true answer.
UNKNOWN = {
    "selected": lambda: (make_pipeline(SimpleImputer(), SelectKBest(k=2)), NUMBERS),
    "mixed": lambda: (make_pipeline(SimpleImputer(), PCA(3)), NUMBERS),
    "united, one mixed": lambda: (make_pipeline(SimpleImputer(), make_union(StandardScaler(), PCA(2))), NUMBERS),
    "indicators": lambda: (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), NUMBERS),
    "function": lambda: (make_pipeline(SimpleImputer(), FunctionTransformer(np.fliplr)), NUMBERS),
    "dropped category": lambda: (make_column_transformer((OneHotEncoder(drop="first"), ["city"])), X),
    "empty column": lambda: (_imputed(), NUMBERS.assign(income=np.nan)),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_followed_as_scikit_learn_does(case):
    """The names that reach the last step are scikit-learn's own."""
    before, rows = FOLLOWED[case]()
    model = make_pipeline(before, LogisticRegression()).fit(rows, Y)
    names = feature_names(nl.lock(model).state, "logisticregression.coef_")
    assert list(names) == list(model[:-1].get_feature_names_out())


@pytest.mark.parametrize("case", UNKNOWN)
def test_no_name_without_certainty(case):
    """Behind a step that may drop, mix or add columns, none is named."""
    before, rows = UNKNOWN[case]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty column, and a lock without a probe for it
        model = make_pipeline(before, LogisticRegression()).fit(rows, Y)
        assert not feature_names(nl.lock(model).state, "logisticregression.coef_")


def test_not_every_array_is_of_columns():
    """An element of a class or a component is not named after a column, though there be as many."""
    state = nl.lock(PCA(3).fit(NUMBERS.fillna(0))).state
    assert list(feature_names(state, "components_")) == ["age", "income", "debt"]
    assert not feature_names(state, "explained_variance_")


def test_every_message():
    """A diff, a search and a sealed pipeline all name the column that a scaler behind an imputer never saw."""
    thousands = NUMBERS.assign(income=NUMBERS["income"] / 1000)
    old, new = _imputed().fit(NUMBERS), _imputed().fit(thousands)
    assert 'standardscaler.mean_["income"]' in str(nl.diff(old, new))

    grid = {"standardscaler__with_std": [True]}
    old, new = (GridSearchCV(_imputed(), grid, cv=2, scoring=_constant).fit(rows) for rows in (NUMBERS, thousands))
    assert 'best_estimator_.standardscaler.mean_["income"]' in str(nl.diff(old, new))

    sealed = locked_pipeline(SimpleImputer(), LockedScaler(), LogisticRegression()).fit(NUMBERS, Y)
    sealed[1].mean_ = sealed[1].mean_ + [0, 1, 0]
    with pytest.raises(nl.errors.PipelineMismatchError, match=r'mean_\["income"\]'):
        sealed.predict(NUMBERS)


def _constant(model, X, y=None):
    return 1.0


def test_a_damaged_list_of_names_is_read_without_a_word():
    """A text that no ``repr`` writes is no list, and Python doesn't warn of its escapes."""
    assert literal_list(repr(["a\\d", "b\n", "'\"", "é"])) == ["a\\d", "b\n", "'\"", "é"]
    assert literal_list(r"['a\d']") is None
