"""Policy: what a mismatch does, in a thread, in a block and in a process."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import FingerprintMismatchError, NormLockError, SealWarning
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

X = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0], [6.0, 30.0]])
y = np.array([0, 0, 1, 1])


def altered() -> StandardScaler:
    scaler = StandardScaler().fit(X)
    scaler.mean_ = np.zeros(2)
    return scaler


def altered_bytes() -> bytes:
    with nl.config_context(policy="ignore"):
        return pickle.dumps(altered())


def test_the_default_raises():
    """Without any configuration a mismatch raises."""
    assert nl.get_config() == {"policy": "raise", "fast": True}
    with pytest.raises(FingerprintMismatchError):
        altered().transform(X)


def test_a_copy_is_given():
    """What ``get_config`` returns is a copy: editing it configures nothing."""
    nl.get_config()["policy"] = "ignore"
    assert nl.get_config() == {"policy": "raise", "fast": True}


def test_set():
    """``set_config`` holds until it is set again; ``None`` leaves it as it is."""
    try:
        nl.set_config(policy="ignore")
        nl.set_config()
        assert nl.get_config() == {"policy": "ignore", "fast": True}
        altered().transform(X)
    finally:
        nl.set_config(policy="raise")


def test_a_context_is_put_back():
    """A context is put back when it ends, also by an error, and contexts nest."""
    with nl.config_context(policy="warn"):
        with pytest.raises(KeyError), nl.config_context(policy="ignore"):
            assert nl.get_config() == {"policy": "ignore", "fast": True}
            raise KeyError
        assert nl.get_config() == {"policy": "warn", "fast": True}
        with nl.config_context():
            assert nl.get_config() == {"policy": "warn", "fast": True}
    assert nl.get_config() == {"policy": "raise", "fast": True}


@pytest.mark.parametrize("policy", ["Raise", "", "strict", True, 0])
def test_an_unknown_policy(policy):
    """A policy of another name is refused where it is set, and what was set stays."""
    with pytest.raises(ValueError, match="^policy is .*; it must be one of 'raise', 'warn', 'ignore'.$"):
        nl.set_config(policy=policy)
    with pytest.raises(ValueError), nl.config_context(policy=policy):
        pass
    assert nl.get_config() == {"policy": "raise", "fast": True}


def in_a_thread(work) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_context_is_the_threads_own():
    """A context holds in the thread that runs it: a thread that is started inside has the process's default."""
    seen = []
    with nl.config_context(policy="ignore"):
        in_a_thread(lambda: seen.append(nl.get_config()["policy"]))
        assert nl.get_config() == {"policy": "ignore", "fast": True}
    assert seen == ["raise"]


def test_the_default_is_the_processes():
    """``set_config`` sets the default of every thread; inside a context also that of the rest of the block."""
    seen = []
    try:
        in_a_thread(lambda: nl.set_config(policy="warn"))
        assert nl.get_config()["policy"] == "warn"
        with nl.config_context(policy="ignore"):
            nl.set_config(policy="raise")
            assert nl.get_config()["policy"] == "raise"
        in_a_thread(lambda: seen.append(nl.get_config()["policy"]))
        assert seen == ["raise"]
    finally:
        nl.set_config(policy="raise")


def suspended(**config):
    with nl.config_context(**config):
        yield


def test_contexts_that_overlap_leave_nothing_behind():
    """Generators that leave their blocks in the order in which they entered them put nobody's policy back."""
    first, second = suspended(policy="ignore"), suspended(policy="warn")
    next(first), next(second)
    first.close()
    assert nl.get_config()["policy"] == "warn"
    second.close()
    assert nl.get_config() == {"policy": "raise", "fast": True}


def test_a_generator_that_is_suspended_lends_its_policy():
    """It holds for the code that called it until it is closed, as with ``decimal``: a fixture depends on that."""
    lenient = suspended(policy="ignore")
    next(lenient)
    assert nl.get_config()["policy"] == "ignore"
    lenient.close()
    assert nl.get_config()["policy"] == "raise"


def test_a_context_is_the_tasks_own():
    """Contexts of asyncio's tasks that overlap in time don't touch each other, nor what holds after them."""
    seen = []

    async def lenient(start: float, end: float) -> None:
        await asyncio.sleep(start)
        with nl.config_context(policy="ignore"):
            await asyncio.sleep(end - start)
            seen.append(nl.get_config()["policy"])

    async def strict() -> None:
        await asyncio.sleep(0.005)
        seen.append(nl.get_config()["policy"])

    async def main() -> None:
        await asyncio.gather(lenient(0, 0.01), lenient(0.002, 0.02), strict())
        seen.append(nl.get_config()["policy"])

    asyncio.run(main())
    assert seen == ["raise", "ignore", "ignore", "raise"]
    assert nl.get_config()["policy"] == "raise"


@pytest.mark.parametrize(("policy", "level"), [("warn", "WARNING"), ("raise", "INFO"), ("ignore", None)])
def test_a_mismatch_is_an_event(policy, level, caplog):
    """A mismatch is a log record with fields of stable names, whether it is raised or warned of."""
    scaler = altered()
    with caplog.at_level("INFO", logger="sklearn_normlock"), nl.config_context(policy=policy):
        with contextlib.suppress(NormLockError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scaler.transform(X)
    assert [record.levelname for record in caplog.records] == ([] if level is None else [level])
    for record in caplog.records:
        fields = {name: value for name, value in vars(record).items() if name.startswith("normlock.")}
        assert fields == {
            "normlock.event": "mismatch",
            "normlock.verdict": "mismatch",
            "normlock.subject": "StandardScaler",
            "normlock.error": "FingerprintMismatchError",
            "normlock.path": "mean_[0]",
            "normlock.expected": "3.0",
            "normlock.actual": "0.0",
        }


def test_warn_at_a_call():
    """Under "warn" each call of an altered object says in a warning what the error would say, and goes on."""
    scaler = altered()
    with pytest.raises(FingerprintMismatchError) as caught:
        scaler.transform(X)
    with nl.config_context(policy="warn"):
        for _ in range(2):
            with pytest.warns(SealWarning) as told:
                assert np.array_equal(scaler.transform(X), X / scaler.scale_)
            assert [str(warning.message) for warning in told] == [str(caught.value)]


def test_warn_at_a_load():
    """Under "warn" the load of an altered object says so and gives the object; its next call says so again."""
    data = altered_bytes()
    with nl.config_context(policy="warn"):
        with pytest.warns(SealWarning, match="mean_"):
            loaded = pickle.loads(data)
        with pytest.warns(SealWarning, match="mean_"):
            loaded.transform(X)
    with pytest.raises(FingerprintMismatchError):
        loaded.transform(X)


@pytest.mark.parametrize("call", ["transform", "predict"])
def test_a_warning_points_to_the_caller(call):
    """The warning names the line that made the call, so that each such line is told of once under Python's filters."""
    obj = altered()
    if call == "predict":
        obj = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        obj[0].mean_ = np.zeros(2)
    with nl.config_context(policy="warn"), pytest.warns(SealWarning) as told:
        getattr(obj, call)(X)
    assert told[0].filename == __file__


@pytest.mark.parametrize("policy", ["warn", "ignore"])
def test_a_slice_vouches_for_nothing_altered(policy):
    """A part of an altered pipeline, taken while nothing raises, has no seal that would hide the change."""
    model = make_pipeline(StockScaler(), LogisticRegression()).fit(X, y)
    model[0].mean_ = np.zeros(2)
    with nl.config_context(policy=policy), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = model[:-1]
    with pytest.raises(NormLockError):
        part.transform(X)


@pytest.mark.parametrize("policy", ["warn", "ignore"])
def test_use_seals_nothing(policy):
    """Using what is altered, or put together by hand, while nothing raises, does not seal it."""
    model = make_pipeline(StockScaler(), LogisticRegression()).fit(X, y)
    by_hand = Pipeline(copy.deepcopy(model).steps)
    model[0].mean_ = np.zeros(2)
    with nl.config_context(policy=policy), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        objects = [by_hand, model, copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        for obj in objects:
            obj.predict(X)
    for obj in objects:
        with pytest.raises(NormLockError):
            obj.predict(X)


def test_warn_at_further_training():
    """Under "warn" an object that came back from bytes says that it is trained further, and is."""
    scaler = pickle.loads(pickle.dumps(StandardScaler().fit(X)))
    with nl.config_context(policy="warn"), pytest.warns(SealWarning, match="partial_fit"):
        scaler.partial_fit(X * 2)
    assert scaler.n_samples_seen_ == 8
    scaler.transform(X)  # it was sealed anew


def test_ignore():
    """Under "ignore" nothing is checked or said, at a call or a load; afterwards the mismatch is one again."""
    data = altered_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with nl.config_context(policy="ignore"):
            scaler, loaded = altered(), pickle.loads(data)
            for obj in (scaler, loaded):
                obj.transform(X)
                obj.partial_fit(X)
                obj.mean_ = np.ones(2)
                obj.transform(X)
    for obj in (scaler, loaded):
        with pytest.raises(FingerprintMismatchError):
            obj.transform(X)
    with pytest.raises(FingerprintMismatchError):
        pickle.loads(data)


def test_a_fit_seals_under_any_policy():
    """The policy is about mismatches: a fit under "ignore" seals as any other."""
    with nl.config_context(policy="ignore"):
        scaler = StandardScaler().fit(X)
    assert scaler.fingerprint_ == StandardScaler().fit(X).fingerprint_
    scaler.with_std = False
    with pytest.raises(FingerprintMismatchError, match="with_std"):
        scaler.transform(X)


_SERVE = """
import sys, warnings
import numpy as np, sklearn_normlock as nl
from sklearn_normlock.preprocessing import StandardScaler
scaler = StandardScaler().fit([[1.0], [2.0]])
scaler.mean_ = np.zeros(1)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    try:
        scaler.transform([[1.0]])
        print("served", [warning.category.__name__ for warning in told], nl.get_config()["policy"])
    except ValueError as error:
        print(type(error).__name__)
"""


def _run(policy: str, code: str = _SERVE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "NORMLOCK_POLICY": policy}, capture_output=True, text=True
    )


@pytest.mark.parametrize(("policy", "told"), [("warn", ["SealWarning"]), ("ignore", [])])
def test_the_variable_relaxes_a_process_aloud(policy, told):
    """``NORMLOCK_POLICY`` sets the default of a process, which says in its log that it won't raise."""
    result = _run(policy)
    assert result.stdout.strip() == f"served {told} {policy}"
    assert f"NORMLOCK_POLICY={policy}: a mismatch" in result.stderr
    assert "will NOT raise in this process" in result.stderr


def test_the_variable_may_say_raise():
    """``NORMLOCK_POLICY=raise`` is the default, and nothing is said."""
    result = _run("raise")
    assert (result.stdout.strip(), result.stderr) == ("FingerprintMismatchError", "")


def test_a_misspelt_variable_stops_the_process():
    """A misspelt variable is no policy: the import fails and names the variable."""
    result = _run("warm", "import sklearn_normlock.config")
    assert result.returncode != 0
    assert "The environment variable NORMLOCK_POLICY is 'warm'" in result.stderr
