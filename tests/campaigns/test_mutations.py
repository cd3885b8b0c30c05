"""Each edit of what a sealed object holds is refused, raised at the next call, or listed for the object at hand."""

from __future__ import annotations

import collections
from typing import Any

import mutations
import pytest
from sklearn.pipeline import Pipeline
from zoo import ZOO
from zoo_case import quiet

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.seals.mixin import Locked
from sklearn_normlock.seals.seal import check
from sklearn_normlock.seals.survey import blind_spots

MOST = 3  # edits of one kind in one object
FEW = (
    "ColumnTransformer",
    "GradientBoostingClassifier",
    "GridSearchCV",
    "HistGradientBoostingClassifier",
    "KNeighborsClassifier",
    "OneHotEncoder[strings]",
    "SVC",
    "SplineTransformer",
    "StandardScaler",
    "TargetEncoder",
    "TfidfVectorizer",
)


def sealed(name: str) -> Locked:
    """Return a fitted case in drop-in classes: by itself if it has one, else as a step of a pipeline."""
    with quiet():
        est = ZOO[name].fitted()
        alone = nl.seal(Pipeline([("step", est)]))
        step = alone.steps[0][1]
        return step if isinstance(step, Locked) else alone


def listed(path: str, spots: dict[str, str]) -> str | None:
    """Return why a path is not seen at a call, or None if the list has neither it nor what holds it."""
    for spot, why in spots.items():
        spot = spot.removesuffix("[…]")
        if path == spot or path.startswith((f"{spot}.", f"{spot}[")):
            return why
    return None


def outcome(est: Locked, edit: mutations.Edit, spots: dict[str, str], name: str) -> str:
    """Make an edit, say what became of it, and take it back."""
    try:
        edit.do()
    except Exception:
        try:
            check(est)
        except NormLockError:
            edit.undo()
        return "refused"
    try:
        try:
            check(est)
        except (NormLockError, RecursionError):  # a FrozenEstimator without its estimator asks itself for it
            return "raised"
        why = listed(edit.path, spots)
        if why is not None:
            return f"listed: {why}"
        try:
            return "no state" if nl.fingerprint(est) == name else "SILENT"
        except NormLockError:
            return "SILENT"
    finally:
        edit.undo()


def walked(name: str) -> dict[str, collections.Counter[str]]:
    """Return what became of each kind of edit of a case."""
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    est = sealed(name)
    spots, identity = blind_spots(est), nl.fingerprint(est)
    for edit in mutations.edits(est):
        if found[edit.kind].total() == MOST:
            continue  # a forest holds thousands of one kind
        what = outcome(est, edit, spots, identity)
        found[edit.kind][what] += 1
        assert what != "SILENT", f"{name}: {edit.path}: {edit.kind}"
        check(est)
    return found


@pytest.mark.parametrize("name", FEW)
def test_every_edit_is_refused_raised_or_listed(name: str) -> None:
    """Whatever can be reached from a sealed object, no edit of it goes by in silence."""
    assert len(walked(name)) > 5


@pytest.mark.parametrize("part", [pytest.param(5, marks=pytest.mark.campaign), pytest.param(1, marks=pytest.mark.long)])
def test_every_edit_of_every_estimator(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The same of every estimator and drop-in: 80 kinds of edits, and at most 5 reasons not to see one."""
    kinds: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    names = list(ZOO)[::part]
    for name in names:
        for kind, outcomes in walked(name).items():
            kinds[kind] += outcomes
    total: collections.Counter[str] = sum(kinds.values(), collections.Counter())
    with capsys.disabled():
        print(f"\n{len(names)} objects, {total.total():,} edits of {len(kinds)} kinds: {dict(total.most_common())}")
    assert len(kinds) >= 80
    assert len({what for what in total if what.startswith("listed")}) <= 5
    assert total["raised"] > total["no state"]


def test_the_walk_notices() -> None:
    """An edit of state that a seal doesn't watch is told from one that it does."""
    est: Any = sealed("StandardScaler")
    blind = mutations.Edit("mean_", "array: element set", lambda: None, lambda: None)
    assert outcome(est, blind, {}, nl.fingerprint(est)) == "no state"
    assert outcome(est, blind, {}, "nl1-sha256:other") == "SILENT"
    assert outcome(est, blind, {"mean_": "a reason"}, "nl1-sha256:other") == "listed: a reason"
    assert sum(edit.path.startswith("mean_") for edit in mutations.edits(est)) >= 3
