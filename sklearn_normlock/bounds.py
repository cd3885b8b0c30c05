"""Indices that compiled code follows without looking: checked in what came from a ``.skops`` file.

skops looks at types, not at values, and so trusts no decision tree by itself. Scikit-learn's trees keep the numbers of
their nodes' children and features in arrays. A crafted number makes a prediction read beyond the end of an array, or
run in circles. :func:`sklearn_normlock.load` trusts these types, because it looks at the numbers here, before anybody
can call a method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactReadError

#: Types that are safe to build, and safe to use once :func:`require_sound` has passed them.
CHECKED_TYPES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree32",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree32",
    "sklearn.neighbors._kd_tree.KDTree64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
)
_NODES_OF_A_LEVEL = 2


class _Unsound(Exception):
    """A number that leads out of its array."""


def require_sound(obj: Any, path: str) -> None:
    """Refuse an object that holds a tree whose indices lead out of its arrays, or in circles.

    Parameters
    ----------
    obj : object
        What skops built.
    path : str
        The file, for the message.

    Raises
    ------
    ArtifactReadError
        If there is such a tree at any depth.
    """
    seen: set[int] = set()
    waiting: list[tuple[Any, int | None]] = [(obj, None)]  # each with the number of features of the estimator around it
    while waiting:
        value, width = waiting.pop()
        if type(value) in _ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        check = _CHECKS.get(type(value).__name__) if type(value).__module__.startswith("sklearn.") else None
        try:
            if check is not None:
                check(value, width)
            elif isinstance(value, np.ndarray):
                if value.dtype.hasobject and value.dtype.names is None:
                    # Gradient boosting walks through its members' trees with rows that only it has checked.
                    _same_width(np.asarray(value).flat, width)
                    waiting += ((item, width) for item in np.asarray(value).flat)
                continue
            elif isinstance(value, dict):
                waiting += ((item, width) for item in value.values())
            elif isinstance(value, (list, tuple, set, frozenset)):
                waiting += ((item, width) for item in value)
        except Exception as error:
            told = str(error) if isinstance(error, _Unsound) else f"{type(error).__name__}: {error}"
            raise ArtifactReadError(
                f"{path} was not loaded: a {type(value).__name__} in it is not one that a fit makes ({told}); to "
                "predict with it could read beyond its memory.",
                path=path,
                remedy="It is damaged or forged; copy it again from where it was saved.",
            ) from None
        held = getattr(value, "__dict__", None)
        if type(held) is dict:
            own = held.get("n_features_in_", width)
            inner = int(own) if isinstance(own, (int, np.integer)) else None
            waiting += ((item, inner) for item in held.values())


def _require(sound: Any, what: str) -> None:
    if not sound:
        raise _Unsound(what)


def _same_width(members: Any, width: int | None) -> None:
    for member in members:
        tree = getattr(member, "tree_", None)
        if tree is not None and width is not None:
            _require(tree.n_features == width, f"{tree.n_features} features inside a model of {width}")


def _forward(children: NDArray[Any], own: NDArray[Any], count: int) -> bool:
    """Tell whether children lie behind their parents and within the tree: so every walk ends."""
    return bool(np.all((children > own) & (children < count)))


def _tree(tree: Any, width: int | None) -> None:
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = np.flatnonzero(left != -1)
    _require(tree.node_count > 0, "a tree without a node")
    _require(tree.n_features == width, f"{tree.n_features} features inside a model of {width}")
    for children in (left[inner], right[inner]):
        _require(_forward(children, inner, tree.node_count), "a child that is no later node of the tree")
    _require(np.all((feature[inner] >= 0) & (feature[inner] < tree.n_features)), "a feature that the model hasn't")


def _predictor(predictor: Any, width: int | None) -> None:
    nodes = predictor.nodes
    _require(len(nodes) > 0 and nodes.ndim == 1, "a tree without a node")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    for name in ("left", "right"):
        children = nodes[name][inner].astype(np.int64)
        _require(_forward(children, inner, len(nodes)), "a child that is no later node of the tree")
    feature = nodes["feature_idx"][inner].astype(np.int64)
    _require(width is not None, "no number of features around it")
    _require(np.all((feature >= 0) & (feature < width)), "a feature that the model hasn't")
    by_set = nodes["bitset_idx"][inner[nodes["is_categorical"][inner] != 0]].astype(np.int64)
    for sets in (predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets):
        _require(np.all(by_set < len(sets)) and (not len(by_set) or sets.shape[1] == 8), "a set of categories too many")


def _neighbours(tree: Any, width: int | None) -> None:
    data, order, nodes, bounds, _, levels, count, *_ = tree.__getstate__()
    rows = len(data)
    _require(len(nodes) == count == _NODES_OF_A_LEVEL**levels - 1, "another number of nodes than levels have")
    _require(len(order) == rows and np.all((order >= 0) & (order < rows)), "a row that it hasn't")
    start, end = nodes["idx_start"], nodes["idx_end"]
    _require(np.all((start >= 0) & (start <= end) & (end <= rows)), "a range of rows that it hasn't")
    _require(np.all(nodes["is_leaf"][count // 2 :]), "a last node that is no leaf")
    _require(bounds.shape[1:] == (count, data.shape[1]), "bounds of another shape")


_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type})
_CHECKS: dict[str, Callable[[Any, int | None], None]] = {
    "Tree": _tree,
    "TreePredictor": _predictor,
    **dict.fromkeys(("BallTree", "BallTree32", "BallTree64", "KDTree", "KDTree32", "KDTree64"), _neighbours),
}
