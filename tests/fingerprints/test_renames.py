"""A private helper that its library renames is no mismatch; anything else that changes along with it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import zoo_case as data
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.fingerprints.canonical import Walker
from sklearn_normlock.fingerprints.state import fingerprint_state


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4, random_state=0)


MODELS = {
    "alone": boosting,
    "in a pipeline": lambda: make_pipeline(StandardScaler(), boosting()),
    "in a vote": lambda: VotingClassifier([("a", boosting()), ("b", SGDClassifier(random_state=0))]),
    "gradient boosting": lambda: GradientBoostingRegressor(n_estimators=3, random_state=0),
}


@pytest.fixture(params=MODELS)
def est(request: pytest.FixtureRequest) -> Any:
    return MODELS[request.param]().fit(*data.blobs())


def lock_of_another_release(est: Any, version: str = "0.99") -> nl.Lock:
    """Lock an object as a release would in which scikit-learn's private helpers have other names."""
    node = Walker.node

    def otherwise(self: Walker, name: str, state: Any, obj: Any) -> bytes:
        module = type(obj).__module__
        private = module.startswith(("sklearn.", "_")) and "_" in module and not hasattr(obj, "fit")
        return node(self, f"_moved:{name.partition(':')[2]}" if private else name, state, obj)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Walker, "node", otherwise)
        lock = nl.lock(est)
    return replace(lock, environment={**lock.environment, "scikit-learn": version} if version else lock.environment)


def test_a_private_helper_with_another_name_is_no_mismatch(est: Any) -> None:
    """Under other versions, where nothing but names of private helpers has changed, the probes decide."""
    lock = lock_of_another_release(est)
    assert nl.fingerprint(est) != lock.fingerprint
    report = nl.verify(est, lock)
    assert (report.ok, report.changes, report.undecided) == (True, (), ())
    assert report.probed > 0
    assert any("_loss is a private helper of scikit-learn that was _moved:" in note for note in report.notes)


def test_the_same_versions_have_the_same_names(est: Any) -> None:
    """Under the versions that it was locked under, another class is another object."""
    assert not nl.compare(est, lock_of_another_release(est, version="")).ok


def test_another_name_does_not_excuse_another_state(est: Any) -> None:
    """One parameter that changed as well is a mismatch, and it is named."""
    lock = lock_of_another_release(est)
    member = est[-1] if hasattr(est, "steps") else est
    member.added_ = 5
    report = nl.compare(est, lock)
    assert not report.ok
    assert any("added_" in change.path for change in report.changes)


def test_another_name_does_not_excuse_other_outputs(est: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that has a new name and does something else is found by the probes."""
    lock = lock_of_another_release(est)
    inner = est[-1] if hasattr(est, "steps") else est
    predict = type(inner).predict
    monkeypatch.setattr(type(inner), "predict", lambda self, X: predict(self, X)[::-1])
    with pytest.raises(nl.errors.ProbeMismatchError):
        nl.verify(est, lock)


def test_without_a_probe_it_is_open() -> None:
    """Where no output of the step that holds it is compared, nothing says that the new class does the same."""
    est = make_pipeline(StandardScaler(), boosting()).fit(*data.blobs())
    lock = lock_of_another_release(est)
    whole = replace(lock.probes[0], outputs=(), left_out="its output is not the same twice on the same rows")
    report = nl.compare(est, replace(lock, probes=(whole,)))
    assert any("private helper" in str(reason) for reason in report.undecided)


def test_a_public_class_is_no_helper() -> None:
    """Another estimator in its place is a mismatch under whatever versions."""
    X, _ = data.blobs()
    est = make_pipeline(StandardScaler()).fit(X)
    lock = nl.lock(est)
    entry = {**lock.state["standardscaler"], "class": "sklearn.preprocessing:Other"}
    other = {
        "state": {**lock.state, "standardscaler": entry},
        "fingerprint": f"nl1-sha256:{0:064}",
        "environment": {**lock.environment, "scikit-learn": "0.99"},
    }
    report = nl.compare(est, replace(lock, **other))
    assert not report.ok
    assert report.notes == ()


class Compiled:
    """Hands pickle what Cython's automatic reduction does."""

    def __reduce__(self) -> Any:
        return _CYTHON, (Compiled, 238750788, (0.5,))


def __pyx_unpickle_Compiled(*args: Any) -> Any:  # Cython's own name
    return Compiled()


_CYTHON = __pyx_unpickle_Compiled


class Inherited(Compiled):
    """The same class once Cython sees that it has a state to set: the values come as the state."""

    def __reduce__(self) -> Any:
        return _CYTHON, (Inherited, 238750788, None), (0.5,)


class Written(Compiled):
    """The same class once its library gives it a reduction of its own."""

    def __reduce__(self) -> Any:
        return Written, (0.5,)


def test_the_layout_of_a_compiled_class_does_not_count() -> None:
    """The values that Cython hands over, and the same values as arguments of a class, are one state."""
    for each in (Compiled(), Inherited(), Written()):
        assert fingerprint_state(each)[1] == {"(args)": (0.5,)}
