"""OpenTelemetry: each event is counted once, by stable names, and marks the span that it happens in."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from serving_models import Misbehaving, X, model, y
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import FallbackWarning, InputFaultError, LockMismatchError, MissingDependencyError
from sklearn_normlock.integrations import opentelemetry
from sklearn_normlock.serving import Fallback, Shadow

pytest.importorskip("opentelemetry.sdk", reason="the in-memory exporters; installed by the extra 'test'")


@pytest.fixture
def metrics() -> Iterator[Any]:
    """Count the events of the test; give what was counted, by metric and labels."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    undo = opentelemetry.instrument(meter_provider=MeterProvider([reader]))

    def read() -> dict[str, list[tuple[dict[str, Any], Any]]]:
        data = reader.get_metrics_data()
        found = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            points = metric.data.data_points
            found[metric.name] = [(dict(p.attributes), getattr(p, "value", getattr(p, "count", None))) for p in points]
        return found

    yield read
    undo()


def test_checks_and_mismatches_are_counted(metrics: Any) -> None:
    """Each verification counts by verdict and fingerprint; a mismatch counts once more as one."""
    old, new = StockScaler().fit([[0.0], [2.0]]), StockScaler().fit([[0.0], [4.0]])
    lock = nl.lock(old)
    nl.verify(old, lock)
    nl.verify(old, lock)
    with pytest.raises(LockMismatchError):
        nl.verify(new, lock)
    found = metrics()
    base = {"normlock.event": "verify", "normlock.lock": lock.fingerprint}
    assert found["normlock.checks"] == [
        ({**base, "normlock.verdict": "match", "normlock.fingerprint": lock.fingerprint}, 2),
        ({**base, "normlock.verdict": "mismatch", "normlock.fingerprint": nl.fingerprint(new)}, 1),
    ]
    assert found["normlock.mismatches"] == [({**base, "normlock.fingerprint": nl.fingerprint(new)}, 1)]


def test_alarms_are_counted_by_column(metrics: Any) -> None:
    """A guard's alarm counts for each column by its fault, and every p-value goes into the histogram."""
    rows = np.random.default_rng(0).normal([5.0, 50.0], [1.0, 9.0], (400, 2))
    guard = nl.InputGuard(on_fault="raise", min_rows=1).fit(rows[:200])
    guard.transform(rows[200:])
    with pytest.raises(InputFaultError):
        guard.transform(rows[200:] * [1.0, 1000.0])
    found = metrics()
    assert found["normlock.alarms"] == [({"normlock.reason": "unit_changed", "normlock.column": "1"}, 1)]
    assert found["normlock.guard.p_value"] == [({}, 2)]


def test_fallbacks_and_shadows_are_counted(metrics: Any) -> None:
    """A candidate that is passed over, rows that differ, and failures of a shadow have a counter each."""
    old, new, broken = model(0.01), model(1.0), Misbehaving("raises").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        Fallback([broken, old], locks=[False, None], on_error="fallback").predict(X)
    Shadow(old, new, run="inline").predict(X)
    Shadow(old, broken, run="inline").predict(X)
    found = metrics()
    assert [(labels["normlock.error"], count) for labels, count in found["normlock.fallbacks"]] == [("RuntimeError", 1)]
    flips = int((old.predict(X) != new.predict(X)).sum())
    assert found["normlock.shadow.differences"] == [({"normlock.method": "predict"}, flips)]
    failed = {"normlock.method": "predict", "normlock.error": "RuntimeError"}
    assert found["normlock.shadow.failures"] == [(failed, 1)]


def test_the_current_span_is_marked(metrics: Any) -> None:
    """The span has an event for each, both fingerprints, and the worst verdict."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    old, new = StockScaler().fit([[0.0], [2.0]]), StockScaler().fit([[0.0], [4.0]])
    lock = nl.lock(old)
    with provider.get_tracer("service").start_as_current_span("request"):
        with pytest.raises(LockMismatchError):
            nl.verify(new, lock)
        nl.verify(old, lock)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["normlock.verdict"] == "mismatch" and span.attributes["normlock.lock"] == lock.fingerprint
    assert [event.name for event in span.events] == ["normlock.verify"] * 2
    assert [event.attributes["normlock.verdict"] for event in span.events] == ["mismatch", "match"]


def test_the_fingerprints_of_a_pipeline_and_its_steps() -> None:
    """A sealed pipeline's attributes are the fingerprints that it and its steps carry; a stock one's are computed."""
    pipe = model()
    found = opentelemetry.span_attributes(pipe)
    assert found["normlock.fingerprint"] == pipe.fingerprint_
    assert found["normlock.step.standardscaler.fingerprint"] == pipe[0].fingerprint_
    assert opentelemetry.span_attributes(nl.unlock(pipe)) == found


def test_undo_stops_it(metrics: Any) -> None:
    """After undo nothing is counted any more."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    opentelemetry.instrument(meter_provider=MeterProvider([reader]))()
    scaler = StockScaler().fit([[0.0], [2.0]])
    nl.verify(scaler, nl.lock(scaler))
    assert reader.get_metrics_data() is None and metrics()["normlock.checks"]


def test_without_opentelemetry_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingDependencyError, match=r"sklearn-normlock\[opentelemetry\]"):
        opentelemetry.instrument()
