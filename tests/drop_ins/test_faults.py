"""Every kind of fault raises, on the object that was fitted and on what came back from a file, and says where it is."""

from __future__ import annotations

import copy
import io
import pickle
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import fault_objects as kits
import joblib
import numpy as np
import pytest
import skops.io
from fault_members import MEMBERS
from fault_scaler import SCALER
from fault_steps import STEPS
from fault_table import Fault
from fault_transformers import TRANSFORMERS

import sklearn_normlock as nl
from sklearn_normlock.errors import FingerprintMismatchError, NormLockError

ROWS = STEPS + MEMBERS + SCALER + TRANSFORMERS
FAULTS = {f"{fault.kit}: {fault.name}": fault for fault in ROWS}


def each_fault(which: Callable[[Fault], bool] = lambda fault: True) -> Any:
    """Return the mark that runs a test on each fault, or on some of them."""
    chosen = {name: fault for name, fault in FAULTS.items() if which(fault)}
    return pytest.mark.parametrize("fault", chosen.values(), ids=chosen)


# -- ways to leave a process and come back ---------------------------------------------------------------------------


def _joblib_dumps(obj: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(obj, file)
    return file.getvalue()


def _skops_loads(data: bytes) -> Any:
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


FORMATS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "pickle": (pickle.dumps, pickle.loads),
    "joblib": (_joblib_dumps, lambda data: joblib.load(io.BytesIO(data))),
    "skops": (skops.io.dumps, _skops_loads),
}


# One format shows that each fault is found; the campaign has the others.
CAMPAIGN = pytest.mark.campaign


@cache
def _saved(kit: str, locked: bool, seed: int, form: str) -> bytes:
    """Return the bytes of a fitted object; made once, so that the tests fit little."""
    return FORMATS[form][0](kits.fitted(kit, locked, seed))


def _object(kit: str, locked: bool, route: str) -> Any:
    return kits.fitted(kit, locked) if route == "live" else FORMATS[route][1](_saved(kit, locked, 0, route))


def _spoiled(fault: Fault, obj: Any, locked: bool) -> Any:
    """Return the object with the fault in it, or None if its memory can't be written to.

    Read-only arrays inside an array of objects come back from joblib as memory that nobody can make writable. Up to
    scikit-learn 1.4 the compiled code that trains a linear model further asks for writable coefficients.
    """
    try:
        result = fault.apply(obj, lambda: pickle.loads(_saved(fault.kit, locked, 1, "pickle")))
    except ValueError as refused:
        assert locked and fault.name in ("edge of a bin edited in place", "model trained further"), refused
        assert re.search("writ[e]?able", str(refused), re.IGNORECASE)
        return None
    return result if fault.assembles else obj


def _leads_to(path: str, place: str) -> bool:
    return path == place or path.startswith((place + ".", place + "["))


def _label(path: str) -> str:
    """Return the last name in a path: ``mean_`` of ``preprocess.num.scaler.mean_["age"]``."""
    return path.partition('["')[0].rstrip("]0123456789[").rpartition(".")[2]


# -- the tests ---------------------------------------------------------------------------------------------------------


def test_there_are_many_kinds():
    """The table holds at least a hundred faults, of pipelines and of more than twenty-five kinds of object."""
    assert len(FAULTS) == len(ROWS) >= 100
    assert {fault.kit for fault in FAULTS.values()} == set(kits.KITS)
    assert len(kits.KITS) > 25


@pytest.mark.parametrize(
    "route", ["live", "pickle", pytest.param("joblib", marks=CAMPAIGN), pytest.param("skops", marks=CAMPAIGN)]
)
@each_fault(lambda fault: not fault.unseen)
def test_the_next_call_raises(fault, route):
    """A fault raises at the next call, the error has the stated class and its path leads to the place."""
    obj = _spoiled(fault, _object(fault.kit, True, route), True)
    if obj is None:
        return
    with pytest.raises(NormLockError) as caught:
        kits.served(fault.kit, obj)
    error = caught.value
    assert type(error) is fault.error, error
    assert _leads_to(error.path, fault.path), error.path
    assert _label(error.path) in str(error)
    assert error.remedy
    assert str(error).endswith(error.remedy)
    with pytest.raises(fault.error):  # and again: the first error does not use the fault up
        kits.served(fault.kit, obj)


@each_fault(lambda fault: bool(fault.unseen))
def test_what_a_call_does_not_see(fault):
    """The few faults that need a load to be seen are known; each is on the list for a reason that still holds."""
    obj = _spoiled(fault, kits.fitted(fault.kit), True)
    kits.served(fault.kit, obj)
    with pytest.raises((fault.error, FingerprintMismatchError)):  # a locked member is checked before its container
        copy.deepcopy(obj)


@pytest.mark.parametrize("route", ["pickle", pytest.param("skops", marks=CAMPAIGN)])
@each_fault(lambda fault: not fault.unloaded)
def test_the_next_load_raises(fault, route):
    """An object that took a fault in a process that checks nothing is refused by the process that loads it."""
    obj = _spoiled(fault, _object(fault.kit, True, "pickle"), True)
    if obj is None:
        return
    with pytest.raises(NormLockError) as caught:
        dumps, loads = FORMATS[route]
        with nl.config_context(policy="ignore"):
            data = dumps(obj)
        loads(data)
    # A member that is checked before its container calls the place by the rest of the path.
    places = [fault.path[start:] for start in range(len(fault.path) + 1) if (" ." + fault.path)[start + 1] == "."]
    assert any(_leads_to(caught.value.path, place) for place in places), caught.value.path


@each_fault()
def test_scikit_learn_says_nothing(fault):
    """The same fault in scikit-learn's own object neither raises nor warns, and as a rule moves its output."""
    obj = kits.fitted(fault.kit, locked=False)
    clean = kits.served(fault.kit, obj)
    obj = _spoiled(fault, obj, False)
    if fault.loud:
        with pytest.raises((ValueError, TypeError, UserWarning)):
            kits.served(fault.kit, obj)
        return
    output = kits.served(fault.kit, obj)
    assert fault.harm != (output.shape == clean.shape and np.array_equal(output, clean, equal_nan=True))


def test_most_kinds_are_silent_and_harmful():
    """Of the faults in the table, scikit-learn reports one in ten at most, and three in four move its output."""
    assert sum(bool(fault.loud) for fault in FAULTS.values()) < len(FAULTS) / 10
    assert sum(fault.harm for fault in FAULTS.values()) > len(FAULTS) * 3 / 4


@pytest.mark.parametrize("kit", kits.KITS)
def test_no_error_without_a_fault(kit):
    """What the rows need beside the fault (a twin, a file, a copy, a second call) raises nothing by itself."""
    for route in ("live", *FORMATS):
        obj = _object(kit, True, route)
        first = kits.served(kit, obj)
        assert np.array_equal(kits.served(kit, copy.deepcopy(obj)), first, equal_nan=True)


@pytest.mark.parametrize("name", ["mean edited in place", "parameter set after the fit", "mean bound anew"])
def test_a_copy_is_a_load(name):
    """``deepcopy`` and ``copy`` of an object that took a fault raise, as a load does."""
    obj = _spoiled(FAULTS[f"scaler: {name}"], kits.fitted("scaler"), True)
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(FingerprintMismatchError):
            copied(obj)


_TRAINED_ON = [
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "IncrementalPCA",
    "MiniBatchNMF",
    "MiniBatchDictionaryLearning",
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", _TRAINED_ON)
def test_a_loaded_object_is_not_trained_further(name, form):
    """``partial_fit`` after a reload raises and leaves the object as it was; a live one goes on."""
    from sklearn_normlock import decomposition, preprocessing

    X = np.abs(kits.people()[0][kits.NUMBERS].to_numpy())
    cls = getattr(preprocessing, name, None) or getattr(decomposition, name)
    live = cls(n_components=2).fit(X) if "n_components" in cls().get_params() else cls().fit(X)
    dumps, loads = FORMATS[form]
    loaded = loads(dumps(live))
    with pytest.raises(FingerprintMismatchError, match="came back from bytes.*thaw"):
        loaded.partial_fit(X * 2)
    assert nl.fingerprint(loaded) == live.fingerprint_
    assert np.array_equal(loaded.transform(X), live.transform(X))
    assert live.partial_fit(X * 2).fingerprint_ != loaded.fingerprint_
