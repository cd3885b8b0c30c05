"""Times of a call of a sealed object; ``stock`` beside ``locked``, to be compared within one revision too."""

import numpy as np
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock import compose, impute, pipeline, preprocessing

WIDTH = 30
CLASSES = {
    name: getattr(preprocessing, name)
    for name in (
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "Normalizer",
        "Binarizer",
        "PowerTransformer",
        "QuantileTransformer",
    )
} | {"SimpleImputer": impute.SimpleImputer}


def fitted(est):
    X = np.random.default_rng(0).lognormal(size=(2_000, WIDTH))
    return est.fit(X, (X[:, 0] > 1).astype(int))


class Transform:
    params = (list(CLASSES), [1, 10, 1_000, 100_000], ["locked", "stock"])
    param_names = ("class", "rows", "kind")

    def setup(self, name, rows, kind):
        est = fitted(CLASSES[name]())
        self.est = est if kind == "locked" else nl.unlock(est)
        self.X = np.random.default_rng(1).lognormal(size=(rows, WIDTH))
        self.est.transform(self.X)

    def time_transform(self, name, rows, kind):
        self.est.transform(self.X)


class Predict:
    params = (["one scaler", "scalers of columns"], [1, 10, 1_000, 100_000], ["locked", "stock"])
    param_names = ("pipeline", "rows", "kind")

    def setup(self, name, rows, kind):
        first = preprocessing.StandardScaler()
        if name == "scalers of columns":
            first = compose.make_column_transformer(
                (preprocessing.StandardScaler(), list(range(10))),
                (preprocessing.MinMaxScaler(), list(range(10, 20))),
                (preprocessing.RobustScaler(), list(range(20, 30))),
            )
        est = fitted(pipeline.make_pipeline(first, LogisticRegression(max_iter=1000)))
        self.est = est if kind == "locked" else nl.unlock(est)
        self.X = np.random.default_rng(1).lognormal(size=(rows, WIDTH))
        self.est.predict_proba(self.X)

    def time_predict_proba(self, name, rows, kind):
        self.est.predict_proba(self.X)
