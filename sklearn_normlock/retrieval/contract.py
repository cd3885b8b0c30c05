"""``EmbeddingContract``: what vectors of an index are, and whether others may be searched with them or added to it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..documents.entries import Origin, packed
from ..documents.envelope import Envelope, parsed
from ..documents.files import read_bytes, replacing
from ..errors import InputFaultError
from ..seals.mixin import Locked
from ..seals.seal import check as check_seal
from ..seals.seal import seal
from .checking import check_vectors
from .effects import METRICS, SIDES
from .report import VectorReport
from .vectors import Array, Directions, as_vectors, lengths, sample, unit

ENVELOPE = Envelope(
    Origin("contract", "It is damaged or no contract: take it from version control again."),
    version=1,
    anew="fit the contract anew",
)
_SHARES = np.linspace(0.0, 1.0, 33)
_UNIT = 1e-4  # from length 1, that round-off in float32 leaves
_MOST_DIM = 1 << 20


class EmbeddingContract(Locked, BaseEstimator):
    """Learn what the vectors of an index are; tell what is wrong with others, and what that does to a search.

    Parameters
    ----------
    metric : {"ip", "l2", "cosine"}, default="ip"
        How the index compares: inner product, Euclidean distance, cosine.
    normalized : bool, default=None
        Whether vectors have length 1; taken from the vectors at ``fit`` if None.
    dim : int, default=None
        The width of the vectors. If those at ``fit`` are wider, the contract is about their first ``dim`` columns, at
        length 1 again if they are normalised. Then it can also tell vectors that were cut at the wrong end, or cut and
        left shorter.
    model : str, default=None
        The name of the model, to be compared with the one that ``check`` is given.

    Attributes
    ----------
    dim_ : int
        The width.
    normalized_ : bool
        Whether vectors have length 1.
    tolerance_ : float
        How far from 1 a length may be.
    norm_quantiles_ : ndarray of shape (33,)
        Of the lengths, from the least to the greatest.
    mean_, axes_, captured_, captured_noise_
        Where vectors point: see Notes.
    tail_mean_, tail_axes_, tail_captured_, tail_captured_noise_
        The same of the last columns, if vectors were wider than ``dim``; else empty.
    short_norm_quantiles_ : ndarray
        Lengths of vectors that are cut and left as they are, if vectors were wider than ``dim``; else empty.
    dtype_ : str
        Of the vectors.
    n_levels_ : int
        How many values they have: 2 if binary, up to 256 if quantised to 8 bits, else 0.
    n_vectors_ : int
        Vectors at ``fit``.

    Notes
    -----
    Lengths are looked at one by one. Directions are known by the mean of vectors at length 1 and by the directions in
    which they vary most. Other topics keep some of both; another model of the same width keeps none. If vectors have
    neither, as random ones, another model can't be seen, and a check says so.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.retrieval import EmbeddingContract
    >>> V = np.random.default_rng(0).normal(size=(500, 32)) + 1.0
    >>> unit = V / np.linalg.norm(V, axis=1, keepdims=True)
    >>> contract = EmbeddingContract(metric="ip").fit(unit)
    >>> contract.check(unit[:100], side="query").ok
    True
    >>> report = contract.check(V[:100], side="query")
    >>> report.fault, report.effect.value
    ('not_normalised', 'scores only')
    >>> contract.check(V[:100], side="index").effect.value
    'ranking changed'
    """

    def __init__(
        self,
        metric: str = "ip",
        *,
        normalized: bool | None = None,
        dim: int | None = None,
        model: str | None = None,
    ) -> None:
        self.metric = metric
        self.normalized = normalized
        self.dim = dim
        self.model = model

    def fit(self, V: Any, y: Any = None) -> EmbeddingContract:
        """Learn what the vectors are.

        Parameters
        ----------
        V : array-like of shape (n_vectors, dim)
            Vectors that are right: those of the index, or a few thousand of them.
        y : None
            Ignored.

        Returns
        -------
        self : EmbeddingContract
            This contract.

        Raises
        ------
        InputFaultError
            If the vectors are not of one kind: some are not finite, zero, or of other lengths than the rest.
        ValueError
            If a parameter has no such value.
        """
        self._check_parameters()
        V = as_vectors(V)
        dim = V.shape[1] if self.dim is None else int(self.dim)
        if dim > V.shape[1]:
            raise InputFaultError(
                f"dim is {dim}, and the vectors have {V.shape[1]} columns.",
                path="dim",
                remedy="Pass vectors of the model itself, or their width.",
            )
        whole = lengths(V)
        _refuse(~np.isfinite(whole), "are not finite")
        _refuse(whole == 0, "are zero")
        tolerance = _UNIT if V.dtype.itemsize > 2 else 2e-3
        odd = np.abs(whole - 1) > tolerance
        normalized = bool(odd.mean() < 0.5) if self.normalized is None else bool(self.normalized)
        if normalized:
            _refuse(odd, "have another length than 1, which the others have")
        elif self.normalized is None and (~odd).mean() > 0.01:
            _refuse(~odd, "have length 1, unlike the others")
        short = lengths(V[:, :dim]) if dim < V.shape[1] else np.empty(0)
        usable = np.ones(len(V), bool)
        drawn = sample(V, usable)
        head = unit(drawn[:, :dim])
        directions = Directions.of(head)
        self.dim_, self.normalized_, self.n_vectors_ = dim, normalized, len(V)
        self.dtype_, self.n_levels_ = V.dtype.name, n_levels(drawn)
        self.tolerance_ = tolerance
        lengths_served = whole if dim == V.shape[1] else np.ones(1) if normalized else short
        self.norm_quantiles_ = np.quantile(lengths_served, _SHARES)
        self.short_norm_quantiles_ = np.quantile(short, _SHARES) if len(short) and normalized else np.empty(0)
        self._keep("", directions)
        tail = Directions.of(unit(drawn[:, -dim:])) if len(short) else None
        self._keep("tail_", tail)
        return self

    def check(self, V: Any, side: str = "index", *, model: str | None = None) -> VectorReport:
        """Tell what is wrong with vectors, and what that does.

        Parameters
        ----------
        V : array-like of shape (n_vectors, dim)
            Vectors that are to be searched for, or put into the index. A memory-mapped array is read in blocks.
        side : {"index", "query"}, default="index"
            Which of the two they are: a fault does something else on either side.
        model : str, default=None
            The name of the model that made them, to be compared with the contract's.

        Returns
        -------
        report : VectorReport
            ``report.ok``, ``report.fault``, ``report.effect``, ``report.rows``, ``report.explain()``.

        Raises
        ------
        InputFaultError
            If it is no array of numbers with two dimensions, or empty.
        ValueError
            If there is no such side.
        """
        check_is_fitted(self, "dim_")
        check_seal(self)
        if side not in SIDES:
            raise ValueError(f"side is {side!r}; it must be 'index' or 'query'.")
        return check_vectors(self, as_vectors(V), side, model)

    @property
    def directions(self) -> Directions:
        """Where the vectors of the contract point."""
        return self._kept("")

    @property
    def tail(self) -> Directions | None:
        """Where the last columns of wider vectors point; None if there were none."""
        return self._kept("tail_") if len(self.tail_mean_) else None

    def _keep(self, prefix: str, found: Directions | None) -> None:
        values = (
            (np.empty(0), np.empty((0, 0)), 0.0, 0.0)
            if found is None
            else (found.mean, np.array(found.axes), found.captured, found.noise)
        )
        names = ("mean_", "axes_", "captured_", "captured_noise_")
        for name, value in zip(names, values, strict=True):
            setattr(self, prefix + name, value)

    def _kept(self, prefix: str) -> Directions:
        mean, axes, captured, noise = (
            getattr(self, prefix + name) for name in ("mean_", "axes_", "captured_", "captured_noise_")
        )
        return Directions(mean, axes, captured, noise, self.n_vectors_)

    def _check_parameters(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"metric is {self.metric!r}; it must be one of {', '.join(map(repr, METRICS))}.")
        if not (self.normalized is None or isinstance(self.normalized, (bool, np.bool_))):
            raise ValueError(f"normalized is {self.normalized!r}; it must be True, False or None.")
        whole = isinstance(self.dim, (int, np.integer)) and not isinstance(self.dim, bool)
        if self.dim is not None and not (whole and self.dim >= 1):
            raise ValueError(f"dim is {self.dim!r}; it must be a positive integer or None.")
        if not (self.model is None or isinstance(self.model, str)):
            raise ValueError(f"model is {self.model!r}; it must be a name or None.")

    # -- documents ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as a document of plain JSON values. No vector is in it."""
        check_is_fitted(self, "dim_")
        names = ("metric", "normalized", "dim", "model")
        content: dict[str, Any] = {"parameters": {name: getattr(self, name) for name in names}}
        if self.dim is not None:
            content["parameters"]["dim"] = int(self.dim)
        content["n_axes"], content["n_tail_axes"] = len(self.axes_), len(self.tail_axes_)
        for name in (*_PLAIN, *_ARRAYS):
            value = getattr(self, name)
            content[name] = packed(np.asarray(value, np.float64)) if name in _ARRAYS else value
        return ENVELOPE.closed(content)

    @classmethod
    def from_dict(cls, document: Any) -> EmbeddingContract:
        """Make a contract from a document that :meth:`to_dict` made.

        Raises
        ------
        LockFormatError, LockVersionError
            If it is none, damaged, or of another version.
        """
        fields = ENVELOPE.opened(document)
        given = fields["parameters"]
        given.mapping()
        metric = given["metric"].one_of(METRICS)
        normalized, dim, model = (given[name] for name in ("normalized", "dim", "model"))
        normalized.require(normalized.value in (None, True, False), "true, false or null")
        contract = cls(
            metric,
            normalized=normalized.value,
            dim=None if dim.value is None else dim.whole(1, _MOST_DIM),
            model=None if model.value is None else model.text(),
        )
        contract.dim_ = fields["dim_"].whole(1, _MOST_DIM)
        flag = fields["normalized_"]
        flag.require(isinstance(flag.value, bool), "true or false")
        contract.normalized_, contract.n_vectors_ = flag.value, fields["n_vectors_"].whole(1)
        contract.dtype_, contract.n_levels_ = fields["dtype_"].text(), fields["n_levels_"].whole(0, 256)
        for name in ("tolerance_", "captured_", "captured_noise_", "tail_captured_", "tail_captured_noise_"):
            setattr(contract, name, fields[name].number(-1.0, 1e6))
        n_axes, n_tail = fields["n_axes"].whole(0, 64), fields["n_tail_axes"].whole(0, 64)
        width = contract.dim_
        sizes: dict[str, int | None] = {"norm_quantiles_": len(_SHARES), "mean_": width, "axes_": n_axes * width}
        sizes |= {"tail_mean_": width if n_tail else 0, "tail_axes_": n_tail * width, "short_norm_quantiles_": None}
        for name in _ARRAYS:
            setattr(contract, name, fields[name].packed("<f8", sizes[name], -1e300, 1e300))
        short = fields["short_norm_quantiles_"]
        short.require(len(contract.short_norm_quantiles_) in (0, len(_SHARES)), f"{len(_SHARES)} numbers or none")
        contract.axes_ = contract.axes_.reshape(n_axes, width)
        contract.tail_axes_ = contract.tail_axes_.reshape((n_tail, width) if n_tail else (0, 0))
        fields.nothing_else()
        seal(contract)
        return contract

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the contract as JSON, whole or not at all.

        Parameters
        ----------
        path : path-like
            Such as ``"index.contract.json"``, to be put under version control.
        """
        with replacing(Path(path)) as file:
            file.write((json.dumps(self.to_dict(), sort_keys=True, indent=1) + "\n").encode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EmbeddingContract:
        """Read a contract that :meth:`save` wrote.

        Parameters
        ----------
        path : path-like
            Of the file.

        Raises
        ------
        LockFormatError, LockVersionError
            If it can't be read.
        """
        return cls.from_dict(parsed(read_bytes(path)))


_PLAIN = ("dim_", "normalized_", "tolerance_", "dtype_", "n_levels_", "n_vectors_", "captured_", "captured_noise_",
          "tail_captured_", "tail_captured_noise_")  # fmt: skip
_ARRAYS = ("norm_quantiles_", "short_norm_quantiles_", "mean_", "axes_", "tail_mean_", "tail_axes_")


def n_levels(V: Array) -> int:
    """Return how many values vectors have, if so few that they were quantised; else 0."""
    if V.size < 4_096:
        return 0
    found = len(np.unique(V))
    return found if found <= 256 else 0


def _refuse(odd: Any, what: str) -> None:
    if odd.any():
        rows = np.flatnonzero(odd)
        shown = ", ".join(map(str, rows[:10])) + (" and more" if len(rows) > 10 else "")
        raise InputFaultError(
            f"{len(rows):,} of {len(odd):,} vectors {what}: rows {shown}. A contract is learned from vectors that are "
            "right.",
            path="V",
            actual=tuple(int(row) for row in rows),
            remedy="Mend them or leave them out; or say normalized=False if lengths are to differ.",
        )


__all__ = ["Array", "EmbeddingContract"]
