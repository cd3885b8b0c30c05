"""Events: one structured log record each, the same for every subscriber, and never a failure of the caller."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock import events
from sklearn_normlock.errors import InputFaultError, InputFaultWarning, LockMismatchError, NormLockError
from sklearn_normlock.preprocessing import StandardScaler


@pytest.fixture
def seen() -> Any:
    """Every event of the test, as a subscriber sees it."""
    found: list[events.Event] = []
    unsubscribe = events.subscribe(found.append)
    yield found
    unsubscribe()


def test_a_record_carries_the_fields_by_their_stable_names(caplog: pytest.LogCaptureFixture) -> None:
    """A formatter finds each field of an event as an attribute of the log record."""
    with caplog.at_level(logging.INFO, "sklearn_normlock"):
        events.emit("load", "100% of model.skops read", verdict="match", subject="model.skops", fingerprint="nl1-x")
    (record,) = caplog.records
    assert record.getMessage() == "100% of model.skops read"
    fields = {name: value for name, value in vars(record).items() if name.startswith("normlock.")}
    assert fields == {
        "normlock.event": "load",
        "normlock.verdict": "match",
        "normlock.subject": "model.skops",
        "normlock.fingerprint": "nl1-x",
    }
    assert record.funcName == "test_a_record_carries_the_fields_by_their_stable_names"  # the caller, not events.py


def test_the_names_are_fixed() -> None:
    """Dashboards are built on these names: they are only added to."""
    assert set(events.EVENTS) >= {"load", "verify", "mismatch", "guard", "fallback", "shadow", "policy"}
    assert set(events.FIELDS) >= {
        *("event", "verdict", "subject", "fingerprint", "lock", "path", "expected", "actual", "error", "reason"),
        *("member", "method", "columns", "p_value", "count"),
    }


@pytest.mark.parametrize(
    ("verdict", "level"),
    [("match", logging.INFO), (None, logging.INFO), ("mismatch", logging.WARNING), ("undecided", logging.WARNING)],
)
def test_the_level_follows_the_verdict(verdict: str | None, level: int, caplog: pytest.LogCaptureFixture) -> None:
    """A match is information; a mismatch and a "can't tell" are warnings."""
    with caplog.at_level(logging.DEBUG, "sklearn_normlock"):
        events.emit("verify", "…", verdict=verdict)
    assert [record.levelno for record in caplog.records] == [level]


@pytest.mark.parametrize("values", [{"event": "verfiy"}, {"event": "verify", "verdict": "yes"}])
def test_names_that_do_not_exist_are_refused(values: dict[str, Any]) -> None:
    """A typing error in an event or a verdict is an error here, not a hole in a dashboard."""
    with pytest.raises(ValueError, match="must be one of"):
        events.emit(values.pop("event"), "…", **values)


def test_a_field_that_does_not_exist_is_refused(seen: list[events.Event]) -> None:
    """A typing error in a field is an error here."""
    with pytest.raises(TypeError, match="fingerprnt"):
        events.emit("verify", "…", fingerprnt="nl1-x")


def test_subscribers_do_not_depend_on_the_level_of_the_log(
    seen: list[events.Event], caplog: pytest.LogCaptureFixture
) -> None:
    """A counter counts what a quiet logger drops."""
    with caplog.at_level(logging.CRITICAL, "sklearn_normlock"):
        events.emit("verify", "…", verdict="match")
        assert events.enabled(logging.DEBUG)
    assert [each.verdict for each in seen] == ["match"] and not caplog.records


def test_a_subscriber_that_fails_harms_nobody(seen: list[events.Event], caplog: pytest.LogCaptureFixture) -> None:
    """The caller and the other subscribers don't notice; the log does."""

    def broken(_: events.Event) -> None:
        raise RuntimeError("exporter down")

    unsubscribe = events.subscribe(broken)
    try:
        events.emit("verify", "…", verdict="match")
    finally:
        unsubscribe()
        unsubscribe()  # a second time does nothing
    events.emit("verify", "…", verdict="match")
    assert len(seen) == 2
    failures = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert failures == ["A subscriber of events failed at 'verify'."]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no"), {"error": "ValueError"}),
        (
            LockMismatchError("…", path="mean_[0]", expected=1.5, actual=None),
            {"error": "LockMismatchError", "path": "mean_[0]", "expected": "1.5"},
        ),
    ],
)
def test_the_fields_of_an_error(error: Exception, expected: dict[str, str]) -> None:
    """An event of an error has its class, and of our errors the place and both sides as text."""
    assert events.error_fields(error) == expected


@pytest.mark.parametrize("on_fault", ["raise", "warn"])
def test_a_verdict_of_the_guard_is_an_event(seen: list[events.Event], on_fault: str) -> None:
    """Each batch that is judged gives one event with its p-value, columns and rows, whatever an alarm does."""
    X = np.random.default_rng(0).normal([5.0, 50.0], [1.0, 9.0], (400, 2))
    guard = nl.InputGuard(on_fault=on_fault, min_rows=1).fit(X[:200])
    guard.transform(X[200:])
    with pytest.raises(InputFaultError) if on_fault == "raise" else pytest.warns(InputFaultWarning):
        guard.transform(X[200:] * [1.0, 1000.0])
    clean, fault = seen
    assert (clean.event, clean.verdict, clean.count, clean.reason) == ("guard", "match", 200, None)
    assert clean.p_value > 1e-3 >= fault.p_value
    assert (fault.verdict, fault.columns, fault.reason) == ("mismatch", ("1",), "unit_changed")
    json.dumps([each.attributes() for each in seen])  # plain values throughout


@pytest.mark.parametrize("locked", [True, False])
def test_a_load_is_an_event(seen: list[events.Event], tmp_path: Path, locked: bool) -> None:
    """A load that matches has the fingerprint, and the lock if there was one; a refused one has the error."""
    path = tmp_path / "scaler.skops"
    scaler = StandardScaler().fit([[0.0], [2.0]])
    nl.dump(scaler, path, lock=True)
    nl.load(path, lock=locked or None)
    assert [(each.event, each.verdict, each.subject) for each in seen] == [("load", "match", str(path))]
    assert seen[0].fingerprint == scaler.fingerprint_ and seen[0].lock == (scaler.fingerprint_ if locked else None)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(NormLockError) as caught:
        nl.load(path, lock=locked or None)
    assert (seen[-1].event, seen[-1].error) == ("load", type(caught.value).__name__)
    assert seen[-1].verdict in ("mismatch", "undecided") and len(seen) == 2


def test_a_load_of_what_nothing_vouches_for_has_no_verdict(seen: list[events.Event], tmp_path: Path) -> None:
    """Never a match without something that was compared."""
    path = tmp_path / "scaler.pkl"
    path.write_bytes(pickle.dumps(StockScaler().fit([[0.0], [2.0]])))
    nl.load(path, unsealed=True)
    assert [(each.event, each.verdict) for each in seen] == [("load", None)]


def test_a_verification_is_an_event(seen: list[events.Event]) -> None:
    """Both answers have both fingerprints; a mismatch has the place."""
    old, new = StockScaler().fit([[0.0], [2.0]]), StockScaler().fit([[0.0], [4.0]])
    lock = nl.lock(old)
    nl.verify(old, lock)
    with pytest.raises(LockMismatchError):
        nl.verify(new, lock)
    match, mismatch = seen
    assert (match.event, match.verdict, match.path) == ("verify", "match", None)
    assert (mismatch.event, mismatch.verdict) == ("verify", "mismatch") and mismatch.path
    assert (mismatch.fingerprint, mismatch.lock) == (nl.fingerprint(new), nl.fingerprint(old))
