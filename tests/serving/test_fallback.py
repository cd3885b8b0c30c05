"""Fallback: the newest candidate that is what was approved answers, else the last good one, and never in silence."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serving_models
from serving_models import Misbehaving, Times, X, model, y
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock import events
from sklearn_normlock.errors import FallbackWarning, MissingLockError, NoCandidateError, NormLockError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler
from sklearn_normlock.serving import Fallback

NEW, GOOD = model(1.0), model(0.01)


@pytest.fixture
def said() -> Any:
    found: list[events.Event] = []
    unsubscribe = events.subscribe(lambda event: found.append(event) if event.event == "fallback" else None)
    yield found
    unsubscribe()


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locked files."""
    folder = tmp_path_factory.mktemp("approved")
    for name, est in (("new", NEW), ("good", GOOD)):
        nl.dump(est, folder / f"{name}.skops", lock=True)
        nl.dump(est, folder / f"{name}.joblib", lock=True)
    return folder


@pytest.fixture(params=["skops", "joblib"])
def files(request: pytest.FixtureRequest, approved: Path, tmp_path: Path) -> list[Path]:
    """Return two locked files, newest first, to be damaged."""
    for path in approved.glob(f"*.{request.param}*"):
        shutil.copy(path, tmp_path)
    return [tmp_path / f"{name}.{request.param}" for name in ("new", "good")]


def test_the_newest_answers_while_it_is_what_was_approved(files: list[Path], said: list[Any]) -> None:
    """Nothing is said while nothing is wrong."""
    fallback = Fallback(files)
    assert np.array_equal(fallback.predict_proba(X), NEW.predict_proba(X))
    status = fallback.status()
    assert status.ok and status.serving.startswith("candidates[0]") and not said
    assert status.answered == {status.serving: 1}


def _cut(new: Path, good: Path) -> None:
    new.write_bytes(new.read_bytes()[:-100])


def _swapped(new: Path, good: Path) -> None:
    shutil.copy(good, new)


def _other_state(new: Path, good: Path) -> None:
    nl.dump(model(7.0), new)


def _wrong_lock(new: Path, good: Path) -> None:
    shutil.copy(f"{good}.normlock.json", f"{new}.normlock.json")


def _no_lock(new: Path, good: Path) -> None:
    Path(f"{new}.normlock.json").unlink()


def _broken_lock(new: Path, good: Path) -> None:
    Path(f"{new}.normlock.json").write_text("{")


def _missing(new: Path, good: Path) -> None:
    new.unlink()


def _folder(new: Path, good: Path) -> None:
    new.unlink()
    new.mkdir()


def _empty(new: Path, good: Path) -> None:
    new.write_bytes(b"")


DAMAGES = [_cut, _swapped, _other_state, _wrong_lock, _no_lock, _broken_lock, _missing, _folder, _empty]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_the_last_good_one_answers_for_a_file_that_is_not_what_was_approved(
    damage: Any, files: list[Path], said: list[Any]
) -> None:
    """Cut, swapped, another state, a wrong, missing or broken lock, no file: each is served around, and said once."""
    damage(*files)
    fallback = Fallback(files)
    with pytest.warns(FallbackWarning) as warned:
        answers = [fallback.predict(X) for _ in range(3)]
    assert all(np.array_equal(each, GOOD.predict(X)) for each in answers)
    assert len(warned) == len(said) == 1
    assert said[0].member == f"candidates[0] ({files[0].name})" and said[0].error and said[0].verdict != "match"
    status = fallback.status()
    assert not status.ok and status.serving.startswith("candidates[1]") and len(status.refused) == 1
    assert status.explain().startswith("FALLBACK: candidates[1]")


def test_a_probe_that_fails_is_no_match(monkeypatch: pytest.MonkeyPatch, said: list[Any]) -> None:
    """The same state with other outputs than were approved, because the code has changed, is not served."""
    newest = make_pipeline(Times(), LogisticRegression(max_iter=500)).fit(X, y)
    lock = nl.lock(newest, X)
    assert Fallback([newest, GOOD], locks=[lock, None]).load().status().ok
    monkeypatch.setattr(serving_models, "FACTOR", 2.0)
    with pytest.warns(FallbackWarning):
        assert np.array_equal(Fallback([newest, GOOD], locks=[lock, None]).predict(X), GOOD.predict(X))
    assert len(said) == 1 and said[0].verdict == "mismatch"


def test_what_cannot_be_told_does_not_count_as_verified(said: list[Any]) -> None:
    """An object that no lock and no seal speaks of is not served; the reason says what to give."""
    stock = LogisticRegression(max_iter=500).fit(X, y)
    with pytest.warns(FallbackWarning, match="locks="):
        assert np.array_equal(Fallback([stock, GOOD]).predict(X), GOOD.predict(X))
    assert [each.verdict for each in said] == ["undecided"]
    assert np.array_equal(Fallback([stock, GOOD], locks=[False, None]).predict(X), stock.predict(X))
    assert np.array_equal(Fallback([stock, GOOD], locks=[nl.lock(stock), None]).predict(X), stock.predict(X))
    assert len(said) == 1


def test_none_may_answer_lists_why_for_each(files: list[Path]) -> None:
    """If no candidate is what was approved, an error says why for each, at every call."""
    _missing(*files)
    _cut(*reversed(files))
    fallback = Fallback(files)
    for _ in range(2):
        with pytest.raises(NoCandidateError) as caught:
            fallback.predict(X)
        assert list(caught.value.reasons) == [f"candidates[{i}] ({path.name})" for i, path in enumerate(files)]
        assert all(name in str(caught.value) for name in caught.value.reasons)


def test_a_hole_in_the_net_is_said(files: list[Path], said: list[Any]) -> None:
    """That the last good one is missing is said while the newest still answers."""
    files[1].unlink()
    fallback = Fallback(files)
    with pytest.warns(FallbackWarning, match=r"candidates\[1\]"):
        assert np.array_equal(fallback.predict(X), NEW.predict(X))
    assert len(said) == 1 and fallback.status().ok


def test_load_opens_the_files_anew(files: list[Path]) -> None:
    """A file that was replaced by what was approved is served after load()."""
    good = files[0].read_bytes()
    _cut(*files)
    with pytest.warns(FallbackWarning):
        fallback = Fallback(files).load()
    files[0].write_bytes(good)
    assert not fallback.status().ok
    assert fallback.load().status().ok


def test_an_error_in_a_call_reaches_the_caller_unless_asked_otherwise(said: list[Any]) -> None:
    """on_error="fallback" asks the next candidate, says so once a kind, and counts each call."""
    broken = Misbehaving("raises").fit(X, y)
    with pytest.raises(RuntimeError, match="out of memory"):
        Fallback([broken, GOOD], locks=[False, None]).predict(X)
    fallback = Fallback([broken, GOOD], locks=[False, None], on_error="fallback")
    with pytest.warns(FallbackWarning) as warned:
        for _ in range(5):
            assert np.array_equal(fallback.predict(X), GOOD.predict(X))
    assert len(warned) == len(said) == 1
    assert list(fallback.status().failures.values()) == [5] and not fallback.status().ok
    with pytest.warns(FallbackWarning):  # another method is another kind
        fallback.predict_proba(X)


def test_an_error_of_the_caller_is_not_hidden(said: list[Any]) -> None:
    """If every candidate fails, the first one's error is raised, and nobody is told of a fallback."""
    fallback = Fallback([NEW, GOOD], on_error="fallback")
    with pytest.raises(ValueError, match="3 features"):
        fallback.predict(X[:, :3])
    assert not said and fallback.status().ok


def test_a_sealed_candidate_that_is_changed_in_the_process_answers_no_more(said: list[Any]) -> None:
    """What its seal finds at a call is served around for good, whatever on_error is."""
    changed = model(3.0)
    fallback = Fallback([changed, GOOD])
    fallback.predict(X)
    changed[0].with_mean = False
    with pytest.warns(FallbackWarning):
        assert np.array_equal(fallback.predict(X), GOOD.predict(X))
    changed[0].with_mean = True
    assert np.array_equal(fallback.predict(X), GOOD.predict(X))
    assert len(said) == 1 and said[0].verdict == "mismatch"
    assert list(fallback.status().refused)[0].startswith("candidates[0]")


@pytest.mark.parametrize("where", ["lock", "first step that warns", "first step that raises"])
def test_a_candidate_whose_guard_disagrees_does_not_answer(where: str, said: list[Any]) -> None:
    """A batch that is not what the newest was trained on is answered by the last good one, which was."""
    inches = X / 2.54
    steps = [] if where == "lock" else [nl.InputGuard(on_fault=where.rpartition(" ")[2].removesuffix("s"))]
    newest = make_pipeline(*steps, StandardScaler(), LogisticRegression()).fit(inches, y)
    locks = [nl.lock(newest, inches) if where == "lock" else nl.lock(newest), None]
    fallback = Fallback([newest, GOOD], locks=locks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(fallback.predict(inches), newest.predict(inches))
    with pytest.warns(FallbackWarning) as warned:
        assert np.array_equal(fallback.predict(X), GOOD.predict(X))
        assert np.array_equal(fallback.predict(X), GOOD.predict(X))
    assert len(said) == 1 and said[0].error == "InputFaultError"
    assert sum(each.category is FallbackWarning for each in warned) == 1
    assert list(fallback.status().failures.values()) == [2]
    assert np.array_equal(Fallback([GOOD], guard=False).predict(X), GOOD.predict(X))


@pytest.mark.parametrize("copied", [clone, lambda est: pickle.loads(pickle.dumps(est))], ids=["clone", "pickle"])
def test_copies_serve_the_same(copied: Any, files: list[Path]) -> None:
    """A clone keeps fitted members as they are, and a pickle opens its files and verifies them anew."""
    for fallback in (
        Fallback(files).load(),
        Fallback([NEW, GOOD]).load(),
        Fallback([NEW, GOOD], locks=[nl.lock(NEW), None]),
    ):
        assert np.array_equal(copied(fallback).predict(X), NEW.predict(X))
    shipped = pickle.dumps(Fallback(files).load())
    _cut(*files)
    with pytest.warns(FallbackWarning):
        assert np.array_equal(pickle.loads(shipped).predict(X), GOOD.predict(X))


def test_members_in_a_pickle_are_verified_when_they_come_back() -> None:
    """A stock object that was changed inside the pickle is served around; what it was travels with it."""
    stock = LogisticRegression(C=0.123456789).fit(X, y)
    fallback = Fallback([stock, GOOD], locks=[nl.lock(stock), None]).load()
    value = stock.intercept_[0].tobytes()
    data = pickle.dumps(fallback)
    assert value in data
    with pytest.warns(FallbackWarning):
        back = pickle.loads(data.replace(value, np.float64(9.0).tobytes()))
    assert np.array_equal(back.predict(X), GOOD.predict(X))


def test_grid_search_does_no_harm() -> None:
    """A search over a Fallback trains nothing that was approved, and finds what its members give."""
    before = nl.fingerprint(NEW)
    search = GridSearchCV(Fallback([NEW, GOOD]), {"on_error": ["raise", "fallback"]}, cv=2).fit(X, y)
    assert nl.fingerprint(NEW) == before and search.best_estimator_.candidates[0] is NEW
    assert search.best_score_ == pytest.approx(NEW.score(X, y))


def test_methods_and_attributes_are_the_members() -> None:
    """A Fallback has the methods and attributes that the candidate in front has, and no others."""
    fallback = Fallback([NEW, GOOD])
    assert hasattr(fallback, "predict_proba") and not hasattr(fallback, "transform")
    assert list(fallback.classes_) == [0, 1, 2] and fallback.n_features_in_ == 4
    assert not hasattr(fallback, "feature_names_in_")
    scaler = StockScaler().set_output(transform="pandas").fit(X)
    transformer = Fallback([scaler], locks=[False])
    assert hasattr(transformer, "transform") and not hasattr(transformer, "predict")
    assert list(transformer.transform(X).columns) == list(transformer.get_feature_names_out())


def test_unfitted_members_are_fitted_as_clones() -> None:
    """fit trains clones of members that aren't fitted; before it, a call says that it is not fitted."""
    fallback = Fallback([LogisticRegression(max_iter=500), LogisticRegression(C=0.01, max_iter=500)])
    with pytest.raises(NotFittedError):
        fallback.predict(X)
    fallback.fit(X, y)
    assert not hasattr(fallback.candidates[0], "coef_")
    assert np.array_equal(fallback.predict(X), LogisticRegression(max_iter=500).fit(X, y).predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"candidates": []}, "candidates is"),
        ({"candidates": "model.skops"}, "candidates is"),
        ({"candidates": [NEW], "locks": [None, None]}, "2 entries for 1"),
        ({"candidates": [NEW], "locks": "lock.json"}, "must be a list"),
        ({"candidates": [NEW], "on_error": "ignore"}, "on_error is"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    """A parameter that makes no sense is an error of ours that says what would."""
    with pytest.raises(NormLockError, match=message):
        Fallback(**parameters).predict(X)


def test_sixteen_threads_open_the_files_once(files: list[Path], said: list[Any]) -> None:
    """Under 16 threads each answer is right, each failure is said once, and no call is lost in the counts."""
    _missing(*files)
    fallback = Fallback(files)
    with warnings.catch_warnings(), ThreadPoolExecutor(16) as pool:
        warnings.simplefilter("ignore", FallbackWarning)
        answers = list(pool.map(lambda _: fallback.predict(X), range(200)))
    assert all(np.array_equal(each, GOOD.predict(X)) for each in answers)
    assert len(said) == 1 and sum(fallback.status().answered.values()) == 200


def test_tasks_of_an_event_loop() -> None:
    """Calls from many tasks at once give each its own answer."""
    fallback = Fallback([NEW, GOOD])

    async def serve() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(fallback.predict, X[i : i + 1]) for i in range(50)))

    assert [answer[0] for answer in asyncio.run(serve())] == list(NEW.predict(X[:50]))


def test_a_file_beside_no_lock_is_not_opened(tmp_path: Path) -> None:
    """A pickle without a lock is never unpickled, so that its code does not run."""
    path, proof = tmp_path / "model.pkl", tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(proof),)

    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(NoCandidateError, match=MissingLockError.__name__):
        Fallback([path]).predict(X)
    assert not proof.exists()


def test_the_models_of_these_tests_differ() -> None:
    """A test that compares answers would pass for the wrong reason if both candidates gave the same."""
    assert not np.array_equal(NEW.predict(X), GOOD.predict(X)) and serving_models.WAYS
