"""The state that a lock does not hold by value, however small it is: rows that an estimator was fitted on.

Neighbours, kernels, Gaussian processes and a few clusterers keep rows or targets of the training data as they were. In
a lock they stand as any large array does, by digest and summary.
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..fingerprints.record import summary
from .diff import decode

# Attributes that hold rows or targets in whatever class has them; the second alternative is a neighbours tree, which
# pickles to a list of arrays.
_ROWS = re.compile(
    r"(?:^|[.\]])"
    r"(?:_fit_X|_raw_data|X_|X_fit_|X_train_|_BaseLibSVM__Xfit|medoids_|support_vectors_|_y|y_train_|[Xy]_thresholds_)(?:$|[.\[])"
    r"|tree_?\.\(state\)\["
)
# Some names count in some classes alone: elsewhere an attribute of this name holds means or directions.
_BY_CLASS = {
    "sklearn.cluster:AffinityPropagation": "cluster_centers_",
    "sklearn.cluster:Birch": "subcluster_centers_",
    "sklearn.cluster:DBSCAN": "components_",
    "sklearn.cluster:MeanShift": "cluster_centers_",  # a cluster of one row is that row
    "sklearn.kernel_approximation:Nystroem": "components_",
}


def is_withheld(path: str, record: Mapping[str, Any]) -> bool:
    """Tell whether training rows or targets stand at a path of a record."""
    if _ROWS.search(path):
        return True
    owner, _, name = path.partition("[")[0].rpartition(".")
    entry = record.get(owner)
    return isinstance(entry, Mapping) and _BY_CLASS.get(entry.get("class", "")) == name


def without_rows(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of an array, by digest and summary in place of its data."""
    digest = hashlib.sha256(a2b_base64(entry["data"])).hexdigest()[:32]
    values = decode(entry)
    about = {} if values is None or entry["dtype"][1] == "U" else summary(np.asarray(values))
    return {"dtype": entry["dtype"], "shape": entry["shape"], "digest": digest, "summary": about}
