"""OpenTelemetry: events become metrics, and marks on the span in which they happen.

::

    from sklearn_normlock.integrations import opentelemetry
    opentelemetry.instrument()

Metrics carry the fingerprint, so that a dashboard can be cut by the version of the preprocessing. Nothing is measured
at a call that finds nothing wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import events
from ..errors import MissingDependencyError
from ..events import Event

__all__ = ["instrument", "span_attributes"]

NAME = "sklearn_normlock"
#: Bounds of the histogram of p-values: a healthy service fills the upper ones evenly, alarms fill the lower ones.
P_VALUES = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75)
_COLUMNS = 50  # of one alarm that are counted one by one
_RANK = {"match": 0, "undecided": 1, "mismatch": 2}


def instrument(*, meter_provider: Any = None) -> Callable[[], None]:
    """Turn every event of this process into metrics, and into marks on the current span.

    Counters are ``normlock.checks`` (loads, verifications and verdicts of guards, by event, verdict, fingerprint and
    lock) and ``normlock.mismatches`` (by event and error). Guards and serving add ``normlock.alarms`` (by
    column and fault),
    ``normlock.fallbacks`` (by member, method and error), ``normlock.shadow.differences`` (rows, by method),
    ``normlock.shadow.failures`` (by error). Histogram: ``normlock.guard.p_value``.

    The current span gets an event for each, and the attributes ``normlock.fingerprint``, ``normlock.lock`` and
    ``normlock.verdict``; a mismatch is not overwritten by a later match.

    Parameters
    ----------
    meter_provider : opentelemetry.metrics.MeterProvider, default=None
        The global one if None.

    Returns
    -------
    undo : callable
        Without arguments; stops it.

    Raises
    ------
    MissingDependencyError
        If OpenTelemetry isn't installed.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from opentelemetry.sdk.metrics import MeterProvider
    >>> from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    >>> from sklearn_normlock.integrations import opentelemetry
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> reader = InMemoryMetricReader()
    >>> undo = opentelemetry.instrument(meter_provider=MeterProvider([reader]))
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> _ = nl.verify(scaler, nl.lock(scaler))
    >>> metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    >>> [(each.name, each.data.data_points[0].value) for each in metrics]
    [('normlock.checks', 1)]
    >>> undo()
    """
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        raise MissingDependencyError(
            "OpenTelemetry isn't installed.", remedy="pip install 'sklearn-normlock[opentelemetry]'"
        ) from None
    record = _recorder(metrics.get_meter(NAME, meter_provider=meter_provider))

    def take(event: Event) -> None:
        record(event)
        span = trace.get_current_span()
        if span.is_recording():
            _mark(span, event)

    return events.subscribe(take)


def _recorder(meter: Any) -> Callable[[Event], None]:
    """Return what counts an event."""
    checks = meter.create_counter("normlock.checks", description="Loads, verifications and verdicts of guards.")
    mismatches = meter.create_counter("normlock.mismatches", description="Checks that found a mismatch.")
    alarms = meter.create_counter("normlock.alarms", description="Faults that guards found, by column.")
    fallbacks = meter.create_counter("normlock.fallbacks", description="Candidates that were refused or passed over.")
    differences = meter.create_counter("normlock.shadow.differences", description="Rows a candidate answers otherwise.")
    failures = meter.create_counter("normlock.shadow.failures", description="Requests that a candidate failed in.")
    p_values = meter.create_histogram(
        "normlock.guard.p_value",
        description="p-values of the batches that guards judged.",
        explicit_bucket_boundaries_advisory=list(P_VALUES),
    )

    def record(event: Event) -> None:
        if event.event in ("load", "verify", "guard", "mismatch"):
            checks.add(1, _labels(event, "event", "verdict", "fingerprint", "lock"))
            if event.verdict == "mismatch":
                mismatches.add(1, _labels(event, "event", "error", "fingerprint", "lock"))
        if event.event == "guard":
            if event.p_value is not None and event.verdict != "undecided":
                p_values.record(event.p_value)
            if event.verdict == "mismatch":
                for column in (event.columns or ("all",))[:_COLUMNS]:
                    alarms.add(1, {**_labels(event, "reason"), "normlock.column": column})
        elif event.event == "fallback":
            fallbacks.add(1, _labels(event, "member", "method", "error"))
        elif event.event == "shadow" and event.verdict == "mismatch":
            differences.add(event.count or 1, _labels(event, "method"))
        elif event.event == "shadow" and event.error is not None:
            failures.add(1, _labels(event, "method", "error"))

    return record


def _labels(event: Event, *names: str) -> dict[str, str]:
    found = ((name, getattr(event, name)) for name in names)
    return {f"normlock.{name}": value for name, value in found if value is not None}


def _mark(span: Any, event: Event) -> None:
    attributes = event.attributes()
    span.add_event(f"normlock.{event.event}", attributes)
    for name in ("normlock.fingerprint", "normlock.lock"):
        if name in attributes:
            span.set_attribute(name, attributes[name])
    if event.verdict is not None:
        before = (getattr(span, "attributes", None) or {}).get("normlock.verdict")
        if before is None or _RANK[event.verdict] > _RANK.get(str(before), -1):
            span.set_attribute("normlock.verdict", event.verdict)


def span_attributes(est: Any) -> dict[str, str]:
    """Return the fingerprints of an estimator and of its steps, as attributes for a span or a resource.

    A sealed object has them at hand. Those of another are computed, which takes time: ask once, not at each request.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    attributes : dict of str to str
        ``normlock.fingerprint``, and ``normlock.step.<name>.fingerprint`` for each step of a pipeline.

    Examples
    --------
    >>> from sklearn_normlock.integrations.opentelemetry import span_attributes
    >>> from sklearn_normlock.pipeline import make_pipeline
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> sorted(span_attributes(make_pipeline(StandardScaler()).fit([[0.0], [2.0]])))
    ['normlock.fingerprint', 'normlock.step.standardscaler.fingerprint']
    """
    from ..fingerprints import fingerprint
    from ..seals.mixin import Locked

    def name_of(each: Any) -> str:
        sealed = vars(each).get("fingerprint_") if isinstance(each, Locked) else None
        return sealed if isinstance(sealed, str) else fingerprint(each)

    found = {"normlock.fingerprint": name_of(est)}
    steps = getattr(est, "steps", None)
    for name, step in steps if isinstance(steps, list) else ():
        if step is not None and step != "passthrough":
            found[f"normlock.step.{name}.fingerprint"] = name_of(step)
    return found
