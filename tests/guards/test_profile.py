"""The profile: exact where it says so, mergeable, small, without a row of what it was learned on."""

from __future__ import annotations

import base64
import json
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_iris, load_wine
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import InputFaultError, InputFaultWarning, LockFormatError, LockVersionError

WINE = load_wine().data


def messy(n, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [
            rng.normal(1e6, 1, n),
            np.exp(3 * rng.normal(size=n)),
            rng.integers(0, 3, n),
            np.where(rng.random(n) < 0.4, 0.0, rng.exponential(size=n)),
            np.full(n, 7.0),
            rng.normal(size=n),
        ]
    )
    X[rng.random(n) < 0.1, 5] = np.nan
    return X


def _table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 1)) + 0.3 * rng.normal(size=(300, 3)), columns=list("abc"))
    return X.assign(b=X.b.where(X.b > -1), s=rng.choice(["u", "v", "w"], 300))


@settings(max_examples=12, deadline=None)
@given(n=st.integers(2, 1500), cut=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_merge_is_the_profile_of_the_whole(n, cut, seed):
    """Two parts merged have the counts, moments and bounds of the whole, and its quantiles to within a few ranks."""
    X = messy(n, seed)
    assume(not np.isnan(X).all(axis=0).any())  # a column without a number has no mean to compare with
    at = min(max(1, int(cut * n)), n - 1)
    whole = nl.Profile.from_data(X)
    merged = nl.Profile.from_data(X[:at]).merge(nl.Profile.from_data(X[at:]))
    for field in ("count", "missing", "infinite", "low", "high"):
        np.testing.assert_array_equal(getattr(merged.moments, field), getattr(whole.moments, field))
    np.testing.assert_allclose(merged.mean, np.nanmean(X, axis=0) if len(X) else 0, rtol=1e-12)
    np.testing.assert_allclose(merged.std, np.nanstd(X, axis=0), rtol=1e-6, atol=1e-12)
    for j in range(X.shape[1]):
        column = np.sort(X[~np.isnan(X[:, j]), j])
        for q in (0.1, 0.5, 0.9):
            value = merged.quantile(q)[j]
            share = (
                np.searchsorted(column, value, "left") / len(column),
                np.searchsorted(column, value, "right") / len(column),
            )
            assert share[0] - 0.06 - 2 / len(column) <= q <= share[1] + 0.06 + 2 / len(column)


@settings(max_examples=8, deadline=None)
@given(n=st.integers(1, 400), seed=st.integers(0, 99))
def test_round_trip(n, seed):
    """What to_dict writes is JSON, and from_dict makes of it a profile that is equal and says the same of a batch."""
    profile = nl.Profile.from_data(messy(n, seed))
    again = nl.Profile.from_dict(json.loads(json.dumps(profile.to_dict())))
    assert again == profile
    assert again.to_dict() == profile.to_dict()
    batch = messy(20, seed + 1) * 3
    assert nl.diagnose(again, batch) == nl.diagnose(profile, batch)
    assert pickle.loads(pickle.dumps(profile)) == profile


def test_update_in_batches_is_merge():
    """Batches handed to update one by one give what merging their profiles gives."""
    X = messy(900)
    profile = nl.Profile.from_data(X[:300])
    assert profile.update(X[300:600]).update(X[600:]) is profile
    parts = [nl.Profile.from_data(X[i : i + 300]) for i in (0, 300, 600)]
    assert profile == parts[0].merge(parts[1]).merge(parts[2])
    assert profile.n_rows == 900


def test_update_takes_columns_by_their_names():
    """Rows of a frame whose columns have changed places are those that they are in the order of training."""
    X = _table()
    updated, merged = (nl.Profile.from_data(X[:150]) for _ in range(2))
    updated.update(X[150:][list("scba")])
    merged.update(X[150:])
    assert updated.names == merged.names and updated.categories == merged.categories
    np.testing.assert_allclose(updated.quantile(0.5)[:3], merged.quantile(0.5)[:3])


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, pd.DataFrame, pl.DataFrame, _table])
def test_an_empty_batch_changes_nothing(make):
    """update goes on after a batch without rows; one of other columns is refused, with rows or without."""
    X = _table() if make is _table else make(WINE)
    profile = nl.Profile.from_data(X)
    assert profile.update(X[:0]) is profile
    assert profile == nl.Profile.from_data(X)
    with pytest.raises(InputFaultError, match="2 features"):
        profile.update(np.zeros((0, 2)))


def test_moments_are_exact_beyond_the_sample():
    """Counts, moments and bounds come from all rows, not from the sample that quantiles are taken from."""
    X = np.random.default_rng(0).normal(size=(60_000, 2))
    X[31_337, 0] = 1e6
    profile = nl.Profile.from_data(X)
    np.testing.assert_allclose(profile.mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(profile.std, X.std(axis=0), rtol=1e-12)
    assert profile.moments.high[0] == 1e6


@pytest.mark.parametrize(
    "make", [np.asarray, sparse.csr_matrix, sparse.coo_matrix, lambda X: X.tolist(), pd.DataFrame, pl.DataFrame]
)
def test_containers(make):
    """An array, a list, a sparse matrix and a data frame of the same numbers have the same profile."""
    X = np.round(WINE[:, :3], 1)
    profile = nl.Profile.from_data(make(X))
    np.testing.assert_allclose(profile.mean, X.mean(axis=0))
    np.testing.assert_allclose(profile.std, X.std(axis=0))
    np.testing.assert_allclose(profile.quantile(0.5), nl.Profile.from_data(X).quantile(0.5))
    assert not nl.diagnose(profile, make(X)).alarm


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_categories(frame):
    """A column of text is counted by its values; missing ones apart; in pandas and in polars."""
    profile = nl.Profile.from_data(frame({"city": ["b", "l", None, "b"] * 50, "age": [1.0, 2.0, None, 4.0] * 50}))
    assert profile.categories[0].values == {"b": 100, "l": 50}
    assert profile.categories[0].missing == 50
    assert profile.moments.missing[1] == 50
    assert profile.names == ("city", "age")


def test_no_rows_are_kept():
    """No two values of one row can be read out of a profile of continuous data: sketches are per column and thinned."""
    X = np.random.default_rng(0).normal(size=(5000, 4))
    profile = nl.Profile.from_data(X)
    kept = [np.flatnonzero(np.isin(X[:, j], profile.sketches[j][0])) for j in range(4)]
    assert max(map(len, kept)) < 60


def test_size():
    """A profile of 30 columns is at most 50 kB of JSON, one of 1,536 at most 2 MB."""
    rng = np.random.default_rng(0)
    assert len(json.dumps(nl.Profile.from_data(rng.normal(size=(5000, 30))).to_dict())) <= 50_000
    assert len(json.dumps(nl.Profile.from_data(rng.normal(size=(300, 1536))).to_dict())) <= 2_000_000


@pytest.mark.parametrize(
    ("X", "says"),
    [
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), "0 feature"),
        (np.zeros(3), "Reshape your data"),
        (np.zeros((2, 2, 2)), "Reshape your data"),
        (np.array([[1j]]), "Complex data not supported"),
    ],
)
def test_what_is_no_table(X, says):
    """What is no table of numbers or text is refused, and the message says why."""
    with pytest.raises(InputFaultError, match=says):
        nl.Profile.from_data(X)


def test_odd_tables():
    """One row, constants, all missing and infinite values have a profile, and raise no alarm against themselves."""
    for X in (
        np.ones((1, 2)),
        np.ones((50, 2)),
        np.full((50, 2), np.nan),
        np.column_stack([np.arange(50.0), np.full(50, np.inf)]),
    ):
        profile = nl.Profile.from_data(X)
        assert nl.Profile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile
        assert not nl.diagnose(profile, X).alarm


@pytest.mark.parametrize(
    "make", [np.asarray, sparse.csr_matrix, pd.DataFrame, lambda X: np.where(X == X[0, 0], np.nan, X)]
)
@pytest.mark.parametrize("size", [1e151, 1e154, 1e200, 2e307])
def test_values_whose_squares_overflow(make, size):
    """Values that are too large to have a deviation are refused, by column; up to there a profile is read back."""
    X = np.abs(np.random.default_rng(0).normal(size=(300, 3)))
    for refused in (X * [1, -size, 1], np.vstack([X, [[0, size, 0]]])):
        with pytest.raises(InputFaultError, match='^Column (1|"1") holds values of the size of .*logarithm'):
            nl.Profile.from_data(make(refused))
    profile = nl.Profile.from_data(make(X * [1, 1e149, 1]))
    again = nl.Profile.from_dict(json.loads(json.dumps(profile.to_dict())))
    assert again == profile and np.isfinite(again.merge(profile).std).all()
    assert not nl.diagnose(again, make(X * [1, 1e149, 1])).alarm


def test_a_lock_without_a_profile_says_so(tmp_path, capsys):
    """Rows that a profile refuses are locked with a warning that names the column; documents are no table, and none."""
    X = np.random.default_rng(0).normal(size=(100, 3))
    scaler = StandardScaler().fit(X)
    X[5, 1] = 1e160
    with pytest.warns(InputFaultWarning, match=r"no profile .*Column 1 holds values of the size of 1e\+160") as said:
        lock = nl.lock(scaler, X)
    assert lock.profile is None and lock.probes and said[0].filename == __file__
    joblib.dump(scaler, tmp_path / "scaler.joblib")
    np.save(tmp_path / "rows.npy", X)
    assert main(["lock", str(tmp_path / "scaler.joblib"), "--rows", str(tmp_path / "rows.npy")]) == 0
    assert capsys.readouterr().err.startswith("normlock lock: The lock has no profile of these rows to compare batches")
    documents = ["one two", "two three", "three four"]
    assert nl.lock(CountVectorizer().fit(documents), documents).profile is None


@pytest.mark.parametrize("size", [1e149, 1e155, 1e308])
@pytest.mark.parametrize("rows", [1, 16, 200])
def test_batches_that_overflow(size, rows):
    """A batch may hold any number: a column of numbers that are far too large is a fault, and nothing else."""
    X = np.random.default_rng(0).uniform(0.5, 1.5, size=(300, 3))
    profile = nl.Profile.from_data(X)
    for place in ((0, 0), (slice(None), 0), (slice(None), slice(None))):
        batch = X[:rows].copy()
        batch[place] = size
        assert nl.diagnose(profile, batch).alarm or place == (0, 0)


def test_profiles_of_other_columns_do_not_merge():
    """Profiles of another width, other names or other kinds of column are refused."""
    iris = nl.Profile.from_data(load_iris().data)
    with pytest.raises(InputFaultError, match="13 and 4 columns"):
        nl.Profile.from_data(WINE).merge(iris)
    a = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    with pytest.raises(InputFaultError, match="other names or kinds"):
        nl.Profile.from_data(a).merge(nl.Profile.from_data(a[["b", "a"]]))
    with pytest.raises(InputFaultError, match="other names or kinds"):
        nl.Profile.from_data(a).merge(nl.Profile.from_data(a.assign(b=["x", "y"])))


def test_documents_that_are_no_profile():
    """A document of another kind or version, cut short or out of order is refused, never half read."""
    d = nl.Profile.from_data(load_iris().data).to_dict()
    with pytest.raises(LockFormatError, match="no profile"):
        nl.Profile.from_dict({})
    with pytest.raises(LockVersionError, match="profile_version 2"):
        nl.Profile.from_dict({**d, "profile_version": 2})
    for broken in (
        {"sketches": d["sketches"][1:]},
        {"moments": {}},
        {"sampled": None},
        {"unit": "x"},
        {"n_columns": 5},
    ):
        with pytest.raises(LockFormatError):
            nl.Profile.from_dict({**d, **broken})
    turned = [[d["sketches"][0][0], d["sketches"][0][1]], *d["sketches"][1:]]
    turned[0][1] = d["sketches"][0][0]
    with pytest.raises(LockFormatError):
        nl.Profile.from_dict({**d, "sketches": turned})
    with pytest.raises(TypeError, match="from_data"):
        nl.Profile()


@pytest.mark.parametrize(("columns", "kept"), [(4, True), (13, False)])
def test_profiles_of_an_earlier_form_are_read(columns, kept):
    """What goes together was measured otherwise in tables of few rows a column: it is left out, and nothing alarms."""
    X = WINE[::2, :columns]
    document = nl.Profile.from_data(X).to_dict()
    del document["dependence"]["regressed"]
    earlier = nl.Profile.from_dict(document)
    assert (earlier.dependence is not None) is kept
    assert not nl.diagnose(earlier, WINE[1::2, :columns]).alarm


def _damaged(value):
    """Yield what may have become of an entry: of another type, out of its range, cut short; ... is gone."""
    yield from (..., None, -1, 0, 2.5, float("inf"), float("nan"), "", "x", True, [], {}, [None], 10**30)
    if isinstance(value, str) and len(value) > 8:  # an array
        array = np.frombuffer(base64.b64decode(value), "<f2")
        for bad in (np.nan, np.inf, -6e4):
            yield base64.b64encode(np.where(np.arange(len(array)) % 4 == 3, bad, array).astype("<f2")).decode()
        yield base64.b64encode(array[:-1].tobytes()).decode()


def _paths(value, path):
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _paths(value[key], (*path, key))


def _with(document, path, value):
    holder = document = json.loads(json.dumps(document))
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


PROFILE = nl.Profile.from_data(_table())


@pytest.mark.parametrize("entry", sorted(set(PROFILE.to_dict()) - {"profile_version"}))
def test_damage_is_found_when_it_is_read(entry):
    """Whatever becomes of an entry, or if it is gone: it is named and refused, or the profile can be used."""
    whole = PROFILE.to_dict()
    for path in _paths(whole[entry], (entry,)):
        value = whole
        for key in path:
            value = value[key]
        for bad in _damaged(value):
            try:
                profile = nl.Profile.from_dict(_with(whole, path, bad))
            except LockFormatError as error:
                assert str(error).startswith((f"{error.path} should be ", f"{error.path} is missing"))
                continue
            try:
                assert np.isfinite(nl.diagnose(profile, _table()[:40]).p_value)
            except InputFaultError:  # of another name, or numbers where there was text
                assert entry in ("names", "categories")


@pytest.mark.parametrize(
    ("path", "bad", "says"),
    [
        (("dependence", "rows"), 0, "dependence.rows should be a whole number from 64 to 300, and is 0"),
        (("moments", "count"), [300], r"moments.count should be a list of 4, and is \[300\]"),
        (("moments", "missing", 1), -1, r"moments.missing\[1\] should be .*, and is -1"),
        (("moments", "m2", 0), float("inf"), r"moments.m2\[0\] should be .*, and is inf"),
        (
            ("categories", "3", "values"),
            None,
            r"categories\[.3.\].values should be an object.*, and is None",
        ),
        (("categories", "3", "once"), "x", r"categories\[\"3\"\].once should be .*, and is 'x'"),
        (("n_rows",), float("inf"), "n_rows should be a whole number, 1 or more, and is inf"),
        (("sketches", 2, 1), "AAAA", r"sketches\[2\]\[1\] should be .*, and is 'AAAA'"),
    ],
)
def test_the_damaged_entry_is_named(path, bad, says):
    """The message has the path of the entry, what is there, what belongs there, and what to do."""
    with pytest.raises(LockFormatError, match=f"^{says}.*learn it anew"):
        nl.Profile.from_dict(_with(PROFILE.to_dict(), path, bad))


def test_parts_without_a_number_merge():
    """A column without a number in either part has none in the whole, which is written and read as any other."""
    X = np.column_stack([np.full(50, np.nan), np.full(50, np.inf), np.arange(50.0)])
    merged = nl.Profile.from_data(X).merge(nl.Profile.from_data(X))
    assert merged.moments.m2.tolist()[:2] == [0, 0] and np.isnan(merged.mean[:2]).all()
    assert nl.Profile.from_dict(json.loads(json.dumps(merged.to_dict()))) == merged


def test_display():
    """A profile is drawn, a batch over it; columns are chosen as in a guard, and one that isn't there is refused."""
    matplotlib = pytest.importorskip("matplotlib", reason="draws; an extra")
    matplotlib.use("agg")
    frame = load_wine(as_frame=True).data
    profile = nl.Profile.from_data(frame)
    for columns in (["ash", "hue"], [2, -3], slice("ash", "hue", 8)):
        display = nl.ProfileDisplay.from_profile(profile, frame[:20], columns=columns)
        assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["ash", "hue"]
        assert display.figure_ is display.ax_.figure
        matplotlib.pyplot.close(display.figure_)
    with pytest.raises(InputFaultError, match="grape"):
        nl.ProfileDisplay.from_profile(profile, columns=["grape"])


@pytest.mark.parametrize("value", [0.1, 0.3, 7.0, 1e6 + 0.1])
def test_a_constant_column_of_parts_is_constant(value):
    """Sums round: a column of one value has no spread in a merged profile either, and clean batches do not alarm."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(640, value), np.full(640, value / 3), rng.normal(size=(640, 3))])
    merged = nl.Profile.from_data(X[:400]).merge(nl.Profile.from_data(X[400:600]))
    assert (merged.std[:2] == 0).all() and (merged.mean[:2] == X[0, :2]).all()
    assert not nl.diagnose(merged, X[600:]).alarm


@pytest.mark.parametrize("columns", [1, 2, 5, 30])
def test_display_shows_every_range(columns):
    """The legend lies on no range, and all ranges lie within the frame."""
    matplotlib = pytest.importorskip("matplotlib", reason="draws; an extra")
    matplotlib.use("agg")
    X = np.random.default_rng(0).normal(size=(200, columns))
    display = nl.ProfileDisplay.from_profile(nl.Profile.from_data(X[:100]), X[100:] * 30)
    display.figure_.canvas.draw()
    frame, legend = display.ax_.get_window_extent(), display.ax_.get_legend().get_window_extent()
    assert legend.y0 >= frame.y1 and display.figure_.bbox.containsx(legend.x0) and display.figure_.bbox.y1 >= legend.y1
    ranges = [bar.get_window_extent() for bar in display.ax_.collections]
    assert all(frame.y0 + 3 < bar.y0 and bar.y1 < frame.y1 - 3 for bar in ranges)
    matplotlib.pyplot.close(display.figure_)


def test_display_takes_names_as_they_are(tmp_path):
    """A name with dollar signs is drawn as it is, not read as a formula."""
    matplotlib = pytest.importorskip("matplotlib", reason="draws; an extra")
    matplotlib.use("agg")
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["$a_$b", r"$\alpha$"])
    display = nl.ProfileDisplay.from_profile(nl.Profile.from_data(X))
    display.figure_.savefig(tmp_path / "profile.png")
    drawn = [(label.get_text(), label.get_parse_math()) for label in display.ax_.get_yticklabels()]
    assert drawn == [("$a_$b", False), (r"$\alpha$", False)]
    matplotlib.pyplot.close(display.figure_)


# -- large sparse matrices -------------------------------------------------------------------------------------------


@pytest.fixture
def cells_made_dense(monkeypatch):
    """Sizes of what is made dense of sparse matrices."""
    sizes, toarray = [], sparse.csr_matrix.toarray

    def counted(self, *args, **kwargs):
        sizes.append(self.shape[0] * self.shape[1])
        return toarray(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_matrix, "toarray", counted)
    return sizes


def test_a_large_sparse_matrix_is_never_made_dense(cells_made_dense):
    """Of a sparse matrix no more rows are made dense than a summary takes, and its moments are those of all rows."""
    rng = np.random.default_rng(0)
    X = sparse.csr_matrix(sparse.random(25_000, 40, density=0.02, random_state=0))
    profile = nl.Profile.from_data(X)
    assert profile.n_rows == 25_000 and profile.mean == pytest.approx(np.asarray(X.mean(axis=0)).ravel())
    found = nl.diagnose(profile, X)
    assert (found.alarm, found.n_rows) == (False, 25_000)
    wrong = sparse.csr_matrix(X.multiply(np.where(np.arange(40) == 7, 1000.0, 1.0)))
    assert nl.diagnose(profile, wrong).columns == (7,)
    guard = nl.InputGuard(on_fault="raise").fit(X)
    with pytest.raises(InputFaultError):
        guard.transform(wrong)
    assert guard.transform(X[rng.permutation(25_000)[:20]]).shape == (20, 40)
    assert cells_made_dense and max(cells_made_dense) <= 20_000 * 40
