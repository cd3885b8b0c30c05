"""A report: match, mismatch or can't tell; everything that differs, and everything that was not judged."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..records.change import Change
from ..records.effects import Effect
from .parts import Unjudged

if TYPE_CHECKING:
    from ..probes.outputs import Deviation


class Verdict(enum.Enum):
    """The three answers."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a comparison.

    Parameters
    ----------
    expected, actual : str
        The fingerprints of both sides.
    changes : tuple of Change
        What differs in the state, worst first.
    deviations : tuple of Deviation
        What differs in the outputs, in the order of the steps.
    effects : tuple of Effect
        What the changes do to the outputs of scalers, where it follows from the state alone.
    environment : mapping of str to (str, str)
        The versions that differ: when it was locked, and here.
    undecided : tuple of Unjudged
        What was not judged, why, and what would let it be judged. Without a change or a deviation it makes the
        answer "can't tell".
    accepted : mapping of str to str
        The steps that nothing probes and that a reviewer accepted, with the reason.
    probed : int
        How many outputs of steps were compared.
    tolerances : mapping of str to float
        By dtype, relative to the largest value of a column; within them outputs count as the same.
    subject : str
        What was looked at, such as the name of a file.
    notes : tuple of str
        What else there is to say.
    approval : bool
        Whether one side is what was approved; else two sides are only told apart.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> old, new = StandardScaler().fit([[0.0], [2.0]]), StandardScaler(with_mean=False).fit([[0.0], [2.0]])
    >>> report = nl.diff(old, new)
    >>> report.ok, report.changes[0].path, report.changes[0].actual
    (False, 'with_mean', 'False')
    """

    expected: str = ""
    actual: str = ""
    changes: tuple[Change, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    effects: tuple[Effect, ...] = ()
    environment: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    undecided: tuple[Unjudged, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    probed: int = 0
    tolerances: Mapping[str, float] = field(default_factory=dict)
    subject: str = ""
    notes: tuple[str, ...] = ()
    approval: bool = True

    @property
    def verdict(self) -> Verdict:
        """The answer: a match is said only if nothing differs and everything was judged."""
        if self.changes or self.deviations:
            return Verdict.MISMATCH
        return Verdict.UNDECIDED if self.undecided else Verdict.MATCH

    @property
    def ok(self) -> bool:
        """Whether it is a match: neither a mismatch nor undecided."""
        return self.verdict is Verdict.MATCH

    @property
    def step(self) -> str | None:
        """The first step whose output differs, or whose state does; None if there is none."""
        if self.deviations:
            return self.deviations[0].path
        if self.effects:
            return self.effects[0].path
        return self.changes[0].path if self.changes else None

    def explain(self, style: str = "text") -> str:
        """Say it.

        Parameters
        ----------
        style : {"text", "json", "github", "markdown", "html"}, default="text"
            For a terminal, a program, the annotations of a GitHub workflow, a review comment, or a page.

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
            Plain JSON values; ``docs/json-output.schema.json`` describes them.
        """
        from .explain import plain_change, plain_fields

        return {
            "ok": self.ok,
            "verdict": self.verdict.value,
            "subject": self.subject,
            "expected": self.expected,
            "actual": self.actual,
            "changes": [plain_change(change) for change in self.changes],
            "deviations": [plain_fields(each) for each in self.deviations],
            "effects": [plain_fields(each) for each in self.effects],
            "environment": {name: list(both) for name, both in self.environment.items()},
            "undecided": [plain_fields(each) for each in self.undecided],
            "accepted": dict(self.accepted),
            "probed": self.probed,
            "tolerances": dict(self.tolerances),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return self.explain("html")
