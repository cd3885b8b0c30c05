"""Does the graph compute what the estimator does? The parity of an exported graph, by rows that are put through both.

The estimator computes in double precision, most graphs in single. Two questions are therefore asked of every row:

* as it is served: the estimator is given the row, the graph the same row rounded to the type of its input;
* as the graph sees it: both are given the rounded row.

Outputs must agree within :data:`TOLERANCES`. Where the estimator itself jumps, at the edge of a bin or the threshold of
a tree, no tolerance helps. A row within one rounding of the jump may come out on either side of it. Such rows are
found (by bisection, to the last bit) and counted, and the graph must give one of the two sides. A value that the type
of the graph holds exactly, such as a threshold of 0.5, and rows that the user gave have no such freedom.

Rows with missing values count where something in the estimator is there for them (an imputer), or where the user gave
some. Many models take them without ever having seen one; there, a difference is only told.
"""

from __future__ import annotations

from typing import Any

from ..probes.probing import Undecided
from ..probes.walk import quietly
from .comparing import Comparison
from .parts import Parity
from .rows import Rows
from .running import Runner


def parity(est: Any, model: Any, X: Rows = None, *, served: bool = True) -> Parity:
    """Compare what a graph computes with what an estimator does.

    Parameters
    ----------
    est : estimator
        Fitted.
    model : onnx.ModelProto
        Exported from it, it is said.
    X : array or DataFrame, default=None
        Rows of yours, beside those that are made from fitted statistics. At these no rounding is pardoned.
    served : bool, default=True
        Whether to ask the first question, too; otherwise only rows as the graph sees them are compared.

    Returns
    -------
    parity : Parity

    Raises
    ------
    MissingDependencyError
        If onnxruntime isn't installed.
    ArtifactReadError
        If it can't run the graph.
    """
    names = getattr(est, "feature_names_in_", None)
    try:
        runner = Runner(model, names, getattr(est, "n_features_in_", None))
        with quietly():
            return Comparison(unguarded(est), runner, served).parity(X, model)
    except Undecided as reason:
        return Parity(undecided=str(reason))


def unguarded(est: Any) -> Any:
    """Return an object without the guards among its steps: a graph has none, and they compute nothing."""
    steps = getattr(est, "steps", None)
    if not isinstance(steps, list) or not any(hasattr(step, "passes_rows_through") for _, step in steps[:-1]):
        return est
    from sklearn.pipeline import Pipeline

    return Pipeline([(name, step) for name, step in steps if not hasattr(step, "passes_rows_through")])
