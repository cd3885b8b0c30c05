"""Claims of ``compare_records``: every difference between two records is told once, where it is, and nothing else."""

import copy

import numpy as np
import pytest
from holder import compared, entries_of, holding, one
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from spec_values import laid_out

from sklearn_normlock.fingerprints import object_digest
from sklearn_normlock.records.diff import Change, Kind, compare_records

X = np.random.RandomState(0).normal(size=(30, 4)) * [1.0, 10.0, 0.1, 3.0] + [3.0, 0.0, 7.0, -2.0]


def told(a, b):
    """Return where and what the changes are, the worst first."""
    return [(change.path, change.kind) for change in compared(a, b)]


# -- a table -----------------------------------------------------------------------------------------------------------


def scaler():
    return StandardScaler().fit(X)


def pipe():
    inner = ColumnTransformer([("num", RobustScaler(), [0, 1]), ("rest", "passthrough", [2, 3])])
    return Pipeline([("columns", inner), ("scale", StandardScaler()), ("pca", PCA(2))]).fit(X)


def words():
    return CountVectorizer().fit(["one two", "two three"])


def towns():
    return OneHotEncoder().fit(np.array([["Bonn"], ["Ulm"], ["Graz"]], object))


def log(X):
    return np.log(X)


def change_element(path, at, value):
    """Return a mutation that sets one element of an array."""

    def mutate(obj):
        *owners, name = path.split(".")
        for owner in owners:
            obj = obj.named_steps[owner]
        array = getattr(obj, name).copy()
        array[at] = value
        setattr(obj, name, array)

    return mutate


def attribute(name, value):
    return lambda obj: setattr(obj, name, value(getattr(obj, name)) if callable(value) else value)


def step(name, mutate):
    return lambda obj: mutate(obj.named_steps[name])


V, E, S, D, C = Kind.VALUE, Kind.ELEMENTS, Kind.SHAPE, Kind.DTYPE, Kind.CLASS
ADDED, REMOVED, CONTENT = Kind.ADDED, Kind.REMOVED, Kind.CONTENT

# what: (object, mutation, what is told)
CHANGED = {
    "a parameter": (scaler, attribute("with_mean", False), [("with_mean", V)]),
    "a parameter of a step": (pipe, step("pca", attribute("whiten", True)), [("pca.whiten", V)]),
    "an element": (scaler, change_element("mean_", 2, 9.0), [("mean_", E)]),
    "an element's last place": (scaler, attribute("mean_", lambda a: np.nextafter(a, 99)), [("mean_", E)]),
    "an element that is NaN": (scaler, change_element("mean_", 0, np.nan), [("mean_", E)]),
    "the sign of a zero": (lambda: holding(np.zeros(3)), attribute("held_", lambda a: -a), [("held_", E)]),
    "an element of a step": (pipe, change_element("scale.scale_", 1, 5.0), [("scale.scale_", E)]),
    "an element of two dimensions": (pipe, change_element("pca.components_", (1, 2), 5.0), [("pca.components_", E)]),
    "two attributes": (
        scaler,
        lambda s: (attribute("mean_", lambda a: a + 1)(s), attribute("with_std", False)(s)),
        [("with_std", V), ("mean_", E)],
    ),
    "a shape": (scaler, attribute("mean_", lambda a: a[:3]), [("mean_", S)]),
    "a dtype": (scaler, attribute("mean_", lambda a: a.astype("f4")), [("mean_", D)]),
    "integers for floats": (lambda: holding(np.ones(3)), attribute("held_", lambda a: a.astype(int)), [("held_", D)]),
    "an attribute more": (scaler, lambda s: setattr(s, "extra_", 1), [("extra_", ADDED)]),
    "an attribute less": (scaler, lambda s: delattr(s, "var_"), [("var_", REMOVED)]),
    "an array for a value": (scaler, attribute("mean_", None), [("mean_", V)]),
    "a value for an array": (scaler, attribute("with_mean", np.ones(2)), [("with_mean", V)]),
    "a class": (scaler, lambda s: setattr(s, "__class__", MinMaxScaler), [("", C)]),
    "a step's class": (
        pipe,
        lambda p: p.steps.__setitem__(1, ("scale", MinMaxScaler().fit(X))),
        [("scale", C)],
    ),
    "an object for a value": (
        lambda: holding(member_=scaler()),
        lambda h: setattr(h, "member_", "passthrough"),
        [("member_", C)],
    ),
    "a step for nothing": (
        lambda: Pipeline([("first", "passthrough"), ("then", scaler())]).fit(X),
        lambda p: p.steps.__setitem__(0, ("first", None)),
        [("first", V)],
    ),
    "a vocabulary": (words, lambda w: w.vocabulary_.update(two=7), [("vocabulary_", V)]),
    "a category": (towns, lambda t: t.categories_[0].__setitem__(0, "Linz"), None),
    "a list": (lambda: holding([1, 2]), attribute("held_", [2, 1]), [("held_", V)]),
    "the type of a list": (lambda: holding([1, 2]), attribute("held_", (1, 2)), [("held_", V)]),
    "an array in a dict": (
        lambda: holding({"a": [np.zeros(2)], "b": 1}),
        lambda h: h.held_["a"][0].__setitem__(1, 3.0),
        [("held_['a'][0]", E)],
    ),
    "a value beside an array": (
        lambda: holding({"a": np.zeros(2), "b": 1}),
        lambda h: h.held_.update(b=2),
        [("held_", CONTENT)],
    ),
    "a function": (
        lambda: FunctionTransformer(np.log1p).fit(X),
        lambda f: setattr(f, "func", log),
        [("func", V)],
    ),
    "a large array": (
        lambda: holding(np.arange(5000.0)),
        change_element("held_", 100, 100.5),
        [("held_", E)],
    ),
    "a large array, within its range": (
        lambda: holding(np.arange(300_000)),
        lambda h: h.held_.__setitem__([100_001, 100_002], [100_002, 100_001]),
        [("held_", CONTENT)],
    ),
    "a complex element": (lambda: holding(np.ones(2, complex)), change_element("held_", 1, 1j), [("held_", CONTENT)]),
    "a date": (lambda: holding(np.zeros(2, "M8[s]")), change_element("held_", 1, 5), [("held_", CONTENT)]),
    "a field": (
        lambda: holding(np.zeros(2, [("a", "f8"), ("b", "f8")])),
        lambda h: h.held_["a"].__setitem__(1, 2.0),
        [("held_['a']", E)],
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_changed_is_told(name):
    """Each kind of change is told, where it is, as what it is, and alone."""
    make, mutate, expected = CHANGED[name]
    before = make()
    after = copy.deepcopy(before)
    mutate(after)
    assert object_digest(before) != object_digest(after)
    if expected is None:
        assert told(before, after)
        assert all(path.startswith("categories_") for path, _ in told(before, after))
    else:
        assert told(before, after) == expected
    assert all(change.describe() for change in compared(before, after))


SAME = {
    "nothing": (pipe, lambda p: None),
    "n_jobs": (pipe, lambda p: p.set_params(columns__n_jobs=2)),
    "verbose and memory": (pipe, lambda p: p.set_params(verbose=True, memory="cache")),
    "the output container": (pipe, lambda p: p.set_output(transform="default")),
    "what a tool wrote": (scaler, lambda s: setattr(s, "_mlflow_run_id", "a4f0")),
    "use": (pipe, lambda p: p.transform(X)),
    "Fortran order": (scaler, attribute("mean_", lambda a: laid_out(a, "fortran"))),
    "byte order": (scaler, attribute("mean_", lambda a: laid_out(a, "big-endian"))),
    "strides": (pipe, step("pca", attribute("components_", lambda a: laid_out(a, "strided")))),
    "a read-only array": (scaler, attribute("mean_", lambda a: laid_out(a, "read-only"))),
    "order of attributes": (scaler, lambda s: vars(s).update(copy=vars(s).pop("copy"))),
    "order of a dict": (words, attribute("vocabulary_", lambda d: dict(reversed(d.items())))),
    "order of a large dict": (
        lambda: holding({f"k{i}": i for i in range(500)}),
        attribute("held_", lambda d: dict(reversed(d.items()))),
    ),
    "layout of a large array": (
        lambda: holding(np.random.RandomState(0).rand(400, 300)),
        attribute("held_", np.asfortranarray),
    ),
    "byte order of a very large array": (
        lambda: holding(np.random.RandomState(0).rand(400, 400)),
        attribute("held_", lambda a: laid_out(a, "big-endian")),
    ),
    "a template's fitted state": (pipe, lambda p: p[0].transformers[0][1].fit(X)),
}


@pytest.mark.parametrize("name", SAME)
def test_what_did_not_change_is_not_told(name):
    """What doesn't count, or is held in another way, is no change."""
    make, mutate = SAME[name]
    before = make()
    after = copy.deepcopy(before)
    mutate(after)
    assert object_digest(before) == object_digest(after)
    assert told(before, after) == []


def test_the_tables_have_both():
    """A third of the rows expect no change."""
    assert len(SAME) >= (len(SAME) + len(CHANGED)) // 3


# -- order, wording, records of other kinds ----------------------------------------------------------------------------


def test_worst_first():
    """A class comes before shapes, dtypes, parameters and elements; what is gone or new follows; counts come late."""
    before = holding(
        np.ones(3), cls=StandardScaler(), shape=np.ones(2), dtype=np.ones(2), param=1, gone=1, far=np.ones(1), n_seen_=3
    )
    after = holding(
        np.ones(3) * 1.1, cls=MinMaxScaler(), shape=np.ones(3), dtype=np.ones(2, "f4"), param=2, new=1,
        far=np.ones(1) * 50, n_seen_=4,
    )  # fmt: skip
    assert [change.path for change in compared(before, after)] == [
        "cls", "shape", "dtype", "param", "far", "held_", "gone", "n_seen_", "new",
    ]  # fmt: skip


WORDS = {
    "value": (Change(path="a", kind=V, expected="1", actual="2"), "a 1 when fitted, 2 now"),
    "class": (Change(path="a", kind=C, expected="x.A", actual="x.B"), "a was a x.A when fitted, x.B now"),
    "shape": (Change(path="a", kind=S, expected=(2,), actual=(3,)), "a had shape (2,) when fitted, (3,) now"),
    "dtype": (Change(path="a", kind=D, expected="<f8", actual="<f4"), "a had dtype <f8 when fitted, <f4 now"),
    "added": (Change(path="a", kind=ADDED, actual="1"), "a is 1 now, and was not there when fitted"),
    "removed": (Change(path="a", kind=REMOVED, expected="1"), "a was 1 when fitted, and is gone now"),
    "content": (Change(path="a", kind=CONTENT), "a holds something else than when fitted"),
}


@pytest.mark.parametrize("name", WORDS)
def test_wording(name):
    """Each kind is told in a sentence part that names both sides, and may leave a named step out of the path."""
    change, expected = WORDS[name]
    assert change.describe() == expected
    assert change.describe("b") == "b" + expected[1:]


def test_each_kind_has_its_words():
    """No kind is without a row above."""
    assert {change.kind for change, _ in WORDS.values()} | {Kind.ELEMENTS} == set(Kind)


def test_a_step_more_or_less_is_told_once():
    """A step that came, went or moved is told as the step, not as each of its attributes."""
    short = Pipeline([("a", StandardScaler()), ("b", MinMaxScaler())]).fit(X)
    long = Pipeline([*short.steps, ("c", PCA(2).fit(X))])
    assert ("c", ADDED) in told(short, long) and not any(path.startswith("c.") for path, _ in told(short, long))
    assert ("c", REMOVED) in told(long, short)
    swapped = Pipeline(short.steps[::-1])
    assert told(short, swapped) and {path for path, _ in told(short, swapped)} == {"steps"}


def test_an_empty_record_tells_nothing():
    """Against a record that was lost or damaged nothing is said to be new or gone."""
    entries = entries_of(scaler())
    assert compare_records({}, entries) == []
    assert compare_records({}, {}) == []


def test_long_values_are_cut():
    """A change of a long text shows the beginning of both sides."""
    change = one(["a" * 500], ["b" * 500])
    assert len(change.describe()) < 250


def test_no_entry_is_overlooked():
    """Whatever entry of a record is altered, removed or added, a change is told at its path or inside of it."""
    entries = entries_of(pipe())
    assert len(entries) > 40
    for path, entry in entries.items():
        altered = {"digest": "0" * 32, "class": "x:Y"} if isinstance(entry, str) else {**entry}
        for key in ("digest", "data") if not isinstance(entry, str) else ():
            if key in entry and entry[key]:
                first = "B" if entry[key][0] == "A" else "A"
                altered[key] = first + entry[key][1:]
        assert [c.path for c in compare_records(entries, {**entries, path: altered})] == [path]
        without = {other: value for other, value in entries.items() if other != path}
        if path:
            assert [(c.path, c.kind) for c in compare_records(entries, without)] == [(path, REMOVED)]
            assert [(c.path, c.kind) for c in compare_records(without, entries)] == [(path, ADDED)]


@pytest.mark.parametrize(
    "value",
    [np.zeros(1), np.zeros(4000), "x" * 230, None, ["x" * 900], np.zeros((0,) * 9)],
    ids=lambda value: repr(value)[:20],
)
def test_a_full_record_tells_nothing_false(value):
    """Where a record is full, what no longer fits into one of two is not said to be new, gone or changed."""
    for filling in (np.random.RandomState(0).rand(200), 0.1, "y" * 90, (1, 2)):
        others = {f"a{i:04}": filling for i in range(600)}
        before = holding(1, **others)
        after = holding(1, **{**others, "a0003": value})
        assert told(before, after)
        assert {path for path, _ in told(before, after)} <= {"a0003", ""}
