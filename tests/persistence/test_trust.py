"""What a ``.skops`` file may hold: every estimator of scikit-learn comes back, and a crafted tree does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from ordinary import X, y
from sklearn import ensemble, neighbors, tree
from sklearn.base import BaseEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from zoo import ZOO
from zoo_case import quiet

import sklearn_normlock as nl
from sklearn_normlock.bounds import CHECKED_TYPES, require_sound
from sklearn_normlock.cli import main
from sklearn_normlock.errors import ArtifactReadError, NormLockError
from sklearn_normlock.kernels.compiler import VERSION
from sklearn_normlock.seals.survey import blind_spots
from sklearn_normlock.trust import TRUSTED, default_trust

#: Cases that the default trust doesn't load, and why.
REFUSED = {
    "Birch": "skops can't save it: its tree of subclusters refers to itself",
    "Birch[nested]": "skops can't save it: its tree of subclusters refers to itself",
    "FunctionTransformer[own]": "the user's own function",
    "KNeighborsClassifier[own metric]": "the user's own function",
    "NearestNeighbors[mahalanobis]": "a distance with vectors of its own",
    "Pipeline[passthrough]": "the user's own function",
    "RandomizedSearchCV[distribution]": "SciPy's distributions run a text of their state",
    "SVC[own kernel]": "the user's own function",
}


def there_and_back(case: Any, path: Any) -> None:
    est = case.fitted()
    if path.suffix == ".skops" and case.name in REFUSED:
        with pytest.raises(nl.errors.NormLockError, match="Untrusted types|can't hold"):
            nl.dump(est, path)
            nl.load(path, unsealed=True)
        return
    nl.dump(est, path)
    assert nl.fingerprint(nl.load(path, unsealed=True)) == nl.fingerprint(est)


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")  # of scikit-learn, whenever one is made
@pytest.mark.parametrize("suffix", [".skops", ".joblib", ".pkl"])
@pytest.mark.parametrize("name", ZOO)
def test_every_estimator_loads_back(name, suffix, tmp_path):
    """Each estimator of scikit-learn is loaded by the documented call with its fingerprint, or listed with a reason."""
    there_and_back(ZOO[name], tmp_path / f"model{suffix}")


ORDINARY = {
    "forest": lambda: ensemble.RandomForestClassifier(3, random_state=0),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=3, random_state=0),
    "histograms": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5),
    "perceptron": lambda: MLPClassifier((4,), max_iter=300, random_state=0, tol=0.1),
    "voting": lambda: ensemble.VotingClassifier([("a", tree.DecisionTreeClassifier())]),
    "neighbours": lambda: neighbors.KNeighborsClassifier(algorithm="kd_tree"),
    "balls": lambda: neighbors.KNeighborsClassifier(algorithm="ball_tree"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_people_train_loads_back(name, tmp_path):
    """Forests, boosting, neighbours, perceptrons and ensembles: saved and loaded by the documented call."""
    est = ORDINARY[name]().fit(X, y)
    nl.dump(est, tmp_path / "model.skops", lock=True)
    back = nl.load(tmp_path / "model.skops", lock=True)
    assert np.array_equal(back.predict(X), est.predict(X))


def _node(est: Any) -> Any:
    """Return the state of the first tree that an object holds, with the name of its type."""
    if hasattr(est, "_predictors"):
        return est._predictors[0][0]
    if hasattr(est, "estimators_"):
        return np.ravel(est.estimators_)[0].tree_
    return est._tree if hasattr(est, "_tree") else est.tree_


def _forge(tree_: Any, field: str, value: int) -> Any:
    """Return a tree like another, one of whose numbers leads elsewhere."""
    if hasattr(tree_, "nodes"):
        tree_.nodes = tree_.nodes.copy()
        tree_.nodes[field][0] = value
        return tree_
    state = tree_.__getstate__()
    if isinstance(state, dict):
        nodes = state["nodes"].copy()
        nodes[field][0] = value
        kind, arguments, _ = tree_.__reduce__()
        forged = kind(*arguments)
        forged.__setstate__({**state, "nodes": nodes})
        return forged
    kind = type(tree_)
    items = [np.array(item) if isinstance(item, np.ndarray) or hasattr(item, "shape") else item for item in state]
    if field == "row":
        items[1][0] = value
    else:
        items[2][field][0] = value
    forged = kind.__new__(kind)
    forged.__setstate__(tuple(items))
    return forged


FORGED = [
    *(("tree", field, value) for field in ("left_child", "right_child") for value in (10**6, -7, 0)),
    *(("tree", "feature", value) for value in (10**6, -7)),
    *(("histograms", field, value) for field in ("left", "right") for value in (10**6, 0)),
    ("histograms", "feature_idx", 10**6),
    *(("neighbours", field, value) for field in ("row", "idx_start", "idx_end") for value in (10**6, -7)),
    *(("balls", field, value) for field in ("row", "idx_end") for value in (10**6, -7)),
]


@pytest.mark.parametrize(("name", "field", "value"), FORGED)
def test_a_crafted_tree_is_refused(name, field, value):
    """A child, feature or row that leads out of its array, or back, is refused before a method can follow it."""
    est = tree.DecisionTreeClassifier().fit(X, y) if name == "tree" else ORDINARY[name]().fit(X, y)
    require_sound({"deep": [est]}, "m.skops")
    forged = _forge(_node(est), field, value)
    holder = BaseEstimator()
    holder.n_features_in_, holder.inner = X.shape[1], forged
    with pytest.raises(ArtifactReadError, match=f"m.skops was not loaded: a {type(forged).__name__} in it is not one"):
        require_sound({"deep": [holder]}, "m.skops")


@pytest.mark.parametrize("name", ["forest", "boosting", "histograms"])
def test_a_tree_for_wider_rows_is_refused(name):
    """A model that says it takes fewer features than its trees read is refused."""
    est = ORDINARY[name]().fit(X, y)
    est.n_features_in_ = 1
    members = [] if name == "histograms" else [member for member in np.ravel(est.estimators_)]
    for member in members if name == "forest" else []:
        member.n_features_in_ = 1
    with pytest.raises(ArtifactReadError, match="features|feature that"):
        require_sound(est, "m.skops")


def test_what_skops_alone_may_trust():
    """``trusted_types`` has no type whose indices only ``nl.load`` looks at, and every type has a reason, once."""
    assert not set(nl.trusted_types()) & set(CHECKED_TYPES)
    assert set(default_trust()) == {*nl.trusted_types(), *CHECKED_TYPES}
    names = [name for each in TRUSTED.values() for name in each]
    assert len(names) == len(set(names))
    data = skops.io.dumps(ensemble.RandomForestClassifier(2).fit(X, y))
    with pytest.raises(Exception, match="Untrusted"):
        skops.io.loads(data, trusted=nl.trusted_types())


def _short(name: str) -> str:
    return f"`{name.rpartition('.')[2]}`"


def table() -> str:
    """Return the table of ``docs/persistence.md``: why a type may be in a file, and its names."""
    rows = [f"| {reason} | {', '.join(map(_short, names))} |" for reason, names in ROWS.items()]
    return "\n".join(["| why it is trusted | types |", "|---|---|", *rows])


ROWS = {**TRUSTED, "its indices are looked at by `nl.load`, and by nobody else": CHECKED_TYPES}


def test_the_table_of_the_docs():
    """The table of trusted types in the documentation is that of the code."""
    page = Path(__file__).parents[2] / "docs" / "persistence.md"
    assert table() in page.read_text(encoding="utf-8")


def answers(est: Any) -> tuple[str, str]:
    """Return what must be trusted in a skops file of an object, and what a call doesn't see of it when it is sealed."""
    try:
        found = skops.io.get_untrusted_types(data=skops.io.dumps(est))
    except Exception:
        return "not saved by skops", _unseen(est)
    named = sorted({name.rpartition(".")[2] for name in found} - {name.rpartition(".")[2] for name in default_trust()})
    return ", ".join(f"`{name}`" for name in named) or "nothing", _unseen(est)


def _unseen(est: Any) -> str:
    reasons = set(blind_spots(nl.seal(Pipeline([("model", est)]))).values())
    return f"all but {' and '.join(sorted(reasons))}, seen at load" if reasons else "all of it"


def wide_table() -> str:
    """Return the table of estimators, what each format asks for, and what a call watches."""
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for name, case in ZOO.items():
        with quiet():
            rows.setdefault(answers(case.fitted()), {})[f"`{name}`"] = None
    lines = ["| to be trusted in `.skops` | in `.joblib`, `.pkl` | a call watches | estimators |", "|---|---|---|---|"]
    for (named, watched), names in sorted(rows.items(), key=lambda row: -len(row[1])):
        lines.append(f"| {named} | the file | {watched} | {', '.join(names)} |")
    return "\n".join(lines)


@pytest.mark.campaign
@pytest.mark.skipif(VERSION < (1, 9), reason="the table is of the newest scikit-learn")
def test_the_wide_table_of_the_docs():
    """The table of estimators in the documentation is what each of them is found to need."""
    page = Path(__file__).parents[2] / "docs" / "persistence.md"
    assert wide_table() in page.read_text(encoding="utf-8")


def own_step() -> tuple[Any, str]:
    case = ZOO["FunctionTransformer[own]"]
    est = case.fitted()
    return est, f"{est.func.__module__}.{est.func.__qualname__}"


def test_a_lock_names_types_of_the_user(tmp_path, capsys):
    """A type that the lock names needs no `trusted=` at load; `show` prints it, and a diff says that it came."""
    est, name = own_step()
    path = tmp_path / "model.skops"
    nl.dump(est, path, lock=True)
    before = nl.Lock.load(f"{path}.normlock.json")
    with pytest.raises(ArtifactReadError, match=f"{name}.*--trusted TYPE"):
        nl.load(path, lock=True)
    assert main(["lock", str(path), "--trusted", name]) == 0
    lock = nl.Lock.load(f"{path}.normlock.json")
    assert lock.trusted == (name,) and nl.Lock.from_dict(lock.to_dict()) == lock
    assert nl.fingerprint(nl.load(path, lock=True)) == lock.fingerprint
    assert main(["show", f"{path}.normlock.json"]) == 0
    assert f"{name} may be in a .skops file" in capsys.readouterr().out
    (change,) = nl.diff(before, lock).changes
    assert change.path == f"trusted[{name!r}]" and not nl.diff(before, lock).ok


def test_a_lock_speaks_for_its_bytes_alone(tmp_path):
    """Types that a lock names are not trusted in a file with other bytes, alone or in a bundle."""
    est, name = own_step()
    path = tmp_path / "model.skops"
    with pytest.raises(NormLockError, match="Pass lock=True"):
        nl.dump(est, path, trusted=[name])
    nl.dump(est, path, lock=True, trusted=[name])
    bundle = nl.lock({"model": est}, trusted=[name])
    bundle = bundle.with_files(
        {"model.skops": replace(nl.Lock.load(f"{path}.normlock.json").files["model.skops"], member="model")}
    )
    assert nl.load(path, lock=True).func is nl.load(path, lock=bundle).func is est.func
    path.write_bytes(path.read_bytes() + b"\0")
    for lock in (True, bundle):
        with pytest.raises(ArtifactReadError, match=name):
            nl.load(path, lock=lock)
    assert nl.load(path, lock=True, trusted=[name]).func is est.func
    with pytest.raises(nl.errors.NormLockError, match="one text"):
        nl.lock(est, trusted=name)


def test_a_save_says_what_a_load_would_not_trust(tmp_path, caplog):
    """Types that the lock does not name are said when the file is written, where they can still be named."""
    case = ZOO["FunctionTransformer[own]"]
    est = case.fitted()
    nl.dump(est, tmp_path / "silent.skops", lock=True)
    assert "zoo_meta.halve" in caplog.text and "silent.skops" in caplog.text
    with pytest.raises(ArtifactReadError, match="Untrusted"):
        nl.load(tmp_path / "silent.skops", lock=True)
    caplog.clear()
    nl.dump(est, tmp_path / "named.skops", lock=True, trusted=["zoo_meta.halve"])
    nl.dump(est, tmp_path / "pickled.joblib", lock=True)
    assert "trusts no type" not in caplog.text
    nl.load(tmp_path / "named.skops", lock=True)
