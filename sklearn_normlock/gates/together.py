"""Whether a model was fitted behind the steps that it stands behind.

A release may keep a model bit for bit, while other values reach it than before. The model was fitted for the old
values. That is how preprocessing goes wrong in silence: a scaler of another year, a vectorizer of another version. It
may cost nothing in a metric today. A refit changes the model together with its steps, and is not concerned.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnfingerprintableError
from ..fingerprints import fingerprint
from ..probes.outputs import TOLERANCES, Deviation, compare_outputs, outputs_of
from ..probes.parts import Output
from ..probes.walk import quietly, steps_of, walk

#: The name by which a waiver accepts a model that was kept behind other steps.
TOGETHER = "fitted together"


def kept_behind_others(old: Any, new: Any, rows: tuple[Any, Any]) -> str:
    """Tell that the new pipeline keeps the old one's model, and that other values reach it.

    Parameters
    ----------
    old, new : estimator
        Fitted.
    rows : tuple of two data
        The same rows, as each of them takes them.

    Returns
    -------
    reason : str
        Empty if the model is another one, if the same values reach it, or if it answers all the same. Empty, too, if
        that can't be told: a model without a stable name, or steps that put out something else each time.
    """
    if old is new:
        return ""
    with quietly():
        (one, before), (two, after) = (_model_and_input(est, own) for est, own in zip((old, new), rows, strict=True))
        if not hasattr(one, "predict") or not _same(one, two):
            return ""
        moved = _deviation(before, after)
        if moved is None or not _answers_differ(one, before, two, after):
            return ""
        if _deviation(before, _model_and_input(old, rows[0])[1]) is not None:
            return ""
    return (
        f"the {type(one).__name__} is the old one bit for bit, and other values reach it ({moved.text}): it was not "
        f'fitted behind these steps; refit it with them, or waive "{TOGETHER}" with a reason'
    )


def _model_and_input(est: Any, rows: Any) -> tuple[Any, Any]:
    """Return the last step of a pipeline, and what the steps before it make of the rows."""
    while True:
        if hasattr(est, "best_estimator_"):
            est = est.best_estimator_
        elif isinstance(getattr(est, "steps", None), list):
            *before, (_, last) = steps_of(est)
            for _, step in before:
                rows = step.transform(rows)
            est = last
        else:
            return est, rows


def _same(one: Any, two: Any) -> bool:
    try:
        return one is two or fingerprint(one) == fingerprint(two)
    except UnfingerprintableError:
        return False


def _answers_differ(one: Any, before: Any, two: Any, after: Any) -> bool:
    answers = zip(walk(one, before), walk(two, after), strict=True)
    return any(_deviation(ours[2], theirs[2]) is not None for ours, theirs in answers)


def _outputs(one: Any, two: Any) -> list[tuple[Output, Output]]:
    return list(zip(*(outputs_of("", "input", value) for value in (one, two)), strict=True))


def _deviation(one: Any, two: Any) -> Deviation | None:
    """Return how values differ; the same numbers in another precision are within its tolerance."""
    pairs = _outputs(one, two)
    rtol = max(TOLERANCES.get(output.dtype.lstrip("<>|=")[:2], 0.0) for pair in pairs for output in pair)
    if rtol > TOLERANCES["f8"]:
        pairs = _outputs(*(value.astype(np.float64) if hasattr(value, "astype") else value for value in (one, two)))
    found = (compare_outputs(ours, theirs, rtol or None) for ours, theirs in pairs)
    return next((each for each in found if each is not None), None)
