"""Encoders: a graph is a locked step, pooling needs no mask beside it, and a whole pipeline of text is one object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError, FingerprintMismatchError, InputFaultError, NormLockError

onnx = pytest.importorskip("onnx", reason="onnx isn't installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime isn't installed")

from encoders_made import TOKENS, WIDTH, encoder, weights  # noqa: E402

from sklearn_normlock.onnx import ClsPooling, LastTokenPooling, MeanPooling, OnnxTransformer, Truncate  # noqa: E402


def tokens(rows: int = 5, length: int = 7) -> np.ndarray:
    rng = np.random.default_rng(3)
    mask = np.arange(length) < rng.integers(2, length + 1, size=rows)[:, None]
    ids = np.where(mask, rng.integers(1, TOKENS, size=(rows, length)), 0)
    return np.stack([ids, mask, np.zeros_like(ids)], axis=1).astype(np.int64)


# -- the graph ---------------------------------------------------------------------------------------------------------


def test_outputs_are_those_of_onnxruntime() -> None:
    """States of tokens are the runtime's own bits, and positions that only fill up are NaN."""
    rows = tokens()
    session = onnxruntime.InferenceSession(encoder().SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["last_hidden_state"], {"input_ids": rows[:, 0], "attention_mask": rows[:, 1]})
    states = OnnxTransformer(encoder()).fit().transform(rows)
    there = rows[:, 1].astype(bool)
    assert np.array_equal(states[there], expected[there]) and np.isnan(states[~there]).all()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_batches_don_t_matter(size: int) -> None:
    """However the rows are cut into batches, the states are the same within float32."""
    whole = OnnxTransformer(encoder()).fit().transform(tokens())
    parts = OnnxTransformer(encoder(), batch_size=size).fit().transform(tokens())
    assert np.allclose(whole, parts, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_another_output_can_be_chosen() -> None:
    """An output without tokens comes as it is, and it is part of the identity which one is taken."""
    sentences = OnnxTransformer(encoder(), output="sentence").fit()
    assert sentences.transform(tokens()).shape == (5, WIDTH)
    assert nl.fingerprint(sentences) != nl.fingerprint(OnnxTransformer(encoder()).fit())


def test_the_identity_is_what_the_graph_computes() -> None:
    """Names, order and producer don't count; one bit of one tensor does."""
    same = encoder()
    same.producer_name = "another"
    initializers = list(same.graph.initializer)
    del same.graph.initializer[:]
    same.graph.initializer.extend(initializers[::-1])
    other = encoder()
    array = weights()["dense"].copy()
    array[3, 3] = np.nextafter(array[3, 3], np.float32(9))
    other.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(array, "dense"))
    ours, equal, moved = (nl.fingerprint(OnnxTransformer(each).fit()) for each in (encoder(), same, other))
    assert ours == equal != moved
    assert ours == nl.fingerprint(OnnxTransformer(encoder(), batch_size=3, threads=2).fit())


def test_a_graph_of_pixels_takes_floats_and_no_raw_bytes() -> None:
    """An image graph runs on float32, and refuses pixels from 0 to 255 that were never rescaled."""
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3, "height", "width"]) for name in "xy"
    )
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    step = OnnxTransformer(model).fit()
    assert step.transform(np.full((2, 3, 4, 4), -1.0)).max() == 0
    assert nl.lock(step).probes[0].left_out is None
    with pytest.raises(InputFaultError, match="rescaled first"):
        step.transform(np.zeros((2, 3, 4, 4), dtype=np.uint8))


@pytest.mark.parametrize("ending", [".skops", ".joblib", ".pkl"])
def test_it_travels_sealed_and_without_its_file(tmp_path: Path, ending: str) -> None:
    """The graph is in the object: the file is needed no longer, and the lock's probe agrees after a load."""
    path = tmp_path / "model.onnx"
    onnx.save(encoder(), path)
    step = OnnxTransformer(str(path)).fit()
    lock, expected = nl.lock(step), step.transform(tokens())
    nl.dump(step, tmp_path / f"a{ending}")
    path.unlink()
    loaded = nl.load(tmp_path / f"a{ending}")
    assert nl.verify(loaded, lock).probed == 1
    assert np.array_equal(loaded.transform(tokens()), expected, equal_nan=True)


def test_a_change_behind_the_seal_raises() -> None:
    """Another graph in the place of the fitted one is a mismatch at the next call."""
    step = OnnxTransformer(encoder()).fit()
    step.graph_ = OnnxTransformer(encoder(1)).fit().graph_
    with pytest.raises(FingerprintMismatchError):
        step.transform(tokens())


@pytest.mark.parametrize(
    "place", ["../secret.bin", "/etc/hostname", "link.bin", "", "none.bin", "a\\..\\..\\secret.bin"]
)
def test_external_data_is_read_beside_the_model_alone(tmp_path: Path, place: str) -> None:
    """A model whose data lies elsewhere, or behind a link to elsewhere, is refused; nothing there is opened."""
    (tmp_path / "secret.bin").write_bytes(bytes(4 * WIDTH))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    model = encoder()
    tensor = model.graph.initializer[3]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", place
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ArtifactReadError, match="not a file beside the model"):
        OnnxTransformer(folder / "model.onnx").fit()


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    """A model with its data in a second file is the same as one that holds it."""
    onnx.save(encoder(), tmp_path / "a.onnx", save_as_external_data=True, location="a.bin", size_threshold=0)
    assert nl.fingerprint(OnnxTransformer(tmp_path / "a.onnx").fit()) == nl.fingerprint(
        OnnxTransformer(encoder()).fit()
    )


@pytest.mark.parametrize("model", [b"", b"\x00\x01", b"\x08\x08" * 50, None, 7, "there/is/none.onnx"])
def test_what_is_no_graph_is_refused(model: Any) -> None:
    """Damaged bytes, a missing file and another kind of object are errors of the package."""
    with pytest.raises(NormLockError):
        OnnxTransformer(model).fit()


def test_a_damaged_graph_is_never_a_foreign_error() -> None:
    """300 damaged models: each is read, or refused with an error of the package."""
    rng = np.random.default_rng(0)
    whole = encoder().SerializeToString()
    start = whole.rindex(b"last_hidden_state") - 700  # where nodes are; elsewhere are numbers
    refused = 0
    for i in range(300):
        data = bytearray(whole)
        for at in rng.integers(max(start, 0) if i % 2 else 0, len(data), size=3):
            data[at] = rng.integers(0, 256)
        try:
            OnnxTransformer(bytes(data[: rng.integers(1, len(data))] if i % 3 == 0 else data)).fit()
        except NormLockError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.zeros((2, 8), dtype=np.int64), "Tokenizer before it"),
        (np.zeros((2, 3, 8)), "Tokenizer before it"),
        (np.full((2, 3, 8), TOKENS + 5), "onnxruntime refuses rows 0 to 1"),
        (np.zeros((0, 3, 8), dtype=np.int64), "at least one row"),
        (np.array(["a"]), "at least one row"),
    ],
)
def test_what_a_graph_does_not_take_is_named(rows: Any, said: str) -> None:
    """Tables, floats and ids beyond the vocabulary are faults of the input, said in our words."""
    with pytest.raises(InputFaultError, match=said):
        OnnxTransformer(encoder()).fit().transform(rows)


def test_a_graph_that_gives_nan_is_not_taken_for_padding() -> None:
    """NaN that the graph computes is an error with its row: pooling would leave it out in silence."""
    model = encoder()
    array = weights()["embeddings"].copy()
    array[7] = np.nan
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(array, "embeddings"))
    rows = tokens()
    rows[:, 0][rows[:, 0] == 7] = 8
    rows[3, 0, 0] = 7
    with pytest.raises(InputFaultError, match=r"X\[3\]"):
        OnnxTransformer(model).fit().transform(rows)


def graph_of(
    *nodes: tuple[str, list[str], dict[str, Any]], kind: int = onnx.TensorProto.FLOAT, **tensors: Any
) -> bytes:
    """Return a model of nodes, one after the other, from ``x`` of 4 columns to the last of their outputs."""
    made, last = [], "x"
    for i, (operator, others, attributes) in enumerate(nodes):
        made.append(onnx.helper.make_node(operator, [last, *others], [f"y{i}"], **attributes))
        last = f"y{i}"
    constants = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()]
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 4])
    y = onnx.helper.make_tensor_value_info(last, kind, None)
    graph = onnx.helper.make_graph(made, "g", [x], [y], constants)
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


ROWS = np.arange(24, dtype=np.float32).reshape(6, 4)
NO_ROWS = {
    "over all rows": ("ReduceMean", [], {"axes": [0]}),
    "one number": ("ReduceMean", [], {"keepdims": 0}),
    "columns": ("Transpose", [], {"perm": [1, 0]}),
}


@pytest.mark.parametrize("size", [2, 64])
@pytest.mark.parametrize("case", NO_ROWS)
def test_a_graph_that_gives_not_one_result_a_row_is_refused(case: str, size: int) -> None:
    """An output that gathers the rows of a batch would depend on how rows are cut into batches."""
    step = OnnxTransformer(graph_of(NO_ROWS[case]), batch_size=size).fit()
    with pytest.raises(InputFaultError, match="not one result a row"):
        step.transform(ROWS)


def test_an_output_that_is_no_array_of_numbers_is_refused() -> None:
    """Texts are refused when the graph is read."""
    texts = graph_of(("Cast", [], {"to": onnx.TensorProto.STRING}), kind=onnx.TensorProto.STRING)
    with pytest.raises(NormLockError, match=r"tensor\(string\), no array of numbers"):
        OnnxTransformer(texts).fit()


def inside(model: bytes) -> bytes:
    """Return the model with its nodes in the branches of an ``If``."""
    made = onnx.load_model_from_string(model)
    body = onnx.helper.make_graph(list(made.graph.node), "body", [], list(made.graph.output))
    condition = onnx.numpy_helper.from_array(np.array(True), "yes")
    node = onnx.helper.make_node("If", ["yes"], ["z"], then_branch=body, else_branch=body)
    z = onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph([node], "g", list(made.graph.input), [z], [condition, *made.graph.initializer])
    opsets = list(made.opset_import)
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


TRAINING = {
    "random numbers": graph_of(("RandomNormalLike", [], {})),
    "dropout": graph_of(("Dropout", ["ratio", "training"], {}), ratio=np.float32(0.5), training=np.array(True)),
    "batch statistics": graph_of(
        ("BatchNormalization", ["w", "b", "m", "v"], {"training_mode": 1}), **dict.fromkeys("wbmv", np.ones(4, "f4"))
    ),
}


@pytest.mark.parametrize("wrapped", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("case", TRAINING)
def test_a_graph_that_was_left_in_training_mode_is_refused(case: str, wrapped: bool) -> None:
    """Dropout, statistics of the batch and random numbers are found in inner graphs, too; inference is no alarm."""
    model = inside(TRAINING[case]) if wrapped else TRAINING[case]
    with pytest.raises(ArtifactReadError, match="draws random numbers|is in training mode"):
        OnnxTransformer(model).fit()
    idle = graph_of(("Dropout", ["ratio", "training"], {}), ratio=np.float32(0.5), training=np.array(False))
    assert np.array_equal(OnnxTransformer(idle).fit().transform(ROWS), ROWS)


@pytest.mark.parametrize("large", [1e39, -1e300, 10**39])
def test_a_number_without_room_in_the_type_of_the_graph_is_refused(large: float) -> None:
    """Numbers beyond float32 are named by their row, never made infinite: a sigmoid would hide it."""
    step = OnnxTransformer(graph_of(("Sigmoid", [], {}))).fit()
    rows = ROWS.astype(np.float64)
    rows[2, 1] = large
    with pytest.raises(InputFaultError, match=r"X\[2\] has a number that float32 has no room for"):
        step.transform(rows)
    with pytest.raises(InputFaultError, match="makes no array"):
        step.transform([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("parameters", [{"batch_size": 0}, {"threads": True}, {"threads": 10**6}, {"output": "none"}])
def test_a_wrong_parameter_is_named(parameters: dict[str, Any]) -> None:
    """fit refuses a parameter that is none, and names it."""
    with pytest.raises(NormLockError) as caught:
        OnnxTransformer(encoder(), **parameters).fit()
    assert caught.value.path in parameters


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda: OnnxTransformer(encoder(1)), "2 of 6 tensors hold other numbers: another checkpoint"),
        (lambda: OnnxTransformer(encoder(half=True)), "4 of 6 tensors were cast from float32 to float16"),
        (lambda: OnnxTransformer(_leaner()), "the graph computes otherwise"),
        (lambda: OnnxTransformer(encoder(), output="sentence"), "another output is taken"),
    ],
    ids=["checkpoint", "cast", "operators", "output"],
)
def test_a_diff_names_what_happened(other: Any, said: str) -> None:
    """Between two objects, and between two locks alone, the difference of two encoders has a name."""
    before, after = OnnxTransformer(encoder()).fit(), other().fit()
    assert said in nl.diff(before, after).explain()
    assert said in nl.diff(nl.lock(before), nl.lock(after)).explain()


def _leaner() -> Any:
    """Return the encoder with another epsilon in its layer norm."""
    model = encoder()
    (node,) = [node for node in model.graph.node if node.op_type == "LayerNormalization"]
    (epsilon,) = [attribute for attribute in node.attribute if attribute.name == "epsilon"]
    epsilon.f = 1e-12
    return model


# -- pooling -----------------------------------------------------------------------------------------------------------


def states() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(6, 9, 5)).astype(np.float32)
    mask = rng.random((6, 9)) < 0.6
    mask[:, 4] = True
    return np.where(mask[:, :, None], values, np.float32(np.nan)), mask


@pytest.mark.parametrize("pooling", [MeanPooling, ClsPooling, LastTokenPooling])
def test_pooling_is_what_a_loop_gives(pooling: type) -> None:
    """Wherever the tokens lie, only they count."""
    values, mask = states()
    pooled = pooling().fit_transform(values)
    for row, there, vector in zip(values, mask, pooled, strict=True):
        kept = row[there]
        expected = {
            "MeanPooling": kept.astype(np.float64).mean(axis=0),
            "ClsPooling": kept[0],
            "LastTokenPooling": kept[-1],
        }
        assert np.allclose(vector, expected[pooling.__name__], rtol=1e-6, atol=0) and vector.dtype == np.float32


@pytest.mark.parametrize("pooling", [MeanPooling, ClsPooling, LastTokenPooling])
def test_pooling_refuses_what_it_would_get_wrong(pooling: type) -> None:
    """A text without a token, a state that is NaN in part, another width and a table are named."""
    values, _ = states()
    step = pooling().fit(values)
    bare, part = values.copy(), values.copy()
    bare[2] = np.nan
    part[1, 4, 0] = np.nan
    for wrong, said in ((bare, r"X\[2\] has no token"), (part, r"X\[1\] has a state"), (values[:, :, :3], "5 at fit")):
        with pytest.raises(InputFaultError, match=said):
            step.transform(wrong)
    infinite = np.where(values == values[1, 4, 0], np.float32(np.inf), values)
    with pytest.raises(InputFaultError, match=r"X\[1\] has a state with NaN or infinity"):
        step.transform(infinite)
    with pytest.raises(InputFaultError, match="makes no array"):
        step.transform([[[1.0]], [[1.0], [2.0]]])
    with pytest.raises(InputFaultError, match="state for each token"):
        pooling().fit(values[:, 0])


def test_the_poolings_are_told_apart() -> None:
    """Three poolings have three identities, and each has a probe that runs."""
    steps = [pooling().fit(states()[0]) for pooling in (MeanPooling, ClsPooling, LastTokenPooling)]
    assert len({nl.fingerprint(step) for step in steps}) == 3
    assert all(nl.lock(step).probes[0].left_out is None for step in steps)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_truncated_vectors_have_length_1(scale: float) -> None:
    """Whatever the scale, the rows that are kept have length 1; without that they are as they were."""
    rows = np.random.default_rng(0).normal(size=(4, 8)) * scale
    assert np.allclose(np.linalg.norm(Truncate(3).fit_transform(rows), axis=1), 1.0, rtol=1e-12)
    assert np.array_equal(Truncate(3, renormalise=False).fit_transform(rows), rows[:, :3])


def test_a_row_of_zeros_stays_one() -> None:
    """A vector that is cut down to nothing is no NaN."""
    assert Truncate(2).fit_transform(np.array([[0.0, 0.0, 5.0]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("dim", [0, 9, True, 2.5])
def test_a_length_that_vectors_don_t_have_is_refused(dim: Any) -> None:
    """dim must lie within the width."""
    with pytest.raises(NormLockError, match="dim is"):
        Truncate(dim).fit(np.ones((3, 8)))


def test_clones_are_the_same() -> None:
    """A clone that is fitted again has the fingerprint of its original."""
    for step in (OnnxTransformer(encoder()).fit(), Truncate(3).fit(np.ones((2, 5)))):
        again = clone(step).fit(np.ones((2, 5)))
        assert nl.fingerprint(again) == nl.fingerprint(step)
