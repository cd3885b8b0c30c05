"""Canonical bytes of many plain values at once (clauses 3.2 to 3.4, 3.6, 3.8 and 4.5 of ``docs/spec.md``).

A vocabulary holds hundreds of thousands of words. Encoded one by one, they take several times as long as their pickle
takes to load. Here the texts of all values stand in one array, one after the other, and NumPy moves them to where the
canonical bytes have them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from .arrays import u64

BULK = 64  # items from which on a container is looked at as a whole
_LONGEST = 1 << 16  # bytes of a text that is still worth an index for each of its bytes
_MOVED = 1 << 22  # bytes that are moved at once
_WORD = 8  # bytes that are compared at once


class Column(NamedTuple):
    """Values of one kind, as their canonical bytes have them.

    Attributes
    ----------
    tag : int
        The byte before each.
    counted : bool
        Whether the length of its text stands before each text.
    lengths : ndarray of shape (n_values,)
        Of the texts.
    texts : ndarray of shape (sum of lengths,)
        The bytes of all texts.
    """

    tag: int
    counted: bool
    lengths: np.ndarray
    texts: np.ndarray


def column_of(values: list[Any]) -> Column | None:
    """Return a column of values that are all strings, all integers or all floats; None of any others.

    None, too, if a text is so long that it is better encoded by itself.
    """
    kinds = {*map(type, values)}
    column = None
    if kinds == {str}:
        joined = "".join(values)
        texts = joined.encode("utf-8", "surrogatepass")
        lengths: Iterable[int] = map(len, values)
        if len(texts) != len(joined):
            lengths = (len(value.encode("utf-8", "surrogatepass")) for value in values)
        sizes = np.fromiter(lengths, np.int64, len(values))
        column = Column(ord("s"), True, sizes, np.frombuffer(texts, np.uint8))
    elif kinds and kinds <= {int, np.int64}:
        listed = repr(values if kinds == {int} else [*map(int, values)])[1:-1].encode("ascii")
        characters = np.frombuffer(listed, np.uint8)
        commas = np.flatnonzero(characters == ord(","))
        sizes = np.diff(np.concatenate([[-2], commas, [len(characters)]])) - 2
        column = Column(ord("i"), True, sizes, characters[characters > ord(",")])
    elif kinds == {float}:
        numbers = np.array(values, dtype="<f8")
        numbers[np.isnan(numbers)] = np.nan  # clause 3.4: one form
        column = Column(ord("f"), False, np.full(len(values), 8), numbers.view(np.uint8))
    return None if column is None or column.lengths.max() > _LONGEST else column


def encoded(columns: tuple[Column, ...], order: np.ndarray | None = None) -> bytes:
    """Return the canonical bytes of the first value of each column, then of the second, and so on.

    Parameters
    ----------
    columns : tuple of Column
        Of one length.
    order : ndarray of int, default=None
        Which value of each comes first, second, and so on; None for the order that they have.
    """
    sizes = np.sum([column.lengths + (9 if column.counted else 1) for column in columns], axis=0)
    if order is None:
        at = np.cumsum(sizes) - sizes
    else:
        moved = sizes[order]
        at = np.empty_like(sizes)
        at[order] = np.cumsum(moved) - moved
    out = np.zeros(int(sizes.sum()), dtype=np.uint8)
    for column in columns:
        lengths = column.lengths
        out[at] = column.tag
        at = at + 1
        if column.counted:
            for byte in range(-(-int(lengths.max()).bit_length() // 8)):  # the others are zero
                out[at + byte] = lengths >> 8 * byte & 255
            at += 8
        ends = np.cumsum(lengths)
        starts = ends - lengths
        cuts = np.searchsorted(ends, np.arange(_MOVED, len(column.texts), _MOVED)).tolist()
        for first, last in pairwise([0, *cuts, len(ends)]):
            part, low, high = slice(first, last), starts[first], ends[last - 1]
            out[np.repeat(at[part] - starts[part], lengths[part]) + np.arange(low, high)] = column.texts[low:high]
        at += lengths
    return out.tobytes()


def key_order(keys: Column) -> np.ndarray | None:
    """Return the order of the canonical bytes of keys that all differ; None if they may be equal."""
    if not keys.counted:
        return None  # two NaNs
    lengths, texts = keys.lengths, keys.texts
    if lengths.max() > 255:
        whole, bounds = texts.tobytes(), accumulate(lengths.tolist(), initial=0)
        found = [u64(end - start) + whole[start:end] for start, end in pairwise(bounds)]
        return np.array(sorted(range(len(found)), key=found.__getitem__))
    starts = np.cumsum(lengths) - lengths

    padded = np.append(texts, np.uint8(0))

    def words_of(rows: Any, at: int, size: int) -> np.ndarray:
        """Return some bytes of keys, zeros after the last, as integers that compare as they do."""
        first, left = starts[rows] + at, lengths[rows] - at
        found = np.zeros(len(first), dtype=np.uint64)
        for i in range(size):
            found <<= np.uint64(8)
            found |= np.where(left > i, padded.take(first + i, mode="clip"), np.uint8(0))
        return found

    # First the length and the bytes after it; then the bytes that follow, of those keys alone that are still equal.
    at = _WORD - 1
    words = words_of(slice(None), 0, at) | lengths.astype(np.uint64) << np.uint64(8 * at)
    order = words.argsort()
    places, group = np.arange(len(order)), words[order]
    while True:
        equal = group[1:] == group[:-1]
        tied = np.append(equal, False) | np.insert(equal, 0, False)
        if not tied.any():
            return order
        places, group = places[tied], group[tied]
        rows = order[places]
        words = words_of(rows, at, _WORD)
        at += _WORD
        if ((words[1:] == words[:-1]) | (group[1:] != group[:-1])).all():
            continue  # nothing to tell them apart by
        within = np.lexsort((words, group))
        order[places], words = rows[within], words[within]
        group = np.cumsum(np.append(True, (words[1:] != words[:-1]) | (group[1:] != group[:-1])))
