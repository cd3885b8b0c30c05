"""A reference set that is pinned: which rows a gate is run on, without the rows.

The manifest has the digests of stretches of rows: it tells a set that was changed, cut or appended to, and where. The
same values have the same digest, whether they come from an array, pandas, polars, CSV or Parquet.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..documents.entries import Origin
from ..documents.envelope import Envelope, parsed
from ..documents.files import replacing
from ..errors import GateInputError, NormLockError, ReferenceMismatchError
from ..guards.data.tables import Table, as_table
from ..guards.profile import Profile
from .cohorts import n_rows_of, rows_at

REFERENCE_VERSION = 1  # raised when a reader of the old one would misunderstand the new one
_ENVELOPE = Envelope(Origin("reference", "Take it from version control again."), REFERENCE_VERSION, "pin the rows anew")
_STRETCHES = 4096  # digests in a manifest, at most
_REMEDY = "Run the gate on the pinned rows, or pin these with nl.pin(X, y) and review the change."


@dataclass(frozen=True, kw_only=True)
class ReferenceSet:
    """The manifest of a reference set: what its rows are, and none of them.

    Parameters
    ----------
    n_rows : int
        How many rows.
    stretch : int
        How many rows a digest is of.
    digests : tuple of str
        The SHA-256 of each stretch, its first 16 hexadecimal digits.
    columns : tuple of str
        The columns, each with its type; the right answers last.
    has_y : bool
        Whether the right answers are among them.
    profile : mapping, default=None
        The profile of the columns (:class:`sklearn_normlock.Profile`); None if they have none, as texts.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> pinned = nl.pin([[1.0], [2.0], [3.0]], [0, 1, 0])
    >>> pinned.check([[1.0], [2.0], [3.0], [9.0]], [0, 1, 0, 1])
    ('1 row was appended to the 3 that were pinned.',)
    >>> pinned.check([[1.0], [2.5], [3.0]], [0, 1, 0])
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.ReferenceMismatchError: The reference set is not the pinned one: row 1 has other values...
    """

    n_rows: int
    stretch: int
    digests: tuple[str, ...]
    columns: tuple[str, ...]
    has_y: bool
    profile: Mapping[str, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """The identity of the content: ``"nlr1-sha256:"`` and 64 hexadecimal digits."""
        facts = [self.n_rows, self.stretch, list(self.columns), self.has_y, list(self.digests)]
        digest = hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode("ascii")).hexdigest()
        return f"nlr1-sha256:{digest}"

    def check(self, X: Any, y: Any = None) -> tuple[str, ...]:
        """Check that rows are the pinned ones.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)
            The rows.
        y : array of shape (n_samples,), default=None
            The right answers, if :func:`pin` was given them.

        Returns
        -------
        notes : tuple of str
            What there is to say: whether rows were appended.

        Raises
        ------
        ReferenceMismatchError
            If rows were changed, moved or left out, or the columns are others.
        """
        if self.has_y and y is None:
            raise ReferenceMismatchError(
                "The reference set was pinned with right answers, and y is None.", path="y", remedy="Give y."
            )
        found = _manifest(X, y if self.has_y else None, self.stretch)
        if found.columns != self.columns:
            raise self._other_columns(found.columns)
        if found.n_rows < self.n_rows:
            raise ReferenceMismatchError(
                f"The reference set is not the pinned one: it has {found.n_rows:,} rows of {self.n_rows:,}.",
                path="rows",
                expected=self.n_rows,
                actual=found.n_rows,
                remedy=_REMEDY,
            )
        more = found.n_rows - self.n_rows
        theirs = found.digests
        if more:
            some = slice(0, self.n_rows)
            theirs = _manifest(
                rows_at(X, some), rows_at(_indexed(y), some) if self.has_y else None, self.stretch
            ).digests
        changed = [i for i, (one, two) in enumerate(zip(self.digests, theirs, strict=True)) if one != two]
        if changed:
            raise self._other_rows(changed, theirs)
        if not more:
            return ()
        return (f"{more:,} row{'s were' if more > 1 else ' was'} appended to the {self.n_rows:,} that were pinned.",)

    def _other_columns(self, columns: tuple[str, ...]) -> ReferenceMismatchError:
        missing = [name for name in self.columns if name not in columns]
        added = [name for name in columns if name not in self.columns]
        parts = [f"{word} {', '.join(names[:5])}" for word, names in (("without", missing), ("with", added)) if names]
        return ReferenceMismatchError(
            f"The reference set is not the pinned one: its columns are others ({'; '.join(parts) or 'another order'}).",
            path="columns",
            expected=self.columns,
            actual=columns,
            remedy=_REMEDY,
        )

    def _other_rows(self, changed: list[int], theirs: tuple[str, ...]) -> ReferenceMismatchError:
        first = changed[0] * self.stretch
        last = min(first + self.stretch, self.n_rows) - 1
        where = f"row {first}" if first == last else f"one of the rows {first} to {last}"
        moved = sorted(self.digests) == sorted(theirs)
        what = f"its rows are in another order from {where} on" if moved else f"{where} has other values"
        more = f", and {len(changed) - 1} more" if len(changed) > 1 and not moved else ""
        return ReferenceMismatchError(
            f"The reference set is not the pinned one: {what}{more}.",
            path=f"rows[{first}]",
            expected=self.digests[changed[0]],
            actual=theirs[changed[0]],
            remedy=_REMEDY,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values.

        Returns
        -------
        document : dict
            With a digest, by which a damaged document is found.
        """
        profile = {} if self.profile is None else {"profile": dict(self.profile)}
        return _ENVELOPE.closed(
            {
                "n_rows": self.n_rows,
                "stretch": self.stretch,
                "columns": list(self.columns),
                "has_y": self.has_y,
                "digests": list(self.digests),
                "fingerprint": self.fingerprint,
                **profile,
            }
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ReferenceSet:
        """Read a manifest.

        Parameters
        ----------
        document : mapping
            As :meth:`to_dict` returns it.

        Returns
        -------
        reference : ReferenceSet
            The manifest.

        Raises
        ------
        LockFormatError, LockVersionError
            If it is not one, or of a version that isn't known here.
        """
        fields = _ENVELOPE.opened(document)
        rows, stretch = fields["n_rows"].whole(1), fields["stretch"].whole(1)
        has_y = fields["has_y"]
        has_y.require(isinstance(has_y.value, bool), "true or false")
        digests = fields["digests"]
        digests.elements(-(-rows // stretch))
        made = cls(
            n_rows=rows,
            stretch=stretch,
            digests=digests.texts(),
            columns=fields.texts("columns"),
            has_y=has_y.value,
            profile=fields.mapping_or_none("profile"),
        )
        said = fields["fingerprint"]
        said.require(said.text() == made.fingerprint, made.fingerprint)
        fields.nothing_else()
        return made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the manifest as JSON, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where it goes.
        """
        with replacing(Path(path)) as file:
            file.write((json.dumps(self.to_dict(), sort_keys=True, indent=1) + "\n").encode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ReferenceSet:
        """Read a manifest that :meth:`save` wrote.

        Parameters
        ----------
        path : path-like
            Where it lies.

        Returns
        -------
        reference : ReferenceSet
            The manifest.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        LockFormatError, LockVersionError
            If it can't be read.
        """
        return cls.from_dict(parsed(Path(path).read_bytes()))

    def __repr__(self) -> str:
        return f"ReferenceSet({self.n_rows:,} rows, {len(self.columns)} columns, {self.fingerprint[:24]}…)"


def pin(X: Any, y: Any = None) -> ReferenceSet:
    """Pin a reference set: make a manifest of its rows, which has none of them.

    Parameters
    ----------
    X : array-like or data frame of shape (n_rows, n_columns), or list of str
        The rows.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
        The right answers.

    Returns
    -------
    reference : ReferenceSet
        ``reference.save("reference.json")``; ``nl.gate(…, reference="reference.json")`` refuses other rows.

    Raises
    ------
    GateInputError
        If there are no rows, or y has another number of them.

    Notes
    -----
    A digest of a row tells nobody its values, but whoever guesses a row can check the guess. Rows that could be guessed
    and must not be known should lie behind stretches of many rows, or the manifest where the rows lie.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> nl.pin([[1.0], [2.0]], [0, 1])
    ReferenceSet(2 rows, 2 columns, nlr1-sha256:...)
    """
    rows = n_rows_of(X)
    if rows == 0:
        raise GateInputError("There are no rows to pin.", path="X", remedy="Give a reference set with rows.")
    made = _manifest(X, y, max(1, -(-rows // _STRETCHES)))
    try:
        profile = Profile.from_data(X).to_dict()
    except (NormLockError, TypeError, ValueError):  # texts, or too few rows: a profile is of columns
        profile = None
    return ReferenceSet(
        n_rows=made.n_rows,
        stretch=made.stretch,
        digests=made.digests,
        columns=made.columns,
        has_y=made.has_y,
        profile=profile,
    )


def _manifest(X: Any, y: Any, stretch: int) -> ReferenceSet:
    tables = [_table(X)] + ([] if y is None else [_table(_indexed(y))])
    rows = tables[0].shape[0]
    if y is not None and tables[1].shape[0] != rows:
        raise GateInputError(
            f"y has {tables[1].shape[0]} rows, X has {rows}.", path="y", remedy="Give one right answer for each row."
        )
    columns = []
    for table, name in zip(tables, ("", "y"), strict=False):
        for j in range(table.shape[1]):
            called = table.names[j] if table.names and not name else f"{name or 'column'} {j}"
            columns.append(f"{called}: {'text' if j in table.categories else 'number'}")
    digests = [
        _digest([table.take(slice(start, start + stretch)) for table in tables]) for start in range(0, rows, stretch)
    ]
    return ReferenceSet(
        n_rows=rows, stretch=stretch, digests=tuple(digests), columns=tuple(columns), has_y=y is not None
    )


def _table(X: Any) -> Table:
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], str):
        X = np.array(X, dtype=object)[:, None]
    elif not hasattr(type(X), "columns") and getattr(X, "ndim", 2) == 1:
        X = np.asarray(X.to_numpy() if hasattr(X, "to_numpy") else X)[:, None]
    if isinstance(X, np.ndarray) and X.dtype.kind in "US":
        X = X.astype(object)
    try:
        return as_table(X)
    except (TypeError, ValueError) as error:
        if isinstance(error, NormLockError):
            raise
        raise GateInputError(
            f"These rows can't be pinned ({error})", path="X", remedy="Give columns of numbers, texts or dates."
        ) from error


def _indexed(y: Any) -> Any:
    """Return right answers as an array."""
    return np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)


def _digest(tables: list[Table]) -> str:
    """Return the digest of some rows: their numbers as float64, little-endian, then their texts, framed."""
    hashed = hashlib.sha256()
    for table in tables:
        numbers = table.dense().numbers + 0.0  # -0.0 is 0.0
        numbers[np.isnan(numbers)] = np.nan
        hashed.update(np.ascontiguousarray(numbers, dtype="<f8").tobytes())
        for j in sorted(table.categories):
            for text in table.categories[j].tolist():
                data = b"" if text is None else str(text).encode("utf-8", "surrogatepass")
                hashed.update(f"{-1 if text is None else len(data)}:".encode("ascii") + data)
    return hashed.hexdigest()[:16]
