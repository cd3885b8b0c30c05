"""The result of comparing a graph with an estimator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..probes.outputs import Deviation

#: Relative to the largest absolute value of a column, by the precision of what the graph takes or puts out.
TOLERANCES = {"single": 1e-5, "double": 1e-7}


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The result of comparing a graph with an estimator.

    Parameters
    ----------
    rows : int
        How many were put through both.
    kinds : tuple of str
        Types of the graph's inputs.
    tolerance : float
        Relative to the largest absolute value of a column of the output.
    worst : mapping of str to float
        The largest difference of each output that is compared by its numbers, in the same measure.
    jumps : int
        Rows at which rounding decides on which side of a jump the graph comes out, and it is the other.
    missing : str, default=None
        What differs at rows with missing values, if nothing in the estimator is there to fill them.
    deviations : tuple of Deviation
        What differs by more. The first names the step and the node.
    undecided : str, default=None
        Why there is no answer.
    """

    rows: int = 0
    kinds: tuple[str, ...] = ()
    tolerance: float = 0.0
    worst: dict[str, float] = field(default_factory=dict)
    jumps: int = 0
    missing: str | None = None
    deviations: tuple[Deviation, ...] = ()
    undecided: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the graph computes what the estimator does, within the tolerance."""
        return not self.deviations and self.undecided is None
