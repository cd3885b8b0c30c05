"""ONNX: locked classes convert as stock ones do, and a graph is judged by what it computes."""

import random
import warnings

import numpy as np
import pytest

pytest.importorskip("skl2onnx", reason="the extra `onnx` isn't installed")
pytest.importorskip("onnxruntime", reason="the extra `onnx` isn't installed")

import onnx
import onnxruntime
from onnx_models import models
from skl2onnx import to_onnx
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.drop_ins import drop_ins
from sklearn_normlock.graphs.identity import Graph, header, stamp_of
from sklearn_normlock.graphs.parity import parity
from sklearn_normlock.integrations.onnx import register, stamp
from sklearn_normlock.seals.mixin import Locked

# What skl2onnx does with deprecated parts of NumPy is its own business.
pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(80, 4))) + 0.1
Y = (X[:, 0] > 0.7).astype(int)


def converted(est, X, dtype=np.float32):
    classifier = hasattr(est, "predict_proba")
    return to_onnx(est, X[:1].astype(dtype), options={"zipmap": False} if classifier else None)


def run(model, X, dtype=np.float32):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X.astype(dtype)})


DEFAULT = sorted(drop_ins().values(), key=lambda cls: cls.__qualname__)


@pytest.mark.parametrize("cls", DEFAULT, ids=lambda cls: cls.__qualname__)
def test_a_drop_in_converts_as_its_stock_class(cls):
    """Every drop-in that can be made without arguments and fitted on numbers gives the graph that stock gives."""
    register()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stock = cls.__fingerprint_class__()
            settings = {"n_quantiles": 10, "random_state": 0}  # a thousand quantiles take skl2onnx a minute
            stock.set_params(**{name: value for name, value in settings.items() if name in stock.get_params()})
            stock.fit(X, Y)
        theirs = converted(stock, X)
    except Exception as error:
        pytest.skip(f"stock doesn't convert either: {type(error).__name__}")
    ours = converted(cls(**stock.get_params(deep=False)).fit(X, Y), X)
    assert Graph(ours).fingerprint == Graph(theirs).fingerprint


def composites():
    from sklearn_normlock.compose import ColumnTransformer
    from sklearn_normlock.ensemble import BaggingClassifier, VotingClassifier
    from sklearn_normlock.ensemble import StackingClassifier as LockedStacking
    from sklearn_normlock.impute import SimpleImputer
    from sklearn_normlock.model_selection import GridSearchCV as LockedGrid
    from sklearn_normlock.pipeline import make_pipeline, make_union
    from sklearn_normlock.preprocessing import MinMaxScaler
    from sklearn_normlock.preprocessing import StandardScaler as Scaler

    columns = ColumnTransformer([("a", Scaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])])
    inner = make_pipeline(Scaler(), LogisticRegression())
    yield "pipeline", make_pipeline(SimpleImputer(), Scaler(), LogisticRegression())
    yield "columns", make_pipeline(columns, LogisticRegression())
    yield "union", make_pipeline(make_union(Scaler(), MinMaxScaler()), LogisticRegression())
    yield "guard", make_pipeline(nl.InputGuard(), Scaler(), LogisticRegression())
    yield "grid", GridSearchCV(inner, {"logisticregression__C": [0.1, 1.0]}, cv=2)
    yield "stacking", StackingClassifier([("a", inner)], cv=2)
    yield "locked grid", LockedGrid(inner, {"logisticregression__C": [0.1, 1.0]}, cv=2)
    yield "locked stacking", LockedStacking([("a", inner)], cv=2)
    voters = [("a", inner), ("b", LogisticRegression(C=0.1))]
    # skl2onnx has no converter for the default, flat probabilities
    yield "locked voting", VotingClassifier(voters, voting="soft", flatten_transform=False)
    yield "locked bagging", make_pipeline(Scaler(), BaggingClassifier(LogisticRegression(), 3, random_state=0))


@pytest.mark.parametrize(("name", "est"), list(composites()), ids=lambda case: case if isinstance(case, str) else "")
def test_composites_convert(name, est):
    """Locked steps convert in pipelines, columns, unions, searches and stacks, and compute what the object does."""
    register()
    est = clone(est).fit(X, Y)
    model = converted(est, X)
    np.testing.assert_allclose(run(model, X)[1], est.predict_proba(X), atol=1e-5)
    assert parity(est, model).ok


def test_a_class_of_ones_own_converts():
    """A class made with `Locked` is registered with the converter of its parent."""

    class Mine(Locked, StandardScaler):
        pass

    assert Mine in register()
    est = Mine().fit(X)
    np.testing.assert_allclose(run(converted(est, X), X)[0], est.transform(X), atol=1e-5)


# -- identity ----------------------------------------------------------------------------------------------------------


def graph_of(est=None):
    return converted((est or RandomForestClassifier(3, random_state=0)).fit(X, Y), X)


@pytest.mark.parametrize("seed", range(3))
def test_layout_is_no_identity(seed):
    """Order of initialisers and attributes, names of values and nodes, and doc strings don't count."""
    rng = random.Random(seed)
    model = graph_of(StackingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(2))], cv=2))
    other = onnx.ModelProto()
    other.CopyFrom(model)
    other.doc_string, other.producer_version, other.graph.name = "another", "9", "another"
    tensors = list(other.graph.initializer)
    rng.shuffle(tensors)
    del other.graph.initializer[:]
    other.graph.initializer.extend(tensors)
    kept = {value.name for value in [*other.graph.output, *other.graph.input]}
    for node in other.graph.node:
        attributes = list(node.attribute)
        rng.shuffle(attributes)
        del node.attribute[:]
        node.attribute.extend(attributes)
        node.name, node.doc_string = f"renamed {node.name}", "said"
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = name if name in kept or not name else f"renamed {name}"
    for tensor in other.graph.initializer:
        tensor.name = f"renamed {tensor.name}"
    assert Graph(other).fingerprint == Graph(model).fingerprint


def test_independent_nodes_may_stand_in_any_order():
    """Two orders that a reader may meet give one identity."""
    a, b, c = (
        onnx.helper.make_node(op, [x], [y]) for op, x, y in [("Abs", "X", "a"), ("Neg", "X", "b"), ("Exp", "a", "c")]
    )
    last = onnx.helper.make_node("Add", ["b", "c"], ["Y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 2]) for name in "XY"]

    def fingerprint(*nodes):
        graph = onnx.helper.make_graph(nodes, "g", values[:1], values[1:])
        return Graph(onnx.helper.make_model(graph)).fingerprint

    assert fingerprint(a, b, c, last) == fingerprint(b, a, c, last) == fingerprint(a, c, b, last)
    assert fingerprint(a, b, c, last) != fingerprint(a, b, c, onnx.helper.make_node("Add", ["c", "b"], ["Y"]))


def test_one_ulp_is_another_graph():
    """Every number of a node or an initialiser counts, to its last bit; so do operator, opset and type."""
    model = graph_of()
    before = Graph(model).fingerprint

    def changed(change):
        other = onnx.ModelProto()
        other.CopyFrom(model)
        change(other)
        return Graph(other).fingerprint

    def nudge(other):
        floats = next(
            each for node in other.graph.node for each in node.attribute if each.name == "nodes_values"
        ).floats
        floats[0] = float(np.nextafter(np.float32(floats[0]), np.float32(np.inf)))

    assert changed(lambda other: None) == before
    assert changed(nudge) != before
    assert changed(lambda other: setattr(other.opset_import[0], "version", 9)) != before
    assert changed(lambda other: setattr(other.graph.input[0].type.tensor_type, "elem_type", 11)) != before


def test_the_header_needs_no_package(tmp_path):
    """Producer and stamp are read from the bytes; damage and other files give nothing."""
    path = tmp_path / "m.onnx"
    path.write_bytes(graph_of().SerializeToString())
    assert header(path) == ("skl2onnx", None)
    for content in (b"", b"\xff" * 40, b"PK\x03\x04 zip", path.read_bytes()[:37]):
        path.write_bytes(content)
        assert header(path)[1] is None


# -- parity ------------------------------------------------------------------------------------------------------------

MODELS = models()


def agrees(est, model, X, dtype):
    """Tell by the training rows whether a graph computes what the estimator does, without the gate's code."""
    outputs = run(model, X, dtype)
    single = dtype == np.float32 or any(value.dtype == np.float32 for value in outputs)
    names = ["predict"] if hasattr(est, "predict") else ["transform"]
    names += [name for name in ("predict_proba", "decision_function", "transform") if name not in names]
    names = [name for name in names if hasattr(est, name)]
    for name, got in zip(names, outputs, strict=False):
        expected = np.asarray(getattr(est, name)(X)).reshape(len(X), -1)
        got = got.reshape(len(X), -1)
        got = got[:, 1:] if got.shape[1] == 2 and expected.shape[1] == 1 else got
        scale = np.abs(np.nan_to_num(expected)).max(axis=0)
        far = np.abs(got - expected) > (1e-5 if single else 1e-7) * np.where(scale > 0, scale, 1.0)
        if (far & ~(np.isnan(got) & np.isnan(expected))).any():
            return False
    return True


def judged(case, dtype):
    est = clone(case.est).fit(case.X, case.y)
    try:
        model = converted(est, case.X, dtype)
        truth = agrees(est, model, case.X, dtype)
    except Exception as error:  # no converter, or a graph that onnxruntime refuses
        pytest.skip(f"doesn't convert: {type(error).__name__}")
    found = parity(est, model)
    assert found.undecided is None, found.undecided
    assert found.ok == truth, (found, truth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", MODELS[::7], ids=lambda case: case.name)
def test_some_graphs_are_judged_rightly(case, dtype):
    """The gate says of each graph what its training rows say."""
    judged(case, dtype)


LONG = (12, 16, 57)  # graphs with a node for each of many edges, which take a minute


@pytest.mark.campaign
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.long] if number in LONG else [])
        for number, case in enumerate(MODELS)
    ],
)
def test_all_graphs_are_judged_rightly(case, dtype):
    """No graph that differs passes, and none that agrees fails."""
    judged(case, dtype)


def test_the_first_step_that_differs_is_named():
    """A changed number in a node is found, with the step of the pipeline and the node."""
    from sklearn.pipeline import make_pipeline

    est = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    model = converted(est, X)
    for attribute in model.graph.node[1].attribute:
        if attribute.name == "intercepts":
            attribute.floats[0] += 0.01
    found = parity(est, model)
    assert not found.ok
    assert found.deviations[0].path == "logisticregression"
    assert "LinearClassifier" in found.deviations[0].text


def test_the_first_two_swapped_categories_are_found():
    """The columns of a one-hot encoder in another order are a mismatch."""
    from sklearn.preprocessing import OneHotEncoder

    words = np.array([["a"], ["b"], ["c"]] * 5, dtype=object)
    est = OneHotEncoder(sparse_output=False).fit(words)
    model = to_onnx(est, initial_types=[("X", __import__("skl2onnx").common.data_types.StringTensorType([None, 1]))])
    assert parity(est, model).ok
    for attribute in (each for node in model.graph.node for each in node.attribute):
        if attribute.name == "cats_strings":
            attribute.strings[0], attribute.strings[1] = attribute.strings[1], attribute.strings[0]
    assert not parity(est, model).ok


def test_users_rows_decide():
    """Rows that are given are pardoned no rounding."""
    est = KBinsDiscretizer(3, encode="ordinal", strategy="uniform").fit(X)
    model = converted(est, X)
    assert parity(est, model, X).ok
    below = X.copy()
    below[:, 0] = np.nextafter(est.bin_edges_[0][1], -np.inf)  # single precision takes it for the edge itself
    assert parity(est, model).ok
    assert not parity(est, model, below).ok


def test_a_graph_that_would_not_be_run_is_refused(tmp_path):
    """`lock(onnx=)` binds no file by its bytes alone; a graph of another exporter needs a stamp."""
    est = StandardScaler().fit(X)
    model = converted(est, X)
    model.producer_name = "another"
    path, named = tmp_path / "m.onnx", tmp_path / "m.bin"
    for file in (path, named):
        file.write_bytes(model.SerializeToString())
        with pytest.raises(nl.errors.UnfingerprintableError, match="stamp"):
            nl.lock(est, onnx=file)
    with pytest.raises(nl.errors.UnfingerprintableError, match="SerializeToString"):
        nl.lock(est, onnx=model)
    path.write_bytes(stamp(model, est).SerializeToString())
    assert nl.verify({"model": est, "onnx": path}, nl.lock(est, onnx=path)).ok
    path.write_bytes(stamp(converted(StandardScaler().fit(X + 1), X), est).SerializeToString())
    with pytest.raises(nl.errors.ProbeMismatchError):
        nl.lock(est, onnx=path)


def test_a_graph_of_something_else_is_undecided():
    """A graph whose inputs or outputs are not the estimator's can't be judged."""
    est = StandardScaler().fit(X[:, :2])
    assert parity(est, converted(StandardScaler().fit(X), X)).undecided
    silent = FunctionTransformer().fit(X)
    assert parity(silent, converted(StandardScaler().fit(X), X)).ok is False


# -- in a lock ---------------------------------------------------------------------------------------------------------


def exported(path, est, X, dtype=np.float32):
    path.write_bytes(stamp(converted(est, X, dtype), est).SerializeToString())
    return path


def test_a_graph_is_locked_by_what_it_computes(tmp_path):
    """A graph that agrees is bound; one that is laid out in another way is the same, and one that differs is not."""
    est = StandardScaler().fit(X)
    path = exported(tmp_path / "m.onnx", est, X)
    lock = nl.lock(est, onnx=path)
    assert nl.verify({"model": est, "onnx": path}, lock).ok
    model = onnx.load(path)
    assert stamp_of(model) == nl.fingerprint(est)
    model.doc_string = "another layout"
    path.write_bytes(model.SerializeToString())
    assert nl.verify({"model": est, "onnx": path}, lock).ok
    model.graph.node[0].attribute[0].floats[0] += 0.5
    path.write_bytes(model.SerializeToString())
    report = nl.compare({"model": est, "onnx": path}, lock)
    assert not report.ok
    assert report.changes
    assert report.deviations[0].path.startswith("onnx")


def test_single_precision_far_from_zero_is_refused(tmp_path):
    """At 1e6 ± 1 a scaler in single precision is no match, in a lock and in a bundle; in double it is one."""
    far = X + 1e6
    est = StandardScaler().fit(far)
    path = exported(tmp_path / "m.onnx", est, far)
    with pytest.raises(nl.errors.ProbeMismatchError, match="doesn't compute what it was exported from"):
        nl.lock(est, onnx=path)
    with pytest.raises(nl.errors.ProbeMismatchError):
        nl.lock({"scaler": est, "graph": path})
    double = exported(tmp_path / "d.onnx", est, far, np.float64)
    assert nl.verify({"scaler": est, "graph": double}, nl.lock({"scaler": est, "graph": double})).ok


def test_a_graph_of_another_member_is_refused(tmp_path):
    """The stamp in a graph names its source; a graph of an object that isn't there is no match."""
    est, other = StandardScaler().fit(X), StandardScaler().fit(X * 2)
    path = exported(tmp_path / "m.onnx", est, X)
    with pytest.raises(nl.errors.ProbeMismatchError, match="which is none of"):
        nl.lock(other, onnx=path)
    assert nl.lock({"a": est, "b": other, "graph": path}).members == ("a", "b", "graph")


def test_without_a_runtime_it_cannot_be_told(tmp_path, monkeypatch, capsys):
    """Without onnxruntime nothing is locked, and the command says that it could not check."""
    from sklearn_normlock.cli import main

    est = StandardScaler().fit(X)
    path = exported(tmp_path / "m.onnx", est, X)
    nl.dump(est, tmp_path / "m.joblib")
    command = ["lock", str(tmp_path / "m.joblib"), str(path), "-o", str(tmp_path / "b.normlock.json")]
    assert main(command) == 0
    assert main(["verify", str(tmp_path / "b.normlock.json")]) == 0
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert main(["verify", str(tmp_path / "b.normlock.json")]) == 2
    assert "pip install" in capsys.readouterr().out
    with pytest.raises(nl.errors.UndecidedError, match="pip install"):
        nl.lock(est, onnx=path)


@pytest.mark.parametrize("why", ["inputs", "source"])
def test_a_graph_that_cannot_be_judged_is_neither_locked_nor_a_match(tmp_path, why):
    """Lock and verify raise the third answer, and a member that differs beside it is still a mismatch."""
    est, other = StandardScaler().fit(X[:, :2]), StandardScaler().fit(X)
    path = tmp_path / "m.onnx"
    good = exported(tmp_path / "good.onnx", est, X[:, :2])
    lock = nl.lock(est, onnx=good)
    bundle = {"model": est, "onnx": path}
    if why == "inputs":  # no stamp, and another number of columns
        path.write_bytes(converted(other, X).SerializeToString())
    else:  # no stamp, and two members that it may be of
        path.write_bytes(converted(est, X[:, :2]).SerializeToString())
        lock = nl.lock({"a": est, "b": other, "onnx": good})
        bundle = {"a": est, "b": other, "onnx": path}
    with pytest.raises(nl.errors.UndecidedError) as caught:
        nl.lock(bundle)
    assert [each.path for each in caught.value.report.undecided] == ["onnx"]
    report = nl.compare(bundle, lock)
    assert [each.path for each in report.undecided if each.path == "onnx"]
    if why == "source":
        with pytest.raises(nl.errors.UndecidedError):
            nl.verify(bundle, lock)
        bundle["a"] = StandardScaler().fit(X[:, :2] * 2)
    with pytest.raises(nl.errors.LockMismatchError):
        nl.verify(bundle, lock)


# -- the remedy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", [False, True], ids=["stock", "locked"])
def test_the_report_names_an_export_that_agrees(tmp_path, locked):
    """A scaler far from zero is told to be exported in double precision; so exported, it is locked."""
    far = X + 1e6
    est = StandardScaler().fit(far)
    if locked:
        est = nl.seal(est)
        register()
    path = exported(tmp_path / "m.onnx", est, far)
    with pytest.raises(nl.errors.ProbeMismatchError, match="Export it in double precision"):
        nl.lock(est, onnx=path)
    nl.lock(est, onnx=exported(tmp_path / "m.onnx", est, far, np.float64))


def test_the_report_says_that_a_file_was_changed(tmp_path):
    """A graph that another export of the same object would mend was changed, or is of another object."""
    est = StandardScaler().fit(X)
    path = exported(tmp_path / "m.onnx", est, X)
    model = onnx.load(path)
    model.graph.node[0].attribute[0].floats[0] += 0.5
    path.write_bytes(model.SerializeToString())
    with pytest.raises(nl.errors.ProbeMismatchError, match="Exported again it agrees: this file was changed"):
        nl.lock(est, onnx=path)


@pytest.mark.parametrize(
    ("agrees_with", "said"),
    [("div", "'div': 'div'"), ("div_cast", "'div': 'div_cast'"), (None, "it differs, too")],
)
def test_remedies_are_tried_in_turn(monkeypatch, agrees_with, said):
    """The first export that agrees is told, a division too; if none does, that is said."""
    from sklearn_normlock.graphs import remedies
    from sklearn_normlock.graphs.parts import Parity

    operators = {"div": ["Sub", "Div"], "div_cast": ["Cast", "Sub", "Div", "Cast"], None: []}

    def judged_by_operators(est, model, X, *, served=True):
        found = [node.op_type for node in model.graph.node]
        return Parity() if served and found == operators[agrees_with] else Parity(undecided="no")

    monkeypatch.setattr(remedies, "parity", judged_by_operators)
    est = StandardScaler().fit(X)
    assert said in remedies.remedy(est, converted(est, X))


def test_rows_of_single_precision_may_be_the_remedy(monkeypatch):
    """Where no export agrees and both do on rounded rows, a cast is told; without skl2onnx, that nothing was tried."""
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeClassifier

    from sklearn_normlock.graphs import remedies

    far = X + 1e6
    est = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(far, Y)
    model = converted(est, far)
    assert not parity(est, model).ok
    monkeypatch.setattr(remedies, "_exports", lambda est: iter(()))
    assert "On rows cast to float32 both agree" in remedies.remedy(est, model)
    monkeypatch.setitem(__import__("sys").modules, "skl2onnx", None)
    assert "isn't installed" in remedies.remedy(est, model)
