"""The records of a gate: what was compared, how it changed, and which limits hold.

Nothing here imports NumPy or scikit-learn: a report can be read and printed anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

#: The answers to one limit. ``told``: there is no limit, so nothing is judged. ``waived``: broken or undecided, and a
#: waiver that has not expired says why that is accepted.
VERDICTS = ("kept", "broken", "undecided", "told", "waived")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One metric on one cohort: its change, the interval of the change, and the answer to its limit.

    Parameters
    ----------
    metric : str
        The name of a scorer, or ``agreement``, ``negative_flips``.
    rows : int
        Rows in the cohort.
    cohort : str, default=""
        The cohort; empty for all rows.
    old, new : float, default=None
        The metric of each; greater is better. None where there is only one value for the pair.
    change : float
        ``new - old``, or the value itself where there is only one.
    low, high : float, default=None
        The confidence interval of ``change``, at ``GateReport.level``. None if there is none.
    method : str, default=""
        How the interval was made.
    verdict : str
        One of :data:`VERDICTS`.
    limit : str, default=""
        The limit in words.
    p_value : float, default=None
        For a drop: how probable one as large is without a change, not adjusted. The adjusted level is in ``reason``.
    rows_needed : int, default=None
        If undecided: how many rows of the same kind would probably decide.
    reason : str, default=""
        Why the verdict is what it is.
    """

    metric: str
    rows: int
    change: float
    verdict: str
    cohort: str = ""
    old: float | None = None
    new: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    limit: str = ""
    p_value: float | None = None
    rows_needed: int | None = None
    reason: str = ""

    @property
    def where(self) -> str:
        """The metric and the cohort, as they are named in messages."""
        return f"{self.metric} ({self.cohort})" if self.cohort else self.metric


@dataclass(frozen=True, kw_only=True)
class Flips:
    """How many rows went from right to wrong, and from wrong to right.

    For numbers, a row went wrong if its error grew by more than ``margin``, and right if it shrank by more.

    Parameters
    ----------
    rows : int
        Rows compared.
    negative, positive : int
        Right before and wrong now; wrong before and right now.
    kept_right, kept_wrong : int, default=None
        Right both times, wrong both times. None for numbers, whose errors are not right or wrong.
    low, high : float
        The Clopper-Pearson interval of the share of negative flips.
    margin : float, default=None
        For numbers: by how much an error must grow to count.
    p_value : float
        McNemar's exact test, two-sided: how probable a split as uneven is if both directions are as likely.
    """

    rows: int
    negative: int
    positive: int
    low: float
    high: float
    p_value: float
    kept_right: int | None = None
    kept_wrong: int | None = None
    margin: float | None = None

    @property
    def rate(self) -> float:
        """The share of rows that are negative flips."""
        return self.negative / self.rows if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How the outputs moved, whether or not anybody knows the right answers.

    Parameters
    ----------
    output : str
        Which output: a class, a column, or ``prediction``.
    old, new : tuple of float
        For classes, the share of each row set that got it, as one number. For numbers, the quantiles 5, 25, 50, 75
        and 95 %.
    largest : float, default=None
        For numbers: the largest change of a row.
    """

    output: str
    old: tuple[float, ...]
    new: tuple[float, ...]
    largest: float | None = None


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """Whether one pipeline may replace another, and everything that was seen.

    Parameters
    ----------
    kind : {"classifier", "regressor", "clusterer", "outlier_detector", "transformer"}
        The task.
    rows : int
        Rows compared.
    level : float
        Level of the intervals, such as 0.95.
    judgements : tuple of Judgement
        Overall first, then by cohort.
    flips : Flips, default=None
        None without right answers.
    shifts : tuple of Shift, default=()
        How the outputs moved.
    step : str, default=None
        The first step whose output differs; None if none does or none was traced.
    step_text : str, default=""
        How much it differs.
    steps : tuple of str, default=()
        The steps that were traced, in their order.
    too_small : mapping of str to int, default={}
        Cohorts with fewer rows than are judged, and their rows.
    old, new : str, default=""
        What was compared: a path, or the class of an estimator.
    reference : str, default=""
        The fingerprint of the rows.
    refused : str, default=""
        Why nothing could be judged, if nothing could.
    notes : tuple of str, default=()
        What else there is to say.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler, StandardScaler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> old = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], y[::2])
    >>> new = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], y[::2])
    >>> new.steps[0] = ("standardscaler", MinMaxScaler().fit(X[::2]))
    >>> report = nl.gate(old, new, X[1::2], y[1::2])
    >>> report.ok, report.step
    (False, 'standardscaler')
    """

    kind: str
    rows: int
    level: float = 0.95
    judgements: tuple[Judgement, ...] = ()
    flips: Flips | None = None
    shifts: tuple[Shift, ...] = ()
    step: str | None = None
    step_text: str = ""
    steps: tuple[str, ...] = ()
    too_small: Mapping[str, int] = field(default_factory=dict)
    old: str = ""
    new: str = ""
    reference: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Judgement, ...]:
        """The limits that are broken."""
        return tuple(each for each in self.judgements if each.verdict == "broken")

    @property
    def undecided(self) -> Mapping[str, str]:
        """Everything that could not be judged, and why; empty if all could."""
        found = {each.where: each.reason for each in self.judgements if each.verdict == "undecided"}
        if self.refused:
            found["gate"] = self.refused
        return found

    @property
    def ok(self) -> bool:
        """Whether every limit is kept or waived, and there is at least one that is kept."""
        return self.answer == "match"

    @property
    def answer(self) -> str:
        """One of ``match``, ``mismatch`` and ``undecided``."""
        if self.broken:
            return "mismatch"
        kept = any(each.verdict == "kept" for each in self.judgements)
        return "match" if kept and not self.undecided else "undecided"

    def explain(self, style: str = "text") -> str:
        """Say it.

        Parameters
        ----------
        style : {"text", "json", "markdown", "github", "html"}, default="text"
            For a terminal, a program, a review comment, the annotations of a GitHub workflow, or a page with pictures.

        Returns
        -------
        text : str
            Without a newline at its end.

        Raises
        ------
        ValueError
            If the style is another.
        """
        from .explain import STYLES

        if style not in STYLES:
            raise ValueError(f"style is {style!r}; it must be one of {', '.join(map(repr, STYLES))}.")
        return STYLES[style](self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for a program.

        Returns
        -------
        document : dict
            Plain JSON values; a number that is not finite is a string.
        """
        found = _plain(self)
        return {"ok": self.ok, "answer": self.answer, "undecided": dict(self.undecided), **found}

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        """Show it in a notebook: the answer, and a line for each judgement."""
        from .explain import notebook

        return notebook(self)


def _plain(value: Any) -> Any:
    if isinstance(value, (Judgement, Flips, Shift, GateReport)):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, float) and not abs(value) < float("inf"):
        return repr(value)
    return value
