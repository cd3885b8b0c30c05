"""The fingerprint of any estimator stays the same through refit, storage, copies, use and processes, and only then.

Nothing here knows how a fingerprint is made. Where a test expects a failure (`SKOPS_CANNOT`) or nothing to happen
(`NOTHING_TO_USE`), a table says so with the reason, and a row that is no longer true fails.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fingerprint_worker as worker
import joblib
import numpy as np
import pytest
import skops.io
from skops.io.exceptions import UnsupportedTypeException
from zoo import CLASSES, LEFT_OUT, THIRD_PARTY, ZOO, Case, iter_zoo
from zoo_third_party import ABSENT

from sklearn_normlock import fingerprint

# Unpickling and copying name the class again, which for these two is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")

CASES = list(iter_zoo())
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

#: What skops itself cannot save, with the reason.
SKOPS_CANNOT: dict[str, str] = {
    "Birch": "skops refuses the class by name",
    "Birch[nested]": "skops refuses the class by name",
}

#: Fitted for an attribute alone (labels_, embedding_): there is no method that uses them on data.
NOTHING_TO_USE = frozenset(
    "AgglomerativeClustering AgglomerativeClustering[distances] ClassicalMDS DBSCAN HDBSCAN HDBSCAN[centers] MDS "
    "OPTICS SpectralBiclustering SpectralClustering SpectralCoclustering SpectralEmbedding".split()
)

#: The draw decides the fitted state: another seed on the same data is another state.
SEEDED = (
    "BaggingClassifier", "BernoulliRBM", "ExtraTreesClassifier", "GaussianRandomProjection", "IsolationForest",
    "MLPClassifier", "MLPRegressor", "Nystroem", "RBFSampler", "RandomForestClassifier", "RandomTreesEmbedding",
    "SkewedChi2Sampler", "SparseRandomProjection",
)  # fmt: skip


@functools.cache
def _fitted(case: Case) -> tuple[Any, str]:
    """Return a fitted estimator and its fingerprint, for tests that don't change it."""
    estimator = case.fitted()
    return estimator, fingerprint(estimator)


# -- the zoo itself -------------------------------------------------------------------------------------------------


def test_no_class_of_scikit_learn_is_missing() -> None:
    """Every class that scikit-learn lists has a case or, with a reason, none: new classes are noticed."""
    covered = {name.partition("[")[0] for name in ZOO}
    assert covered | set(LEFT_OUT) == set(CLASSES)
    assert not covered & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_the_plain_case_of_every_class_is_there() -> None:
    """A variant doesn't stand in for its class: each class has a case under its own name."""
    assert set(CLASSES) - set(LEFT_OUT) <= set(ZOO)


def test_tables_name_existing_cases() -> None:
    """A row of a table whose case is gone is noticed."""
    names = {case.name for case in CASES} | {"ClassicalMDS"}  # since scikit-learn 1.8
    assert set(SKOPS_CANNOT) <= names
    assert names >= NOTHING_TO_USE
    assert set(SEEDED) <= names
    assert all(SKOPS_CANNOT.values())


# -- the same ---------------------------------------------------------------------------------------------------------


@every_case
def test_refit(case: Case) -> None:
    """A fresh instance fitted on the same data with the same seed has the same fingerprint; no fit touches another."""
    expected = _fitted(case)[1]
    first, second = case.fresh(), case.fresh()
    assert first is not second and type(first) is type(second)
    before = sorted(vars(second))
    assert fingerprint(case.fit(first)) == expected
    assert sorted(vars(second)) == before


@every_case
def test_taking_it_changes_nothing(case: Case) -> None:
    """Taking a fingerprint leaves the object as it was: taken again it is the same, and the attributes are."""
    estimator, expected = _fitted(case)
    before = sorted(vars(estimator))
    assert fingerprint(estimator) == expected
    assert sorted(vars(estimator)) == before


@every_case
def test_pickle(case: Case) -> None:
    """Pickling keeps the fingerprint, with old protocols and new ones."""
    estimator, expected = _fitted(case)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        assert fingerprint(pickle.loads(pickle.dumps(estimator, protocol=protocol))) == expected, protocol


@every_case
def test_joblib(case: Case, tmp_path: Path) -> None:
    """joblib keeps the fingerprint, whether arrays are read into memory or mapped."""
    estimator, expected = _fitted(case)
    path = tmp_path / "estimator.joblib"
    joblib.dump(estimator, path)
    for mmap_mode in (None, "r"):
        assert fingerprint(joblib.load(path, mmap_mode=mmap_mode)) == expected, mmap_mode


@every_case
def test_deepcopy(case: Case) -> None:
    """A deep copy has the fingerprint of the original."""
    estimator, expected = _fitted(case)
    assert fingerprint(copy.deepcopy(estimator)) == expected


@every_case
def test_skops(case: Case) -> None:
    """skops keeps the fingerprint of everything that it can save; what it can't is in a table, and only that."""
    estimator, expected = _fitted(case)
    if case.name in SKOPS_CANNOT:
        with pytest.raises(UnsupportedTypeException):
            skops.io.dumps(estimator)
        return
    data = skops.io.dumps(estimator)
    back = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert fingerprint(back) == expected


@every_case
def test_use(case: Case) -> None:
    """Predicting, transforming, searching neighbours, scoring and displaying leave the fingerprint as it is."""
    fitted, expected = _fitted(case)
    estimator = copy.deepcopy(fitted)
    called = case.use(estimator)
    assert bool(called) != (case.name in NOTHING_TO_USE)
    assert fingerprint(estimator) == expected
    assert fingerprint(pickle.loads(pickle.dumps(estimator))) == expected


# -- another process --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    worker.write(folder)
    return folder


def _check_elsewhere(folder: Path) -> dict[str, Any]:
    mine = os.environ.get("PYTHONHASHSEED")
    process = subprocess.run(
        [sys.executable, worker.__file__, "check", str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "2" if mine == "1" else "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.stdout, process.stderr
    return {"code": process.returncode, **json.loads(process.stdout)}


@pytest.mark.campaign
def test_another_process_with_another_hash_seed(written: Path) -> None:
    """A process with another hash seed gives the same fingerprints, for the pickles and for its own fits."""
    result = _check_elsewhere(written)
    assert {key: result[key] for key in ("loaded", "refitted", "unreadable", "only_there", "errors")} == {
        "loaded": [], "refitted": [], "unreadable": {}, "only_there": [], "errors": {},
    }  # fmt: skip
    assert result["loaded_same"] == result["refitted_same"] == len(CASES)
    assert result["code"] == 0


@pytest.mark.skipif(
    find_spec("imblearn") is None, reason="needs imbalanced-learn, which extends scikit-learn's routing"
)
def test_what_else_is_imported() -> None:
    """An import that extends scikit-learn's metadata requests for everybody leaves fingerprints as they are."""
    # in a process of its own: the import can't be undone, and other tests have done it here
    code = """if True:
        import sys
        from sklearn_normlock import fingerprint
        from zoo import ZOO
        cases = [case for name, case in ZOO.items() if name.partition("[")[0] in sys.argv[1:]]
        before = [fingerprint(case.fitted()) for case in cases]
        assert cases and "imblearn" not in sys.modules
        import imblearn
        print([case.name for case, one in zip(cases, before) if fingerprint(case.fitted()) != one])
    """
    scorers = ["GridSearchCV", "LogisticRegressionCV", "RFECV", "StandardScaler", "TunedThresholdClassifierCV"]
    path = os.pathsep.join([str(Path(__file__).parents[1] / "cases"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, "-c", code, *scorers],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.stdout.strip() == "[]", process.stdout + process.stderr


def test_the_check_of_another_process_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed pickle or fingerprint, a case that failed and an empty folder are each reported."""
    sample = [ZOO["StandardScaler"], ZOO["MinMaxScaler"], ZOO["Normalizer"]]
    monkeypatch.setattr(worker, "iter_zoo", lambda: iter(sample))
    index = worker.write(tmp_path)
    assert worker.exit_code(worker.check(tmp_path)) == 0

    path = tmp_path / index["cases"]["StandardScaler"]["file"]
    intact = path.read_bytes()
    scaler = pickle.loads(intact)
    scaler.mean_[0] = np.nextafter(scaler.mean_[0], np.inf)
    path.write_bytes(pickle.dumps(scaler))
    result = worker.check(tmp_path)
    assert (result["loaded"], result["refitted"], worker.exit_code(result)) == (["StandardScaler"], [], 1)
    path.write_bytes(b"")
    result = worker.check(tmp_path)
    assert (list(result["errors"]), worker.exit_code(result)) == (["loaded StandardScaler"], 2)
    path.write_bytes(intact)

    index["cases"]["MinMaxScaler"]["fingerprint"] = index["cases"]["StandardScaler"]["fingerprint"]
    (tmp_path / worker.INDEX).write_text(json.dumps(index))
    result = worker.check(tmp_path)
    assert result["loaded"] == result["refitted"] == ["MinMaxScaler"]

    (tmp_path / worker.INDEX).write_text(json.dumps({**index, "cases": {}}))
    assert worker.exit_code(worker.check(tmp_path)) == 3


# -- not the same -----------------------------------------------------------------------------------------------------


@every_case
def test_other_data(case: Case) -> None:
    """Fitted on other data it has another fingerprint, unless it keeps nothing of the values."""
    same_seed_other_data = case.fit(case.fresh(0), 1)
    assert (fingerprint(same_seed_other_data) != _fitted(case)[1]) is case.learns


@pytest.mark.parametrize("name", SEEDED)
def test_other_seed(name: str) -> None:
    """Another draw gives another fingerprint, by its fitted state: the parameter is set back first."""
    case = ZOO[name]
    one, other = case.fitted(), case.fit(case.fresh(1), 0)
    other.set_params(random_state=0)
    assert fingerprint(one) != fingerprint(other)


def test_every_case_has_its_own() -> None:
    """No two cases share a fingerprint."""
    taken: dict[str, list[str]] = {}
    for case in CASES:
        taken.setdefault(_fitted(case)[1], []).append(case.name)
    assert [names for names in taken.values() if len(names) > 1] == []


@pytest.mark.parametrize("name", sorted({*THIRD_PARTY, *ABSENT}))
def test_third_party_cases_are_of_other_packages(name: str) -> None:
    """A case of another package is of one of its classes, so that it tests what it says."""
    if name in ABSENT:
        pytest.skip(f"no case of {ABSENT[name]} here: the extra `ecosystem` isn't installed")
    assert not type(THIRD_PARTY[name].fresh()).__module__.startswith("sklearn.")
