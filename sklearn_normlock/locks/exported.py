"""Graphs in a bundle that were exported from a member of it: each has to compute what that member does.

A graph that skl2onnx wrote, or that carries the stamp of a fingerprint, stands for a scikit-learn object. It is bound
by what it computes, not by its bytes alone: two right files that disagree are no match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MissingDependencyError
from ..fingerprints import fingerprint
from ..graphs.identity import stamp_of
from ..graphs.parity import parity
from ..graphs.remedies import remedy as remedy_for
from ..probes.outputs import Deviation
from .parts import Unjudged


def judge_graphs(
    graphs: Mapping[str, Any], estimators: Mapping[str, Any], X: Any = None
) -> tuple[list[Deviation], list[Unjudged]]:
    """Return how graphs differ from the estimators that they were exported from, and what of it can't be told.

    Parameters
    ----------
    graphs : mapping of str to onnx.ModelProto
        By their names in the bundle.
    estimators : mapping of str to estimator
        The other members.
    X : array or DataFrame, default=None
        Rows of the user's.
    """
    deviations, unjudged = [], []
    for name, model in graphs.items() if estimators else ():
        stamp = stamp_of(model)
        sources = [each for each, est in estimators.items() if stamp is None or fingerprint(est) == stamp]
        if not sources:
            text = f"it was exported from {stamp}, which is none of {', '.join(estimators)}"
            deviations.append(Deviation(path=name, method="graph", text=text, relative=float("inf")))
            continue
        if len(sources) > 1:
            why = f"it may have been exported from any of {', '.join(sources)}"
            remedy = "Export it with the fingerprint of its source: sklearn_normlock.integrations.onnx.stamp."
            unjudged.append(Unjudged(path=name, why=why, remedy=remedy))
            continue
        source = sources[0]
        try:
            found = parity(estimators[source], model, X)
        except MissingDependencyError:
            why = f"whether it computes what {source} does can't be told without onnxruntime"
            remedy = "Install it: pip install 'sklearn-normlock[onnx]'."
            unjudged.append(Unjudged(path=name, why=why, remedy=remedy))
            continue
        if found.undecided is not None:
            why = f"whether it computes what {source} does can't be told: {found.undecided}"
            remedy = "Give rows that both take: nl.lock(est, X, onnx=...)."
            unjudged.append(Unjudged(path=name, why=why, remedy=remedy))
        advice = remedy_for(estimators[source], model, X) if found.deviations else ""
        for each in found.deviations:
            place = f"{name}: step {each.path}" if each.path else name
            last = f". {advice}" if each is found.deviations[-1] else ""
            deviations.append(Deviation(path=place, method=each.method, text=each.text + last, relative=each.relative))
    return deviations, unjudged
