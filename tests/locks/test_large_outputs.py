"""Outputs too large to be kept are compared by sums: NaN and infinities in them hide nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sklearn_normlock.documents.fields import Fields
from sklearn_normlock.probes.outputs import compare_outputs, outputs_of
from sklearn_normlock.probes.parts import Output

RNG = np.random.default_rng(3)


def padded() -> np.ndarray:
    """Return states of tokens, most of whose positions are padding."""
    states = RNG.normal(scale=0.1, size=(12, 40, 16)).astype(np.float32)
    states[:, 8:] = np.nan
    return states


def kept(array: np.ndarray) -> Output:
    return next(outputs_of("encoder", "transform", array))


@pytest.mark.parametrize("size", [1e-3, 1.0])
def test_a_change_beside_padding_is_seen(size: float) -> None:
    """What is NaN sets no scale: a change of a thousandth of the states is told, whatever share of them is padding."""
    states = padded()
    before, after = kept(states), kept(states * np.float32(1 + size))
    assert compare_outputs(before, kept(states.copy())) is None
    assert compare_outputs(before, kept(states * np.float32(1 + 1e-7))) is None
    found = compare_outputs(before, after)
    assert found is not None and found.relative > size / 20


@pytest.mark.parametrize("value", [0.0, np.inf, -np.inf])
def test_another_value_in_place_of_nan_is_seen(value: float) -> None:
    """One NaN that became a number or an infinity is a difference by itself."""
    states = padded()
    other = states.copy()
    other[3, 20, 5] = value
    found = compare_outputs(kept(states), kept(other))
    assert found is not None and found.text == "NaN or infinities stand elsewhere"


def test_it_is_written_and_read() -> None:
    """The document keeps where values are not finite, and a large output without such values has no such field."""
    output = kept(padded())
    assert output.not_finite and Output.from_fields(Fields(output.to_dict())) == output
    assert "not_finite" not in kept(np.ones((12, 640))).to_dict()
