"""What is carried from one scikit-learn to another: the zoo, awkward and real data, pipelines with the usual models.

A setting is a case of the zoo (`zoo_case.Case`). Its reference outputs are of the data it was fitted on and of others
of the same kind. A setting that a version can't make or fit is one that it can't be upgraded from.
"""

# ruff: noqa: E501  (tables: one setting a line)

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import zoo_case as data
from scipy import sparse
from sklearn import ensemble, feature_extraction, impute, naive_bayes, neighbors, svm
from sklearn import linear_model as lm
from sklearn import preprocessing as pp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from zoo import ZOO
from zoo_case import Case
from zoo_meta import halve

from . import awkward
from .awkward import Make, Maker
from .models import models
from .real import real

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
                ("bins", awkward.bins(encode="ordinal"), ["income"]),
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
    "offset, scaler, LogisticRegression": (_scaled(_logistic()), awkward.offset_classes),
    "float32, scaler, LogisticRegression": (_scaled(_logistic()), awkward.float32_classes),
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
    "imputer, scaler, LogisticRegression": (_scaled(_logistic(), impute.SimpleImputer()), awkward.gaps_classes),
    "imputer, scaler, Ridge": (_scaled(lm.Ridge, impute.KNNImputer()), awkward.gaps_target),
    "polynomial, scaler, Ridge": (_scaled(lm.Ridge, pp.PolynomialFeatures()), data.continuous),
    "quantiles, LogisticRegression": (lambda: make_pipeline(pp.QuantileTransformer(n_quantiles=12), _logistic()()), data.blobs),
    "power, LinearSVC": (lambda: make_pipeline(pp.PowerTransformer(), svm.LinearSVC()), data.blobs),
    "min-max, MultinomialNB": (lambda: make_pipeline(pp.MinMaxScaler(clip=True), naive_bayes.MultinomialNB()), data.blobs),
    "union, LogisticRegression": (lambda: make_pipeline(make_union(PCA(2), pp.MinMaxScaler()), _logistic()()), data.blobs),
    # trees
    "DecisionTreeClassifier": (lambda: make_pipeline(pp.MinMaxScaler(), DecisionTreeClassifier(max_depth=4)), data.named_classes),
    "DecisionTreeRegressor": (lambda: make_pipeline(pp.RobustScaler(), DecisionTreeRegressor(max_depth=4)), data.continuous),
    "RandomForestClassifier": (_scaled(_FOREST), data.named_classes),
    "RandomForestClassifier gaps": (lambda: make_pipeline("passthrough", _FOREST()), awkward.gaps_classes),
    "RandomForestRegressor": (_scaled(lambda: ensemble.RandomForestRegressor(5)), data.continuous),
    "ExtraTreesClassifier": (_scaled(lambda: ensemble.ExtraTreesClassifier(5)), data.blobs),
    "GradientBoostingClassifier": (_scaled(lambda: ensemble.GradientBoostingClassifier(n_estimators=5)), data.blobs),
    "GradientBoostingRegressor": (_scaled(lambda: ensemble.GradientBoostingRegressor(n_estimators=5, loss="huber")), data.continuous),
    "HistGradientBoostingClassifier": (_scaled(_BOOSTING), data.blobs),
    "HistGradientBoostingClassifier gaps": (lambda: make_pipeline("passthrough", _BOOSTING()), awkward.gaps_classes),
    "HistGradientBoostingClassifier categories": (lambda: make_pipeline("passthrough", _BOOSTING(categorical_features="from_dtype")), awkward.frame_categories),
    "HistGradientBoostingRegressor": (lambda: make_pipeline(pp.QuantileTransformer(n_quantiles=12), HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=4, loss="poisson")), data.positive_target),
    "AdaBoostClassifier": (_scaled(lambda: ensemble.AdaBoostClassifier(n_estimators=4)), data.blobs),
    # tables of several kinds of columns
    "table, LogisticRegression": (_table(_logistic()), awkward.frame_gaps),
    "table, LogisticRegression ovr": (_table(_logistic(multi_class="ovr")), awkward.frame_gaps),
    "table, LogisticRegression binary": (_table(_logistic(), add_indicator=True), awkward.frame_binary),
    "table, RandomForestClassifier": (_table(_FOREST, strategy="median"), awkward.frame_gaps),
    "table, HistGradientBoostingClassifier": (_table_wide(_BOOSTING), awkward.frame_gaps),
    "table, KNeighborsClassifier": (_table(neighbors.KNeighborsClassifier), awkward.frame_gaps),
    "table, SVC": (_table(svm.SVC), awkward.frame_gaps),
    "table, Ridge of log": (lambda: TransformedTargetRegressor(_table(lm.Ridge)(), func=np.log, inverse_func=np.exp), awkward.frame_price),
    "table, Ridge of scaled": (lambda: TransformedTargetRegressor(_table(lm.Ridge)(), transformer=pp.PowerTransformer()), awkward.frame_price),
    "table in pandas, RandomForestClassifier": (_table_pandas(_FOREST), awkward.frame_gaps),
    "wide table, GradientBoostingRegressor": (_table_wide(lambda: ensemble.GradientBoostingRegressor(n_estimators=4)), awkward.frame_price),
    "wide table alone": (lambda: _table_wide(pp.StandardScaler)(), awkward.frame_gaps),
    "target encoder, Ridge": (lambda: make_pipeline(pp.TargetEncoder(cv=3), lm.Ridge()), awkward.towns_and_target),
    # text
    "tfidf, LogisticRegression": (_words(_logistic()), awkward.prose),
    "tfidf, LogisticRegression binary": (_words(_logistic(solver="liblinear")), awkward.prose_binary),
    "tfidf, LogisticRegression liblinear": (_words(_logistic(solver="liblinear")), awkward.prose),
    "tfidf, MultinomialNB": (_words(naive_bayes.MultinomialNB), awkward.prose),
    "tfidf, ComplementNB": (_words(naive_bayes.ComplementNB, sublinear_tf=True), awkward.prose_binary),
    "tfidf, BernoulliNB": (_words(naive_bayes.BernoulliNB), awkward.prose),
    "tfidf without idf, MultinomialNB": (_words(naive_bayes.MultinomialNB, use_idf=False), awkward.prose),
    "tfidf without smoothing, LinearSVC": (_words(svm.LinearSVC, smooth_idf=False, norm=None), awkward.prose),
    "tfidf of characters, LinearSVC": (_words(svm.LinearSVC, analyzer="char_wb", ngram_range=(2, 3)), awkward.prose),
    "tfidf float32, SGDClassifier": (_words(lambda: lm.SGDClassifier(loss="log_loss"), dtype=np.float32), awkward.prose),
    "tfidf, SVD, scaler, LogisticRegression": (_words(lambda: make_pipeline(TruncatedSVD(3), pp.StandardScaler(), _logistic()())), awkward.prose),
    "tfidf, chi2, MultinomialNB": (_words(lambda: make_pipeline(SelectKBest(chi2, k=6), naive_bayes.MultinomialNB())), awkward.prose),
    "counts, tfidf, LogisticRegression": (lambda: make_pipeline(CountVectorizer(binary=True, min_df=2), TfidfTransformer(), _logistic()()), awkward.prose),
    "counts, MultinomialNB": (lambda: make_pipeline(CountVectorizer(stop_words="english"), naive_bayes.MultinomialNB()), awkward.prose),
    "hashing, tfidf, LogisticRegression": (lambda: make_pipeline(HashingVectorizer(n_features=64), TfidfTransformer(), _logistic()()), awkward.prose),
    "tfidf of empty texts, LogisticRegression": (_words(_logistic(), max_df=0.8, strip_accents="unicode"), awkward.empty_texts),
    "tfidf, HistGradientBoosting": (lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(4), _BOOSTING()), awkward.prose),
    "two tfidf": (lambda: FeatureUnion([("words", TfidfVectorizer()), ("characters", TfidfVectorizer(analyzer="char"))]), awkward.prose),
    "dicts, tfidf": (lambda: make_pipeline(feature_extraction.DictVectorizer(), pp.MaxAbsScaler()), data.records),
    "tfidf of a matrix": (lambda: TfidfTransformer(sublinear_tf=True), lambda seed=0: (sparse.csr_matrix(awkward.integers(seed)[0] // 20),)),
}  # fmt: skip


#: Settings once more in our classes, and as a skops file.
_SEALED = (
    "scaler, LogisticRegression", "scaler, LogisticRegression ovr", "scaler, SVC", "scaler, KNeighborsClassifier",
    "imputer, scaler, LogisticRegression", "imputer, scaler, Ridge", "quantiles, LogisticRegression", "power, LinearSVC",
    "union, LogisticRegression", "polynomial, scaler, Ridge", "scaler, PCA, SVC", "table, LogisticRegression binary",
    "table, KNeighborsClassifier", "tfidf, LogisticRegression", "tfidf, MultinomialNB", "tfidf without idf, MultinomialNB",
    "tfidf, SVD, scaler, LogisticRegression", "StandardScaler on gaps", "MinMaxScaler on offset", "MaxAbsScaler on csr",
    "OneHotEncoder ignore on frame", "OrdinalEncoder on strings", "PowerTransformer on plain", "KNNImputer on gaps",
    "QuantileTransformer on csr", "SplineTransformer on plain", "KBinsDiscretizer on skewed", "TargetEncoder on classes",
)  # fmt: skip
SEALED = "sealed: "


def _sealed(case: Case) -> Case:
    from estimator_table import in_our_classes

    return Case(name=f"{SEALED}{case.name}", make=lambda: in_our_classes(case.make()), data=case.data)


def _assemble() -> dict[str, Case]:
    piped = [Case(name=name, make=make, data=maker) for name, (make, maker) in _PIPELINES.items()]
    settings = {f"{case.name} (zoo)": case for case in ZOO.values()}
    for case in (*awkward.awkward(), *piped, *models(), *real()):
        if case.name in settings:
            raise ValueError(f"two settings are called {case.name}")
        settings[case.name] = case
    return settings | {f"{SEALED}{name}": _sealed(settings[name]) for name in _SEALED}


SETTINGS: dict[str, Case] = _assemble()
