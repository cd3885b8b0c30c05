"""Pipelines on the data sets that scikit-learn brings, and on texts with a vocabulary of thousands."""

# ruff: noqa: E501  (tables: one setting a line)

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
import zoo_case as data
from sklearn import datasets, ensemble, naive_bayes, neighbors, svm
from sklearn import linear_model as lm
from sklearn import preprocessing as pp
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from zoo_case import Case

from .awkward import Maker


def _half(load: Callable[..., Any], columns: int | None = None, gaps: float = 0.0) -> Maker:
    """Return a maker of data: another seed draws another half of the rows."""

    def maker(seed: int = 0) -> data.Data:
        X, y = load(return_X_y=True)
        rng = np.random.RandomState(seed)
        rows = rng.permutation(len(X))[: min(len(X) // 2, 400)]
        X = X[rows, :columns].astype(np.float64)
        X[rng.uniform(size=X.shape) < gaps] = np.nan
        return X, y[rows]

    return maker


@lru_cache(maxsize=1)
def _words() -> list[str]:
    rng = np.random.RandomState(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return sorted({"".join(rng.choice(letters, size=rng.randint(3, 9))) for _ in range(4000)})


def articles(seed: int = 0) -> data.Data:
    """Texts of three topics, whose words are distributed as those of a language."""
    words, rng = _words(), np.random.RandomState(seed)
    rank = np.arange(1, len(words) + 1)
    topics = np.arange(240) % 3
    found = []
    for topic in topics:
        weights = np.roll(1.0 / rank, 7 * topic)
        found.append(" ".join(rng.choice(words, size=rng.randint(20, 80), p=weights / weights.sum())))
    return found, topics


_cancer = _half(datasets.load_breast_cancer)
_wine = _half(datasets.load_wine)
_digits = _half(datasets.load_digits)
_iris = _half(datasets.load_iris)
_diabetes = _half(datasets.load_diabetes)
_logistic = partial(LogisticRegression, max_iter=500)

_TABLE: dict[str, tuple[Callable[[], Any], Maker]] = {
    "cancer: scaler, LogisticRegression": (lambda: make_pipeline(pp.StandardScaler(), _logistic()), _cancer),
    "cancer: scaler, LogisticRegression multinomial": (lambda: make_pipeline(pp.StandardScaler(), _logistic(multi_class="multinomial")), _cancer),
    "cancer: min-max, SVC": (lambda: make_pipeline(pp.MinMaxScaler(), svm.SVC(probability=True)), _cancer),
    "cancer: robust, KNeighbors": (lambda: make_pipeline(pp.RobustScaler(), neighbors.KNeighborsClassifier()), _cancer),
    "cancer: power, LogisticRegression": (lambda: make_pipeline(pp.PowerTransformer(), _logistic()), _cancer),
    "cancer: quantiles, forest": (lambda: make_pipeline(pp.QuantileTransformer(n_quantiles=100), ensemble.RandomForestClassifier(10)), _cancer),
    "cancer: scaler, PCA, LinearSVC": (lambda: make_pipeline(pp.StandardScaler(), PCA(10, whiten=True), svm.LinearSVC()), _cancer),
    "cancer: gaps, imputer, LogisticRegression": (lambda: make_pipeline(SimpleImputer(strategy="median"), pp.StandardScaler(), _logistic()), _half(datasets.load_breast_cancer, gaps=0.1)),
    "cancer: gaps, neighbours, LogisticRegression": (lambda: make_pipeline(KNNImputer(), pp.StandardScaler(), _logistic()), _half(datasets.load_breast_cancer, gaps=0.1)),
    "cancer: AdaBoost": (lambda: make_pipeline(pp.StandardScaler(), ensemble.AdaBoostClassifier(n_estimators=5)), _cancer),
    "wine: scaler, LogisticRegression": (lambda: make_pipeline(pp.StandardScaler(), _logistic()), _wine),
    "wine: scaler, LogisticRegression ovr": (lambda: make_pipeline(pp.StandardScaler(), _logistic(multi_class="ovr")), _wine),
    "wine: scaler, discriminant": (lambda: make_pipeline(pp.StandardScaler(), LinearDiscriminantAnalysis()), _wine),
    "wine: quadratic discriminant": (lambda: make_pipeline(pp.StandardScaler(), QuadraticDiscriminantAnalysis()), _wine),
    "wine: boosting": (lambda: make_pipeline("passthrough", ensemble.HistGradientBoostingClassifier(max_iter=10)), _wine),
    "wine: scaler, AdaBoost": (lambda: make_pipeline(pp.StandardScaler(), ensemble.AdaBoostClassifier(n_estimators=5)), _wine),
    "wine: bins, naive Bayes": (lambda: make_pipeline(pp.StandardScaler(), naive_bayes.GaussianNB()), _wine),
    "digits: threshold, scaler, PCA, SVC": (lambda: make_pipeline(VarianceThreshold(), pp.StandardScaler(), PCA(20), svm.SVC()), _digits),
    "digits: min-max, MLP": (lambda: make_pipeline(pp.MinMaxScaler(), MLPClassifier((16,), max_iter=30)), _digits),
    "digits: normalizer, KNeighbors": (lambda: make_pipeline(pp.Normalizer(), neighbors.KNeighborsClassifier()), _digits),
    "digits: scaler, LogisticRegression liblinear": (lambda: make_pipeline(pp.MinMaxScaler(), _logistic(solver="liblinear")), _digits),
    "digits: extra trees": (lambda: make_pipeline(pp.Binarizer(threshold=8.0), ensemble.ExtraTreesClassifier(10)), _digits),
    "iris: scaler, LogisticRegression liblinear": (lambda: make_pipeline(pp.StandardScaler(), _logistic(solver="liblinear")), _iris),
    "iris: scaler, LogisticRegression newton": (lambda: make_pipeline(pp.StandardScaler(), _logistic(solver="newton-cg")), _iris),
    "iris: spline, LogisticRegression": (lambda: make_pipeline(pp.SplineTransformer(4), _logistic()), _iris),
    "diabetes: polynomial, Ridge": (lambda: make_pipeline(pp.PolynomialFeatures(2), pp.StandardScaler(), lm.Ridge()), _diabetes),
    "diabetes: boosting": (lambda: make_pipeline(pp.StandardScaler(), ensemble.GradientBoostingRegressor(n_estimators=10)), _diabetes),
    "diabetes: scaler, SVR": (lambda: make_pipeline(pp.StandardScaler(), svm.SVR()), _diabetes),
    "diabetes: best, Lasso": (lambda: make_pipeline(SelectKBest(k=5), pp.MaxAbsScaler(), lm.Lasso(0.1)), _diabetes),
    "diabetes: Gaussian process": (lambda: make_pipeline(pp.StandardScaler(), GaussianProcessRegressor(alpha=1.0)), _diabetes),
    "articles: tfidf, LogisticRegression": (lambda: make_pipeline(TfidfVectorizer(), _logistic()), articles),
    "articles: tfidf, naive Bayes": (lambda: make_pipeline(TfidfVectorizer(min_df=2, ngram_range=(1, 2)), naive_bayes.MultinomialNB()), articles),
    "articles: tfidf without idf, LinearSVC": (lambda: make_pipeline(TfidfVectorizer(use_idf=False, sublinear_tf=True), svm.LinearSVC()), articles),
    "articles: tfidf, SVD, LogisticRegression": (lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(20), pp.Normalizer(), _logistic()), articles),
    "articles: hashing, tfidf, LinearSVC": (lambda: make_pipeline(HashingVectorizer(n_features=2**14), TfidfTransformer(), svm.LinearSVC()), articles),
    "articles: tfidf of characters, naive Bayes": (lambda: make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), naive_bayes.ComplementNB()), articles),
}  # fmt: skip


def real() -> Iterator[Case]:
    for name, (make, maker) in _TABLE.items():
        yield Case(name=name, make=make, data=maker)
