"""The limits of a gate: a small file that is reviewed with the code.

::

    [gate]                      # normlock.toml; in pyproject.toml it is [tool.normlock.gate]
    min_rows = 100

    [gate.overall]
    accuracy = { max_drop = 0.005, rule_out = 0.02 }
    negative_flips = { max = 0.02 }

    [gate.cohorts]              # each cohort
    accuracy = { max_drop = 0.005, rule_out = 0.05 }

    [gate.cohort."region=north"]
    accuracy = { max_drop = 0.0 }

    [[gate.waivers]]
    cohort = "region=south"
    metric = "accuracy"
    reason = "the old labels were wrong there"
    until = 2027-01-31
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from ..errors import GateLimitsError, MissingDependencyError

__all__ = ["Limit", "Limits", "Waiver"]

_ORIGINS = {"pyproject.toml": ("tool", "normlock", "gate")}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The demand on one metric.

    Parameters
    ----------
    max_drop : float, default=None
        A drop that is proved to be larger breaks the limit.
    rule_out : float, default=None
        A drop as large as this must be excluded, or the limit is undecided; ``max_drop`` if None.
    relative : bool, default=False
        Whether both are shares of the old value.
    min, max : float, default=None
        For a share of rows (``agreement``, ``negative_flips``): its bounds.
    """

    max_drop: float | None = None
    rule_out: float | None = None
    relative: bool = False
    min: float | None = None
    max: float | None = None

    @property
    def text(self) -> str:
        """The limit in words."""
        if self.min is not None or self.max is not None:
            bounds = (("at least", self.min), ("at most", self.max))
            return ", ".join(f"{word} {value:.4g}" for word, value in bounds if value is not None)
        if self.max_drop is None:
            return ""
        unit = " of the old value" if self.relative else ""
        out = "" if self.rule_out in (None, self.max_drop) else f", {self.rule_out:.4g} ruled out"
        return f"drop at most {self.max_drop:.4g}{out}{unit}"


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A broken or undecided limit that is accepted, for a reason and until a date.

    Parameters
    ----------
    metric : str
        The metric.
    reason : str
        Why.
    until : date
        The last day on which it counts.
    cohort : str, default=""
        The cohort; empty for all rows.
    """

    metric: str
    reason: str
    until: datetime.date
    cohort: str = ""


#: If there is no file: half a point of a share, or 1 % of an error. Ruled out are two points, and five in a cohort.
_SHARE = Limit(max_drop=0.005, rule_out=0.02)
_BOUNDED = ("neg_brier_score", "neg_calibration_error")  # errors that are shares themselves
_ERROR = Limit(max_drop=0.01, rule_out=0.05, relative=True)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All limits of a gate.

    Parameters
    ----------
    overall : mapping of str to Limit, default=None
        By metric, on all rows. None for the defaults.
    cohorts : mapping of str to Limit, default=None
        By metric, on each cohort. None for the defaults.
    cohort : mapping of str to mapping of str to Limit, default={}
        By the name of a cohort, in place of ``cohorts``.
    waivers : tuple of Waiver, default=()
        What is accepted for now.
    level : float, default=0.95
        Level of the intervals. Half of what is left is the risk to block for nothing on all rows, the other half that
        on all cohorts together.
    min_rows : int, default=100
        Cohorts with fewer rows are not judged.
    margin : float, default=None
        For numbers: by how much an answer or an error must change to count; 5 % of the standard deviation if None.

    Examples
    --------
    >>> from sklearn_normlock.gates.limits import Limits
    >>> limits = Limits.from_dict({"overall": {"accuracy": {"max_drop": 0.01}}})
    >>> limits.on("accuracy", "").text
    'drop at most 0.01'
    >>> Limits.from_dict({"overall": {"accuracy": {"max_dorp": 0.01}}})
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.GateLimitsError: overall.accuracy has no field 'max_dorp'; expected max_drop, ...
    """

    overall: Mapping[str, Limit] | None = None
    cohorts: Mapping[str, Limit] | None = None
    cohort: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    level: float = 0.95
    min_rows: int = 100
    margin: float | None = None

    def on(self, metric: str, cohort: str) -> Limit | None:
        """Return the limit of a metric on a cohort, or on all rows if the cohort is empty; None if there is none."""
        if cohort and cohort in self.cohort:
            return self.cohort[cohort].get(metric)
        given = self.cohorts if cohort else self.overall
        if given is not None:
            return given.get(metric)
        if self.overall is not None:  # a file that says nothing of cohorts: what holds for all holds for each
            return self.overall.get(metric)
        if metric in ("agreement", "negative_flips"):
            return None
        usual = _ERROR if metric.startswith("neg_") and metric not in _BOUNDED else _SHARE
        return replace(usual, rule_out=(0.1 if usual.relative else 0.05)) if cohort else usual

    def metrics(self) -> tuple[str, ...]:
        """Return the metrics that are named."""
        groups = [self.overall or {}, self.cohorts or {}, *self.cohort.values()]
        return tuple(dict.fromkeys(metric for group in groups for metric in group))

    def waiver(self, metric: str, cohort: str) -> Waiver | None:
        """Return the waiver of a metric on a cohort, or None."""
        found = [each for each in self.waivers if (each.metric, each.cohort) == (metric, cohort)]
        return max(found, key=lambda each: each.until, default=None)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Limits:
        """Read limits.

        Raises
        ------
        GateLimitsError
            If a field is unknown, or is not what it should be.
        """
        _known(document, "", ("overall", "cohorts", "cohort", "waivers", "level", "min_rows", "margin"))
        named = _table(document.get("cohort", {}), "cohort")
        waivers = document.get("waivers", [])
        if not isinstance(waivers, Sequence) or isinstance(waivers, str):
            _refuse("waivers", "a list of tables", waivers)
        rows = document.get("min_rows", 100)
        if type(rows) is not int or rows < 2:
            _refuse("min_rows", "a whole number, 2 or more", rows)
        return cls(
            overall=_group(document["overall"], "overall") if "overall" in document else None,
            cohorts=_group(document["cohorts"], "cohorts") if "cohorts" in document else None,
            cohort={name: _group(each, f'cohort."{name}"') for name, each in named.items()},
            waivers=tuple(_waiver(each, f"waivers[{i}]") for i, each in enumerate(waivers)),
            level=_number(document.get("level", 0.95), "level", 0.5, 0.9999),
            min_rows=rows,
            margin=None if "margin" not in document else _number(document["margin"], "margin", 0.0, float("inf")),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Limits:
        """Read ``[gate]`` of a TOML file, or ``[tool.normlock.gate]`` of a ``pyproject.toml``.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        GateLimitsError
            If it can't be read, or has no such table.
        MissingDependencyError
            On Python 3.10 without ``tomli``.
        """
        path = Path(path)
        data = path.read_bytes()
        try:
            document: Any = _toml().loads(data.decode("utf-8"))
        except ValueError as error:
            raise GateLimitsError(
                f"{path} can't be read as TOML: {error}.", path=str(path), remedy="Mend it, or take it from git again."
            ) from None
        table = _ORIGINS.get(path.name, ("gate",))
        for key in table:
            document = document.get(key) if isinstance(document, dict) else None
        if not isinstance(document, dict):
            raise GateLimitsError(
                f"{path} has no table [{'.'.join(table)}].", path=str(path), remedy="Write the limits there."
            )
        try:
            return cls.from_dict(document)
        except GateLimitsError as error:
            message = f"{path}: {error}"
            raise GateLimitsError(message, path=error.path, expected=error.expected, actual=error.actual) from None


def _toml() -> Any:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib
    try:
        import tomli  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "Reading limits from TOML on Python 3.10 needs tomli.",
            remedy='pip install "sklearn-normlock[gate]", or use Python 3.11.',
        ) from None
    return tomli


def _group(value: Any, path: str) -> dict[str, Limit]:
    return {metric: _limit(each, f"{path}.{metric}") for metric, each in _table(value, path).items()}


def _limit(value: Any, path: str) -> Limit:
    table = _table(value, path)
    _known(table, path, ("max_drop", "rule_out", "min", "max"))
    shares = {name: _number(table[name], f"{path}.{name}", 0.0, 1.0) for name in ("min", "max") if name in table}
    metric = path.rpartition(".")[2]
    if metric in ("agreement", "negative_flips"):
        wanted = "min" if metric == "agreement" else "max"
        if set(table) != {wanted}:
            _refuse(path, f"{{ {wanted} = … }}", dict(table))
        return Limit(min=shares.get("min"), max=shares.get("max"))
    if shares or "max_drop" not in table:
        _refuse(path, "{ max_drop = … } and perhaps rule_out", dict(table))
    drops = {name: _drop(table[name], f"{path}.{name}") for name in ("max_drop", "rule_out") if name in table}
    if len({relative for _, relative in drops.values()}) > 1:
        _refuse(path, "both of one unit: two numbers, or two percentages", dict(table))
    max_drop, relative = drops["max_drop"]
    rule_out = drops["rule_out"][0] if "rule_out" in drops else None
    if rule_out is not None and rule_out < max_drop:
        _refuse(f"{path}.rule_out", "no smaller than max_drop", table["rule_out"])
    return Limit(max_drop=max_drop, rule_out=rule_out, relative=relative)


def _drop(value: Any, path: str) -> tuple[float, bool]:
    """Return a drop and whether it is relative: 0.01, or "1 %" of the old value."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        try:
            return _number(float(value.rstrip().removesuffix("%")) / 100, path, 0.0, float("inf")), True
        except ValueError:
            pass
    if isinstance(value, str):
        _refuse(path, 'a number, or a percentage such as "1 %"', value)
    return _number(value, path, 0.0, float("inf")), False


def _waiver(value: Any, path: str) -> Waiver:
    table = _table(value, path)
    _known(table, path, ("cohort", "metric", "reason", "until"))
    for name in ("metric", "reason"):
        if not isinstance(table.get(name), str) or not table[name].strip():
            _refuse(f"{path}.{name}", "a text: a waiver has a metric, a reason and a date", table.get(name))
    until = table.get("until")
    if isinstance(until, str):
        try:
            until = datetime.date.fromisoformat(until)
        except ValueError:
            _refuse(f"{path}.until", "a date such as 2027-01-31", until)
    if type(until) is not datetime.date:
        _refuse(f"{path}.until", "a date such as 2027-01-31", until)
    cohort = table.get("cohort", "")
    if not isinstance(cohort, str):
        _refuse(f"{path}.cohort", "the name of a cohort", cohort)
    return Waiver(metric=table["metric"], reason=table["reason"], until=until, cohort=cohort)


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(path, "a table", value)
    return value


def _number(value: Any, path: str, low: float, high: float) -> float:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    if not known:
        _refuse(path, f"a number from {low:g}" + (f" to {high:g}" if high < float("inf") else ""), value)
    return float(value)


def _known(table: Mapping[str, Any], path: str, names: Sequence[str]) -> None:
    unknown = sorted(set(table) - set(names))
    if unknown:
        raise GateLimitsError(
            f"{path or 'The table of limits'} has no field {unknown[0]!r}; expected {', '.join(names)}.",
            path=f"{path}.{unknown[0]}" if path else unknown[0],
            actual=unknown[0],
        )


def _refuse(path: str, expected: str, actual: Any) -> NoReturn:
    raise GateLimitsError(
        f"{path} should be {expected}, and is {actual!r}.", path=path, expected=expected, actual=actual
    )
