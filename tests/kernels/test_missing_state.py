"""An object that lacks what scikit-learn reads, as an old pickle may, is not answered by a fast path all the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from fast_models import TRANSFORMERS, X, outcome
from sklearn.base import clone

import sklearn_normlock as nl

GAPS = np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)[:4]


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_missing_state_is_missed_as_by_stock(name):
    """Whichever parameter or private attribute is gone, a call gives or raises what the stock object does."""
    est, data = TRANSFORMERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of defaults that change in another version
        est = clone(est).fit(data)
    stock = nl.unlock(est)
    attributes = [attribute for attribute in vars(stock) if not attribute.endswith("_")]
    for attribute in attributes:
        stock = nl.unlock(est)
        delattr(stock, attribute)
        assert outcome(nl.seal(stock), "transform", GAPS) == outcome(stock, "transform", GAPS), attribute
