"""Faults of one scaler: each way in which a parameter or an attribute can change."""

from __future__ import annotations

from typing import Any

import numpy as np
from fault_table import MISSING, STATE, Fault, changed, edit, put, strip


def _cast(obj: Any, name: str) -> None:
    put(obj, **{name: getattr(obj, name).astype(np.float32)})


SCALER = [
    # -- StandardScaler: each way of changing an attribute ---------------------------------------------
    Fault(
        name="parameter set after the fit",
        kit="scaler",
        apply=lambda s, v2: s.set_params(with_mean=False),
        path="with_mean",
        error=STATE,
    ),
    Fault(
        name="parameter assigned after the fit",
        kit="scaler",
        apply=lambda s, v2: put(s, with_std=False),
        path="with_std",
        error=STATE,
    ),
    Fault(
        name="mean bound anew", kit="scaler", apply=lambda s, v2: put(s, mean_=v2().mean_), path="mean_", error=STATE
    ),
    Fault(
        name="mean off by one unit in the last place",
        kit="scaler",
        apply=lambda s, v2: put(s, mean_=changed(s.mean_, 0, np.nextafter(s.mean_[0], 1e9))),
        path='mean_["age"]',
        error=STATE,
    ),
    Fault(
        name="mean edited in place",
        kit="scaler",
        apply=lambda s, v2: edit(s.mean_, 2, 0.0),
        path='mean_["height"]',
        error=STATE,
    ),
    Fault(
        name="mean edited in place and made read-only again",
        kit="scaler",
        apply=lambda s, v2: (edit(s.mean_, 2, 0.0), s.mean_.setflags(write=False)),
        path='mean_["height"]',
        error=STATE,
        unseen="the flag is back, and nothing else is looked at without hashing",
    ),
    Fault(
        name="scale cast to single precision",
        kit="scaler",
        apply=lambda s, v2: _cast(s, "scale_"),
        path="scale_",
        error=STATE,
    ),
    Fault(
        name="mean given another shape",
        kit="scaler",
        apply=lambda s, v2: put(s, mean_=s.mean_.reshape(1, -1)),
        path="mean_",
        error=STATE,
        harm=False,
    ),
    Fault(
        name="attribute added",
        kit="scaler",
        apply=lambda s, v2: put(s, offset_=1.0),
        path="offset_",
        error=STATE,
        harm=False,
    ),
    Fault(
        name="attribute removed",
        kit="scaler",
        apply=lambda s, v2: delattr(s, "n_samples_seen_"),
        path="n_samples_seen_",
        error=STATE,
        harm=False,
    ),
    Fault(
        name="method replaced on the object",
        kit="scaler",
        apply=lambda s, v2: put(s, inverse_transform=np.negative),
        path="inverse_transform",
        error=STATE,
        harm=False,
    ),
    Fault(
        name="method replaced on the object by a lambda",
        kit="scaler",
        apply=lambda s, v2: put(s, inverse_transform=lambda X: X),
        path="inverse_transform",
        error=STATE,
        harm=False,
        unloaded="a lambda can't be pickled",
    ),
    Fault(
        name="names of the columns changed",
        kit="scaler",
        apply=lambda s, v2: put(s, feature_names_in_=np.array(["age", "wage", "height", "weight"], dtype=object)),
        path="feature_names_in_",
        error=STATE,
        loud="it compares the names",
    ),
    Fault(
        name="names of the columns removed",
        kit="scaler",
        apply=lambda s, v2: delattr(s, "feature_names_in_"),
        path="feature_names_in_",
        error=STATE,
        loud="it warns that it was fitted without names",
    ),
    Fault(
        name="number of columns changed",
        kit="scaler",
        apply=lambda s, v2: put(s, n_features_in_=5),
        path="n_features_in_",
        error=STATE,
        loud="it compares the width",
    ),
    Fault(
        name="fingerprint removed",
        kit="scaler",
        apply=lambda s, v2: strip(s, "fingerprint_"),
        path="feature_names_in_",
        error=MISSING,
        harm=False,
    ),
    Fault(
        name="fingerprint of another version, valid there",
        kit="scaler",
        apply=lambda s, v2: put(s, fingerprint_=getattr(v2(), "fingerprint_", "")),
        path="",
        error=STATE,
        harm=False,
    ),
    Fault(
        name="fingerprint that is none",
        kit="scaler",
        apply=lambda s, v2: put(s, fingerprint_=None),
        path="feature_names_in_",
        error=MISSING,
        harm=False,
    ),
    Fault(
        name="state of another version under the old fingerprint",
        kit="scaler",
        apply=lambda s, v2: vars(s).update({k: v for k, v in vars(v2()).items() if "fingerprint" not in k}),
        path="var_",
        error=STATE,
    ),
]
