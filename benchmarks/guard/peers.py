"""Detectors that users would pick instead: drift tools at their defaults, a range check, a z-test.

None of them names a cause.

A detector has `fit(train)`, which returns what it keeps, and `check(kept, batch)`, which returns None or what it says;
peers say "alarm". `share` is the part of the cases that a slow one is run on (the same part for all that are as slow).

All four tools install side by side with scikit-learn 1.5, which deepchecks 0.19 needs, and category-encoders before
2.7: ``pip install "scikit-learn==1.5.*" "category-encoders<2.7" alibi-detect evidently whylogs deepchecks``. Those that
don't import are left out of the tables.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp, norm


@dataclass(frozen=True)
class Detector:
    """Something that can be asked whether a batch is like the training rows."""

    name: str
    fit: Callable[[np.ndarray], object]
    check: Callable[..., str | None]
    module: str = ""
    share: float = 1.0
    wide: bool = True

    def installed(self) -> bool:
        """Tell whether the tool can be imported here."""
        try:
            return not self.module or bool(importlib.import_module(self.module))
        except Exception:  # whatever an installation that does not fit raises
            return False


def said(alarm) -> str | None:
    return "alarm" if alarm else None


# -- without a tool --------------------------------------------------------------------------------------------------


def range_fit(train):
    return train.min(axis=0), train.max(axis=0)


def range_check(kept, X):
    """Any value outside what training had: the check of most schema validators."""
    low, high = kept
    return said(np.any((X < low) | (X > high)))


def z_fit(train):
    return train.mean(axis=0), train.std(axis=0), len(train), 0.001


def z_check(kept, X):
    """A z-test of each column's mean (for one row: of the row), Bonferroni, at one in a thousand."""
    mean, deviation, n, level = kept
    error = np.where(deviation > 0, deviation, np.inf) * np.sqrt(1 / len(X) + 1 / n)
    z = np.abs(X.mean(axis=0) - mean) / error
    return said(2 * norm.sf(z.max()) < level / len(z))


def ks_check(train, X):
    """Two-sample Kolmogorov-Smirnov tests, Bonferroni, at one in a thousand: the guard's budget."""
    level = 0.001 / train.shape[1]
    with np.errstate(all="ignore"):
        return said(any(ks_2samp(a, b, method="asymp").pvalue < level for a, b in zip(train.T, X.T, strict=True)))


# -- tools, at their defaults ----------------------------------------------------------------------------------------


def alibi_fit(train):
    from alibi_detect.cd import KSDrift

    return KSDrift(train)


def alibi_check(kept, X):
    """KSDrift: Bonferroni over the columns at p < 0.05."""
    return said(kept.predict(X)["data"]["is_drift"])


def frame(X):
    import pandas as pd

    return pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])


def evidently_check(kept, X):
    """DataDriftPreset: drift of the data set is drift of half of its columns."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    counted = Report([DataDriftPreset()]).run(frame(X), kept).dict()["metrics"][0]
    return said(counted["value"]["share"] >= counted["config"]["drift_share"])


def whylogs_fit(train):
    import whylogs

    return whylogs.log(frame(train)).profile().view()


def whylogs_check(kept, X):
    """Drift scores with their default thresholds: any column in category DRIFT."""
    import whylogs
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    view = whylogs.log(frame(X)).profile().view()
    scores = calculate_drift_scores(target_view=view, reference_view=kept, with_thresholds=True)
    return said(any(score and score["drift_category"] == "DRIFT" for score in scores.values()))


def deepchecks_fit(train):
    from deepchecks.tabular import Dataset

    return Dataset(frame(train), cat_features=[])


def deepchecks_check(kept, X):
    """FeatureDrift with its default condition; it refuses fewer than ten rows."""
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import FeatureDrift

    check = FeatureDrift().add_condition_drift_score_less_than()
    result = check.run(kept, Dataset(frame(X), cat_features=[]), with_display=False)
    return said(not result.passed_conditions())


PEERS = (
    Detector("range check", range_fit, range_check),
    Detector("z-test", z_fit, z_check),
    Detector("KS, budget 1e-3", lambda train: train, ks_check, share=0.25),
    Detector("alibi-detect KSDrift", alibi_fit, alibi_check, "alibi_detect.cd", share=0.25),
    Detector("whylogs", whylogs_fit, whylogs_check, "whylogs.viz.drift.column_drift_algorithms", 0.1, wide=False),
    Detector("deepchecks", deepchecks_fit, deepchecks_check, "deepchecks.tabular.checks", 0.1, wide=False),
    Detector("evidently", frame, evidently_check, "evidently.presets", 0.02, wide=False),
)


def installed() -> list[Detector]:
    """Return the peers that can be run here, silenced."""
    os.environ.update(DISABLE_LATEST_VERSION_CHECK="1", WHYLOGS_NO_ANALYTICS="1", DO_NOT_TRACK="1")
    logging.disable(logging.WARNING)
    return [peer for peer in PEERS if peer.installed()]
