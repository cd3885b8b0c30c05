"""Claims of a record: what it says of each path, that it decides nothing, and that it stays small whatever it is of."""

import copy
import json
import re
import string
from binascii import a2b_base64

import numpy as np
import pytest
import scipy.sparse as sp
from holder import holding
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from spec_values import LAYOUTS, build, laid_out, values

import sklearn_normlock as nl
from sklearn_normlock.fingerprints import Record, object_digest
from sklearn_normlock.fingerprints.record import stable_repr, summary
from sklearn_normlock.records.diff import compare_records, decode

LIMIT = 16_000  # bytes of JSON

X = np.random.RandomState(0).normal(size=(30, 4)) * [1.0, 10.0, 0.1, 3.0]
NAMES = ["age", "income", "rate", "score"]


def record_of(obj):
    record = Record()
    object_digest(obj, record)
    return record


def entries_of(obj):
    return record_of(obj).entries


def entry_of(value):
    return entries_of(holding(value))["held_"]


def strict(text):
    """Read JSON as the standard has it: without NaN and Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


# -- what it says ----------------------------------------------------------------------------------------------------


def test_kinds_of_entries():
    """Plain values stand as their repr, other ones with a digest, objects by class and digest, arrays by value."""
    fitted = StandardScaler().fit(X)
    entries = entries_of(fitted)
    assert entries["with_mean"] == "True"
    assert entries["n_features_in_"] == "4"
    assert entries["n_samples_seen_"] == str(fitted.n_samples_seen_)  # a NumPy scalar as the value it is
    assert entries["mean_"] == {"dtype": "<f8", "shape": [4], "data": entries["mean_"]["data"]}
    assert decode(entries["mean_"]) == fitted.mean_.tolist()
    assert entries[""]["class"] == "sklearn.preprocessing:StandardScaler"
    assert entries[""]["digest"] == nl.fingerprint(fitted).partition(":")[2]


def test_paths_go_by_the_names_of_steps():
    """A member of a pipeline or column transformer stands under its name, one without an identifier in brackets."""
    columns = ColumnTransformer([("num", make_pipeline(StandardScaler()), [0, 1]), ("a b", "passthrough", [2])])
    fitted = Pipeline([("columns", columns), ("2nd", PCA(1))]).fit(X)
    entries = entries_of(fitted)
    assert entries["columns.num.standardscaler"]["class"] == "sklearn.preprocessing:StandardScaler"
    assert entries["['2nd'].mean_"]["shape"] == [3]
    assert set(entries["columns.num.standardscaler.mean_"]) == {"dtype", "shape", "data"}
    assert entries["steps"]["text"] == "['columns', '2nd']"
    assert entries["columns.transformers_"]["text"] == "['num', 'a b', 'remainder']"


def test_paths_into_containers():
    """An array in nested containers stands under the path that leads to it, beside the digest of what holds it."""
    entries = entries_of(holding({"a": [1, (np.zeros(2),)]}))
    assert entries["held_['a'][1][0]"]["shape"] == [2]
    assert entries["held_"].keys() == {"digest"}


def test_paths_into_arrays_of_fields():
    """Each field of a structured array has an entry of its own."""
    entries = entries_of(holding(np.zeros(3, [("left", "i8"), ("value", "f8")])))
    assert decode(entries["held_['left']"]) == [0, 0, 0]
    assert decode(entries["held_['value']"]) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "U3"])
def test_small_arrays_by_value(dtype):
    """An array up to 2 KiB is kept exactly and can be read back without NumPy; one element more, and it is not."""
    array = np.array([0, 1, 3, 2], dtype)
    assert decode(entry_of(array)) == array.tolist()
    most = 2048 // array.dtype.itemsize
    assert "data" in entry_of(np.zeros(most, dtype))
    assert "data" not in entry_of(np.zeros(most + 1, dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_data_are_canonical(layout):
    """An array kept by value has little-endian data in C order, whatever its layout was."""
    array = np.arange(6.0).reshape(2, 3)
    entry = entry_of(laid_out(array, layout))
    assert a2b_base64(entry["data"]) == array.tobytes()
    assert entry == entry_of(array)


def test_large_arrays_by_digest():
    """A larger array is kept as a digest and its least, greatest and mean value; NaN and infinity don't spoil them."""
    array = np.arange(1000.0)
    entry = entry_of(array)
    assert entry["summary"] == {"min": 0.0, "max": 999.0, "mean": 499.5}
    assert "data" not in entry and "blocks" not in entry
    array[[3, 5]] = np.nan, -np.inf
    assert entry_of(array)["summary"]["min"] == 0.0
    assert entry_of(np.full(1000, np.nan))["summary"] == {"finite": 0}
    assert entry_of(np.zeros(1000, "M8[s]"))["summary"] == {}


def test_very_large_arrays_by_parts():
    """An array of several blocks has a digest for each, and for a run of them where there are more than 128."""
    entry = entry_of(np.zeros(3 << 18))
    assert (len(entry["blocks"]), entry["span"]) == (6, 1 << 20)
    entry = entry_of(np.zeros((200 << 20) + 1, np.uint8))
    assert (len(entry["blocks"]), entry["span"]) == (101, 2 << 20)


def test_summary_of_extremes():
    """A summary warns of nothing and holds nothing that JSON can't say, for the greatest floats of any width too."""
    for dtype in ("f2", "f4", "f8"):
        about = summary(np.full(4000, np.finfo(dtype).max, dtype))
        assert strict(json.dumps(about))["max"] == float(np.finfo(dtype).max)
    assert summary(np.full(4000, np.iinfo("u8").max, "u8"))["min"] == float(2**64 - 1)
    assert summary(np.ones(4000, bool)) == {"min": 1.0, "max": 1.0, "mean": 1.0}


def test_feature_names_at_length():
    """Some hundred names are kept in full, so that elements can be shown by them; other values are cut."""
    pd = pytest.importorskip("pandas")
    names = [f"feature_number_{i}" for i in range(150)]
    fitted = StandardScaler().fit(pd.DataFrame(np.zeros((2, 150)), columns=names))
    assert entries_of(fitted)["feature_names_in_"]["text"] == repr(names)
    assert "text" not in entry_of(names) or len(entry_of(names)["text"]) <= 240


def test_absorbing_a_nested_record():
    """The record of a member enters that of its owner under the member's path."""
    inner, outer = record_of(StandardScaler().fit(X)), Record()
    outer.absorb("scale", inner)
    outer.absorb("[0]", record_of(holding({"k": np.zeros(1)})))
    assert outer.entries["scale.mean_"] == inner.entries["mean_"]
    assert outer.entries["scale"] == inner.entries[""]
    assert "[0].held_['k']" in outer.entries


# -- that it decides nothing -------------------------------------------------------------------------------------------


def test_taking_it_doesnt_change_the_digest():
    """The digest with a record is the digest without."""
    for fitted in (make_pipeline(StandardScaler(), PCA(2)).fit(X), CountVectorizer().fit(["a bc", "bc d"])):
        assert object_digest(fitted, Record()) == object_digest(fitted)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(values)
def test_taking_it_doesnt_change_the_digest_of_anything(doc):
    """The digest of any value is the same with and without a record, and the record goes through JSON and is small."""
    holder = holding(build(doc))
    record = Record()
    assert object_digest(holder, record) == object_digest(holder)
    assert strict(record.text) == record.entries
    assert len(record.text.encode()) <= LIMIT


def scaled(X):
    return X / 10


EQUAL = {
    "dict": ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
    "set": ({"a", "b", "c", 1}, {1, "c", "b", "a"}),
    "frozen set": ({1}, frozenset([1])),
    "integer": (np.int64(3), 3),
    "float": (np.float64(0.1), 0.1),
    "bytes": (bytearray(b"x"), b"x"),
    "text": (np.array(["a"], object), np.array([np.str_("a")], object)),
    "layout": (np.arange(12.0).reshape(3, 4), np.asfortranarray(np.arange(12.0).reshape(3, 4))),
    "large array": (*[np.random.RandomState(0).rand(700, 300)] * 2,),
    "sparse": (sp.csr_matrix(([1.0, 2.0], [2, 0], [0, 2])), sp.csr_matrix(([2.0, 1.0], [0, 2], [0, 2]))),
}
EQUAL["large array"] = (EQUAL["large array"][0], np.asfortranarray(EQUAL["large array"][1]))


@pytest.mark.parametrize("name", EQUAL)
def test_equal_content_shows_no_change(name):
    """Two records of equal content show no change, whatever order, layout or type holds it."""
    a, b = (holding(value) for value in EQUAL[name])
    assert object_digest(a) == object_digest(b)
    assert compare_records(entries_of(a), entries_of(b)) == []


def test_no_addresses():
    """A record holds no address: functions and objects of one name are one entry in every process."""
    fitted = FunctionTransformer(scaled).fit(X)
    entry = entries_of(fitted)["func"]
    other = {**entry, "text": "<function scaled at 0x7f0000000000>"}
    assert compare_records({"func": entry}, {"func": other}) == []


# -- its way through JSON ----------------------------------------------------------------------------------------------


def test_text_and_back():
    """A record that is made from the text of another has its entries."""
    record = record_of(make_pipeline(StandardScaler(), OneHotEncoder()).fit(X))
    assert Record(record.text).entries == record.entries == strict(record.text)
    assert len(record) > 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", "\x00", "[" * 100_000, b"\xff", 7])
def test_a_damaged_text_is_an_empty_record(text):
    """A text that was damaged on its way gives no entries and no error."""
    assert Record(text).entries == {}


def test_a_later_edit_isnt_in_it():
    """A record holds what was there when it was taken, though it is only written out when it is asked for."""
    fitted = StandardScaler().fit(X)
    expected = entries_of(copy.deepcopy(fitted))
    record = record_of(fitted)
    fitted.mean_[:] = 0
    fitted.extra = 1
    assert record.entries == expected


def test_a_member_that_cant_be_printed():
    """A record describes what it can: an estimator of another version, whose repr raises, has its fingerprint still."""
    odd = Ridge()
    del odd.max_iter  # as an object that a later scikit-learn fitted may lack what this one prints
    with pytest.raises(AttributeError):
        repr(odd)
    many = holding([("a", Ridge(alpha=i)) for i in range(2000)] + [("a", odd)])  # more than a record has room for
    assert nl.fingerprint(many) == f"nl1-sha256:{object_digest(many, Record()).hex()}"
    assert re.match(r"\[1, \('a', <sklearn.linear_model._ridge.Ridge object at", stable_repr([1, ("a", odd)]))


# -- its size ----------------------------------------------------------------------------------------------------------

LOCK = "\U0001f512"
LARGE = {
    "arrays of one element": lambda: {"held_": [np.zeros(1) for _ in range(3000)]},
    "arrays kept by value": lambda: {f"a{i}": np.random.rand(256) for i in range(100)},
    "arrays by digest": lambda: {f"a{i}": np.zeros(300) for i in range(500)},
    "arrays in blocks": lambda: {f"a{i}": np.zeros(129 << 20, np.uint8) for i in range(2)},
    "empty arrays of many dimensions": lambda: {f"a{i}": np.zeros((0,) * 30) for i in range(1000)},
    "truths": lambda: {f"a{i}": None for i in range(3000)},
    "floats": lambda: {f"a{i}": 1 / (i + 3) for i in range(3000)},
    "tuples": lambda: {f"a{i}": (i,) for i in range(3000)},
    "text": lambda: {f"a{i}": "x" * 239 for i in range(1000)},
    "text, cut": lambda: {f"a{i}": ["x" * 900] for i in range(1000)},
    "text that JSON escapes": lambda: {f"a{i}": '"\\' * 100 for i in range(1000)},
    "text of control characters": lambda: {f"a{i}": "\x01" * 200 for i in range(1000)},
    "text beyond ASCII": lambda: {f"a{i}": LOCK * 50 for i in range(1000)},
    "names of attributes": lambda: {f"a{i}" * 100: i for i in range(300)},
    "names of attributes beyond ASCII": lambda: {"\u4e2d" * 30 + str(i): i for i in range(3000)},
    "keys": lambda: {"held_": {"k" * 10_000 + str(i): np.zeros(1) for i in range(100)}},
    "keys beyond ASCII": lambda: {"held_": {LOCK * 200 + str(i): np.zeros(1) for i in range(300)}},
    "objects": lambda: {"held_": [holding(i) for i in range(500)]},
    "objects in objects": lambda: {"held_": nested(60)},
    "feature names": lambda: {"feature_names_in_": np.array([f"f{i}" for i in range(5000)], object)},
    "feature names that JSON escapes": lambda: {
        "feature_names_in_": np.array(['"' * 5 + str(i) for i in range(380)], object)
    },
    "feature names beyond ASCII": lambda: {
        "feature_names_in_": np.array([LOCK * 9 + str(i) for i in range(100)], object)
    },
    "vocabulary": lambda: {"vocabulary_": {f"word{i}": i for i in range(50_000)}},
}


def nested(depth):
    inner = holding(0)
    for _ in range(depth):
        inner = holding(inner)
    return inner


@pytest.mark.parametrize("name", LARGE)
def test_size_of_anything(name):
    """The record of one step is at most 16 kB of JSON, whatever its state is, and always says what the step is."""
    holder = holding(**LARGE[name]())
    record = record_of(holder)
    assert len(record.text.encode()) <= LIMIT
    assert record.entries[""]["digest"] == object_digest(holder).hex()
    assert strict(record.text) == record.entries


def test_size_of_a_forest():
    """The record of a model of many parts is no larger."""
    forest = RandomForestClassifier(100, max_depth=3, random_state=0).fit(X, np.arange(30) % 3)
    assert len(record_of(forest).text) <= LIMIT


_texts = st.text(st.sampled_from(string.printable + "\x00\x7f\u00e9\u4e2d" + LOCK), max_size=400)
_names = st.text(st.sampled_from("abc_\u4e2d"), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.dictionaries(_names, _texts | st.lists(_texts, max_size=3), max_size=6),
    st.integers(1, 400),
    st.integers(0, 300),
)
def test_size_of_any_texts(attributes, times, length):
    """Texts and names of any characters, as many as there may be, keep to the limit."""
    many = {f"{name}{i}": value for name, value in attributes.items() for i in range(times)}
    record = record_of(holding([np.zeros(length)] * times, **many))
    assert len(record.text.encode()) <= LIMIT


def test_a_pipeline_is_as_large_as_its_steps_at_most():
    """A pipeline's own record keeps to the limit too, however many steps it has."""
    steps = [(f"step{i}", StandardScaler()) for i in range(60)]
    assert len(record_of(Pipeline(steps).fit(X)).text) <= LIMIT
