"""An upgrade is told apart from a change: what was locked under an old scikit-learn and still does the same is quiet.

Every setting is fitted, pickled and locked under an old scikit-learn, and loaded under this one. The truth is what it
puts out there and here on real data; the lock, which has no data, must raise where that changed or can't run, and
be silent where it agrees within round-off. scikit-learn itself warns of all of them alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from upgrade import verdicts, worker
from upgrade.environments import OLDER, WANTED, Environment, Unavailable, environment, here, library
from upgrade.settings import SETTINGS

LEAST = 120  # settings of which something can be said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upgrade")


def wanted(pins: tuple[str, ...], folder: Path) -> Environment:
    try:
        return environment(pins, folder)
    except Unavailable as reason:
        pytest.skip(str(reason))


def carried(source: Environment, target: Environment, folder: Path, name: str) -> dict[str, Any]:
    """Lock every setting in one environment, and check it in another."""
    written, result = folder / name, folder / f"{name}.json"
    source.run("write", str(written), "0", library=library(folder))
    target.run("check", str(written), str(result), library=library(folder))
    return json.loads(result.read_text(encoding="utf-8"))


def judge(result: Mapping[str, Any], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{verdicts.table({name: result})}")
    assert verdicts.faults(result) == []
    counts = verdicts.counts(result)
    assert counts.total() - counts["can't load"] - counts["no output"] >= LEAST


@pytest.mark.long
@pytest.mark.parametrize("version", WANTED)
def test_an_upgrade_is_judged_by_what_it_does(version: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Locked under an older scikit-learn, loaded under this one: raised where and only where the outputs change."""
    source, target = wanted(WANTED[version], folder), here()
    if dict(source.versions)["scikit-learn"] == dict(target.versions)["scikit-learn"]:
        pytest.skip("that is the scikit-learn that is installed here")
    judge(carried(source, target, folder, version), f"{version} -> {dict(target.versions)['scikit-learn']}", capsys)


@pytest.mark.long
@pytest.mark.parametrize("back", [False, True], ids=["to older", "from older"])
@pytest.mark.parametrize("version", ["1.7", None])
def test_other_numerics_are_no_alarm(
    version: str | None, back: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same scikit-learn on an older NumPy and SciPy, or back: nothing is raised that outputs don't bear out."""
    source = here() if version is None else wanted(WANTED[version], folder)
    own = dict(source.versions)["scikit-learn"]
    target = wanted((f"scikit-learn=={own}", *OLDER), folder)
    if back:
        source, target = target, source
    numerics = [f"NumPy {dict(side.versions)['numpy']}" for side in (source, target)]
    name = f"{own}, {' -> '.join(numerics)}"
    judge(carried(source, target, folder, name.replace(" ", "").replace(">", "")), name, capsys)


# -- locks of released versions ---------------------------------------------------------------------------------------

ARCHIVE = sorted(path.parent for path in (Path(__file__).parents[1] / "archive").glob("*/locks/*/index.json"))


@pytest.mark.parametrize("folder", ARCHIVE, ids=lambda folder: f"{folder.parts[-3]}-{folder.name}")
def test_a_lock_of_a_release_is_judged_right(folder: Path) -> None:
    """What a released version locked is told apart here and now: what puts out the same from what does not."""
    result = worker.check(folder)
    assert len(result["cases"]) >= 5
    assert verdicts.faults(result) == []


def test_locks_of_releases_are_there() -> None:
    """The archive holds locks of the newest scikit-learn and of those that later ones broke with, and is small."""
    versions = {folder.name.rpartition(".")[0] for folder in ARCHIVE}
    assert versions >= {"1.4", "1.7", "1.9"}
    assert sum(path.stat().st_size for folder in ARCHIVE for path in folder.iterdir()) < 400_000


# -- it can fail ------------------------------------------------------------------------------------------------------


def test_there_are_settings_enough() -> None:
    """Every transformer, awkward data and pipelines are among the settings."""
    assert len(SETTINGS) >= 4 * LEAST


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the worker says of a few settings that it wrote itself."""
    names = ["StandardScaler (zoo)", "OneHotEncoder ignore on frame", "scaler, LogisticRegression", "DBSCAN (zoo)"]
    folder = tmp_path_factory.mktemp("few")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "SETTINGS", {name: SETTINGS[name] for name in names})
        worker.write(folder)
        return worker.check(folder)


def test_nothing_is_said_of_what_is_the_same(result: dict[str, Any]) -> None:
    """Under the versions that wrote it everything has the same bits, and the lock is silent."""
    assert {row["truth"] for row in result["cases"].values()} == {"same bits", "no output"}
    assert verdicts.faults(result) == []
    assert "DBSCAN" not in verdicts.table({"here": result})


ALARM = {"raised": "ProbeMismatchError", "ours": True, "path": "scaler", "message": "scaler moved", "warnings": []}
SILENCE = {"raised": "", "ours": False, "path": None, "message": "", "warnings": []}


def row(truth: str, said: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    ways = ("load",) if truth == "can't load" else ("verify", "load")
    return {"truth": truth, "step": "scaler", **{way: dict(said) for way in ways}, **fields}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (row("same bits", SILENCE), 0),
        (row("agrees", SILENCE), 0),
        (row("no output", SILENCE), 0),
        (row("changed", ALARM), 0),
        (row("changed", {**ALARM, "path": "scaler.mean_"}), 0),
        (row("changed", ALARM, step=""), 0),
        (row("can't run", ALARM), 0),
        (row("can't load", {**ALARM, "raised": "ArtifactReadError"}), 0),
        (row("at random", {**ALARM, "raised": "UndecidedError"}), 0),
        (row("at random", ALARM), 2),
        (row("agrees", {**ALARM, "raised": "UndecidedError"}), 2),
        (row("agrees", ALARM), 2),
        (row("agrees", {**SILENCE, "warnings": ["UserWarning: other versions"]}), 2),
        (row("agrees", SILENCE, load=ALARM), 1),
        (row("can't run", {**ALARM, "raised": "UndecidedError"}), 0),
        (row("can't run", {**ALARM, "raised": "UndecidedError", "message": "something"}), 2),
        (row("changed", SILENCE), 2),
        (row("changed", ALARM, verify=SILENCE), 1),
        (row("changed", {**ALARM, "path": "model"}), 2),
        (row("changed", {**ALARM, "path": "scaler2"}), 2),
        (row("changed", {**ALARM, "message": "something moved"}), 2),
        (row("can't run", {**ALARM, "raised": "AttributeError", "ours": False}), 2),
        (row("can't load", {**ALARM, "raised": "AttributeError", "ours": False}), 1),
        (row("can't load", SILENCE), 1),
        (row("no data", SILENCE), 1),
    ],
)
def test_the_verdict_notices(case: dict[str, Any], expected: int) -> None:
    """A false alarm, a silence, an error that isn't ours and a step that isn't named are each a fault."""
    assert len(verdicts.faults({"cases": {"x": case}})) == expected


def test_the_truth_notices() -> None:
    """Outputs that moved, changed their shape or labels, or are gone are told apart from round-off."""
    import numpy as np

    table = np.array([[1.0, 1e-6], [2.0, 3e-6], [np.nan, 2e-6]])
    moved, rounded = deepcopy(table), deepcopy(table)
    moved[0, 1] += 1e-12  # much in its column, nothing beside the other
    rounded[0, 1] += 1e-20
    text, other = np.array(["yes", "no"]), np.array(["yes", "yes"])
    cases = [(table, table, "same bits"), (table, rounded, "agrees"), (table, moved, "changed")]
    cases += [(table, table[:2], "changed"), (table, np.nan_to_num(table), "changed"), (text, other, "changed")]
    cases += [(table.astype(np.float32), np.nextafter(table.astype(np.float32), np.float32(9)), "agrees")]
    for old, new, expected in cases:
        assert worker.truth({"a": [old]}, {"a": [new]}, {})[0] == expected
    assert worker.truth({"a": [table]}, {}, {"a": "ValueError: x"})[::2] == ("can't run", "a: ValueError: x")
    assert worker.truth({}, {}, {})[0] == "no output"
