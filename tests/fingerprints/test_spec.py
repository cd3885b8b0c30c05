"""The package gives what ``docs/spec.md`` says: package = published vectors = a second implementation of the text."""

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import spec_reference as reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from spec_values import LAYOUTS, arrays, build, describe, estimator, laid_out, values

import sklearn_normlock as nl
from sklearn_normlock.fingerprints import exclusions
from sklearn_normlock.fingerprints.canonical import Walker

DOCS = Path(__file__).parents[2] / "docs"
SPEC = (DOCS / "spec.md").read_text(encoding="utf-8")
CLAUSES = set(re.findall(r"^\*\*(\d+\.\d+)\*\*", SPEC, re.MULTILINE))


def vectors(name):
    return json.loads((DOCS / "vectors" / name).read_text(encoding="utf-8"))


VALUES = [*vectors("values.json"), *vectors("arrays.json"), *vectors("objects.json")]
FINGERPRINTS = vectors("fingerprints.json")
BY_NAME = {vector["name"]: vector for vector in VALUES}


def by_name(vector):
    return vector["name"]


@functools.cache
def reference_of_shape(shape):
    return reference.enc({"type": "array", "dtype": "<f8", "shape": list(shape), "rule": "multiples"})


def encoded(value):
    return Walker().encode(value)


def blob_of(vector):
    return bytes.fromhex(vector["canonical"])


# -- vectors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VALUES, ids=by_name)
def test_vector(vector):
    """Package and reference give a vector's bytes and digest."""
    blob = reference.enc(vector["value"])
    assert reference.sha(blob).hex() == vector["sha256"]
    if "canonical" in vector:
        assert blob == blob_of(vector)
    assert encoded(build(vector["value"])) == blob


@pytest.mark.parametrize("vector", [v for v in VALUES if "object_bytes" in v], ids=by_name)
def test_vector_of_an_object(vector):
    """An object's canonical bytes hold the digest of the object bytes that the vector gives."""
    assert vector["canonical"] == "4f" + reference.sha(bytes.fromhex(vector["object_bytes"])).hex()
    doc = vector["value"]
    assert reference.object_bytes(doc["class"], doc["attributes"]).hex() == vector["object_bytes"]


@pytest.mark.parametrize("vector", FINGERPRINTS, ids=by_name)
def test_vector_of_a_fingerprint(vector):
    """An estimator that holds the state of a vector has its fingerprint."""
    assert reference.fingerprint(vector["value"]) == vector["fingerprint"]
    assert nl.fingerprint(build(vector["value"])) == vector["fingerprint"]


def test_vectors_that_are_the_same():
    """Two vectors have the same bytes exactly if one says so, and no two have one name."""
    assert len(BY_NAME) == len(VALUES)
    same = {v["sha256"]: v["name"] for v in VALUES if "same_as" not in v}
    assert len(same) == sum("same_as" not in v for v in VALUES)
    assert {v["name"]: v["same_as"] for v in VALUES if "same_as" in v} == {
        v["name"]: same[v["sha256"]] for v in VALUES if "same_as" in v
    }
    assert len({v["fingerprint"] for v in FINGERPRINTS}) == len(FINGERPRINTS)


def test_vectors_cover_the_clauses():
    """Each clause that gives bytes has a vector, and each vector's clause exists."""
    covered = {v["clause"] for v in [*VALUES, *FINGERPRINTS]}
    assert covered <= CLAUSES
    giving = (
        {f"3.{n}" for n in range(1, 12)}
        | {f"4.{n}" for n in range(1, 7)}
        | {"5.1", "5.4", "6.1", "6.2", "6.3", "7.5", "7.7"}
    )
    assert giving <= covered


def test_a_vector_is_a_comparison():
    """A vector whose value is altered in one bit, or whose expected bytes are, no longer holds."""
    vector = BY_NAME["array"]
    data = vector["value"]["hex"]
    moved = {**vector["value"], "hex": f"{int(data[:2], 16) ^ 1:02x}{data[2:]}"}
    assert reference.enc(moved) != blob_of(vector)
    assert encoded(build(moved)) == reference.enc(moved)


# -- package = reference ----------------------------------------------------------------------------------------------

_quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@_quick
@given(values)
def test_any_value(doc):
    """Package and reference give the same bytes for any nest of values, containers, arrays and objects."""
    assert encoded(build(doc)) == reference.enc(doc)


@_quick
@given(arrays())
def test_any_array(doc):
    """Package and reference give the same bytes for an array of any bits, shape, dtype and layout."""
    assert encoded(build(doc)) == reference.enc(doc)


@_quick
@given(st.data())
def test_any_scalar(data):
    """Package and reference give the same bytes for a NumPy scalar of any bits and dtype."""
    doc = data.draw(arrays().filter(lambda doc: doc["shape"] and doc["hex"] and doc["dtype"] not in ("<U2", "|V3")))
    size = np.dtype(doc["dtype"]).itemsize
    scalar = {"type": "scalar", "dtype": doc["dtype"], "hex": doc["hex"][: 2 * size]}
    assert encoded(build(scalar)) == reference.enc(scalar)


@_quick
@given(st.lists(arrays(most=2), min_size=1, max_size=3), st.lists(st.integers(0, 3), max_size=2), st.booleans())
def test_any_structured_array(fields, shape, padded):
    """Package and reference give the same bytes for a structured array, with gaps between its fields or without."""
    size = int(np.prod(shape, dtype=int))
    named = [
        [f"f{i}", {**doc, "shape": shape + doc["shape"], "hex": doc["hex"] * size}] for i, doc in enumerate(fields)
    ]
    doc = {"type": "structured", "shape": shape, "fields": named}
    for _, array in named:
        if array.get("layout") == "unaligned":
            del array["layout"]
    if padded:
        doc["layout"] = "padded"
    assert encoded(build(doc)) == reference.enc(doc)


@pytest.mark.parametrize("layout", [None, *LAYOUTS])
@pytest.mark.parametrize("shape", [(1 << 17,), (1 << 17 | 1,), (3, 5, 20_011), (7, 70_001)], ids=str)
def test_blocks_in_any_layout(shape, layout):
    """An array of one block, one element more, or several blocks that end anywhere has the same bytes in any layout."""
    doc = {"type": "array", "dtype": "<f8", "shape": list(shape), "rule": "multiples"}
    assert encoded(laid_out(build(doc), layout)) == reference_of_shape(shape)


X = np.random.RandomState(0).normal(size=(12, 3)) * [1.0, 10.0, 0.1]
y = np.arange(12) % 2
TOWNS = np.array([["Bonn", "Ulm", "Graz"][i % 3] for i in range(12)], dtype=object)[:, None]

ESTIMATORS = {
    "StandardScaler": lambda: StandardScaler().fit(X),
    "MinMaxScaler": lambda: MinMaxScaler((-1, 1)).fit(X.astype(np.float32)),
    "RobustScaler": lambda: RobustScaler().fit(X),
    "OneHotEncoder": lambda: OneHotEncoder().fit(TOWNS),
    "SimpleImputer": lambda: SimpleImputer().fit(np.where(X > 0, X, np.nan)),
    "PCA": lambda: PCA(2).fit(X),
    "CountVectorizer": lambda: CountVectorizer().fit(["lock and seal", "seal and guard"]),
    "FeatureUnion": lambda: FeatureUnion([("pca", PCA(1)), ("scale", StandardScaler())], n_jobs=1).fit(X),
    "Pipeline": lambda: make_pipeline(StandardScaler(), PCA(2), LogisticRegression(), verbose=False).fit(X, y),
    "MultiOutputRegressor": lambda: MultiOutputRegressor(Ridge()).fit(X, X[:, :2]),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_any_simple_estimator(name):
    """Package and reference give the same fingerprint for fitted estimators, nested ones and templates among them."""
    fitted = ESTIMATORS[name]()
    assert nl.fingerprint(fitted) == reference.fingerprint(estimator(fitted))


def test_a_mapping_of_estimators():
    """Package and reference give the same fingerprint for a mapping of names to fitted objects."""
    members = {"b": ESTIMATORS["Pipeline"](), "a": ESTIMATORS["PCA"]()}
    assert nl.fingerprint(members) == reference.fingerprint(describe(members))


def test_a_template_by_its_parameters():
    """A ColumnTransformer's own transformers are templates: by class and parameters they count, by fitted state not."""
    columns = ColumnTransformer([("scale", StandardScaler(), [0, 2])], remainder="drop").fit(X)
    expected = nl.fingerprint(columns)
    columns.transformers[0][1].fit(X)
    assert nl.fingerprint(columns) == expected
    columns.transformers[0][1].with_std = False
    assert nl.fingerprint(columns) != expected


# -- text = code -----------------------------------------------------------------------------------------------------


def test_code_cites_clauses_that_exist():
    """Every clause that the package cites is a clause of the specification."""
    package = Path(nl.__file__).parent
    cited = set()
    for path in package.rglob("*.py"):
        for clauses in re.findall(r"[Cc]lauses? ([\d., toand]+)", path.read_text(encoding="utf-8")):
            cited |= set(re.findall(r"\d+\.\d+", clauses))
    assert cited
    assert cited <= CLAUSES


def test_tables_of_text_and_code_agree():
    """The tables of what doesn't count are the same in the specification, the package and the reference."""
    quoted = "".join(line for line in SPEC.splitlines() if line.startswith("> "))
    assert set(re.findall(r"`(\w+)`", quoted)) == exclusions.ALWAYS == reference.LEFT_OUT
    prefixes = SPEC[SPEC.index("whose name starts with") :].partition(".\n")[0]
    assert set(re.findall(r"`(\w+)`", prefixes)) == set(exclusions.PREFIXES) == set(reference.TOOLS)
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|$",
        SPEC[SPEC.index("template if there is also") : SPEC.index("**7.6**")],
        re.MULTILINE,
    )
    table = {name: set(re.findall(r"`(\w+)`", others)) for name, others in rows}
    assert table == {name: set(others) for name, others in exclusions.TEMPLATES.items()} == reference.TEMPLATES
    by_class = {cls: set(names) for cls, names in exclusions.BY_CLASS.items()}
    assert by_class == reference.LEFT_OUT_OF
    by_class |= {owner: {*names, member} for (owner, member), names in exclusions.BY_MEMBER.items()}
    rows = re.findall(
        r"^\| `([\w.]+)` \| ([^|]+) \|$", SPEC[SPEC.index("**7.4**") : SPEC.index("**7.5**")], re.MULTILINE
    )
    assert {cls: set(re.findall(r"`(\w+)`", names)) for cls, names in rows} == by_class
    times = SPEC[SPEC.index("mapping `cv_results_`") :].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+_time)`", times)) == exclusions.TIMES
