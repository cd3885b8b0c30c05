"""The objects that `fault_table` spoils: each is built twice, of locked classes and of scikit-learn's own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline as StockPipeline

from sklearn_normlock import Locked

NUMBERS = ["age", "income", "height", "weight"]
_MODULES = (
    "preprocessing", "pipeline", "compose", "impute", "decomposition", "feature_extraction", "feature_extraction.text"
)  # fmt: skip


def classes(locked: bool) -> SimpleNamespace:
    """Return every class that has a drop-in, ours or scikit-learn's, by name."""
    import sklearn_normlock.impute  # noqa: F401  (shows scikit-learn's IterativeImputer)

    found: dict[str, Any] = {}
    for module in _MODULES:
        ours = import_module(f"sklearn_normlock.{module}")
        source = ours if locked else import_module(f"sklearn.{module}")
        found |= {name: getattr(source, name) for name in ours.__all__}
    return SimpleNamespace(**found)


def people(seed: int = 0, rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table with numbers on several scales and two categories, and two classes; another seed drifts."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40 + 5 * seed, 9, rows),
            "income": rng.lognormal(10.5, 0.5, rows) * (1 + seed),
            "height": rng.normal(171, 8, rows),
            "weight": rng.normal(70, 11, rows),
            "city": rng.choice(["Bergen", "Lyon", "Turin"], rows),
            "plan": rng.choice(["basic", "plus"], rows),
        }
    )
    return table, (table["age"] + rng.normal(0, 5, rows) > table["age"].median()).to_numpy().astype(int)


def with_gaps(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the same with some numbers missing."""
    table, y = people(seed)
    table.loc[::7, "age"] = np.nan
    table.loc[3::9, "income"] = np.nan
    return table, y


WORDS = "red green blue amber violet teal pink white black grey lime navy olive plum rose sand".split()


def texts(seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Return forty short texts of sixteen words, and two classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 2
    halves = WORDS[:10], WORDS[6:]
    return [" ".join(rng.choice(halves[label], 6)) for label in y], y


# Where a fitted TfidfTransformer keeps them depends on the release.
WEIGHTS_OF_WORDS = "_idf_diag.data" if sklearn.__version__.startswith("1.4.") else "idf_"


def weights_of_words(vectorizer: Any) -> np.ndarray:
    inner = vectorizer._tfidf
    return inner._idf_diag.data if "_idf_diag" in vars(inner) else inner.idf_


def _numbers(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    table, y = people(seed)
    return table[NUMBERS], y


def _gappy_numbers(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    table, y = with_gaps(seed)
    return table[NUMBERS], y


def _array(seed: int) -> tuple[np.ndarray, np.ndarray]:
    table, y = _numbers(seed)
    return table.to_numpy(), y


def _cities(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    table, y = people(seed)
    return table[["city", "plan"]], y


def _income(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    table, _ = people(seed)
    return table[["age", "height", "weight"]], table["income"].to_numpy()


def _pipe(c: SimpleNamespace) -> Any:
    return c.Pipeline([("scaler", c.StandardScaler()), ("pca", c.PCA(3)), ("model", LogisticRegression())])


def _table(c: SimpleNamespace) -> Any:
    number = c.Pipeline([("imputer", c.SimpleImputer()), ("scaler", c.StandardScaler())])
    preprocess = c.ColumnTransformer(
        [("num", number, NUMBERS), ("cat", c.OneHotEncoder(handle_unknown="ignore"), ["city", "plan"])]
    )
    return c.Pipeline([("preprocess", preprocess), ("model", LogisticRegression())])


def _matrix(c: SimpleNamespace) -> Any:
    preprocess = c.ColumnTransformer([("centred", c.StandardScaler(), [0, 1]), ("ranged", c.MinMaxScaler(), [2, 3])])
    return c.Pipeline([("preprocess", preprocess), ("model", LogisticRegression())])


def _two_scalers(c: SimpleNamespace) -> Any:
    return c.Pipeline(
        [
            ("robust", c.RobustScaler()),
            ("power", c.PowerTransformer(standardize=False)),
            ("model", LogisticRegression()),
        ]
    )


def _union(c: SimpleNamespace) -> Any:
    return c.FeatureUnion(
        [("standard", c.StandardScaler()), ("range", c.MinMaxScaler())], transformer_weights={"standard": 1.0}
    )


def _text(c: SimpleNamespace) -> Any:
    return c.Pipeline([("tfidf", c.TfidfVectorizer()), ("model", SGDClassifier(random_state=0))])


class SparseWeights(TransformerMixin, BaseEstimator):
    """A transformer of another package that has fitted a sparse matrix."""

    def fit(self, X: Any, y: Any = None) -> SparseWeights:
        self.weights_ = sp.diags(np.asarray(X).mean(axis=0)).tocsr()
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) @ self.weights_.toarray()


class LockedSparseWeights(Locked, SparseWeights):
    pass


def _sparse(c: SimpleNamespace) -> Any:
    return (LockedSparseWeights if issubclass(c.StandardScaler, Locked) else SparseWeights)()


def _search(c: SimpleNamespace) -> Any:
    return GridSearchCV(_pipe(c), {"model__C": [1.0]}, cv=2)


def _voting(c: SimpleNamespace) -> Any:
    return VotingClassifier([("a", _pipe(c)), ("b", DummyClassifier())], voting="soft")


def _stacking(c: SimpleNamespace) -> Any:
    return StackingClassifier([("a", _pipe(c))], final_estimator=LogisticRegression(), cv=2)


def _forest(c: SimpleNamespace) -> Any:
    return c.Pipeline(
        [("scaler", c.StandardScaler()), ("model", RandomForestClassifier(3, max_depth=3, random_state=0))]
    )


def _stock(c: SimpleNamespace) -> Any:
    return StockPipeline([("scaler", c.StandardScaler()), ("model", LogisticRegression())])


def _target(c: SimpleNamespace) -> Any:
    return c.TransformedTargetRegressor(c.make_pipeline(c.StandardScaler(), Ridge()), transformer=c.PowerTransformer())


Kit = tuple[Callable[[SimpleNamespace], Any], Callable[[int], Any]]

#: name -> (what makes it unfitted, what makes its data)
KITS: dict[str, Kit] = {
    "pipe": (_pipe, _numbers),
    "table": (_table, with_gaps),
    "matrix": (_matrix, _array),
    "two scalers": (_two_scalers, _array),
    "array": (_pipe, _array),
    "union": (_union, _numbers),
    "text": (_text, texts),
    "sparse weights": (_sparse, _numbers),
    "search": (_search, _numbers),
    "voting": (_voting, _numbers),
    "stacking": (_stacking, _numbers),
    "forest": (_forest, _numbers),
    "neighbours": (lambda c: c.make_pipeline(c.StandardScaler(), KNeighborsClassifier()), _array),
    "stock pipeline": (_stock, _numbers),
    "target": (_target, _income),
    "log target": (lambda c: c.TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), _income),
    "scaler": (lambda c: c.StandardScaler(), _numbers),
    "range": (lambda c: c.MinMaxScaler(), _numbers),
    "normalizer": (lambda c: c.Normalizer(), _numbers),
    "binarizer": (lambda c: c.Binarizer(threshold=50.0), _numbers),
    "power": (lambda c: c.PowerTransformer(), _numbers),
    "quantile": (lambda c: c.QuantileTransformer(n_quantiles=10), _numbers),
    "bins": (lambda c: c.KBinsDiscretizer(3, encode="ordinal", strategy="uniform", subsample=None), _numbers),
    "spline": (lambda c: c.SplineTransformer(n_knots=4), _numbers),
    "polynomial": (lambda c: c.PolynomialFeatures(), _numbers),
    "function": (lambda c: c.FunctionTransformer(np.clip, kw_args={"a_min": 0.0, "a_max": 50.0}), _numbers),
    "pca": (lambda c: c.PCA(2), _array),
    "onehot": (lambda c: c.OneHotEncoder(sparse_output=False, handle_unknown="ignore"), _cities),
    "ordinal": (lambda c: c.OrdinalEncoder(), _cities),
    "encoder": (lambda c: c.TargetEncoder(random_state=0), _cities),
    "imputer": (lambda c: c.SimpleImputer(), _gappy_numbers),
    "iterative": (lambda c: c.IterativeImputer(max_iter=2, random_state=0, tol=1e9), _gappy_numbers),
    "nearest": (lambda c: c.KNNImputer(n_neighbors=3), _gappy_numbers),
    "tfidf": (lambda c: c.TfidfVectorizer(), texts),
    "many words": (lambda c: c.CountVectorizer(ngram_range=(1, 3)), texts),
    "very many words": (lambda c: c.CountVectorizer(analyzer="char", ngram_range=(1, 6)), texts),
    "hashing": (lambda c: c.HashingVectorizer(n_features=32), texts),
}  # fmt: skip


def fitted(kit: str, locked: bool = True, seed: int = 0) -> Any:
    """Return a freshly fitted object."""
    make, data = KITS[kit]
    X, y = data(seed)
    return make(classes(locked)).fit(X, y)


def served(kit: str, estimator: Any) -> Any:
    """Return what an object puts out for the rows that it is served: probabilities, predictions or features."""
    X, _ = KITS[kit][1](0)
    for method in ("predict_proba", "decision_function", "predict", "transform"):
        if hasattr(estimator, method):
            result = getattr(estimator, method)(X)
            return result.toarray() if hasattr(result, "toarray") else np.asarray(result)
    raise TypeError(estimator)
