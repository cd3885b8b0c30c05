"""A picture of lengths, in scikit-learn's Display convention; needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..drawing import Display
from .contract import EmbeddingContract
from .vectors import as_vectors, lengths


class NormDisplay(Display):
    """A histogram of the lengths of vectors over those of a contract.

    Make one with :meth:`from_contract`.

    Parameters
    ----------
    expected : ndarray
        Quantiles of the lengths of the contract, evenly over all shares.
    found : ndarray
        Lengths of the vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.retrieval import EmbeddingContract, NormDisplay
    >>> V = np.random.default_rng(0).normal(size=(200, 8))
    >>> display = NormDisplay.from_contract(EmbeddingContract().fit(V), 2 * V)  # doctest: +SKIP
    """

    def __init__(self, expected: Any, found: Any) -> None:
        self.expected, self.found = expected, found

    @classmethod
    def from_contract(cls, contract: EmbeddingContract, V: Any, *, ax: Any = None) -> NormDisplay:
        """Draw the lengths of vectors over those of a contract.

        Parameters
        ----------
        contract : EmbeddingContract
            Fitted.
        V : array-like of shape (n_vectors, dim)
            The vectors.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : NormDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        known = lengths(as_vectors(V))
        return cls(contract.norm_quantiles_, known[np.isfinite(known)]).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        low, high = float(self.expected[0]), float(self.expected[-1])
        ax.hist(self.found, bins=64, color="C1", alpha=0.7, label="these vectors")
        ax.axvspan(low, high if high > low * 1.001 else low * 1.001, color="C0", alpha=0.4, label="the contract's")
        ax.set_yscale("log")  # a few raw rows among very many are to be seen
        ax.set_xlabel("length")
        ax.set_ylabel("vectors")
        ax.legend(frameon=False)
