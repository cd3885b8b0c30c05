"""Shadow: the primary's answer is served as it is, whatever the candidate does, and every difference is counted."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
import serving_models
from scipy import sparse
from serving_models import WAYS, Misbehaving, SlowToLoad, X, model, y
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock import events
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.gates.report import GateReport
from sklearn_normlock.serving import Shadow
from sklearn_normlock.serving.tally import Reservoir, differing

OLD, NEW = model(0.01), model(1.0)
ANSWER = OLD.predict(X)
NAN = float("nan")


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    """Candidates that hang are let go at the end of each test."""
    serving_models.RELEASED.clear()
    yield
    serving_models.RELEASED.set()


# In the request's own thread a candidate that hangs holds it up, as the documentation says.
@pytest.mark.parametrize(
    ("how", "run"),
    [(how, run) for how in WAYS for run in ("thread", "inline") if how != "dies" and (how, run) != ("hangs", "inline")],
)
def test_a_candidate_that_misbehaves_changes_no_answer(how: str, run: str) -> None:
    """It raises, exits, hangs, is slow, overwrites its rows, answers in another shape: the answers stay."""
    given = X.copy()
    shadow = Shadow(OLD, Misbehaving(how).fit(X, y), run=run, timeout=0.2, queue_size=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            assert np.array_equal(shadow.predict(given), ANSWER)
    assert np.array_equal(given, X)
    shadow.drain(2.0)
    status = shadow.status()
    assert not status.ok and status.calls == status.sampled == 20
    done = status.compared + status.dropped + status.pending + sum(status.failures.values())
    assert done == 20 if how != "hangs" else done <= 20
    assert status.failures or any(status.differing.values()) or status.dropped
    shadow.close()


@pytest.mark.parametrize("how", ["exits", "dies", "hangs"])
def test_a_candidate_in_a_process_changes_no_answer(how: str) -> None:
    """A candidate that exits, dies or hangs there is counted, by name."""
    shadow = Shadow(OLD, Misbehaving(how).fit(X, y), run="process", timeout=60.0 if how != "hangs" else 1.0)
    assert np.array_equal(shadow.predict(X), ANSWER)
    shadow.drain(60.0)
    expected = {"exits": "SystemExit", "dies": "CandidateLost", "hangs": "did not answer in time"}[how]
    assert shadow.status().failures == {expected: 1}
    shadow.close()


def test_a_process_gives_the_answers_of_the_candidate() -> None:
    """What comes back from the process is what the candidate answers here, and what it prints harms nothing."""
    shadow = Shadow(OLD, NEW, run="process")
    assert np.array_equal(shadow.predict(X), ANSWER)
    assert np.array_equal(shadow.predict_proba(X), OLD.predict_proba(X))
    assert shadow.drain(60.0)
    status = shadow.status()
    assert status.differing["predict"] == int((NEW.predict(X) != ANSWER).sum()) and status.compared == 2
    assert not status.failures
    shadow.close()


def test_the_start_of_a_process_is_not_a_hang() -> None:
    """A candidate may take longer to load than it may take to answer."""
    shadow = Shadow(OLD, SlowToLoad("nan").fit(X, y), run="process", timeout=3.0)
    shadow.predict(X)
    assert shadow.drain(60.0)
    assert not shadow.status().failures and shadow.status().compared == 1
    shadow.close()


def test_what_cannot_be_sent_to_a_process_is_said() -> None:
    """A candidate that can't be pickled fails by name, and the primary serves."""
    candidate = Misbehaving("raises").fit(X, y)
    candidate.hook = lambda: None
    shadow = Shadow(OLD, candidate, run="process")
    assert np.array_equal(shadow.predict(X), ANSWER)
    assert shadow.drain(20.0) and set(shadow.status().failures) == {"CandidateLost"}


@pytest.mark.parametrize("run", ["thread", "inline"])
def test_flips_are_counted_exactly(run: str) -> None:
    """Each row that differs is counted, by method, and told to on_difference with both answers."""
    told: list[Any] = []
    shadow = Shadow(OLD, NEW, run=run, on_difference=told.append, queue_size=1000)
    for at in range(0, 150, 10):
        shadow.predict(X[at : at + 10])
    assert shadow.drain()
    status = shadow.status()
    flips = NEW.predict(X) != ANSWER
    assert status.rows == {"predict": 150} and status.differing == {"predict": int(flips.sum())}
    assert sum(int(each.rows.sum()) for each in told) == flips.sum()
    assert all(np.array_equal(each.new, NEW.predict(each.X)) for each in told)
    assert set(status.seconds) == {"primary", "candidate"} and not status.ok
    assert "rows differ" in status.explain()


def test_the_same_model_does_not_differ() -> None:
    """A candidate that is equal is said to be so, but not before something was compared."""
    shadow = Shadow(OLD, pickle.loads(pickle.dumps(OLD)))
    assert not shadow.status().ok
    for method in ("predict", "predict_proba", "decision_function"):
        getattr(shadow, method)(X)
    assert shadow.drain() and shadow.status().ok and shadow.status().compared == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([1, 2], [1, 3], [False, True]),
        ([1.0, NAN], [1.0, NAN], [False, False]),
        ([1.0, NAN], [NAN, 1.0], [True, True]),
        ([1.0, 2.0], [1.0 + 1e-12, 2.1], [False, True]),
        ([0.0, 0.0], [1e-13, 1e-3], [False, True]),
        (["a", "b"], ["a", "c"], [False, True]),
        (np.array(["a", None, NAN], object), np.array(["a", None, NAN], object), [False, False, False]),
        ([0, 1], ["0", "1"], [True, True]),
        ([0, 1], [0.0, 1.0], [False, False]),
        (np.eye(2), np.array([[1.0, 0.0], [0.5, 1.0]]), [False, True]),
        (sparse.eye(2, format="csr"), sparse.csr_matrix([[1.0, 0.0], [0.5, 1.0]]), [False, True]),
        (pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0, 3.0]}), [False, True]),
        ([np.eye(2), np.eye(2)], [np.eye(2), np.ones((2, 2))], [True, True]),
        ([True, False], [1, 0], [False, False]),
    ],
)
def test_rows_that_differ(old: Any, new: Any, expected: list[bool]) -> None:
    """Numbers are compared with a tolerance, everything else as it is; missing equals missing."""
    assert differing(old, new, rtol=1e-7, atol=1e-12).tolist() == expected


@pytest.mark.parametrize(
    ("old", "new"), [([1, 2], [1]), ([1, 2], [[1, 2]]), ([1], 1), ([1], None), (1, 1), ([np.eye(2)] * 2, np.eye(2))]
)
def test_another_shape_is_a_failure(old: Any, new: Any) -> None:
    """Answers of two shapes can't be compared: an error of ours says which."""
    with pytest.raises(NormLockError, match="where the primary answered"):
        differing(old, new, rtol=0.0, atol=0.0)


def test_memory_is_bounded() -> None:
    """However many rows go by, no more than asked for are kept, and the counts stay exact."""
    shadow = Shadow(OLD, NEW, run="inline", keep=50)
    for _ in range(20):
        shadow.predict(X)
    tally = shadow._ready().tally
    assert tally.rows == {"predict": 3000}
    assert len(tally.pairs["predict"].items) == 50 and len(tally.seconds.items) <= 50
    assert all(np.ndim(old) == np.ndim(new) == 0 for old, new in tally.pairs["predict"].items)


def test_the_sample_is_even() -> None:
    """Every item of the stream is as likely to be kept as any other."""
    kept = np.zeros(100)
    for seed in range(400):
        reservoir = Reservoir(20, seed)
        for at in range(0, 100, 7):
            reservoir.extend(range(at, min(at + 7, 100)))
        kept[reservoir.items] += 1
    # 80 are expected of each; four standard deviations are 32.
    assert kept.sum() == 400 * 20 and abs(kept - 80).max() < 36


@pytest.mark.parametrize("sample", [0.0, 0.25, 1.0])
def test_a_share_of_the_requests(sample: float) -> None:
    """About that share of the requests is tried."""
    shadow = Shadow(OLD, NEW, sample=sample, run="inline", random_state=0)
    for _ in range(200):
        shadow.predict(X[:1])
    assert abs(shadow.status().compared - 200 * sample) <= 4 * np.sqrt(200 * sample * (1 - sample))
    assert shadow.status().calls == 200


def test_a_queue_that_is_full_drops_and_counts() -> None:
    """A candidate that is behind costs the request path nothing; what it missed is counted, and said once."""
    said: list[Any] = []
    unsubscribe = events.subscribe(said.append)
    shadow = Shadow(OLD, Misbehaving("hangs").fit(X, y), queue_size=3)
    for _ in range(10):
        shadow.predict(X)
    status = shadow.status()
    unsubscribe()
    assert status.dropped == 7 and status.pending == 3
    assert [event.count for event in said if event.reason == "dropped"] == list(range(1, 8))


def test_a_candidate_that_hangs_again_and_again_is_given_up() -> None:
    """After four in a row it is asked no more; no more threads are left behind."""
    before = threading.active_count()
    shadow = Shadow(OLD, Misbehaving("hangs").fit(X, y), timeout=0.02)
    end = time.monotonic() + 30
    while "hung" not in shadow.status().refused and time.monotonic() < end:
        assert np.array_equal(shadow.predict(X), ANSWER)
        time.sleep(0.005)
    assert shadow.status().failures == {"did not answer in time": 4}
    assert threading.active_count() <= before + 4


def test_a_candidate_that_is_not_what_was_approved_is_not_tried() -> None:
    """A wrong lock of the candidate is said and harms nothing; one of the primary is an error."""
    wrong = nl.lock(model(5.0))
    shadow = Shadow(OLD, NEW, locks=[None, wrong])
    assert np.array_equal(shadow.predict(X), ANSWER)
    assert "LockMismatchError" in shadow.status().refused and not shadow.status().ok
    with pytest.raises(NormLockError):
        Shadow(OLD, NEW, locks=[wrong, None]).predict(X)


def test_what_the_caller_writes_into_afterwards_is_not_compared() -> None:
    """A buffer that is used again, and an answer that is changed, make no false difference."""
    shadow = Shadow(OLD, pickle.loads(pickle.dumps(OLD)))
    buffer = X.copy()
    for _ in range(10):
        buffer[...] = X
        answer = shadow.predict(buffer)
        answer[:] = -1
        buffer[...] = 0.0
    assert shadow.drain() and shadow.status().ok


def test_an_error_of_the_primary_reaches_the_caller() -> None:
    """The primary's own errors are untouched, and the candidate isn't asked."""
    shadow = Shadow(OLD, NEW)
    with pytest.raises(ValueError, match="3 features"):
        shadow.predict(X[:, :3])
    assert shadow.drain() and shadow.status().compared == 0 and not shadow.status().failures


def test_a_subscriber_and_a_callback_that_fail_harm_nobody() -> None:
    """on_difference that raises is logged, and the next request is compared."""

    def broken(_: Any) -> None:
        raise RuntimeError("no connection")

    shadow = Shadow(OLD, NEW, run="inline", on_difference=broken)
    assert np.array_equal(shadow.predict(X), ANSWER) and np.array_equal(shadow.predict(X), ANSWER)
    assert shadow.status().compared == 2


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_the_report_is_a_gates(method: str) -> None:
    """report() judges what was kept as a gate does: agreement, limits, notes with the exact counts."""
    shadow = Shadow(OLD, NEW, run="inline", keep=1000)
    for _ in range(20):
        getattr(shadow, method)(X)
    agreement = (NEW.predict(X) == ANSWER).mean()
    report = shadow.report(limits={"overall": {"agreement": {"min": 0.99}}})
    assert isinstance(report, GateReport) and not report.ok and report.broken and report.kind == "classifier"
    assert report.broken[0].metric == "agreement" and abs(report.broken[0].change - agreement) < 0.05
    assert f"{method}: " in report.notes[0] and "3,000 rows differ" in report.notes[0]
    assert "agreement" in report.explain()
    assert shadow.report(limits={"overall": {"agreement": {"min": 0.5}}}).ok


def test_the_report_of_equal_models_is_a_match() -> None:
    """An equal candidate passes a limit on agreement once there are rows enough."""
    shadow = Shadow(OLD, pickle.loads(pickle.dumps(OLD)), run="inline")
    assert shadow.report().answer == "undecided" and not shadow.report().ok
    for _ in range(20):
        shadow.predict(X)
    assert shadow.report(limits={"overall": {"agreement": {"min": 0.99}}}).ok


@pytest.mark.parametrize("how", ["raises", "too few"])
def test_the_report_of_a_candidate_that_fails_is_a_mismatch(how: str) -> None:
    """Failing in a request breaks a limit of its own, and says how."""
    shadow = Shadow(OLD, Misbehaving(how).fit(X, y), run="inline")
    shadow.predict(X)
    report = shadow.report()
    assert report.answer == "mismatch" and report.broken[0].metric == "answered requests"
    assert "1 of 1 requests" in report.explain()


def test_the_report_without_a_candidate_is_undecided() -> None:
    """A candidate that was refused was never tried: the report can't tell, and says why."""
    shadow = Shadow(OLD, NEW, locks=[None, nl.lock(model(5.0))])
    shadow.predict(X)
    report = shadow.report()
    assert report.answer == "undecided" and "LockMismatchError" in report.undecided["gate"]


@pytest.mark.parametrize("copied", [clone, lambda est: pickle.loads(pickle.dumps(est))], ids=["clone", "pickle"])
def test_copies_serve_the_same(copied: Any) -> None:
    """A clone and a pickle serve the same, and start to count anew."""
    shadow = Shadow(OLD, NEW)
    shadow.predict(X)
    again = copied(shadow)
    assert np.array_equal(again.predict(X), ANSWER) and again.status().calls == 1


def test_a_shadow_that_is_dropped_leaves_no_thread() -> None:
    """The thread ends with the object, without a call of close."""
    others = set(threading.enumerate())
    shadow = Shadow(OLD, NEW)
    shadow.predict(X)
    shadow.drain()
    mine = [each for each in threading.enumerate() if each.name == "normlock-shadow" and each not in others]
    assert mine
    del shadow
    gc.collect()
    for thread in mine:
        thread.join(5)
    assert not any(thread.is_alive() for thread in mine)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_server_goes_on(tmp_path: Any) -> None:
    """A worker that was forked off after the first call tries the candidate in a thread of its own."""
    shadow = Shadow(OLD, NEW)
    shadow.predict(X)
    shadow.drain()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: forking with threads
        child = os.fork()
    if not child:
        fine = np.array_equal(shadow.predict(X), ANSWER) and shadow.drain(30) and shadow.status().compared == 2
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_grid_search_does_no_harm() -> None:
    """A search over a Shadow finds what its primary gives."""
    search = GridSearchCV(Shadow(OLD, NEW, run="inline"), {"sample": [0.0, 1.0]}, cv=2).fit(X, y)
    assert search.best_estimator_.primary is OLD and search.best_score_ == pytest.approx(OLD.score(X, y))


def test_sixteen_threads_and_tasks() -> None:
    """Under 16 threads, and from tasks of an event loop, each answer is right and no request is lost."""
    shadow = Shadow(OLD, NEW, queue_size=1000)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: shadow.predict(X[i : i + 1])[0], list(range(150)) * 2))
    assert answers == list(ANSWER) * 2

    async def serve() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(shadow.predict, X[i : i + 1]) for i in range(50)))

    assert [answer[0] for answer in asyncio.run(serve())] == list(ANSWER[:50])
    assert shadow.drain(30)
    status = shadow.status()
    assert status.compared == status.calls == 350 and not status.dropped and not status.failures


@pytest.mark.parametrize(
    ("old", "new", "method"),
    [
        (LinearRegression().fit(X, y), LinearRegression(fit_intercept=False).fit(X, y), "predict"),
        (StandardScaler().fit(X), StandardScaler(with_mean=False).fit(X), "transform"),
        (RandomForestClassifier(2).fit(X, np.c_[y, y]), RandomForestClassifier(3).fit(X, np.c_[y, y]), "predict_proba"),
    ],
    ids=["regressor", "transformer", "several outputs"],
)
def test_any_kind_of_model(old: Any, new: Any, method: str) -> None:
    """Numbers, tables and lists of probabilities are compared too."""
    shadow = Shadow(old, new, run="inline")
    getattr(shadow, method)(X)
    assert not shadow.status().failures and shadow.status().rows == {method: 150}
    assert not shadow.report().ok


@pytest.mark.parametrize(
    "parameters",
    [
        {"sample": 2},
        {"sample": None},
        {"run": "pool"},
        {"timeout": -1.0},
        {"queue_size": 0},
        {"keep": 1.5},
        {"rtol": "0"},
        {"on_difference": "log"},
        {"locks": [None]},
    ],
    ids=repr,
)
def test_bad_parameters_are_refused(parameters: dict[str, Any]) -> None:
    """A parameter that makes no sense is an error of ours that names it."""
    with pytest.raises(NormLockError, match=next(iter(parameters))):
        Shadow(OLD, NEW, **parameters).predict(X)


@pytest.mark.campaign
@pytest.mark.parametrize("how", ["raises", "hangs", "slow", "another shape"])
def test_ten_thousand_requests(how: str) -> None:
    """10,000 requests beside a candidate that misbehaves: no answer is changed, each request is accounted for."""
    shadow = Shadow(OLD, Misbehaving(how).fit(X, y), timeout=0.5)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, 150, 10_000):
        assert shadow.predict(X[at : at + 1])[0] == ANSWER[at]
    assert shadow.status().calls == 10_000
