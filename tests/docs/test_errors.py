"""The tree of errors, and what each of them carries."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.exceptions import InconsistentVersionWarning

from sklearn_normlock import errors
from sklearn_normlock.errors import (
    EnvironmentMismatchWarning,
    FingerprintMismatchError,
    NormLockError,
)
from sklearn_normlock.preprocessing import (
    StandardScaler,
)

TABLE = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "income": [1e4, 2e4, 4e4, 8e4], "city": list("blln")})
NUMBERS = TABLE[["age", "income"]]
y = [0, 0, 1, 1]

ERRORS = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, NormLockError)]

# -- the tree ------------------------------------------------------------------------------------


def test_the_tree_is_as_drawn():
    """The docstring of the module draws every error and warning under its base, and nothing else."""
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([ │├└─]*)([\w.]+(?:Error|Warning))\b", line[4:] if line.startswith("    ") else "")
        if found:
            depth, name = len(found[1]), found[2].rpartition(".")[2]
            above = [(d, n) for d, n in above if d < depth]
            if above:
                drawn[name] = above[-1][1]
            above.append((depth, name))
    actual = {name: getattr(errors, name).__bases__[0].__name__ for name in errors.__all__}
    assert {name: base for name, base in drawn.items() if name != "InconsistentVersionWarning"} == actual


def test_everything_is_public():
    """Every class that is defined in the module is in ``__all__``."""
    assert {cls.__name__ for cls in ERRORS} < set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        errors.Nothing  # noqa: B018


def test_errors_need_no_scikit_learn():
    """The errors can be imported where neither scikit-learn nor NumPy is."""
    code = "import sys; import sklearn_normlock.errors; sys.exit('sklearn' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("cls", ERRORS)
def test_fields(cls):
    """Each error carries its facts as fields; the remedy ends the message; all of them have defaults."""
    error = cls("It broke.", path="a.b[3]", expected=1.5, actual="x", remedy="Mend it.", changes=["c"])
    assert isinstance(error, ValueError)
    assert str(error) == "It broke. Mend it."
    assert (error.path, error.expected, error.actual) == ("a.b[3]", 1.5, "x")
    assert (error.remedy, error.changes) == ("Mend it.", ("c",))
    bare = cls("It broke.")
    assert str(bare) == "It broke."
    assert (bare.path, bare.expected, bare.actual, bare.remedy, bare.changes) == (None, None, None, None, ())


@pytest.mark.parametrize("trip", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("cls", ERRORS)
def test_errors_cross_processes(cls, trip):
    """An error that is raised in a worker arrives with its class, text and fields."""
    error = cls("It broke.", path="a", expected=1, actual=2, remedy="Mend it.", changes=[3])
    again = trip(trip(error))
    assert type(again) is cls
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_real_error_crosses_processes():
    """So does one that a mismatch raised, with every change that it found."""
    scaler = StandardScaler().fit(NUMBERS).set_params(with_mean=False)
    with pytest.raises(FingerprintMismatchError) as caught:
        scaler.transform(NUMBERS)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.changes) == (str(caught.value), caught.value.changes)
    assert [change.path for change in again.changes] == ["with_mean"]


def test_a_warning_that_was_made_an_error_crosses_processes():
    """Workers run under ``-W error`` too: the warning of another environment arrives as itself."""
    warning = EnvironmentMismatchWarning(estimator_name="StandardScaler", fitted="numpy 1", here="numpy 2")
    again = pickle.loads(pickle.dumps(warning))
    assert type(again) is EnvironmentMismatchWarning
    assert str(again) == str(warning)
    assert (again.fitted, again.here) == ("numpy 1", "numpy 2")


def test_the_environment():
    """Both environments and what to do; it is scikit-learn's warning too, so that its filters hold."""
    warning = EnvironmentMismatchWarning(estimator_name="StandardScaler", fitted="numpy 1.26", here="numpy 2.4")
    assert isinstance(warning, InconsistentVersionWarning)
    assert (warning.original_sklearn_version, warning.current_sklearn_version) == ("numpy 1.26", "numpy 2.4")
    assert str(warning) == (
        "A locked object was fitted under numpy 1.26; this is numpy 2.4. Its state is what was fitted, but another "
        "version may compute something else from it: compare its outputs on known rows, or fit it anew under these "
        "versions."
    )
