"""Claims of ``compare_records`` on arrays: which elements differ, how they are named, shown and located."""

import math

import numpy as np
import pytest
from holder import compared, entries_of, holding, one
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_values import LAYOUTS, laid_out

from sklearn_normlock.records.diff import Kind, decode

_DTYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "U3"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(_DTYPES), st.sampled_from([None, *LAYOUTS]))
def test_any_element(data, dtype, layout):
    """One element of an array of any dtype, shape and layout that changes is told as itself, and as one of so many."""
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    before = np.random.RandomState(0).randint(0, 2, shape).astype(dtype)
    at = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    after = before.copy()
    after[at] = not before[at].astype("i8")
    change = one(before, laid_out(after, layout))
    assert change.kind is Kind.ELEMENTS
    assert change.label == "[" + ", ".join(map(str, at)) + "]"
    assert (change.differing, change.size) == (1, before.size)
    assert (change.expected, change.actual) == (before[at], after[at])
    assert change.where == f"held_{change.label}"


def test_worst_elements_first():
    """Three elements are shown, what moved most by its own size first, NaN before all, and the rest are counted."""
    before = np.array([1.0, 1e6, 5.0, 2.0, 3.0])
    change = one(before, np.array([1.5, 1e6 + 1, np.nan, 2.002, 3.0]))
    assert [label for label, _, _ in change.shown] == ["[2]", "[0]", "[3]"]
    assert (change.label, change.differing, change.size) == ("[2]", 4, 5)
    assert change.describe() == ("held_[2] 5 when fitted, nan now, [0] 1 → 1.5, [3] 2 → 2.002 (1 more of 5 differ)")


def test_elements_by_the_names_of_features():
    """An element is shown by the name of its feature; of several rows, with the row before it."""
    names = np.array(["age", "income", "rate", 'the "score"'], object)
    before, after = (holding(mean_=np.zeros(4), feature_names_in_=names) for _ in range(2))
    after.mean_[3] += 1
    assert compared(before, after)[0].where == 'mean_["the \\"score\\""]'
    for shape, at, label in [
        ((1, 4), (0, 1), '["income"]'),
        ((2, 4), (1, 1), '[1]["income"]'),
        ((1, 3, 4), (0, 2, 1), '[0][2]["income"]'),
        ((4, 3), (1, 2), "[1, 2]"),
        ((), (), ""),
    ]:
        before.other_ = np.zeros(shape)
        after.other_ = np.zeros(shape)
        after.other_[at] = 1.0
        assert next(c for c in compared(before, after) if c.path == "other_").label == label


def test_numbers_that_look_the_same_are_shown_in_full():
    """Two floats that round to one text are shown with all their digits."""
    change = one(np.array([1.5]), np.nextafter(np.array([1.5]), 2))
    assert change.describe() == "held_[0] 1.5 when fitted, 1.5000000000000002 now"
    assert one(np.array([0.0]), np.array([-0.0])).describe() == "held_[0] 0 when fitted, -0 now"


@pytest.mark.parametrize("dtype", ["<i8", "<f4", "|u1", "<U7", "|S7", "<M8[ns]", "<m8[25s]", "<c16"])
def test_a_very_large_array_is_located(dtype):
    """A change within an array of several blocks is located to a range that holds it, of two blocks at most."""
    itemsize = np.dtype(dtype).itemsize
    size = (5 << 20) // itemsize + 3
    for at in (0, 1, size // 3, (1 << 20) // itemsize - 1, size - 2, size - 1):
        before = np.zeros(size, dtype)
        before[:2] = before[-2:] = np.array(1, "i8").astype(dtype) if dtype[1] not in "US" else b"1"
        after = before.copy()
        after[at] = np.array(0, "i8").astype(dtype) if before[at] != np.zeros(1, dtype)[0] else before[0]
        change = one(before, after)
        if change.kind is Kind.ELEMENTS:
            continue  # the summary shows it
        start, stop = (int(word) for word in change.label.replace(",", "").split() if word.isdigit())
        assert start <= at < stop <= size
        assert (stop - start) * itemsize <= 2 << 20


def test_decode():
    """Data are read without NumPy: numbers of any width, truths and text; what has no plain form is None."""
    for dtype in _DTYPES:
        array = np.array([0, 1, 1], dtype)
        assert decode(entries_of(holding(array))["held_"]) == array.tolist()
    half = decode(entries_of(holding(np.array([np.nan, -0.0], "f2")))["held_"])
    assert math.isnan(half[0]) and math.copysign(1, half[1]) == -1
    for dtype in ("c16", "M8[s]", "S3", "V2"):
        assert decode(entries_of(holding(np.zeros(2, dtype)))["held_"]) is None
