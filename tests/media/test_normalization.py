"""The norm layers compute what those of networks do, are locked, and each variant is told from every other."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from estimator_table import check_name, generated
from onnx_wire import one_node

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError, FingerprintMismatchError, InputFaultError
from sklearn_normlock.normalization import BatchNorm, GroupNorm, L2Norm, LayerNorm, RMSNorm
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.probes.outputs import compare_outputs, outputs_of
from sklearn_normlock.probes.walk import calls

RNG = np.random.default_rng(5)
X = RNG.normal(3.0, 2.0, (64, 8))
W, B = RNG.normal(1.0, 0.3, 8), RNG.normal(0.0, 0.3, 8)
MEAN, VAR = RNG.normal(size=8), RNG.uniform(0.5, 2.0, 8)
LAYERS = [LayerNorm(), RMSNorm(), GroupNorm(), L2Norm(), BatchNorm(min_batch_size=2)]


def _cases():
    for layer in LAYERS:
        for estimator, check in generated(layer):
            if check_name(check) == "check_param_validation":
                continue  # of scikit-learn's own table of constraints, which other classes have not
            yield pytest.param(estimator, check, id=f"{type(layer).__name__}-{check_name(check)}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_cases()))
def test_they_are_estimators(estimator, check):
    """Each passes every check that scikit-learn has for transformers."""
    check(estimator)


def _reference(X, kind, weight=1.0, bias=0.0, eps=1e-5, ddof=0):
    """Each formula once more, in the words of its paper."""
    if kind == "layer":
        out = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, ddof=ddof, keepdims=True) + eps)
    elif kind == "rms":
        out = X / np.sqrt((X**2).mean(1, keepdims=True) + eps)
    elif kind == "group":
        parts = X.reshape(len(X), 2, -1)
        out = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + eps)
        out = out.reshape(X.shape)
    elif kind == "batch":
        out = (X - MEAN) / np.sqrt(VAR + eps)
    else:
        return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), eps)
    return out * weight + bias


def _batch(**parameters):
    tensors = {"n.weight": W, "n.bias": B, "n.running_mean": MEAN, "n.running_var": VAR}
    return BatchNorm.from_weights(tensors, "n", **{"eps": 1e-5, **parameters})


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (LayerNorm(W, B), lambda X: _reference(X, "layer", W, B)),
        (LayerNorm(W, B, ddof=1, unit_offset=True), lambda X: _reference(X, "layer", 1 + W, B, ddof=1)),
        (RMSNorm(W, eps=1e-5), lambda X: _reference(X, "rms", W)),
        (RMSNorm(W, eps=1e-5, unit_offset=True), lambda X: _reference(X, "rms", 1 + W)),
        (GroupNorm(2, W, B), lambda X: _reference(X, "group", W, B)),
        (L2Norm(), lambda X: _reference(X, "l2", eps=1e-12)),
        (_batch(), lambda X: _reference(X, "batch", W, B)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parity_with_numpy(layer, expected, scale):
    """In float64 outputs are within 2e-15 of the row's scale, in float32 within 2e-7."""
    rows = X * scale
    layer = layer if isinstance(layer, BatchNorm) else layer.fit(rows)
    want = expected(rows)
    unit = np.abs(want).max(1, keepdims=True)
    assert np.max(np.abs(layer.transform(rows) - want) / unit) < 2e-15
    single = layer.transform(rows.astype(np.float32))
    assert single.dtype == np.float32
    assert np.max(np.abs(single - expected(rows.astype(np.float32).astype(float))) / unit) < 2e-7


#: Layers of one width that differ in one thing, or in kind.
VARIANTS = {
    "layer": LayerNorm(W, B),
    "layer eps 1e-6": LayerNorm(W, B, eps=1e-6),
    "layer eps 1e-12": LayerNorm(W, B, eps=1e-12),
    "layer eps 0": LayerNorm(W, B, eps=0.0),
    "layer ddof 1": LayerNorm(W, B, ddof=1),
    "layer without bias": LayerNorm(W),
    "layer without affine": LayerNorm(),
    "layer 1 + weight": LayerNorm(W, B, unit_offset=True),
    "rms": RMSNorm(W),
    "rms eps 1e-5": RMSNorm(W, eps=1e-5),
    "rms without affine": RMSNorm(),
    "rms 1 + weight": RMSNorm(W, unit_offset=True),
    "group 2": GroupNorm(2, W, B),
    "group 4": GroupNorm(4, W, B),
    "group eps": GroupNorm(2, W, B, eps=1e-12),
    "l2": L2Norm(),
    "l2 eps 1e-8": L2Norm(eps=1e-8),
    "l2 add": L2Norm(eps_rule="add"),
    "l2 square": L2Norm(eps_rule="square"),
    "batch": _batch(),
    "batch eps": _batch(eps=1e-3),
    "batch momentum": _batch(momentum=0.5),
    "batch flax": _batch(momentum_convention="flax"),
    "batch cumulative": _batch(momentum=None),
    "batch ddof": _batch(ddof=0),
    "batch without affine": BatchNorm.from_weights({"n.mean": MEAN, "n.var": VAR}, "n", eps=1e-5),
}


@pytest.fixture(scope="module")
def fitted():
    return {name: layer if isinstance(layer, BatchNorm) else layer.fit(X) for name, layer in VARIANTS.items()}


def _outputs(layer, rows):
    return {method: next(outputs_of("", method, getattr(layer, method)(rows))) for method in calls(layer)}


@pytest.mark.parametrize("one", VARIANTS)
def test_probes_tell_every_pair_apart(one, fitted):
    """The rows made for one layer give another output in any other, and another fingerprint."""
    layer = fitted[one]
    rows, lock = layer.__probe_rows__(0), nl.lock(layer)
    expected = _outputs(layer, rows)
    for other in fitted.keys() - {one}:
        found = _outputs(fitted[other], rows)
        assert any(compare_outputs(expected[key], found[key]) for key in expected.keys() & found.keys()), other
        report = nl.compare(fitted[other], lock)
        assert report.expected != report.actual and not report.ok


def test_the_statistics_of_a_served_batch_are_never_used():
    """A row comes out the same whatever rows come with it, and probes tell a layer that was left in training mode."""
    layer = BatchNorm(eps=0.0).fit(X)
    assert np.array_equal(layer.transform(X)[:1], layer.transform(X[:1]))
    rows = layer.__probe_rows__(0)
    in_training = (rows - rows.mean(0)) / rows.std(0)
    assert np.abs(in_training - layer.transform(rows)).max() > 0.1


def test_running_statistics_are_those_of_torch():
    """From mean 0 and variance 1 each batch moves them by the momentum; the variance is unbiased."""
    layer, flax = BatchNorm(), BatchNorm(momentum=0.9, momentum_convention="flax")
    mean, var = np.zeros(8), np.ones(8)
    for batch in np.split(X, 4):
        layer.partial_fit(batch)
        flax.partial_fit(batch)
        mean, var = 0.9 * mean + 0.1 * batch.mean(0), 0.9 * var + 0.1 * batch.var(0, ddof=1)
    assert np.allclose(layer.mean_, mean, rtol=1e-14) and np.allclose(layer.var_, var, rtol=1e-14)
    assert np.allclose(layer.mean_, flax.mean_, rtol=1e-13) and layer.n_batches_ == 4
    total = BatchNorm(momentum=None)
    for batch in np.split(X, 4):
        total.partial_fit(batch)
    assert np.allclose(total.mean_, X.mean(0), rtol=1e-13)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_small_batches_are_refused_with_the_figure(method):
    """A batch below the least size is refused, and the error says how noisy it would have been."""
    with pytest.raises(ValueError, match=r"n_samples = 8 estimates a deviation with 26% noise and -10% bias"):
        getattr(BatchNorm(ddof=0), method)(X[:8])
    with pytest.raises(ValueError, match="says nothing"):
        getattr(BatchNorm(), method)(X[:1])
    assert BatchNorm(min_batch_size=8).fit(X[:8]).transform(X[:1]).shape == (1, 8)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (GroupNorm(8), "one column a group"),
        (GroupNorm(3), "does not divide"),
        (GroupNorm(0), "num_groups is 0"),
        (LayerNorm(eps=-1.0), "eps is -1.0"),
        (LayerNorm(eps=float("nan")), "eps is nan"),
        (LayerNorm(ddof=2), "ddof is 2"),
        (LayerNorm(W[:3]), "8 finite numbers"),
        (LayerNorm(["a"] * 8), "must be numbers"),
        (RMSNorm(np.full(8, np.nan)), "8 finite numbers"),
        (BatchNorm(momentum=2.0), "momentum is 2.0"),
        (BatchNorm(momentum_convention="keras"), "momentum_convention"),
        (BatchNorm(min_batch_size=1), "min_batch_size is 1"),
        (L2Norm(eps_rule="sum"), "eps_rule is 'sum'"),
    ],
)
def test_parameters_are_checked(layer, text):
    """A parameter that has no such value is refused, and named."""
    with pytest.raises(ValueError, match=text):
        layer.fit(X)


def test_one_column_is_refused_where_it_would_say_nothing():
    """Rows of one column all become the bias: that is refused."""
    for layer in (LayerNorm(), GroupNorm()):
        with pytest.raises(ValueError, match="n_features = 1"):
            layer.fit(X[:, :1])


def test_rows_of_zeros_and_huge_rows():
    """A row of zeros is divided by nothing, and large numbers keep their direction."""
    for layer in (LayerNorm(eps=0.0), RMSNorm(eps=0.0), GroupNorm(2, eps=0.0), L2Norm(eps=0.0)):
        assert np.array_equal(layer.fit(X).transform(np.zeros((1, 8))), np.zeros((1, 8)))


@pytest.mark.parametrize("scale", [2.0**600, 2.0**1019])
def test_the_squares_of_huge_rows_have_room(scale):
    """Rows whose squares are beyond float64 come out to the last bit as they do at a usual size."""
    for layer in (LayerNorm(W, B, eps=0.0), RMSNorm(W, eps=0.0), GroupNorm(2, W, B, eps=0.0), L2Norm(eps=0.0)):
        layer.fit(X)
        assert np.array_equal(layer.transform(X * scale), layer.transform(X)), layer
        assert np.array_equal(layer.transform(X / 2.0**900), layer.transform(X)), layer


def test_a_result_without_room_is_refused_by_its_place():
    """Numbers beyond their dtype are never put out or learned: the error names the row or the column."""
    large = np.where(np.arange(64)[:, None] == 3, np.float32(3e38), X.astype("f4"))
    for layer in (_batch(), LayerNorm(W * 1e39).fit(X)):
        with pytest.raises(InputFaultError, match=r"X\[\d\] has no room in float32"):
            layer.transform(large)
    layer = BatchNorm().fit(X)
    for method in (layer.fit, layer.partial_fit):
        with pytest.raises(InputFaultError, match="variance for column 2 has no room"):
            method(np.where(np.arange(8) == 2, X * 1e200, X))


def test_a_layer_is_sealed_and_travels():
    """A changed parameter or number is seen at the next call; a copy from bytes is the same layer."""
    for layer in (_batch(), LayerNorm(W, B).fit(X)):
        again = pickle.loads(pickle.dumps(layer))
        assert again.fingerprint_ == layer.fingerprint_
        assert np.array_equal(again.transform(X), layer.transform(X))
        layer.eps = 1e-3
        with pytest.raises(FingerprintMismatchError, match="eps"):
            layer.transform(X)


def test_in_a_pipeline():
    """A layer is a step like another: locked, probed in the middle too, and named when it differs."""
    lock = nl.lock(make_pipeline(BatchNorm(), LayerNorm()).fit(X))
    assert nl.verify(make_pipeline(BatchNorm(), LayerNorm()).fit(X), lock).ok
    report = nl.compare(make_pipeline(BatchNorm(ddof=0), LayerNorm()).fit(X), lock)
    assert report.step == "batchnorm"
    report = nl.compare(make_pipeline(BatchNorm(), RMSNorm()).fit(X), lock)
    assert not report.ok


def test_trusted_by_skops():
    """Layers are read from skops files without a type of yours to trust."""
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(LayerNorm(W, B).fit(X))
    assert skops.loads(data, trusted=nl.trusted_types()).eps == 1e-5


# -- from checkpoints and graphs ---------------------------------------------------------------------------------------


def test_spellings_and_containers(tmp_path):
    """The tensors of a layer are found under the names of torch, Keras and flax, in a file and in memory."""
    for weight, bias in (("weight", "bias"), ("gamma", "beta"), ("scale", "bias")):
        layer = LayerNorm.from_weights({f"a.{weight}": W, f"a.{bias}": B}, "a", eps=1e-12)
        assert np.array_equal(layer.transform(X), LayerNorm(W, B, eps=1e-12).fit(X).transform(X))
    nested = BatchNorm.from_weights({"bn": {"scale": W, "bias": B, "mean": MEAN, "var": VAR}}, "bn", eps=1e-5)
    assert np.array_equal(nested.transform(X), _batch().transform(X))
    np.savez(tmp_path / "model.npz", **{"a.weight": W.astype("f4")})
    with pytest.raises(ArtifactReadError, match="eps is not stated"):
        RMSNorm.from_weights(tmp_path / "model.npz", "a")
    (tmp_path / "config.json").write_text(json.dumps({"rms_norm_eps": 1e-6, "hidden_size": 8}))
    assert RMSNorm.from_weights(tmp_path / "model.npz", "a").eps == 1e-6
    with pytest.raises(ArtifactReadError, match="1e-06 there, and 0.1 was given"):
        RMSNorm.from_weights(tmp_path / "model.npz", "a", eps=0.1)


@pytest.mark.parametrize(
    ("cls", "tensors", "name", "text"),
    [
        (LayerNorm, {"a.weight": W}, "a", "has no bias, as an RMSNorm"),
        (RMSNorm, {"a.weight": W, "a.bias": B}, "a", "Use LayerNorm"),
        (LayerNorm, {"a.weight": W, "a.bias": B, "a.running_mean": MEAN, "a.running_var": VAR}, "a", "BatchNorm"),
        (BatchNorm, {"a.weight": W, "a.bias": B}, "a", "no running mean"),
        (LayerNorm, {"conv.weight": np.ones((2, 2, 3)), "conv.bias": B[:2]}, "bn1", "folded into"),
        (LayerNorm, {"norm1.weight": W, "norm1.bias": B}, "norm2", "Name one of norm1"),
        (LayerNorm, {"a.weight": W, "a.gamma": W, "a.bias": B}, "a", "can't be told"),
        (RMSNorm, {"a.weight": np.ones(8, "i1")}, "a", "quantised"),
        (RMSNorm, {"a.weight": np.ones((2, 4))}, "a", "shape"),
        (BatchNorm, {"a.mean": MEAN, "a.var": -VAR}, "a", "no finite vectors"),
        (GroupNorm, {"a.weight": W, "a.bias": B}, "a", "how many groups"),
        (BatchNorm, {"a.mean": MEAN, "a.var": VAR, "a.num_batches_tracked": np.ones(2)}, "a", "count of batches"),
        (BatchNorm, {"a.mean": MEAN, "a.var": VAR, "a.num_batches_tracked": np.array(np.nan)}, "a", "count of batches"),
        (BatchNorm, {"a.mean": MEAN, "a.var": VAR, "a.weight": W[:2]}, "a", "a: weight of BatchNorm has shape"),
        (RMSNorm, {"a.weight": W * np.nan}, "a", "a: weight of RMSNorm"),
        (RMSNorm, {"a.weight": W}, None, "name of a layer is a text"),
    ],
)
def test_what_is_not_there_is_not_guessed(cls, tensors, name, text):
    """A layer that is missing, of another kind, ambiguous or quantised is refused with the reason."""
    with pytest.raises(ArtifactReadError, match=text):
        cls.from_weights(tensors, name, eps=1e-5)


NODES = [
    (LayerNorm, "LayerNormalization", {"w": W, "b": B}, {"axis": -1, "epsilon": 1e-12}, {}),
    (BatchNorm, "BatchNormalization", {"w": W, "b": B, "m": MEAN, "v": VAR}, {"epsilon": 1e-3}, {"ddof": 0}),
    (GroupNorm, "GroupNormalization", {"w": W, "b": B}, {"num_groups": 2, "epsilon": 1e-6}, {"num_groups": 2}),
    (RMSNorm, "RMSNormalization", {"w": W}, {"axis": -1, "epsilon": 1e-6}, {}),
]


@pytest.mark.parametrize(("cls", "operator", "tensors", "attributes", "stated"), NODES, ids=lambda v: str(v)[:24])
def test_nodes_of_graphs_state_their_parameters(cls, operator, tensors, attributes, stated, tmp_path):
    """A node gives weights and parameters; another class of layer refuses it, and so does training mode."""
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node(operator, tensors, attributes, shape=("N", 8)))
    layer = cls.from_weights(path, "the_norm")
    assert layer.eps == attributes["epsilon"] and cls.from_weights(path, "y").fingerprint_ == layer.fingerprint_
    assert all(getattr(layer, key) == value for key, value in stated.items())
    assert np.array_equal(layer.weight_, W.astype("f4").astype(float))
    with pytest.raises(ArtifactReadError, match=f"it is a {operator}"):
        next(other for other in (LayerNorm, RMSNorm) if other is not cls).from_weights(path, "the_norm")
    if cls is BatchNorm:
        path.write_bytes(one_node(operator, tensors, {**attributes, "training_mode": 1}, shape=("N", 8)))
        with pytest.raises(ArtifactReadError, match="training mode"):
            cls.from_weights(path, "the_norm")


L2_NODE = (L2Norm, "LpNormalization", {}, {"axis": -1, "p": 2}, {"n_features": 8})


@pytest.mark.parametrize("number", ["1" + "0" * 400, "NaN", "Infinity", "-1", "1e999", "true", '"1e-6"', "[]"])
def test_an_eps_that_is_no_number_is_never_used(number, tmp_path):
    """A configuration beside the checkpoint may be damaged: that is an error of ours, or eps has to be given."""
    np.savez(tmp_path / "model.npz", **{"a.weight": W})
    (tmp_path / "config.json").write_text(f'{{"rms_norm_eps": {number}}}')
    with pytest.raises(ArtifactReadError, match="eps is"):
        RMSNorm.from_weights(tmp_path / "model.npz", "a")


@pytest.mark.parametrize("groups", [0, -2, 2.5, np.nan, np.inf], ids=["none", "negative", "part", "nan", "infinite"])
def test_a_node_with_groups_that_are_no_number(groups, tmp_path):
    """A damaged node is refused by the layer and the parameter."""
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node("GroupNormalization", {"w": W, "b": B}, {"num_groups": groups}, shape=("N", 8)))
    with pytest.raises(ArtifactReadError, match="the_norm: num_groups is"):
        GroupNorm.from_weights(path, "the_norm")


def test_nodes_without_a_weight_for_each_column(tmp_path):
    """An L2 norm, and groups with one weight each, need n_features; another order, axis or width is refused."""
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node(L2_NODE[1], {}, {"axis": -1, "p": 2}))
    layer = L2Norm.from_weights(path, "the_norm", n_features=4)
    assert (layer.eps, layer.eps_rule, layer.n_features_in_) == (0.0, "max", 4)
    assert np.array_equal(layer.transform([[3.0, 0.0, 0.0, 4.0], [0.0] * 4]), [[0.6, 0, 0, 0.8], [0.0] * 4])
    for given, text in (({}, "how many columns"), *(({"n_features": n}, "no number of columns") for n in (0, 10**12))):
        with pytest.raises(ArtifactReadError, match=text):
            L2Norm.from_weights(path, "the_norm", **given)
    with pytest.raises(ArtifactReadError, match="0.0 there, and 0.1 was given"):
        L2Norm.from_weights(path, "the_norm", n_features=4, eps=0.1)
    for attributes, text in (({"p": 1}, "order 1"), ({"axis": 1}, "from axis 1 on")):
        path.write_bytes(one_node(L2_NODE[1], {}, attributes))
        with pytest.raises(ArtifactReadError, match=text):
            L2Norm.from_weights(path, "the_norm", n_features=4)
    with pytest.raises(ArtifactReadError, match="has no weights"):
        L2Norm.from_weights({"a.weight": W}, "a")
    path.write_bytes(one_node("GroupNormalization", {"w": W[:2], "b": B[:2]}, {"num_groups": 2}))
    with pytest.raises(ArtifactReadError, match="one weight a group"):
        GroupNorm.from_weights(path, "the_norm")
    layer = GroupNorm.from_weights(path, "the_norm", n_features=8)
    assert np.array_equal(layer.weight_, np.repeat(W[:2].astype("f4"), 4))
    with pytest.raises(ArtifactReadError, match="no multiple"):
        GroupNorm.from_weights(path, "the_norm", n_features=7)
    with pytest.raises(ArtifactReadError, match="takes 8 columns, and n_features is 9"):
        RMSNorm.from_weights({"a.weight": W}, "a", eps=1e-6, n_features=9)


@pytest.mark.parametrize(
    ("cls", "operator", "tensors", "attributes", "stated"), [*NODES, L2_NODE], ids=lambda v: str(v)[:24]
)
def test_parity_with_onnxruntime(cls, operator, tensors, attributes, stated, tmp_path):
    """onnxruntime computes the same in float32, within 2e-6 of the row's scale; groups within 2e-5."""
    ort = pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    opset = {RMSNorm: 23, GroupNorm: 21}.get(cls, 18)  # where the operator came, or got a weight for each column
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip(f"this onnx does not know opset {opset}, from which {operator} is")
    path = tmp_path / "model.onnx"
    shape = ("N", 8, 1) if cls is GroupNorm else ("N", 8)  # groups have positions behind the columns
    path.write_bytes(one_node(operator, tensors, attributes, shape=shape, opset=opset))
    rows = X.astype(np.float32)
    got = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(
        None, {"x": rows[..., None] if cls is GroupNorm else rows}
    )[0]
    width = {"n_features": 8} if cls is L2Norm else {}
    want = cls.from_weights(path, "the_norm", **width).transform(rows)
    # Groups of four columns may lie far from 0 beside their spread: a float32 kernel loses digits there.
    bar = 2e-5 if cls is GroupNorm else 2e-6
    assert np.max(np.abs(got.reshape(want.shape) - want) / np.abs(want).max(1, keepdims=True)) < bar


@pytest.mark.campaign
def test_parity_with_flax():
    """flax computes the same as what is read from its parameters: float64 within 2e-15, float32 within 2e-6."""
    jax = pytest.importorskip("jax", reason="jax is not installed: its wheels have 100 MB")
    linen = pytest.importorskip("flax.linen", reason="flax is not installed")
    layers = {
        "layer": (linen.LayerNorm(epsilon=1e-6, use_fast_variance=False), LayerNorm, {"eps": 1e-6}),
        "rms": (linen.RMSNorm(epsilon=1e-6), RMSNorm, {"eps": 1e-6}),
        "group": (linen.GroupNorm(2, epsilon=1e-6, use_fast_variance=False), GroupNorm, {"eps": 1e-6, "num_groups": 2}),
        "batch": (
            linen.BatchNorm(use_running_average=False, momentum=0.9, epsilon=1e-5, use_fast_variance=False),
            BatchNorm,
            {"eps": 1e-5, "momentum": 0.9, "momentum_convention": "flax", "ddof": 0},
        ),
    }
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        for name, (module, cls, parameters) in layers.items():
            for dtype, bar in ((np.float64, 2e-15), (np.float32, 2e-6)):
                rows = X.astype(dtype)
                module = module.clone(dtype=dtype, param_dtype=dtype)
                variables = module.init(jax.random.key(0), rows)
                given = {role: W.astype(dtype) if role == "scale" else B.astype(dtype) for role in variables["params"]}
                variables = {**variables, "params": given}
                tensors = {f"n.{role}": np.asarray(value) for role, value in given.items()}
                if name == "batch":
                    ours = BatchNorm(momentum=0.9, momentum_convention="flax", ddof=0)
                    for batch in np.split(rows, 4):
                        _, moved = module.apply(variables, batch, mutable=["batch_stats"])
                        variables = {**variables, **moved}
                        ours.partial_fit(batch)
                    stats = {role: np.asarray(value) for role, value in variables["batch_stats"].items()}
                    # flax keeps its running statistics in float32, whatever the dtype of the layer
                    assert np.allclose(ours.var_, stats["var"], rtol=1e-6)
                    assert np.allclose(ours.mean_, stats["mean"], rtol=1e-5)
                    tensors.update({f"n.{role}": value for role, value in stats.items()})
                served = module.clone(use_running_average=True) if name == "batch" else module
                want = np.asarray(served.apply(variables, rows))
                got = cls.from_weights(tensors, "n", **parameters).transform(rows)
                assert np.max(np.abs(got - want) / np.abs(want).max(1, keepdims=True)) < bar, (name, dtype)
        unit = np.asarray(jax.numpy.asarray(X) / jax.numpy.linalg.norm(X, axis=1, keepdims=True))
        assert np.max(np.abs(L2Norm().fit(X).transform(X) - unit)) < 2e-15
    finally:
        jax.config.update("jax_enable_x64", before)


@pytest.mark.campaign
def test_parity_with_torch():
    """torch computes the same, in float64 within 2e-15 of the row's scale and in float32 within 2e-6."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its wheel has 3 GB")
    modules = {
        "layer": (torch.nn.LayerNorm(8), LayerNorm, {"eps": 1e-5}),
        "rms": (torch.nn.RMSNorm(8, eps=1e-6), RMSNorm, {"eps": 1e-6}),
        "group": (torch.nn.GroupNorm(2, 8), GroupNorm, {"eps": 1e-5, "num_groups": 2}),
        "batch": (torch.nn.BatchNorm1d(8), BatchNorm, {"eps": 1e-5}),
    }
    for name, (module, cls, parameters) in modules.items():
        for dtype, bar in ((torch.float64, 2e-15), (torch.float32, 2e-6)):
            module = module.to(dtype)
            with torch.no_grad():
                module.weight.copy_(torch.as_tensor(W))
            if name == "batch":
                module.train()
                ours = BatchNorm()
                module.reset_running_stats()
                for batch in np.split(X, 4):
                    module(torch.as_tensor(batch, dtype=dtype))
                    ours.partial_fit(batch)
                assert np.allclose(ours.var_, module.running_var.numpy(), rtol=1e-6)
            module.eval()
            rows = X.astype(np.float64 if dtype is torch.float64 else np.float32)
            want = module(torch.as_tensor(rows)).detach().numpy()
            got = cls.from_weights(module, "", **parameters).transform(rows)
            assert np.max(np.abs(got - want) / np.abs(want).max(1, keepdims=True)) < bar, (name, dtype)
    unit = torch.nn.functional.normalize(torch.as_tensor(X)).numpy()
    assert np.max(np.abs(L2Norm().fit(X).transform(X) - unit)) < 2e-15
