"""What is carried from one scikit-learn to another: the zoo, awkward data, and pipelines with the usual models.

A setting is a case of the zoo (`zoo_case.Case`). Its reference outputs are of the data it was fitted on and of others
of the same kind. A setting that a version can't make or fit is one that it can't be upgraded from.
"""

# ruff: noqa: E501  (tables: one setting a line)

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import zoo_case as data
from scipy import sparse
from sklearn import ensemble, feature_extraction, impute, naive_bayes, neighbors, svm
from sklearn import linear_model as lm
from sklearn import preprocessing as pp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  (the import is what makes it available)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, chi2
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from zoo import ZOO
from zoo_case import ROWS, Case
from zoo_meta import bin_options, halve

Make = Callable[[], Any]
Maker = Callable[[int], data.Data]

# -- awkward data: seed -> the positional arguments of fit ------------------------------------------------------------


def constants(seed: int = 0) -> data.Data:
    """Two columns of three are constant, one of them at zero."""
    X = data.features(seed)[0][:, :3].copy()
    X[:, 0], X[:, 2] = 0.0, 7.3
    return (X,)


def offset(seed: int = 0) -> data.Data:
    """A small signal on a large offset."""
    return (1e6 + data.features(seed)[0][:, :2] / 10.0,)


def float32(seed: int = 0) -> data.Data:
    return (data.features(seed)[0].astype(np.float32),)


def integers(seed: int = 0) -> data.Data:
    return (np.random.RandomState(seed).randint(0, 50, size=(ROWS, 3)),)


def wide_range(seed: int = 0) -> data.Data:
    """Columns from 1e-30 to 1e30."""
    return (data.features(seed)[0] * [1e-30, 1.0, 1e12, 1e30],)


def sparse_rows(seed: int = 0) -> data.Data:
    return data.csr(seed)[:1]


def sparse_columns(seed: int = 0) -> data.Data:
    return (data.csr(seed)[0].tocsc(),)


def gaps32(seed: int = 0) -> data.Data:
    return (data.gaps(seed)[0].astype(np.float32),)


def empty_column(seed: int = 0) -> data.Data:
    """One column holds nothing but gaps."""
    X = data.gaps(seed)[0].copy()
    X[:, 1] = np.nan
    return (X,)


def numbers_frame(seed: int = 0) -> data.Data:
    return data.numeric_frame(seed)[:1]


def skewed(seed: int = 0) -> data.Data:
    return (np.exp(data.features(seed)[0] / [1.0, 10.0, 0.1, 3.0]),)


def towns(seed: int = 0) -> data.Data:
    """Seeds differ in their categories: what one was fitted on, the other has not seen."""
    return (data.frame(seed)[0][["town"]],)


def town_strings(seed: int = 0) -> data.Data:
    return (np.array(data.frame(seed)[0]["town"].tolist(), dtype=object)[:, None],)


def town_codes(seed: int = 0) -> data.Data:
    """Fixed-width strings."""
    return (np.array(data.frame(seed)[0]["town"].tolist())[:, None],)


def town_categories(seed: int = 0) -> data.Data:
    return (data.frame(seed)[0][["town"]].astype("category"),)


def town_gaps(seed: int = 0) -> data.Data:
    X = town_strings(seed)[0].copy()
    X[::5] = np.nan
    return (X,)


def truths(seed: int = 0) -> data.Data:
    return (data.features(seed)[0] > 1.0,)


def frame_gaps(seed: int = 0) -> data.Data:
    table, y = data.frame(seed)
    return table.assign(age=table["age"].mask(np.arange(ROWS) % 6 == 0)), y


def frame_binary(seed: int = 0) -> data.Data:
    table, y = frame_gaps(seed)
    return table, np.where(y > 0, "yes", "no")


def frame_price(seed: int = 0) -> data.Data:
    return frame_gaps(seed)[0], np.exp(data.continuous(seed)[1] / 100.0)


def frame_categories(seed: int = 0) -> data.Data:
    table, y = frame_gaps(seed)
    return table.assign(town=table["town"].astype("category")), y


def towns_and_target(seed: int = 0) -> data.Data:
    return towns(seed)[0], data.continuous(seed)[1]


def offset_classes(seed: int = 0) -> data.Data:
    return offset(seed)[0], data.blobs(seed)[1]


def float32_classes(seed: int = 0) -> data.Data:
    return float32(seed)[0], data.blobs(seed)[1]


def gaps_classes(seed: int = 0) -> data.Data:
    return data.gaps(seed)[0], data.blobs(seed)[1]


def gaps_target(seed: int = 0) -> data.Data:
    return data.gaps(seed)[0], data.continuous(seed)[1]


def prose(seed: int = 0) -> data.Data:
    """Sentences with a vocabulary that is skewed, so that the weights of terms differ."""
    rng = np.random.RandomState(seed)
    words = "the of lock seal guard drift scale train serve model Column vector naïve Straße 日本 42 don't".split()
    chances = 1.0 / np.arange(1, len(words) + 1)
    docs = [" ".join(rng.choice(words, size=rng.randint(3, 12), p=chances / chances.sum())) for _ in range(ROWS)]
    y = np.arange(ROWS) % 3
    return [f"{doc} {('apple', 'pear', 'plum')[k]}" for doc, k in zip(docs, y)], y  # noqa: B905


def prose_binary(seed: int = 0) -> data.Data:
    docs, y = prose(seed)
    return docs, np.where(y == 1, "spam", "ham")


def empty_texts(seed: int = 0) -> data.Data:
    docs, y = prose(seed)
    return ["" if i % 9 == 4 else doc for i, doc in enumerate(docs)], y


# -- transformers on awkward data -------------------------------------------------------------------------------------

_ANY: dict[str, Maker] = {
    "plain": data.features, "constants": constants, "offset": offset, "float32": float32, "integers": integers,
    "wide": wide_range, "skewed": skewed, "frame": numbers_frame,
}  # fmt: skip
_GAPS: dict[str, Maker] = {"gaps": data.gaps, "gaps32": gaps32, "empty column": empty_column}
_SPARSE: dict[str, Maker] = {"csr": sparse_rows, "csc": sparse_columns}


def _of(kinds: str) -> dict[str, Maker]:
    every = _ANY | _GAPS | _SPARSE
    return {kind.strip(): every[kind.strip()] for kind in kinds.split(",")}


def _bins(**kwargs: Any) -> pp.KBinsDiscretizer:
    return pp.KBinsDiscretizer(4, **bin_options(), **kwargs)


#: name of the transformer and its parameters -> how to make it, and the kinds of data it takes.
_NUMERIC: dict[str, tuple[Make, dict[str, Maker]]] = {
    "StandardScaler": (pp.StandardScaler, _ANY | _GAPS),
    "StandardScaler no mean": (lambda: pp.StandardScaler(with_mean=False), _of("offset, csr, csc")),
    "StandardScaler no std": (lambda: pp.StandardScaler(with_std=False), _of("constants, offset")),
    "MinMaxScaler": (pp.MinMaxScaler, _ANY | _GAPS),
    "MinMaxScaler clip": (lambda: pp.MinMaxScaler((-1, 2), clip=True), _of("plain, constants, float32, gaps")),
    "MaxAbsScaler": (pp.MaxAbsScaler, _ANY | _GAPS | _SPARSE),
    "RobustScaler": (pp.RobustScaler, _ANY | _GAPS),
    "RobustScaler unit": (lambda: pp.RobustScaler(quantile_range=(5.0, 95.0), unit_variance=True), _of("plain, skewed")),
    "RobustScaler sparse": (lambda: pp.RobustScaler(with_centering=False), _SPARSE),
    "Normalizer l2": (pp.Normalizer, _ANY | _SPARSE),
    "Normalizer l1": (lambda: pp.Normalizer("l1"), _of("constants, csr")),
    "Normalizer max": (lambda: pp.Normalizer("max"), _of("plain, csr")),
    "Binarizer": (lambda: pp.Binarizer(threshold=0.3), _of("plain, float32, integers, csr")),
    "PowerTransformer": (pp.PowerTransformer, _ANY | _GAPS),
    "PowerTransformer raw": (lambda: pp.PowerTransformer(standardize=False), _of("plain, offset, skewed")),
    "PowerTransformer box-cox": (lambda: pp.PowerTransformer("box-cox"), _of("skewed, offset")),
    "QuantileTransformer": (lambda: pp.QuantileTransformer(n_quantiles=12), _ANY | _GAPS | _SPARSE),
    "QuantileTransformer normal": (lambda: pp.QuantileTransformer(n_quantiles=36, output_distribution="normal"), _ANY | _GAPS),
    "KBinsDiscretizer": (_bins, _of("plain, offset, float32, skewed, frame")),
    "KBinsDiscretizer uniform": (lambda: _bins(strategy="uniform", encode="ordinal"), _of("plain, offset, float32, constants")),
    "KBinsDiscretizer kmeans": (lambda: _bins(strategy="kmeans", encode="onehot-dense"), _of("plain, skewed")),
    "SplineTransformer": (lambda: pp.SplineTransformer(4), _of("plain, offset, float32, integers, frame")),
    "SplineTransformer periodic": (lambda: pp.SplineTransformer(5, extrapolation="periodic"), _of("plain, integers")),
    "SplineTransformer linear": (lambda: pp.SplineTransformer(4, extrapolation="linear", knots="quantile"), _of("plain, skewed")),
    "SplineTransformer continue": (lambda: pp.SplineTransformer(4, degree=2, extrapolation="continue", include_bias=False), _of("plain")),
    "PolynomialFeatures": (pp.PolynomialFeatures, _of("plain, float32, integers, offset, frame, csr, csc")),
    "PolynomialFeatures interactions": (lambda: pp.PolynomialFeatures(3, interaction_only=True, include_bias=False), _of("plain, csr")),
    "FunctionTransformer log": (lambda: pp.FunctionTransformer(np.log1p, np.expm1), _of("skewed, csr")),
    "SimpleImputer": (impute.SimpleImputer, _GAPS),
    "SimpleImputer median": (lambda: impute.SimpleImputer(strategy="median", add_indicator=True), _GAPS),
    "SimpleImputer frequent": (lambda: impute.SimpleImputer(strategy="most_frequent"), _of("gaps, integers, plain")),
    "SimpleImputer keep": (lambda: impute.SimpleImputer(keep_empty_features=True), _of("empty column")),
    "SimpleImputer constant": (lambda: impute.SimpleImputer(strategy="constant", fill_value=-1.0), _of("gaps, gaps32, plain, csr")),
    "SimpleImputer zeros": (lambda: impute.SimpleImputer(missing_values=0), _of("integers")),
    "KNNImputer": (lambda: impute.KNNImputer(n_neighbors=3), _GAPS),
    "KNNImputer distance": (lambda: impute.KNNImputer(weights="distance", add_indicator=True), _of("gaps")),
    "IterativeImputer": (lambda: impute.IterativeImputer(max_iter=3), _of("gaps, gaps32, empty column")),
    "MissingIndicator": (lambda: impute.MissingIndicator(features="all"), _of("gaps, empty column")),
    "VarianceThreshold": (VarianceThreshold, _of("constants, offset, csr, gaps")),
    "PCA": (lambda: PCA(2), _ANY),
    "PCA whiten": (lambda: PCA(whiten=True, svd_solver="full"), _of("plain, offset, float32")),
    "PCA arpack": (lambda: PCA(1, svd_solver="arpack"), _of("plain, csr")),
    "PCA randomized": (lambda: PCA(2, svd_solver="randomized"), _of("plain, float32")),
    "TruncatedSVD": (TruncatedSVD, _of("plain, float32, csr, csc")),
    "NMF": (lambda: NMF(2, max_iter=400, init="nndsvda"), _of("skewed, csr")),
    "Nystroem": (lambda: Nystroem(n_components=8, gamma=0.01), _of("plain, csr")),
}  # fmt: skip

_TOWNS: dict[str, Maker] = {
    "frame": towns, "strings": town_strings, "fixed width": town_codes, "categories": town_categories, "gaps": town_gaps,
}  # fmt: skip
_ENCODERS: dict[str, Make] = {
    "OneHotEncoder": pp.OneHotEncoder,
    "OneHotEncoder ignore": lambda: pp.OneHotEncoder(handle_unknown="ignore"),
    "OneHotEncoder drop": lambda: pp.OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False),
    "OneHotEncoder infrequent": lambda: pp.OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    "OneHotEncoder float32": lambda: pp.OneHotEncoder(handle_unknown="ignore", dtype=np.float32),
    "OrdinalEncoder": lambda: pp.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "OrdinalEncoder NaN": lambda: pp.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, min_frequency=10),
}  # fmt: skip


def _awkward() -> Iterator[Case]:
    for name, (make, kinds) in _NUMERIC.items():
        for kind, maker in kinds.items():
            yield Case(name=f"{name} on {kind}", make=make, data=maker)
    for (name, make), (kind, maker) in product(_ENCODERS.items(), _TOWNS.items()):
        yield Case(name=f"{name} on {kind}", make=make, data=maker)
    for kind in ("frame", "strings", "fixed width"):
        maker = _TOWNS[kind]
        with_target = lambda seed=0, maker=maker: (maker(seed)[0], data.continuous(seed)[1])  # noqa: E731
        yield Case(name=f"TargetEncoder on {kind}", make=lambda: pp.TargetEncoder(cv=3), data=with_target)
        constant = lambda: impute.SimpleImputer(strategy="constant", fill_value="none", missing_values="Ulm")  # noqa: E731
        yield Case(name=f"SimpleImputer constant on {kind}", make=constant, data=maker, not_used=("inverse_transform",))
    yield Case(name="TargetEncoder on classes", make=lambda: pp.TargetEncoder(cv=3), data=lambda seed=0: (towns(seed)[0], data.blobs(seed)[1]))
    yield Case(name="OneHotEncoder on truths", make=pp.OneHotEncoder, data=truths)
    yield Case(name="OneHotEncoder on integers", make=lambda: pp.OneHotEncoder(handle_unknown="ignore"), data=integers)


# -- pipelines --------------------------------------------------------------------------------------------------------


def _scaled(model: Any, *before: Any) -> Make:
    return lambda: make_pipeline(*before, pp.StandardScaler(), model())


def _logistic(**kwargs: Any) -> Make:
    return partial(LogisticRegression, max_iter=300, **kwargs)


def _table(model: Make, **kwargs: Any) -> Make:
    def make() -> Any:
        numbers = make_pipeline(impute.SimpleImputer(**kwargs), pp.StandardScaler())
        towns = pp.OneHotEncoder(handle_unknown="ignore")
        columns = [("num", numbers, ["age", "income", "rate", "score"]), ("town", towns, ["town"])]
        return make_pipeline(ColumnTransformer(columns), model())

    return make


def _table_wide(model: Make) -> Make:
    """Every kind of transformer in one, with names of features and a remainder."""

    def make() -> Any:
        columns = ColumnTransformer(
            [
                ("knn", impute.KNNImputer(n_neighbors=3), ["age", "income"]),
                ("bins", _bins(encode="ordinal"), ["income"]),
                ("spline", pp.SplineTransformer(4), ["score"]),
                ("power", pp.PowerTransformer(), ["income", "score"]),
                ("town", pp.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["town"]),
                ("drop", "drop", ["rate"]),
                ("half", pp.FunctionTransformer(halve, kw_args={"by": 4.0}), ["income"]),
            ],
            remainder="passthrough",
        )
        return make_pipeline(columns, model())

    return make


def _table_pandas(model: Make) -> Make:
    def make() -> Any:
        columns = ColumnTransformer(
            [
                ("num", make_pipeline(impute.SimpleImputer(), pp.RobustScaler()), make_column_selector("^[airs]")),
                ("town", pp.OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]),
            ],
            verbose_feature_names_out=False,
            remainder=pp.MaxAbsScaler(),
        )
        return make_pipeline(columns, model()).set_output(transform="pandas")

    return make


def _words(model: Make, **kwargs: Any) -> Make:
    return lambda: make_pipeline(TfidfVectorizer(**kwargs), model())


_FOREST = partial(ensemble.RandomForestClassifier, n_estimators=5)
_BOOSTING = partial(HistGradientBoostingClassifier, max_iter=5, min_samples_leaf=4)

_PIPELINES: dict[str, tuple[Make, Maker]] = {
    # logistic regression, whose reading of `multi_class` changed
    "scaler, LogisticRegression": (_scaled(_logistic()), data.blobs),
    "scaler, LogisticRegression binary": (_scaled(_logistic()), data.binary),
    "scaler, LogisticRegression named": (_scaled(_logistic(class_weight="balanced")), data.named_classes),
    "scaler, LogisticRegression multinomial": (_scaled(_logistic(multi_class="multinomial")), data.blobs),
    "scaler, LogisticRegression multinomial binary": (_scaled(_logistic(multi_class="multinomial")), data.binary),
    "scaler, LogisticRegression ovr": (_scaled(_logistic(multi_class="ovr")), data.blobs),
    "scaler, LogisticRegression ovr binary": (_scaled(_logistic(multi_class="ovr")), data.binary),
    "scaler, LogisticRegression liblinear": (_scaled(_logistic(solver="liblinear")), data.blobs),
    "scaler, LogisticRegression liblinear binary": (_scaled(_logistic(solver="liblinear", penalty="l1")), data.binary),
    "scaler, LogisticRegression saga l1": (_scaled(_logistic(solver="saga", penalty="l1")), data.blobs),
    "scaler, LogisticRegression elasticnet": (_scaled(_logistic(solver="saga", penalty="elasticnet", l1_ratio=0.4)), data.binary),
    "scaler, LogisticRegression no penalty": (_scaled(_logistic(penalty=None)), data.blobs),
    "scaler, LogisticRegression newton": (_scaled(_logistic(solver="newton-cholesky")), data.blobs),
    "scaler, LogisticRegressionCV": (_scaled(partial(lm.LogisticRegressionCV, Cs=3, cv=3)), data.blobs),
    "scaler, LogisticRegressionCV ovr": (_scaled(partial(lm.LogisticRegressionCV, Cs=3, cv=3, multi_class="ovr")), data.blobs),
    "scaler, LogisticRegressionCV liblinear": (_scaled(partial(lm.LogisticRegressionCV, Cs=3, cv=3, solver="liblinear")), data.binary),
    "offset, scaler, LogisticRegression": (_scaled(_logistic()), offset_classes),
    "float32, scaler, LogisticRegression": (_scaled(_logistic()), float32_classes),
    "scaler, calibrated LinearSVC": (_scaled(lambda: CalibratedClassifierCV(svm.LinearSVC(), cv=3)), data.blobs),
    # other models behind a scaler
    "scaler, SVC": (_scaled(svm.SVC), data.blobs),
    "scaler, SVC linear": (_scaled(lambda: svm.SVC(kernel="linear", decision_function_shape="ovo")), data.blobs),
    "scaler, SVC probability": (_scaled(lambda: svm.SVC(probability=True)), data.binary),
    "scaler, NuSVC": (_scaled(lambda: svm.NuSVC(nu=0.3)), data.blobs),
    "scaler, LinearSVC": (_scaled(svm.LinearSVC), data.blobs),
    "scaler, OneClassSVM": (_scaled(svm.OneClassSVM), data.features),
    "scaler, SVR": (_scaled(svm.SVR), data.continuous),
    "scaler, SGDClassifier": (_scaled(lambda: lm.SGDClassifier(loss="log_loss")), data.blobs),
    "scaler, RidgeClassifier": (_scaled(lm.RidgeClassifier), data.blobs),
    "scaler, Ridge": (_scaled(lm.Ridge), data.continuous),
    "scaler, Lasso": (_scaled(lambda: lm.Lasso(0.1)), data.continuous),
    "scaler, LinearRegression": (_scaled(lm.LinearRegression), data.two_targets),
    "scaler, KNeighborsClassifier": (_scaled(neighbors.KNeighborsClassifier), data.named_classes),
    "scaler, KNeighborsRegressor": (_scaled(lambda: neighbors.KNeighborsRegressor(weights="distance")), data.continuous),
    "scaler, MLPClassifier": (_scaled(lambda: MLPClassifier((6,), max_iter=20)), data.blobs),
    "scaler, LinearDiscriminantAnalysis": (_scaled(LinearDiscriminantAnalysis), data.blobs),
    "scaler, GaussianNB": (_scaled(naive_bayes.GaussianNB), data.blobs),
    "scaler, IsolationForest": (_scaled(lambda: ensemble.IsolationForest(n_estimators=5)), data.features),
    "scaler, PCA, SVC": (_scaled(lambda: make_pipeline(PCA(2), svm.SVC())), data.blobs),
    "imputer, scaler, LogisticRegression": (_scaled(_logistic(), impute.SimpleImputer()), gaps_classes),
    "imputer, scaler, Ridge": (_scaled(lm.Ridge, impute.KNNImputer()), gaps_target),
    "polynomial, scaler, Ridge": (_scaled(lm.Ridge, pp.PolynomialFeatures()), data.continuous),
    "quantiles, LogisticRegression": (lambda: make_pipeline(pp.QuantileTransformer(n_quantiles=12), _logistic()()), data.blobs),
    "power, LinearSVC": (lambda: make_pipeline(pp.PowerTransformer(), svm.LinearSVC()), data.blobs),
    "min-max, MultinomialNB": (lambda: make_pipeline(pp.MinMaxScaler(clip=True), naive_bayes.MultinomialNB()), data.blobs),
    "union, LogisticRegression": (lambda: make_pipeline(make_union(PCA(2), pp.MinMaxScaler()), _logistic()()), data.blobs),
    # trees
    "DecisionTreeClassifier": (lambda: make_pipeline(pp.MinMaxScaler(), DecisionTreeClassifier(max_depth=4)), data.named_classes),
    "DecisionTreeRegressor": (lambda: make_pipeline(pp.RobustScaler(), DecisionTreeRegressor(max_depth=4)), data.continuous),
    "RandomForestClassifier": (_scaled(_FOREST), data.named_classes),
    "RandomForestClassifier gaps": (lambda: make_pipeline("passthrough", _FOREST()), gaps_classes),
    "RandomForestRegressor": (_scaled(lambda: ensemble.RandomForestRegressor(5)), data.continuous),
    "ExtraTreesClassifier": (_scaled(lambda: ensemble.ExtraTreesClassifier(5)), data.blobs),
    "GradientBoostingClassifier": (_scaled(lambda: ensemble.GradientBoostingClassifier(n_estimators=5)), data.blobs),
    "GradientBoostingRegressor": (_scaled(lambda: ensemble.GradientBoostingRegressor(n_estimators=5, loss="huber")), data.continuous),
    "HistGradientBoostingClassifier": (_scaled(_BOOSTING), data.blobs),
    "HistGradientBoostingClassifier gaps": (lambda: make_pipeline("passthrough", _BOOSTING()), gaps_classes),
    "HistGradientBoostingClassifier categories": (lambda: make_pipeline("passthrough", _BOOSTING(categorical_features="from_dtype")), frame_categories),
    "HistGradientBoostingRegressor": (lambda: make_pipeline(pp.QuantileTransformer(n_quantiles=12), HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=4, loss="poisson")), data.positive_target),
    "AdaBoostClassifier": (_scaled(lambda: ensemble.AdaBoostClassifier(n_estimators=4)), data.blobs),
    # tables of several kinds of columns
    "table, LogisticRegression": (_table(_logistic()), frame_gaps),
    "table, LogisticRegression ovr": (_table(_logistic(multi_class="ovr")), frame_gaps),
    "table, LogisticRegression binary": (_table(_logistic(), add_indicator=True), frame_binary),
    "table, RandomForestClassifier": (_table(_FOREST, strategy="median"), frame_gaps),
    "table, HistGradientBoostingClassifier": (_table_wide(_BOOSTING), frame_gaps),
    "table, KNeighborsClassifier": (_table(neighbors.KNeighborsClassifier), frame_gaps),
    "table, SVC": (_table(svm.SVC), frame_gaps),
    "table, Ridge of log": (lambda: TransformedTargetRegressor(_table(lm.Ridge)(), func=np.log, inverse_func=np.exp), frame_price),
    "table, Ridge of scaled": (lambda: TransformedTargetRegressor(_table(lm.Ridge)(), transformer=pp.PowerTransformer()), frame_price),
    "table in pandas, RandomForestClassifier": (_table_pandas(_FOREST), frame_gaps),
    "wide table, GradientBoostingRegressor": (_table_wide(lambda: ensemble.GradientBoostingRegressor(n_estimators=4)), frame_price),
    "wide table alone": (lambda: _table_wide(pp.StandardScaler)(), frame_gaps),
    "target encoder, Ridge": (lambda: make_pipeline(pp.TargetEncoder(cv=3), lm.Ridge()), towns_and_target),
    # text
    "tfidf, LogisticRegression": (_words(_logistic()), prose),
    "tfidf, LogisticRegression binary": (_words(_logistic(solver="liblinear")), prose_binary),
    "tfidf, LogisticRegression liblinear": (_words(_logistic(solver="liblinear")), prose),
    "tfidf, MultinomialNB": (_words(naive_bayes.MultinomialNB), prose),
    "tfidf, ComplementNB": (_words(naive_bayes.ComplementNB, sublinear_tf=True), prose_binary),
    "tfidf, BernoulliNB": (_words(naive_bayes.BernoulliNB), prose),
    "tfidf without idf, MultinomialNB": (_words(naive_bayes.MultinomialNB, use_idf=False), prose),
    "tfidf without smoothing, LinearSVC": (_words(svm.LinearSVC, smooth_idf=False, norm=None), prose),
    "tfidf of characters, LinearSVC": (_words(svm.LinearSVC, analyzer="char_wb", ngram_range=(2, 3)), prose),
    "tfidf float32, SGDClassifier": (_words(lambda: lm.SGDClassifier(loss="log_loss"), dtype=np.float32), prose),
    "tfidf, SVD, scaler, LogisticRegression": (_words(lambda: make_pipeline(TruncatedSVD(3), pp.StandardScaler(), _logistic()())), prose),
    "tfidf, chi2, MultinomialNB": (_words(lambda: make_pipeline(SelectKBest(chi2, k=6), naive_bayes.MultinomialNB())), prose),
    "counts, tfidf, LogisticRegression": (lambda: make_pipeline(CountVectorizer(binary=True, min_df=2), TfidfTransformer(), _logistic()()), prose),
    "counts, MultinomialNB": (lambda: make_pipeline(CountVectorizer(stop_words="english"), naive_bayes.MultinomialNB()), prose),
    "hashing, tfidf, LogisticRegression": (lambda: make_pipeline(HashingVectorizer(n_features=64), TfidfTransformer(), _logistic()()), prose),
    "tfidf of empty texts, LogisticRegression": (_words(_logistic(), max_df=0.8, strip_accents="unicode"), empty_texts),
    "tfidf, HistGradientBoosting": (lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(4), _BOOSTING()), prose),
    "two tfidf": (lambda: FeatureUnion([("words", TfidfVectorizer()), ("characters", TfidfVectorizer(analyzer="char"))]), prose),
    "dicts, tfidf": (lambda: make_pipeline(feature_extraction.DictVectorizer(), pp.MaxAbsScaler()), data.records),
    "tfidf of a matrix": (lambda: TfidfTransformer(sublinear_tf=True), lambda seed=0: (sparse.csr_matrix(integers(seed)[0] // 20),)),
}  # fmt: skip


def _assemble() -> dict[str, Case]:
    piped = [Case(name=name, make=make, data=maker) for name, (make, maker) in _PIPELINES.items()]
    settings = {f"{case.name} (zoo)": case for case in ZOO.values()}
    for case in (*_awkward(), *piped):
        if case.name in settings:
            raise ValueError(f"two settings are called {case.name}")
        settings[case.name] = case
    return settings


SETTINGS: dict[str, Case] = _assemble()
