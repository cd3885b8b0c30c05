"""A model card of skops says what was locked."""

import numpy as np
import pytest

pytest.importorskip("skops.card", reason="the card needs skops")

from skops.card import Card

import sklearn_normlock as nl
from sklearn_normlock.errors import LockMismatchError
from sklearn_normlock.integrations.skops_card import add_lock
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import MinMaxScaler, StandardScaler

X = np.random.default_rng(0).normal(size=(200, 3))


def test_the_card_has_fingerprint_steps_environment_and_profile():
    """The section names the fingerprint, each step, the versions, the probes and the profile."""
    model = make_pipeline(StandardScaler(), MinMaxScaler()).fit(X)
    lock = nl.lock(model, X)
    text = add_lock(Card(model, model_diagram=False), lock, "Preprocessing/Lock").render()
    section = text[text.index("## Lock") :]
    assert lock.fingerprint in section
    for said in ("StandardScaler", "MinMaxScaler", f"scikit-learn {lock.environment['scikit-learn']}", "without rows"):
        assert said in section


def test_another_models_lock_is_refused():
    """A card can't carry the lock of another model."""
    one, other = StandardScaler().fit(X), StandardScaler().fit(X + 1)
    with pytest.raises(LockMismatchError):
        add_lock(Card(one, model_diagram=False), nl.lock(other))
