"""The fast path of texts gives what scikit-learn gives: every bit, dtype, index, container, error and warning."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from fast_models import described, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier

import sklearn_normlock as nl
from sklearn_normlock.compose import make_column_transformer
from sklearn_normlock.errors import FingerprintMismatchError
from sklearn_normlock.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn_normlock.kernels import fast_paths, has_fast_path
from sklearn_normlock.kernels.compiler import VERSION
from sklearn_normlock.pipeline import make_pipeline, make_union
from sklearn_normlock.preprocessing import OneHotEncoder, StandardScaler

WORDS = ["a", "the", "cat", "Cat", "sat", "on", "mat", "naïve", "ÉTÉ", "été", "42", "don't", "x-ray", "\u00a0", "猫"]
rng = np.random.default_rng(0)
DOCUMENTS = [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(40)] + ["the", "cat " * 30, "Ünïcode, too!"]
LABELS = np.arange(len(DOCUMENTS)) % 3
SETTINGS = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def by_spaces(document):
    return document.split()


def shouted(document):
    return document.upper()


def of_letters(draw):
    return {
        "analyzer": draw(st.sampled_from(["char", "char_wb"])),
        "ngram_range": draw(st.sampled_from([(1, 1), (2, 4)])),
    }


def of_words(draw):
    return {
        "ngram_range": draw(st.sampled_from([(1, 1), (1, 1), (1, 2), (2, 3)])),
        "stop_words": draw(st.sampled_from([None, None, "english", ["the", "cat"], ["don't", "The"]])),
        "token_pattern": draw(st.sampled_from([r"(?u)\b\w\w+\b", r"\S+", r"(\w)\w*"])),
        "tokenizer": draw(st.sampled_from([None, None, None, by_spaces])),
        "preprocessor": draw(st.sampled_from([None, None, None, shouted])),
    }


@st.composite
def vectorizers(draw):
    """Draw a vectorizer with any of the parameters that change what it gives."""
    kind = draw(st.sampled_from([CountVectorizer, TfidfVectorizer, TfidfVectorizer, HashingVectorizer]))
    which = draw(st.sampled_from(["words", "words", "letters", "callable"]))
    parameters = (
        {"analyzer": by_spaces} if which == "callable" else (of_words if which == "words" else of_letters)(draw)
    )
    parameters |= {
        "lowercase": draw(st.booleans()),
        "strip_accents": draw(st.sampled_from([None, None, "unicode", "ascii"])),
        "binary": draw(st.booleans()),
        "dtype": draw(st.sampled_from([np.float64, np.float64, np.float32] + [np.int64] * (kind is CountVectorizer))),
    }
    if kind is not CountVectorizer:
        parameters["norm"] = draw(st.sampled_from(["l2", "l2", "l1", None]))
    if kind is TfidfVectorizer:
        parameters |= {name: draw(st.booleans()) for name in ("use_idf", "smooth_idf", "sublinear_tf")}
    if kind is HashingVectorizer:
        parameters |= {"n_features": draw(st.sampled_from([7, 1 << 12])), "alternate_sign": draw(st.booleans())}
    else:
        parameters |= draw(
            st.sampled_from([{}, {}, {"max_features": 5}, {"vocabulary": {"cat": 1, "the": 0, "on": 2}}])
        )
    return kind(**parameters)


ODD = [np.nan, None, b"the cat", 7, np.str_("the cat"), ["the", "cat"], "\ud800 the", ""]


@st.composite
def documents(draw):
    """Draw what somebody may pass as documents."""
    text = st.one_of(st.sampled_from(DOCUMENTS), st.text(max_size=30), st.sampled_from(WORDS))
    found = draw(st.lists(text, min_size=0, max_size=4))
    if draw(st.integers(0, 5)) == 0:
        found.insert(draw(st.integers(0, len(found))), draw(st.sampled_from(ODD)))
    made = draw(st.sampled_from([list, list, list, tuple, "series", "objects", "array", "generator", "text", "column"]))
    if made == "series":
        return pd.Series(found, dtype=object, index=range(5, 5 + len(found)))
    if made in ("objects", "column"):
        array = np.empty(len(found), dtype=object)
        array[:] = found
        return array if made == "objects" else array.reshape(-1, 1)
    if made == "array":
        return np.array([each for each in found if isinstance(each, str)], dtype=str)
    if made == "text":
        return "the cat"
    return made(found) if callable(made) else Once(found)


class Once:
    """Something to go through, of no type that is known."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def told(result):
    if sparse.issparse(result):
        parts = (result.data, result.indices, result.indptr)
        return type(result), result.shape, result.has_canonical_format, [described(part) for part in parts]
    return described(result)


def same(est, stock, method, data):
    assert outcome(est, method, data, told) == outcome(stock, method, data, told)


def fitted(est):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters that are not used, and stop words that may be inconsistent
        est.fit(DOCUMENTS, LABELS)
        if isinstance(est, HashingVectorizer):  # it looks at its stop words when it is first used
            est.transform(DOCUMENTS[:1])
        return est


def unlocked(est):
    """Return scikit-learn's object, which has warned of its stop words already, as the other did at its fit."""
    stock = nl.unlock(est)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (stock[:-1] if hasattr(stock, "steps") else stock).transform(DOCUMENTS[:1])
    return stock


def compare(est, data):
    try:
        est = fitted(est)
    except ValueError:  # no word is left
        return
    stock = unlocked(est)
    for each in data:
        same(est, stock, "transform", each)
    for model, method in ((LogisticRegression(), "predict_proba"), (LinearRegression(), "predict")):
        whole = fitted(make_pipeline(est, model))
        stock = unlocked(whole)
        for each in data:
            same(whole, stock, method, each)


@settings(max_examples=25, **SETTINGS)
@given(vectorizers(), st.lists(documents(), min_size=3, max_size=3))
def test_the_fast_path_changes_nothing(est, data):
    """Whatever the parameters and whatever is passed: the same bits, indices and container, or the same error."""
    compare(est, data)


@pytest.mark.campaign
@settings(max_examples=250, **SETTINGS)
@given(vectorizers(), st.lists(documents(), min_size=4, max_size=4))
def test_the_fast_path_changes_nothing_at_length(est, data):
    """As above, over more vectorizers."""
    compare(est, data)


@pytest.mark.parametrize("interface", ["spmatrix", "sparray"])
def test_the_container_is_the_one_that_is_configured(interface):
    """scikit-learn's setting of its sparse containers counts on the fast path, too."""
    if VERSION < (1, 9):
        pytest.skip("there is one container")
    import sklearn

    est = fitted(TfidfVectorizer())
    encoder = OneHotEncoder(handle_unknown="ignore").fit(np.array(DOCUMENTS, dtype=object).reshape(-1, 1))
    with sklearn.config_context(sparse_interface=interface):
        for each in (DOCUMENTS[:1], DOCUMENTS):
            same(est, nl.unlock(est), "transform", each)
            column = np.array(each, dtype=object).reshape(-1, 1)
            same(encoder, nl.unlock(encoder), "transform", column)


FRAME = pd.DataFrame(
    {"text": DOCUMENTS, "size": np.arange(len(DOCUMENTS)) / 7.0, "kind": [each[:1] for each in DOCUMENTS]}
)
PARTS = ((TfidfVectorizer(), "text"), (StandardScaler(), ["size"]), (OneHotEncoder(handle_unknown="ignore"), ["kind"]))
WHOLE = {
    "words and letters": make_union(TfidfVectorizer(), CountVectorizer(analyzer="char")),
    "counts and weights": make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True)),
    "words and other columns": make_column_transformer(*PARTS),
    "words and other columns, dense": make_column_transformer(*PARTS, sparse_threshold=0),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("model", [None, LogisticRegression(), SGDClassifier(random_state=0)], ids=str)
def test_texts_in_a_larger_model(name, library, model):
    """Texts in unions, behind weights, and in a column beside others give scikit-learn's bits."""
    data = FRAME if "columns" in name else DOCUMENTS
    if library == "polars":
        if data is DOCUMENTS:
            pytest.skip("no frame")
        data = pytest.importorskip("polars").DataFrame({each: FRAME[each].tolist() for each in FRAME})
    est = WHOLE[name] if model is None else make_pipeline(WHOLE[name], model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        est = nl.seal(nl.unlock(est.fit(FRAME if "columns" in name else DOCUMENTS, LABELS)))
    stock, method = nl.unlock(est), "transform" if model is None else "decision_function"
    assert method in fast_paths(est)[""] or VERSION < (1, 5)
    for each in (data[:1], data[3:10], data[:0]):
        same(est, stock, method, each)
    if library == "pandas" and "columns" in name:
        for column, value in (("text", None), ("text", 7), ("size", np.nan), ("size", np.inf), ("kind", "new")):
            row = FRAME[:1].astype({"text": object, "kind": object})
            row[column] = [value]
            same(est, stock, method, row)
        same(est, stock, method, FRAME[["kind", "text", "size"]][:2])
        same(est, stock, method, FRAME[["kind", "size"]])


@pytest.mark.parametrize("est", [CountVectorizer(), TfidfVectorizer(), HashingVectorizer(n_features=64)], ids=str)
def test_a_document_never_reaches_scikit_learns_method(est, monkeypatch):
    """An ordinary document is counted, weighted and scored without scikit-learn's own methods."""
    if VERSION < (1, 5) and isinstance(est, TfidfVectorizer):
        pytest.skip("this scikit-learn weights by a product of matrices")
    model = make_pipeline(est, LogisticRegression()).fit(DOCUMENTS, LABELS)
    expected = nl.unlock(model).predict_proba(DOCUMENTS[:3])
    for each in ("transform", "_count_vocab", "build_analyzer"):
        assert has_fast_path(model)
        monkeypatch.setattr(type(est).__mro__[2], each, None, raising=False)
    assert model.predict_proba(DOCUMENTS[:3]).tobytes() == expected.tobytes()


def test_stop_words_that_scikit_learn_warns_of_are_warned_of_once():
    """A vectorizer that was loaded warns at its first use, as scikit-learn's does, and is fast from the second."""
    original = fitted(CountVectorizer(stop_words=["don't"]))
    est = pickle.loads(pickle.dumps(original))
    assert has_fast_path(original)  # it has warned when it was fitted
    assert not has_fast_path(est)
    with pytest.warns(UserWarning, match="stop_words may be inconsistent"):
        est.transform(DOCUMENTS[:1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est.transform(DOCUMENTS[:1])
    assert has_fast_path(est)


@pytest.mark.parametrize("size", [3, 400])
@pytest.mark.parametrize("change", ["word", "value", "another", "last"])
def test_a_changed_vocabulary_is_seen(size, change):
    """A word or a number that is replaced in the vocabulary is seen at the next call, at any size that is compared."""
    est = CountVectorizer().fit([" ".join(f"w{i}" for i in range(size))])
    est.transform(["w1"])
    vocabulary = est.vocabulary_
    last = list(vocabulary)[-1]
    if change == "word":
        vocabulary["w9999"] = vocabulary.pop("w1")
    elif change == "value":
        vocabulary["w1"] = vocabulary["w2"]
    elif change == "last":
        vocabulary["w9999"] = vocabulary.pop(last)
    else:
        vocabulary["w9999"] = 0
    with pytest.raises(FingerprintMismatchError, match="vocabulary_"):
        est.transform(["w1"])
