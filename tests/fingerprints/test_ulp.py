"""One unit in the last place of one fitted float, anywhere in a drop-in, is another fingerprint and does not load."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from estimator_table import DROP_INS, in_our_classes
from floats_in_pickle import Site, altered, neighbour, survey
from sklearn.preprocessing import StandardScaler
from zoo import ZOO, Case

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.fingerprints import exclusions

_NAMES = {cls.__name__ for cls in DROP_INS}
# The pickler written in Python, which the survey stands on, stops at two equal empty arrays in one object.
_UNPICKLED = ("GridSearchCV[metrics]", "GridSearchCV[pipeline]")
CASES = [c for c in ZOO.values() if c.name.partition("[")[0] in _NAMES and c.name not in _UNPICKLED]
SAMPLE = 5  # floats of each array in the fast version, the first and the last among them

#: What holds floats and does not count: ``fingerprints/exclusions.py`` and clause 7 of the specification.
_RANDOM = ("RandomState", "Generator")  # the position in a stream is use


def _excluded(site: Site) -> bool:
    return any(type(holder).__name__ in _RANDOM for holder in site.chain) or any(
        name in exclusions.ALWAYS or name.startswith(exclusions.PREFIXES) for name in site.path.split(".")
    )


def _fitted(case: Case) -> Any:
    return case.fit(in_our_classes(case.fresh()))


def _sampled(size: int, limit: int | None) -> list[int]:
    return list(range(size)) if limit is None else sorted({*np.linspace(0, size - 1, limit).astype(int).tolist()})


def _paths(estimator: Any) -> set[str]:
    return {site.path for site in survey(estimator)}


def _missed(estimator: Any, limit: int | None) -> tuple[int, list[str]]:
    """Move floats one at a time; return how many were moved and what was noticed too little."""
    expected = nl.fingerprint(estimator)
    moved, missed = 0, []
    for site in survey(estimator):
        if _excluded(site):
            continue
        for element in _sampled(site.size, limit):
            data = altered(estimator, site, element)
            moved += 1
            with nl.config_context(policy="ignore"):
                if nl.fingerprint(pickle.loads(data)) == expected:
                    missed.append(f"{site.path}[{element}]: same fingerprint")
            try:
                pickle.loads(data)
            except NormLockError:
                continue
            missed.append(f"{site.path}[{element}]: loaded")
    # What the clock said during a search does not count.
    return moved, [each for each in missed if not each.startswith(CLOCK)]


CLOCK = ("refit_time_", *(f"cv_results_.{name}" for name in exclusions.TIMES))


# Fits of seconds; the rest of the zoo has their kinds of arrays, too.
SLOW = re.compile(r"IterativeImputer|Tuned|OutputCode|OneVs|Halving|SearchCV")


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.name, marks=[pytest.mark.campaign] if SLOW.search(c.name) else []) for c in CASES]
)
def test_a_sample_of_every_fitted_array(case: Case) -> None:
    """In every array and scalar of a fitted drop-in, moving one float to its neighbour is noticed."""
    assert _missed(_fitted(case), SAMPLE)[1] == []


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fitted_float(case: Case) -> None:
    """Moving any one of all floats of a fitted drop-in to its neighbour is noticed, by name and at load."""
    moved, missed = _missed(_fitted(case), None)
    print(f"{case.name}: {moved} floats moved, {len(missed)} missed")
    assert missed == []


def test_every_drop_in_is_tried() -> None:
    """Each drop-in has a case, so that none is passed over in silence."""
    assert {case.name.partition("[")[0] for case in CASES} == _NAMES


def test_all_floats_are_found() -> None:
    """The survey sees arrays, scalars, parameters, sparse data, compiled objects and members of members."""
    found = {site.path: site.size for site in survey(_fitted(ZOO["StandardScaler"]))}
    assert found["mean_"] == found["var_"] == found["scale_"] == 4
    assert "max_df" in _paths(_fitted(ZOO["TfidfVectorizer"]))
    assert any(path.startswith("_tfidf.") for path in _paths(_fitted(ZOO["TfidfVectorizer"])))
    assert {"steps.mean_", "steps.coef_"} <= _paths(_fitted(ZOO["Pipeline"]))
    assert any(path.startswith("bsplines_.") for path in _paths(_fitted(ZOO["SplineTransformer"])))
    assert {"nodes", "values"} <= {
        path.rpartition(".")[2] for path in _paths(_fitted(ZOO["IterativeImputer[forest]"])) if ".tree_." in path
    }


def test_large_arrays_are_hashed_to_the_last_element() -> None:
    """A float at the edge of a block, and the last one of an array of several blocks, count as the first one does."""
    edge = 1 << 17  # floats in a block
    rows = np.arange(2.0)[:, None] * np.arange(1.0, edge + 100)
    scaler = DROP_INS[StandardScaler]().fit(rows)
    site = next(site for site in survey(scaler) if site.path == "mean_")
    for element in (0, edge - 1, edge, site.size - 1):
        with pytest.raises(NormLockError, match="mean_"):
            pickle.loads(altered(scaler, site, element))


def test_the_same_change_of_a_stock_object_loads() -> None:
    """The pickles are sound: unaltered they load, and a stock object with the change loads and says nothing."""
    case = ZOO["StandardScaler"]
    for estimator in (case.fitted(), _fitted(case)):
        assert nl.fingerprint(pickle.loads(pickle.dumps(estimator))) == nl.fingerprint(estimator)
    stock = case.fitted()
    site = next(site for site in survey(stock) if site.path == "scale_")
    changed = pickle.loads(altered(stock, site, 1))
    assert changed.scale_[1] == neighbour(stock.scale_[1]) != stock.scale_[1]
    assert np.array_equal(np.delete(changed.scale_, 1), np.delete(stock.scale_, 1))
    assert np.array_equal(changed.mean_, stock.mean_)
