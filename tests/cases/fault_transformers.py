"""Faults of the other transformers: what each of them has fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from fault_objects import WEIGHTS_OF_WORDS
from fault_table import STATE, Fault, changed, edit, put


def _flip(obj: Any, name: str) -> None:
    put(obj, **{name: -getattr(obj, name)})


def _reversed(vocabulary: dict[str, int]) -> dict[str, int]:
    """Return a vocabulary in which the last column is the first."""
    return {word: len(vocabulary) - 1 - column for word, column in vocabulary.items()}


TRANSFORMERS = [
    Fault(
        name="minimum of the range bound anew",
        kit="range",
        apply=lambda s, v2: put(s, min_=v2().min_),
        path="min_",
        error=STATE,
    ),
    Fault(
        name="norm set after the fit",
        kit="normalizer",
        apply=lambda s, v2: s.set_params(norm="l1"),
        path="norm",
        error=STATE,
    ),
    Fault(
        name="threshold set after the fit",
        kit="binarizer",
        apply=lambda s, v2: s.set_params(threshold=9.0),
        path="threshold",
        error=STATE,
    ),
    Fault(
        name="exponents edited in place",
        kit="power",
        apply=lambda s, v2: edit(s.lambdas_, 0, 1.0),
        path='lambdas_["age"]',
        error=STATE,
    ),
    Fault(
        name="standardisation switched off",
        kit="power",
        apply=lambda s, v2: s.set_params(standardize=False),
        path="standardize",
        error=STATE,
    ),
    Fault(
        name="inner scaler of a power transformer edited",
        kit="power",
        apply=lambda s, v2: put(s._scaler, scale_=v2()._scaler.scale_ * 3),
        path="_scaler.scale_",
        error=STATE,
    ),
    Fault(
        name="quantiles edited in place",
        kit="quantile",
        apply=lambda s, v2: edit(s.quantiles_, 5, 0.0),
        path="quantiles_[5]",
        error=STATE,
    ),
    Fault(
        name="output of the quantiles set to normal",
        kit="quantile",
        apply=lambda s, v2: s.set_params(output_distribution="normal"),
        path="output_distribution",
        error=STATE,
    ),
    Fault(
        name="edges of the bins bound anew",
        kit="bins",
        apply=lambda s, v2: put(s, bin_edges_=v2().bin_edges_),
        path="bin_edges_",
        error=STATE,
    ),
    Fault(
        name="edge of a bin edited in place",
        kit="bins",
        apply=lambda s, v2: edit(s.bin_edges_[0], 1, 0.0),
        path="bin_edges_[0]",
        error=STATE,
    ),
    Fault(
        name="coefficients of a spline edited in place",
        kit="spline",
        apply=lambda s, v2: edit(s.bsplines_[0].c, 0, 7.0),
        path="bsplines_[0].c",
        error=STATE,
    ),
    Fault(
        name="powers of the polynomial switched off",
        kit="polynomial",
        apply=lambda s, v2: s.set_params(interaction_only=True),
        path="interaction_only",
        error=STATE,
    ),
    Fault(
        name="function exchanged",
        kit="function",
        apply=lambda s, v2: s.set_params(func=np.add, kw_args={}),
        path="func",
        error=STATE,
        loud="the function needs two arguments",
    ),
    Fault(
        name="argument of the function changed in place",
        kit="function",
        apply=lambda s, v2: s.kw_args.update(a_max=5.0),
        path="kw_args",
        error=STATE,
    ),
    Fault(
        name="sign of the components flipped",
        kit="pca",
        apply=lambda s, v2: _flip(s, "components_"),
        path="components_",
        error=STATE,
    ),
    Fault(
        name="centre of the components edited in place",
        kit="pca",
        apply=lambda s, v2: edit(s.mean_, 0, 0.0),
        path="mean_[0]",
        error=STATE,
    ),
    Fault(
        name="whitening switched on",
        kit="pca",
        apply=lambda s, v2: s.set_params(whiten=True),
        path="whiten",
        error=STATE,
    ),
    Fault(
        name="categories bound anew",
        kit="onehot",
        apply=lambda s, v2: put(s, categories_=[c[::-1].copy() for c in s.categories_]),
        path="categories_",
        error=STATE,
    ),
    Fault(
        name="category edited in place",
        kit="onehot",
        apply=lambda s, v2: edit(s.categories_[0], 1, "Paris"),
        path="categories_",
        error=STATE,
    ),
    Fault(
        name="first category dropped after the fit",
        kit="onehot",
        apply=lambda s, v2: put(s, _drop_idx_after_grouping=np.array([0, 0], dtype=object)),
        path="_drop_idx_after_grouping",
        error=STATE,
    ),
    Fault(
        name="codes of the categories reversed",
        kit="ordinal",
        apply=lambda s, v2: s.categories_.reverse(),
        path="categories_",
        error=STATE,
        loud="it finds categories that it does not know",
    ),
    Fault(
        name="encodings edited in place",
        kit="encoder",
        apply=lambda s, v2: edit(s.encodings_[0], 0, 9.0),
        path="encodings_[0]",
        error=STATE,
    ),
    Fault(
        name="what is imputed bound anew",
        kit="imputer",
        apply=lambda s, v2: put(s, statistics_=np.zeros(4)),
        path="statistics_",
        error=STATE,
    ),
    Fault(
        name="marker of missing values set",
        kit="imputer",
        apply=lambda s, v2: s.set_params(missing_values=0.0),
        path="missing_values",
        error=STATE,
        loud="it does not accept the NaNs any more",
    ),
    Fault(
        name="regression in an iterative imputer edited",
        kit="iterative",
        apply=lambda s, v2: put(s.imputation_sequence_[3].estimator, intercept_=0.0),
        path="imputation_sequence_[3]",
        error=STATE,
    ),
    Fault(
        name="first guess of an iterative imputer edited",
        kit="iterative",
        apply=lambda s, v2: edit(s.initial_imputer_.statistics_, 0, 0.0),
        path="initial_imputer_.statistics_",
        error=STATE,
    ),
    Fault(
        name="rows of the nearest neighbours bound anew",
        kit="nearest",
        apply=lambda s, v2: put(s, _fit_X=changed(s._fit_X, (slice(None), 0), 0.0)),
        path="_fit_X",
        error=STATE,
    ),
    Fault(
        name="number of neighbours set",
        kit="nearest",
        apply=lambda s, v2: s.set_params(n_neighbors=1),
        path="n_neighbors",
        error=STATE,
    ),
    Fault(
        name="vocabulary bound anew",
        kit="tfidf",
        apply=lambda s, v2: put(s, vocabulary_=_reversed(s.vocabulary_)),
        path="vocabulary_",
        error=STATE,
    ),
    Fault(
        name="one of many words exchanged with another",
        kit="many words",
        apply=lambda s, v2: s.vocabulary_.update(amber=s.vocabulary_["black"], black=s.vocabulary_["amber"]),
        path="vocabulary_",
        error=STATE,
    ),
    Fault(
        name="one of more than a thousand words exchanged with another",
        kit="very many words",
        apply=lambda s, v2: s.vocabulary_.update(amber=s.vocabulary_["black"], black=s.vocabulary_["amber"]),
        path="vocabulary_",
        error=STATE,
        unseen="a list or dict of more than a thousand items is watched by its length",
    ),
    Fault(
        name="word added to more than a thousand",
        kit="very many words",
        apply=lambda s, v2: s.vocabulary_.update(ambergris=s.vocabulary_["amber"]),
        path="vocabulary_",
        error=STATE,
    ),
    Fault(
        name="weights of the words set",
        kit="tfidf",
        apply=lambda s, v2: put(s, idf_=np.ones(len(s.vocabulary_))),
        path=f"_tfidf.{WEIGHTS_OF_WORDS.partition('.')[0]}",
        error=STATE,
    ),
    Fault(
        name="normalisation of the rows switched off",
        kit="tfidf",
        apply=lambda s, v2: s._tfidf.set_params(norm=None),
        path="_tfidf.norm",
        error=STATE,
    ),
    Fault(
        name="words counted once",
        kit="tfidf",
        apply=lambda s, v2: s.set_params(binary=True),
        path="binary",
        error=STATE,
    ),
    Fault(
        name="number of hashed columns set",
        kit="hashing",
        apply=lambda s, v2: s.set_params(n_features=16),
        path="n_features",
        error=STATE,
    ),
]
