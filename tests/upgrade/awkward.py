"""Data that are awkward, and every transformer on those of them that it takes."""

# ruff: noqa: E501  (tables: one setting a line)

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import zoo_case as data
from sklearn import impute
from sklearn import preprocessing as pp
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  (the import is what makes it available)
from sklearn.feature_selection import VarianceThreshold
from sklearn.kernel_approximation import Nystroem
from zoo_case import ROWS, Case
from zoo_meta import bin_options

Make = Callable[[], Any]
Maker = Callable[[int], data.Data]

# -- data: seed -> the positional arguments of fit ---------------------------------------------------------------


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


def town_classes(seed: int = 0) -> data.Data:
    return towns(seed)[0], data.blobs(seed)[1]


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


def bins(**kwargs: Any) -> pp.KBinsDiscretizer:
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
    "KBinsDiscretizer": (bins, _of("plain, offset, float32, skewed, frame")),
    "KBinsDiscretizer uniform": (lambda: bins(strategy="uniform", encode="ordinal"), _of("plain, offset, float32, constants")),
    "KBinsDiscretizer kmeans": (lambda: bins(strategy="kmeans", encode="onehot-dense"), _of("plain, skewed")),
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


def awkward() -> Iterator[Case]:
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
    yield Case(name="TargetEncoder on classes", make=lambda: pp.TargetEncoder(cv=3), data=town_classes)
    yield Case(name="OneHotEncoder on truths", make=pp.OneHotEncoder, data=truths)
    yield Case(name="OneHotEncoder on integers", make=lambda: pp.OneHotEncoder(handle_unknown="ignore"), data=integers)
