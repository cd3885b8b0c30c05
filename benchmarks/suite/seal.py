"""Times of a seal at fit and at load, and of a fingerprint by size."""

import pickle

import numpy as np
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock import pipeline, preprocessing


class Fit:
    params = (["StandardScaler", "MinMaxScaler", "Normalizer"], ["locked", "stock"])
    param_names = ("class", "kind")

    def setup(self, name, kind):
        self.X = np.random.default_rng(0).normal(size=(10_000, 30))
        locked = getattr(preprocessing, name)
        self.cls = locked if kind == "locked" else locked.__fingerprint_class__

    def time_fit(self, name, kind):
        self.cls().fit(self.X)


class Load:
    params = ["locked", "stock"]
    param_names = ("kind",)

    def setup(self, kind):
        X = np.random.default_rng(0).normal(size=(500, 30))
        est = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 0)
        self.data = pickle.dumps(est if kind == "locked" else nl.unlock(est))

    def time_loads(self, kind):
        pickle.loads(self.data)

    def track_bytes(self, kind):
        return len(self.data)


class Fingerprint:
    params = [1_000, 1 << 20, 1 << 26]
    param_names = ("bytes",)

    def setup(self, size):
        self.est = nl.unlock(preprocessing.StandardScaler().fit(np.zeros((2, max(1, size // 24)))))

    def time_fingerprint(self, size):
        nl.fingerprint(self.est)
