"""Kernels of the vectorizers of texts: CountVectorizer, TfidfVectorizer, HashingVectorizer and TfidfTransformer.

scikit-learn builds its analyzer anew at every call, and makes and checks a SciPy matrix three to six times. The
analyzer is scikit-learn's here, too, but built once. The words are counted into three arrays, which scikit-learn's
steps of weighting then change in place.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ..seals.layout import ITEMS
from .compiler import VERSION, Compiler, Factory, demand, twin_of
from .inputs import F32, F64, Kernel, documents_of, finite
from .sparse import Rows

_MOST = np.iinfo(np.int32).max  # entries of a matrix, and columns, that narrow integers can number
_BOUND = 1e30  # weights below it neither overflow nor make a square overflow


def _analyzer(est: Any) -> Callable[[str], Any]:
    """Return scikit-learn's own analyzer, if it has nothing to warn of."""
    twin = twin_of(est)
    demand(est.input == "content", type(est.ngram_range) is tuple, est.ngram_range[0] <= est.ngram_range[1])
    if (
        est.analyzer == "word"
        and est.stop_words is not None
        and twin.__dict__.get("_stop_words_id") != id(est.stop_words)
    ):
        # scikit-learn looks at them when they are first used, and warns of some.
        demand(isinstance(est.stop_words, (str, frozenset)) or len(est.stop_words) <= ITEMS)
        stop_words, preprocess, tokenize = twin.get_stop_words(), twin.build_preprocessor(), twin.build_tokenizer()
        demand(all(token in stop_words for word in stop_words for token in tokenize(preprocess(word))))
        twin._stop_words_id = id(est.stop_words)
    analyzer: Callable[[str], Any] = twin.build_analyzer()
    return analyzer


def _counter(est: Any) -> Callable[[Sequence[str]], Rows | None]:
    """Return what counts the words of documents."""
    vocabulary, dtype = est.vocabulary_, np.dtype(est.dtype)
    demand(type(vocabulary) is dict, dtype.char in "dflqi", type(est.binary) is bool)
    width = len(vocabulary)
    demand(0 < width <= _MOST)
    analyze, binary = _analyzer(est), est.binary
    tools: Any = sparse._sparsetools
    order = tools.csr_sort_indices

    def counted(documents: Sequence[str]) -> Rows | None:
        indices: list[int] = []
        counts = array("i")
        ends = [0]
        for document in documents:
            found: dict[int, int] = {}
            for word in analyze(document):
                if word in vocabulary:
                    i = vocabulary[word]
                    if i in found:
                        found[i] += 1
                    else:
                        found[i] = 1
            indices += found
            counts.extend(found.values())
            ends.append(len(indices))
        if len(indices) > _MOST:
            return None
        rows = Rows(
            np.frombuffer(counts, dtype=np.intc).astype(dtype) if counts else np.empty(0, dtype=dtype),
            np.array(indices, dtype=np.int32),
            np.array(ends, dtype=np.int32),
            width,
        )
        order(len(documents), rows.indptr, rows.indices, rows.data)
        if binary:
            rows.data.fill(1)
        return rows

    return counted


def _normalized(norm: Any) -> Callable[[Rows], Any]:
    """Return what divides rows by their norms in place."""
    from sklearn.utils import sparsefuncs_fast

    if norm is None:
        return lambda rows: None
    demand(norm in ("l1", "l2"))
    function: Callable[[Rows], Any] = getattr(sparsefuncs_fast, f"inplace_csr_row_normalize_{norm}")
    return function


def _weighted(compiler: Compiler, est: Any) -> Callable[[Rows], Rows | None]:
    """Return what a TfidfTransformer does, in place, to rows of floats."""
    demand(VERSION >= (1, 5), type(est.sublinear_tf) is bool)  # 1.4 multiplies two matrices
    idf = compiler.array(est, "idf_", 1) if "idf_" in vars(est) else None
    width = est.n_features_in_
    demand(idf is None or (len(idf) == width and idf.dtype.kind == "f" and (np.abs(idf) < _BOUND).all()))
    sublinear, normalize = est.sublinear_tf, _normalized(est.norm)

    def weighted(rows: Rows) -> Rows | None:
        data = rows.data
        if rows.shape[1] != width or data.dtype not in (F64, F32):
            return None
        if sublinear:
            np.log(data, data)
            data += 1.0
        if idf is not None:
            data *= idf[rows.indices]
        if not finite(data):
            return None
        normalize(rows)
        return rows

    return weighted


def _of_documents(body: Callable[[Sequence[str]], Any]) -> Kernel:
    def kernel(X: Any) -> Any:
        documents = documents_of(X)
        return None if documents is None else body(documents)

    return kernel


def _counts(compiler: Compiler, est: Any) -> Kernel:
    return _of_documents(_counter(est))


def _tfidf(compiler: Compiler, est: Any) -> Kernel:
    counted, weighted = _counter(est), _weighted(compiler, est._tfidf)
    demand(np.dtype(est.dtype).kind == "f")

    def body(documents: Sequence[str]) -> Rows | None:
        rows = counted(documents)
        return None if rows is None else weighted(rows)

    return _of_documents(body)


def _weights(compiler: Compiler, est: Any) -> Kernel:
    weighted = _weighted(compiler, est)

    def kernel(X: Any) -> Any:
        if type(X) is not Rows or X.data.dtype.char not in "dflqi" or not (X.data > 0).all():
            return None  # the logarithm of another number may be one to warn of
        dtype = X.data.dtype if X.data.dtype.kind == "f" else F64
        return weighted(Rows(X.data.astype(dtype), X.indices, X.indptr, X.shape[1]))

    return kernel


def _hashes(compiler: Compiler, est: Any) -> Kernel:
    from sklearn.feature_extraction._hashing_fast import transform

    width, dtype = est.n_features, np.dtype(est.dtype)
    demand(type(width) is int, 0 < width <= _MOST, dtype in (F64, F32), isinstance(est.analyzer, str))
    analyze, sign, normalize = _analyzer(est), est.alternate_sign, _normalized(est.norm)
    demand(type(est.binary) is bool, type(sign) is bool)
    binary = est.binary

    def body(documents: Sequence[str]) -> Rows:
        words = (((word, 1) for word in analyze(document)) for document in documents)
        indices, indptr, values = transform(words, width, dtype, sign, seed=0)
        matrix = sparse.csr_matrix((values, indices, indptr), shape=(len(documents), width), dtype=dtype)
        matrix.sum_duplicates()
        rows = Rows(matrix.data, matrix.indices, matrix.indptr, width)
        if binary:
            rows.data.fill(1)
        normalize(rows)
        return rows

    return _of_documents(body)


KERNELS: dict[tuple[str, str], Factory] = {
    ("CountVectorizer", "transform"): _counts,
    ("TfidfVectorizer", "transform"): _tfidf,
    ("TfidfTransformer", "transform"): _weights,
    ("HashingVectorizer", "transform"): _hashes,
}
