"""Graphs in a bundle that were exported from a member of it: each has to compute what that member does.

A graph that skl2onnx wrote, or that carries the stamp of a fingerprint, stands for a scikit-learn object. It is bound
by what it computes, not by its bytes alone: two right files that disagree are no match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import NormLockError
from ..fingerprints import fingerprint
from ..graphs.identity import stamp_of
from ..graphs.parity import parity
from ..probes.outputs import Deviation


def graph_deviations(graphs: Mapping[str, Any], estimators: Mapping[str, Any], X: Any = None) -> list[Deviation]:
    """Return how graphs differ from the estimators that they were exported from.

    Parameters
    ----------
    graphs : mapping of str to onnx.ModelProto
        By their names in the bundle.
    estimators : mapping of str to estimator
        The other members.
    X : array or DataFrame, default=None
        Rows of the user's.

    Raises
    ------
    MissingDependencyError
        If onnxruntime isn't installed.
    NormLockError
        If it can't be told which member a graph stands for, or whether it does what that does.
    """
    deviations = []
    for name, model in graphs.items() if estimators else ():
        stamp = stamp_of(model)
        source = [each for each, est in estimators.items() if stamp is None or fingerprint(est) == stamp]
        if not source:
            text = f"it was exported from {stamp}, which is none of {', '.join(estimators)}"
            deviations.append(Deviation(path=name, method="graph", text=text, relative=float("inf")))
            continue
        if len(source) > 1:
            raise NormLockError(
                f"{name} may have been exported from any of {', '.join(source)}: its source isn't known.",
                path=name,
                remedy="Export it with the fingerprint of its source: sklearn_normlock.integrations.onnx.stamp.",
            )
        found = parity(estimators[source[0]], model, X)
        if found.undecided is not None:
            raise NormLockError(
                f"Whether {name} computes what {source[0]} does is not known: {found.undecided}.",
                path=name,
                remedy="Give rows that both take: nl.lock(est, X, onnx=...).",
            )
        for each in found.deviations:
            place = f"{name}: step {each.path}" if each.path else name
            deviations.append(Deviation(path=place, method=each.method, text=each.text, relative=each.relative))
    return deviations
