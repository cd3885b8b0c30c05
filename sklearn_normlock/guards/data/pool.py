"""Small requests, gathered until they are evidence: bounded, and safe between threads."""

from __future__ import annotations

import threading

import numpy as np

from .tables import Table


class Pool:
    """Gives back all rows as one table once there are enough, and starts anew.

    Parameters
    ----------
    enough : int
        How many rows are enough. No more than that, and one request's, are ever kept.
    """

    def __init__(self, enough: int) -> None:
        self.enough = enough
        self._lock = threading.Lock()
        self._waiting: list[Table] = []
        self._rows = 0

    def add(self, table: Table) -> Table | None:
        """Take rows in; return what there is once it is enough, or None.

        A request that is enough by itself goes through as it is, so that it is judged alone.
        """
        rows = table.shape[0]
        if rows >= self.enough:
            return table
        # The caller may reuse its buffer.
        kept = Table(np.array(table.dense().numbers), table.names, {j: v.copy() for j, v in table.categories.items()})
        with self._lock:
            self._waiting.append(kept)
            self._rows += rows
            return self._taken() if self._rows >= self.enough else None

    def flush(self) -> Table | None:
        """Return what waits, however little; None if nothing does."""
        with self._lock:
            return self._taken() if self._rows else None

    def _taken(self) -> Table:
        parts, self._waiting, self._rows = self._waiting, [], 0
        first = parts[0]
        categories = {j: np.concatenate([part.categories[j] for part in parts]) for j in first.categories}
        return Table(np.concatenate([part.numbers for part in parts]), first.names, categories, requests=len(parts))

    def __len__(self) -> int:
        return self._rows
