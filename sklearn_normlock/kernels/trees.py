"""Kernels of ensembles of trees: HistGradientBoosting, GradientBoosting, RandomForest and ExtraTrees.

scikit-learn calls compiled code once for each tree, and one row of a hundred trees spends its time between the calls.
A tree does no arithmetic: it compares numbers and picks a leaf. All trees are therefore walked down together, a level
at a time, which finds the same leaves; the values of the leaves are then added one after the other, in the order of the
trees.

More rows than one go to scikit-learn's compiled code. HistGradientBoosting's is called without what its methods do
between two trees. A call takes about as long as fifty rows do: a small batch is handed to a few trees at once, joined
into one. Many rows don't go there at all: the compiled code walks each row down each tree, and the processor guesses
at every node wrongly where it goes on. NumPy makes the comparison of a node for all rows at once, needed or not, which
is several times as fast. For the other ensembles scikit-learn's own method is called.

Whether the sums come out the same to the last bit is looked at when a kernel is made, against scikit-learn's own
method.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..fingerprints.naming import cached
from .compiler import VERSION, Compiler, Factory, demand, schema_of, twin_of
from .inputs import F32, F64, Kernel, finite, on_numbers

_TRIED = 4  # rows that a kernel is tried with
_NODES = 1 << 20  # in a larger ensemble the copy of the trees isn't worth its memory
_TREES = 256  # as many as a watch follows one by one
_ALONE = 512  # rows up to which one thread is enough: to start more for each tree takes longer
_FEW = 128  # rows up to which trees are joined
_JOINED = 4  # trees that are joined into one
_LEAVES = 64  # in a larger tree most comparisons would be made in vain
_MANY = 64  # rows, for each split of a tree, from which on the comparisons are made for all rows at once
_THREADS = 2  # on more of them compiled code is as fast
_BLOCK = 1 << 14  # rows that are compared at a time


class Tree(NamedTuple):
    """The nodes of a tree, in arrays of one length; leaves have themselves as children."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    depth: int


class Walk:
    """Finds the leaf of each tree that a row falls into.

    Parameters
    ----------
    trees : sequence of Tree
        At least one.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        sizes = [len(tree.feature) for tree in trees]
        demand(sizes, sum(sizes) <= _NODES)
        self.roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        self.depth = max(tree.depth for tree in trees)
        self.feature = np.concatenate([tree.feature for tree in trees]).astype(np.intp)
        self.threshold = np.concatenate([tree.threshold for tree in trees])
        self.missing_left = np.concatenate([tree.missing_left for tree in trees]).astype(bool)
        # The children of node i stand at 2 i (right) and 2 i + 1 (left).
        self.children = np.empty(2 * len(self.feature), dtype=np.intp)
        self.children[0::2] = np.concatenate([tree.right + at for tree, at in zip(trees, self.roots, strict=True)])
        self.children[1::2] = np.concatenate([tree.left + at for tree, at in zip(trees, self.roots, strict=True)])

    def __call__(self, row: np.ndarray, *, missing: bool) -> np.ndarray:
        """Return the number of each tree's leaf among all nodes; ``missing`` says whether a number is NaN."""
        nodes = self.roots
        for _ in range(self.depth):
            values = row.take(self.feature.take(nodes))
            left = values <= self.threshold.take(nodes)
            if missing:
                left |= np.isnan(values) & self.missing_left.take(nodes)
            nodes = self.children.take(2 * nodes + left)
        return nodes


class Split(NamedTuple):
    """A comparison, and the label of the leaf on either side; None if the side's labels stand in a buffer."""

    feature: int
    threshold: float
    missing_left: bool
    left: Any
    right: Any
    buffer: int


class Splits:
    """Finds the values of a tree for many rows: all comparisons are made for all rows.

    Splits stand after those below them. Each writes, for every row, the label of the leaf that the row would fall
    into if it came here. It is the left side's where a mask is all ones, and the right side's where it is all zeros.

    Parameters
    ----------
    tree : Tree
        With at most 256 leaves: a label is a byte.
    values : ndarray
        Of each node.
    """

    def __init__(self, tree: Tree, values: np.ndarray) -> None:
        self.splits: list[Split] = []
        leaves: list[int] = []

        def visit(node: int, buffer: int) -> Any:
            left, right = int(tree.left[node]), int(tree.right[node])
            if left == node:
                leaves.append(node)
                return np.uint8(len(leaves) - 1)
            on_left = visit(left, buffer)
            on_right = visit(right, buffer if on_left is not None else buffer + 1)
            place = int(tree.feature[node]), float(tree.threshold[node]), bool(tree.missing_left[node])
            self.splits.append(Split(*place, on_left, on_right, buffer))
            return None

        visit(0, 0)
        self.values = values.take(leaves)
        self.buffers = 1 + max((split.buffer for split in self.splits), default=0)

    def __call__(self, columns: list[np.ndarray], gaps: list[Any], buffers: np.ndarray) -> np.ndarray:
        """Return the value for each row; one for all of them, if the tree has no split.

        Parameters
        ----------
        columns : list of ndarray of shape (n_rows,)
            By feature.
        gaps : list of (ndarray of shape (n_rows,) or None)
            Where each column is NaN; None if it is nowhere.
        buffers : ndarray of shape (n_buffers + 2, n_rows)
            Of bytes; there must be ``self.buffers``, and two more.
        """
        mask, spare, *labels = buffers
        goes_left, signed = mask.view(bool), mask.view(np.int8)
        for feature, threshold, missing_left, left, right, buffer in self.splits:
            np.less_equal(columns[feature], threshold, goes_left)
            if missing_left and gaps[feature] is not None:
                np.logical_or(goes_left, gaps[feature], goes_left)
            np.negative(signed, signed)  # all ones where it was True
            out = labels[buffer]
            # Where the mask is all ones, a ^ (a ^ b) is b; elsewhere it stays a.
            if left is None:
                other = labels[buffer + 1] if right is None else right
                np.bitwise_xor(out, other, out)
                np.bitwise_and(out, mask, out)
                np.bitwise_xor(out, other, out)
            elif right is None:
                np.bitwise_xor(out, left, spare)
                np.bitwise_and(spare, mask, spare)
                np.bitwise_xor(out, spare, out)
            else:
                np.bitwise_and(mask, left ^ right, out)
                np.bitwise_xor(out, right, out)
        return self.values.take(labels[0]) if self.splits else self.values


def _summed(start: Any, values: np.ndarray) -> np.ndarray:
    """Return the sum of rows, one after the other: a sum of NumPy's adds in pairs."""
    total: np.ndarray = np.add.accumulate(np.concatenate([start, values]), axis=0)[-1:]
    return total


def _histogram_tree(predictor: Any) -> Tree:
    nodes = predictor.nodes
    demand(not nodes["is_categorical"].any())
    leaf = nodes["is_leaf"].astype(bool)
    here = np.arange(len(nodes))
    left, right = (np.where(leaf, here, nodes[side].astype(np.intp)) for side in ("left", "right"))
    feature = np.where(leaf, 0, nodes["feature_idx"])
    return Tree(feature, nodes["num_threshold"].copy(), left, right, nodes["missing_go_to_left"], nodes["depth"].max())


def _plain_tree(est: Any) -> Tree:
    tree = est.tree_
    leaf = tree.children_left == -1
    here = np.arange(tree.node_count)
    left, right = (np.where(leaf, here, side) for side in (tree.children_left, tree.children_right))
    never = np.zeros(tree.node_count, dtype=bool)  # a NaN takes scikit-learn's path
    return Tree(np.where(leaf, 0, tree.feature), tree.threshold.copy(), left, right, never, tree.max_depth)


def _histogram_raw(est: Any) -> Callable[[np.ndarray], Any]:
    demand(est._preprocessor is None)
    baseline = np.array(est._baseline_prediction, copy=True).reshape(1, -1)
    predictors = [each for stage in est._predictors for each in stage]
    demand(predictors, baseline.dtype == F64)
    walk = Walk([_histogram_tree(each) for each in predictors])
    values = np.concatenate([each.nodes["value"] for each in predictors])
    shape = (-1, est.n_trees_per_iteration_)
    rows = _histogram_rows(est, baseline)

    def raw(X: np.ndarray) -> Any:
        if len(X) > 1:
            return rows(X)
        row = X[0].astype(F64)
        missing = not finite(X) and bool(np.isnan(row).any())
        return _summed(baseline, values.take(walk(row, missing=missing)).reshape(shape))

    return raw


def _histogram_rows(est: Any, baseline: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    known, places = est._bin_mapper.make_known_categories_bitsets()
    width = baseline.shape[1]
    predictors = [each for stage in est._predictors for each in stage]
    stages = [(k, each.nodes, each.raw_left_cat_bitsets) for stage in est._predictors for k, each in enumerate(stage)]
    trees, empty, column = [nodes for _, nodes, _ in stages], stages[0][2], est.n_features_in_
    joined = [_joined(trees[i : i + _JOINED], column) for i in range(0, len(trees), _JOINED)]
    counts = [np.count_nonzero(nodes["is_leaf"]) for nodes in trees]
    many = _MANY * np.mean(counts) if max(counts) <= _LEAVES else np.inf

    @cached
    def all_splits() -> list[Splits]:
        return [Splits(_histogram_tree(each), each.nodes["value"]) for each in predictors]

    def few(X: np.ndarray) -> np.ndarray:
        rows = len(X)
        copies = np.empty((_JOINED, rows, column + 1))
        copies[:, :, :column] = X
        copies[:, :, column] = np.arange(_JOINED)[:, None]
        copies = copies.reshape(-1, column + 1)
        leaves = np.empty((width + len(trees)) * rows)
        leaves.reshape(-1, rows)[:width] = baseline.T
        start = width * rows
        for nodes in joined:
            out = leaves[start : start + len(copies)]
            _predict_from_raw_data(nodes, copies[: len(out)], empty, known, places, 1, out)
            start += len(out)
        leaves = leaves.reshape(-1, width, rows)
        return np.add.accumulate(leaves, axis=0, out=leaves)[-1].T

    def compiled(X: np.ndarray, total: np.ndarray, threads: int) -> None:
        leaves = np.empty(len(X))
        for k, nodes, categories in stages:
            _predict_from_raw_data(nodes, X, categories, known, places, threads, leaves)
            total[:, k] += leaves

    def compared(X: np.ndarray, total: np.ndarray) -> None:
        part = np.ascontiguousarray(X.T)
        columns, gaps = list(part), [None] * column
        if not finite(part):
            gaps = [each if each.any() else None for each in np.isnan(part)]
        splits = all_splits()
        buffers = np.empty((2 + max(tree.buffers for tree in splits), len(X)), dtype=np.uint8)
        for (k, *_), tree in zip(stages, splits, strict=True):
            total[:, k] += tree(columns, gaps, buffers)

    def raw(X: np.ndarray) -> np.ndarray:
        rows = len(X)
        if rows <= _FEW:
            return few(X)
        X = np.asarray(X, dtype=F64)
        total = np.zeros((rows, width), order="F")
        total += baseline
        threads = _openmp_effective_n_threads()
        if rows < many * threads or threads > _THREADS:
            compiled(X, total, threads if rows > _ALONE else 1)
        else:
            for start in range(0, rows, _BLOCK):
                compared(X[start : start + _BLOCK], total[start : start + _BLOCK])
        return total

    return raw


def _joined(trees: Sequence[np.ndarray], column: int) -> np.ndarray:
    """Return histogram trees as one tree, in which a further column of the input has the number of the tree to take."""
    inner = len(trees) - 1
    starts = [inner + start for start in itertools.accumulate(map(len, trees), initial=0)]
    nodes = np.concatenate([np.zeros(inner, trees[0].dtype), *trees])
    for start, end in itertools.pairwise(starts):
        nodes["left"][start:end] += start
        nodes["right"][start:end] += start
    free = iter(range(inner))

    def root(first: int, last: int) -> Any:
        if first == last:
            return starts[first]
        node, middle = next(free), (first + last) // 2
        nodes["feature_idx"][node] = column
        nodes["num_threshold"][node] = middle + 0.5
        nodes["left"][node] = root(first, middle)
        nodes["right"][node] = root(middle + 1, last)
        return node

    root(0, inner)
    return nodes


def _boosted_raw(est: Any) -> Callable[[np.ndarray], Any]:
    trees = est.estimators_
    demand(type(trees) is np.ndarray, trees.ndim == 2, trees.size <= _TREES)
    # The start of boosting is the same for every row, unless it is a model's prediction.
    demand(type(est.init_).__name__ in ("DummyClassifier", "DummyRegressor") or est.init == "zero")
    start = est._raw_predict_init(np.zeros((1, est.n_features_in_), dtype=F32)).reshape(1, -1)
    demand(start.dtype == F64)
    flat = trees.ravel().tolist()
    walk = Walk([_plain_tree(each) for each in flat])
    values = est.learning_rate * np.concatenate([each.tree_.value[:, 0, 0] for each in flat])
    shape = trees.shape

    def raw(X: np.ndarray) -> Any:
        row = _as_float32(X)
        return None if row is None else _summed(start, values.take(walk(row, missing=False)).reshape(shape))

    return raw


def _averaged(est: Any) -> Callable[[np.ndarray], Any]:
    trees = est.estimators_
    demand(type(trees) is list, len(trees) <= _TREES, est.n_outputs_ == 1)
    walk = Walk([_plain_tree(each) for each in trees])
    values = np.concatenate([each.tree_.value[:, 0, :] for each in trees])
    zeros, count = np.zeros((1, values.shape[1])), len(trees)
    demand(values.dtype == F64)

    def averaged(X: np.ndarray) -> Any:
        row = _as_float32(X)
        if row is None:
            return None
        out = _summed(zeros, values.take(walk(row, missing=False), axis=0))
        out /= count
        return out

    return averaged


def _as_float32(X: np.ndarray) -> Any:
    """Return the one row in the precision that scikit-learn's trees compare in.

    None if there are more rows than one, or a number is not finite in that precision.
    """
    if len(X) != 1:
        return None
    with np.errstate(all="ignore"):
        narrow = X.astype(F32)
    return narrow[0] if finite(narrow) else None


def _finished(raw: Callable[[np.ndarray], Any], finish: Callable[[Any], Any]) -> Kernel:
    def kernel(X: np.ndarray) -> Any:
        found = raw(X)
        return None if found is None else finish(found)

    return kernel


def _made(method: str, raw_of: Callable[[Any], Any], finish_of: Callable[[Any], Callable[[Any], Any]]) -> Factory:
    def factory(compiler: Compiler, est: Any) -> Kernel:
        schema = schema_of(est)
        kernel = _finished(raw_of(est), finish_of(est))
        demand(_agrees(kernel, est, method, schema.width))
        return on_numbers(kernel, schema, exact=True)

    return factory


def _agrees(kernel: Kernel, est: Any, method: str, width: int) -> bool:
    """Tell whether a kernel gives the bits of scikit-learn's method for some rows around the first thresholds."""
    rng = np.random.default_rng(0)
    trees = getattr(est, "_predictors", None) or np.ravel(est.estimators_).tolist()
    rows = rng.normal(size=(_TRIED, width))
    for row, tree in zip(rows, trees, strict=False):
        for each in tree if isinstance(tree, list) else [tree]:
            made = _histogram_tree(each) if hasattr(each, "nodes") else _plain_tree(each)
            inner = made.left != np.arange(len(made.left))
            row[made.feature[inner]] = made.threshold[inner]
    anonymous = _without_names(est)
    call = getattr(type(anonymous), method)
    for batch in (*np.split(rows, _TRIED), rows):
        found, expected = kernel(batch), call(anonymous, batch)
        if found is None and len(batch) > 1:
            continue
        if found is None or found.dtype != expected.dtype or found.shape != expected.shape:
            return False
        if found.tobytes() != expected.tobytes():
            return False
    return True


def _without_names(est: Any) -> Any:
    """Return the same estimator in scikit-learn's class, less the names of columns: it takes an array in silence."""
    other = twin_of(est)
    vars(other).pop("feature_names_in_", None)
    if "n_jobs" in vars(other):
        other.n_jobs = None  # several threads add in the order in which they finish
    return other


def _flat(est: Any) -> Callable[[Any], Any]:
    return lambda raw: raw.ravel() if raw.shape[1] == 1 else raw


def _probabilities(est: Any) -> Callable[[Any], Any]:
    probabilities: Callable[[Any], Any] = est._loss.predict_proba
    return probabilities


def _linked(est: Any) -> Callable[[Any], Any]:
    inverse = est._loss.link.inverse
    return lambda raw: inverse(raw.ravel())


def _ravelled(est: Any) -> Callable[[Any], Any]:
    return lambda raw: raw.ravel()


def _itself(est: Any) -> Callable[[Any], Any]:
    return lambda raw: raw


def _classes(est: Any) -> Callable[[Any], Any]:
    """Return what picks the label; which of two labels with equal scores it is differs from class to class."""
    classes = est.classes_
    demand(type(classes) is np.ndarray, classes.ndim == 1)

    def finish(raw: Any) -> Any:
        chosen = (raw.ravel() >= 0).astype(int) if raw.shape[1] == 1 else np.argmax(raw, axis=1)
        return classes.take(chosen, axis=0)

    return finish


def _classes_above_zero(est: Any) -> Callable[[Any], Any]:
    likeliest = _likeliest(est)
    if VERSION < (1, 5):
        probabilities = _probabilities(est)
        return lambda raw: likeliest(probabilities(raw))
    classes = est.classes_
    return lambda raw: classes.take((raw.ravel() > 0).astype(int)) if raw.shape[1] == 1 else likeliest(raw)


def _likeliest(est: Any) -> Callable[[Any], Any]:
    classes = est.classes_
    demand(type(classes) is np.ndarray, classes.ndim == 1)
    return lambda averaged: classes.take(np.argmax(averaged, axis=1), axis=0)


def _kernels() -> dict[tuple[str, str], Factory]:
    found: dict[tuple[str, str], Factory] = {}
    for name, raw_of in (("HistGradientBoosting", _histogram_raw), ("GradientBoosting", _boosted_raw)):
        classes = _classes_above_zero if raw_of is _histogram_raw else _classes
        found[f"{name}Classifier", "predict"] = _made("predict", raw_of, classes)
        found[f"{name}Classifier", "predict_proba"] = _made("predict_proba", raw_of, _probabilities)
        found[f"{name}Classifier", "decision_function"] = _made("decision_function", raw_of, _flat)
    found["HistGradientBoostingRegressor", "predict"] = _made("predict", _histogram_raw, _linked)
    found["GradientBoostingRegressor", "predict"] = _made("predict", _boosted_raw, _ravelled)
    for name in ("RandomForest", "ExtraTrees"):
        found[f"{name}Classifier", "predict"] = _made("predict", _averaged, _likeliest)
        found[f"{name}Classifier", "predict_proba"] = _made("predict_proba", _averaged, _itself)
        found[f"{name}Regressor", "predict"] = _made("predict", _averaged, _ravelled)
    return found


KERNELS: dict[tuple[str, str], Factory] = _kernels()
