"""The parts of an object that a call sees, and those seen only when it is dumped or loaded."""

from __future__ import annotations

from typing import Any

from .layout import Layout

__all__ = ["blind_spots", "watched"]


def watched(est: Any) -> list[str]:
    """Return the paths of the attributes that are looked at at every call of a sealed object.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    paths : list of str
        Such as ``"steps[0][1].mean_"``; parts of them that aren't are those of :func:`blind_spots`.

    Examples
    --------
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> from sklearn_normlock.seals.survey import watched
    >>> watched(StandardScaler().fit([[0.0], [2.0]]))
    ['copy', 'mean_', 'n_features_in_', 'n_samples_seen_', 'scale_', 'var_', 'with_mean', 'with_std']
    """
    layout = Layout(est, survey=True)
    return sorted(path for path in layout.seen if path not in layout.unseen)


def blind_spots(est: Any) -> dict[str, str]:
    """Return what a call does not see of a sealed object; a dump and a load do.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    reasons : dict of str to str
        By path, why it isn't seen.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_normlock.pipeline import make_pipeline
    >>> from sklearn_normlock.seals.survey import blind_spots
    >>> blind_spots(make_pipeline(DecisionTreeClassifier()).fit([[0.0], [1.0]], [0, 1]))
    {'steps[0][1].tree_': 'memory of a compiled object'}
    """
    return dict(sorted(Layout(est, survey=True).unseen.items()))
