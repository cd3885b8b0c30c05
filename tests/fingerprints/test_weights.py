"""Weights: one identity over containers, a diff that names what happened, and nothing run or read outside.

The files in ``archive/weights`` were written by torch, safetensors, onnx and gguf themselves
(``archive/make_weights.py``); none of them is needed here.
"""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_wire import one_node

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import (
    ArtifactReadError,
    LockMismatchError,
    NormLockError,
    UndecidedError,
    UnfingerprintableError,
)
from sklearn_normlock.fingerprints.weights import Bits, Weights, is_weights, open_weights

FOLDER = Path(__file__).parents[1] / "archive" / "weights"
WHOLE = [
    "model.pt",
    "legacy.pt",
    "model.safetensors",
    "turned.safetensors",
    "model.onnx",
    "typed.onnx",
    "external.onnx",
]
PLAIN = ["plain.npz", "packed.npz", "plain.pt"]
FILES = [*WHOLE, *PLAIN, "model.gguf"]


@pytest.mark.parametrize("names", [WHOLE, PLAIN], ids=["eleven dtypes", "without bfloat16"])
def test_the_same_tensors_are_the_same_in_every_container(names):
    """Container, order, alignment, compression and layout in memory don't count."""
    assert len({nl.fingerprint(FOLDER / name) for name in names}) == 1
    weights = open_weights(FOLDER / names[0])
    assert nl.fingerprint(dict(weights.items())) == nl.fingerprint(FOLDER / names[0])


def test_quantised_tensors_of_gguf():
    """Shapes are turned round to those of other containers, and blocks of quantised values count by their bytes."""
    weights = open_weights(FOLDER / "model.gguf")
    other = open_weights(FOLDER / "model.safetensors")
    assert np.array_equal(weights["encoder.weight"], other["encoder.weight"])
    quantised = weights["quantised"]
    assert (quantised.dtype, quantised.shape, quantised.nbytes) == ("q8_0", (2, 64), 4 * 34)


def changed(weights, name, value):
    return {**weights, name: value}


def changes():
    base = dict(open_weights(FOLDER / "plain.npz"))
    double = base["norm.double"].copy()
    double[2] = np.nextafter(double[2], 9)
    yield "an ULP", changed(base, "norm.double", double)
    yield "a sign of zero", changed(base, "steps", np.array(-0.0)), changed(base, "steps", np.array(0.0))
    yield "a dtype", changed(base, "norm.weight", base["norm.weight"].astype(np.float64))
    yield "a shape", changed(base, "codes", base["codes"].reshape(2, 1))
    yield "a shape of nothing", changed(base, "empty", base["empty"].reshape(3, 0))
    yield "a name", {**{key: value for key, value in base.items() if key != "flags"}, "flag": base["flags"]}
    yield "one less", {key: value for key, value in base.items() if key != "flags"}
    bits = np.array([1, 2], np.uint16)
    yield "bits", {"w": Bits("bfloat16", (2,), bits)}, {"w": bits}, {"w": bits.view(np.float16)}


@pytest.mark.parametrize("case", list(changes()), ids=lambda case: case[0])
def test_what_counts(case):
    """One unit in the last place, a dtype, a shape, a name: each makes other weights."""
    base = nl.fingerprint(FOLDER / "plain.npz")
    found = [nl.fingerprint(each) for each in case[1:]]
    assert len({base, *found}) == len(found) + 1


def test_a_lock_of_weights(tmp_path):
    """A checkpoint is locked, converted, and still a match; another names the tensor."""
    lock = nl.lock(FOLDER / "model.pt")
    lock.save(tmp_path / "lock.json")
    assert nl.verify(FOLDER / "model.safetensors", tmp_path / "lock.json").ok
    other = changed(dict(open_weights(FOLDER / "model.pt")), "norm.weight", np.zeros(4, np.float32))
    with pytest.raises(LockMismatchError, match=r"norm\.weight"):
        nl.verify(other, lock)


def test_a_bundle_judges_a_checkpoint_by_its_tensors(tmp_path):
    """A member that was converted to another container is the same member."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit([[0.0], [2.0]])
    lock = nl.lock({"scaler": scaler, "net": FOLDER / "model.pt"})
    assert nl.verify({"scaler": scaler, "net": FOLDER / "model.safetensors"}, lock).ok
    with pytest.raises(LockMismatchError, match="net"):
        nl.verify({"scaler": scaler, "net": FOLDER / "plain.npz"}, lock)


class Module:
    """A module as torch has it, without torch."""

    def __init__(self, training):
        self.training = training

    def state_dict(self):
        return {"norm.running_mean": np.zeros(3, np.float32)}

    def named_modules(self):
        yield "", self
        yield "norm", self


def test_training_mode_is_a_mismatch():
    """A module in training mode is no match whatever its tensors are, and can't be locked."""
    lock = nl.lock(Module(training=False))
    assert nl.verify(Module(training=False), lock).ok
    with pytest.raises(LockMismatchError, match=r"norm\.training"):
        nl.verify(Module(training=True), lock)
    with pytest.raises(NormLockError, match="eval"):
        nl.lock(Module(training=True))


# -- what happened -----------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)


def model():
    """Return a small encoder with norms of both kinds."""
    base = {"embeddings.weight": RNG.normal(size=(50, 32))}
    for i in range(3):
        base[f"layer.{i}.dense.weight"] = RNG.normal(size=(64, 64))
        base[f"layer.{i}.square.weight"] = RNG.normal(size=(48, 64))
        base[f"layer.{i}.norm.weight"] = RNG.normal(1, 0.1, size=64)
        base[f"layer.{i}.norm.bias"] = RNG.normal(0, 0.1, size=64)
        base[f"layer.{i}.batch.running_mean"] = RNG.normal(size=64)
        base[f"layer.{i}.batch.running_var"] = RNG.uniform(1, 2, size=64)
        base[f"layer.{i}.batch.num_batches_tracked"] = np.array(9)
    return {name: value.astype(np.float32) if value.dtype.kind == "f" else value for name, value in base.items()}


BASE = model()


def brain(array):
    """Round to bfloat16, to nearest."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return Bits("bfloat16", array.shape, ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16))


def floats(change):
    """Change every tensor of floating-point numbers."""
    return mapped(lambda name, value: change(value) if value.dtype.kind == "f" else value)


def mapped(change):
    return {name: change(name, value) for name, value in BASE.items()}


def low_rank(name, value):
    if "dense" not in name:
        return value
    return value + (RNG.normal(size=(64, 4)) @ RNG.normal(size=(4, 64)) * 0.1).astype(np.float32)


def trained(name, value):
    return value + RNG.normal(size=value.shape).astype(value.dtype) if "dense" in name else value


ADAPTED = {**BASE, "layer.0.dense.lora_A.weight": np.ones((4, 64)), "layer.0.dense.lora_B.weight": np.ones((64, 4))}
MERGED = changed(BASE, "layer.0.dense.weight", BASE["layer.0.dense.weight"] + 1)
GROWN = changed(BASE, "embeddings.weight", np.concatenate([BASE["embeddings.weight"], np.ones((3, 32), np.float32)]))
HAPPENED = {
    "running statistics": (
        BASE,
        mapped(lambda name, value: value + 1 if "running" in name or "tracked" in name else value),
        "Only running statistics moved, in 3 layers",
    ),
    "bias gone": (BASE, {n: v for n, v in BASE.items() if not n.endswith("norm.bias")}, "The bias of a norm is gone"),
    "float16": (
        BASE,
        mapped(lambda n, v: v.astype(np.float16) if v.dtype.kind == "f" else v),
        "Cast, float32 → float16",
    ),
    "bfloat16": (BASE, floats(brain), "Cast, float32 → bfloat16"),
    "cast and more": (
        BASE,
        floats(lambda v: (v + 1).astype(np.float16)),
        "Cast and changed, float32 → float16",
    ),
    "int8": (
        BASE,
        mapped(lambda n, v: np.round(v * 20).astype(np.int8) if "dense" in n else v),
        "Quantised, float32 → int8",
    ),
    "transposed": (BASE, mapped(lambda n, v: v.T if "square" in n or "dense" in n else v), "Transposed: layer.0"),
    "renamed": (BASE, {f"bert.{n}": v for n, v in BASE.items()}, "Renamed with the same content: 22 of 22 tensors"),
    "rows added": (BASE, GROWN, "3 rows added, the others are the same: embeddings.weight"),
    "adapters merged": (ADAPTED, MERGED, "Adapters merged: 1 of them are gone"),
    "an adapter merged": (BASE, mapped(low_rank), "An adapter of rank 4 was merged?"),
    "trained on": (BASE, mapped(trained), "Moved, relative to their norm: layer."),
}


@pytest.mark.parametrize("case", HAPPENED, ids=str)
def test_the_diff_names_what_happened(case):
    """Each kind of change has its words, and no other's."""
    old, new, words = HAPPENED[case]
    notes = nl.diff(Weights(old), Weights(new)).notes
    assert notes and notes[0].startswith(words), notes
    others = [says for other, (_, _, says) in HAPPENED.items() if other != case]
    assert not any(note.startswith(says) for note in notes for says in others if not words.startswith(says[:8])), notes
    back = nl.diff(Weights(new), Weights(new))
    assert back.ok and not back.notes


Q, K = (RNG.normal(size=(48, 40)).astype(np.float32) for _ in "qk")
ATTENTION = {"q.weight": Q, "k.weight": K}
ONE_MOVED = Q.copy()
ONE_MOVED[3, 4] = np.nextafter(Q[3, 4], np.float32(9))
STEPS = ((10 + np.arange(48.0)) / 300).astype(np.float32)[:, None]
REDONE = {
    "one number": ({**ATTENTION, "q.weight": ONE_MOVED}, "Only 1 of 1920 numbers moved: q.weight"),
    "exchanged": ({"q.weight": K, "k.weight": Q}, "Exchanged: k.weight and q.weight (2 of 2 tensors)"),
    "rows permuted": ({**ATTENTION, "q.weight": Q[::-1].copy()}, "The same rows in another order: q.weight"),
    "a factor": ({**ATTENTION, "q.weight": Q / np.float32(40**0.5)}, "Multiplied by 0.158114: q.weight"),
    "a sign": ({**ATTENTION, "q.weight": -Q}, "Multiplied by -1: q.weight"),
    "rounded by tensor": ({**ATTENTION, "q.weight": np.round(Q * 20) / np.float32(20)}, "Rounded to a grid"),
    "rounded by row": ({**ATTENTION, "q.weight": np.round(Q / STEPS) * STEPS}, "Rounded to a grid"),
    "joined": ({"qk.weight": np.vstack([Q, K])}, "Joined, row after row: q.weight, k.weight → qk.weight"),
    "turned": ({"wq": Q.T.copy(), "k.weight": K}, "Renamed and transposed: q.weight → wq"),
}


@pytest.mark.parametrize("case", REDONE)
def test_what_has_a_name_is_redone_first(case):
    """What can be redone on the tensors is named, there and back, and one number that moved is no adapter."""
    other, words = REDONE[case]
    notes = nl.diff(Weights(ATTENTION), Weights(other)).notes
    assert len(notes) == 1 and notes[0].startswith(words), notes
    (back,) = nl.diff(Weights(other), Weights(ATTENTION)).notes
    if case == "joined":
        assert back.startswith("Cut, row after row: qk.weight → q.weight, k.weight")


@pytest.mark.parametrize("case", ["joined", "turned"])
def test_what_is_nearly_so_has_no_name(case):
    """One number beside it takes a name away: nothing is claimed of tensors that was not found in them."""
    other = {name: value.copy() for name, value in REDONE[case][0].items()}
    first = next(iter(other.values()))
    first[0, 0] += 1
    assert not any(note.startswith(REDONE[case][1][:8]) for note in nl.diff(Weights(ATTENTION), Weights(other)).notes)


@pytest.mark.parametrize("case", ["running statistics", "bias gone", "renamed", "float16", "rows added"])
def test_two_locks_name_it_too(case):
    """Without the tensors themselves, what names, dtypes, shapes and digests show is named."""
    old, new, words = HAPPENED[case]
    notes = nl.diff(nl.lock(Weights(old)), nl.lock(Weights(new))).notes
    assert any(note.startswith(words.partition(",")[0]) for note in notes), notes
    with pytest.raises(LockMismatchError) as caught:
        nl.verify(Weights(new), nl.lock(Weights(old)))
    assert caught.value.report.notes == notes


# -- shards, links, damage ---------------------------------------------------------------------------------------------


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        start, raw = len(data), array.tobytes()
        data += raw
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, start + len(raw)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_shards_are_one_checkpoint(tmp_path):
    """An index and its shards have the identity of the whole; a tensor in the wrong shard is refused."""
    tensors = {f"t{i}": np.full(3, i, np.float32) for i in range(4)}
    write_safetensors(tmp_path / "a.safetensors", {name: tensors[name] for name in ("t0", "t1")})
    write_safetensors(tmp_path / "b.safetensors", {name: tensors[name] for name in ("t2", "t3")})
    index = tmp_path / "model.safetensors.index.json"
    places = dict(t0="a.safetensors", t1="a.safetensors", t2="b.safetensors", t3="b.safetensors")
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert is_weights(index) and nl.fingerprint(index) == nl.fingerprint(tensors)
    for bad in ({**places, "t3": "a.safetensors"}, {**places, "t3": "../b.safetensors"}, {**places, "t4": "c"}):
        index.write_text(json.dumps({"weight_map": bad}))
        with pytest.raises(ArtifactReadError):
            nl.fingerprint(index)


def test_an_index_is_no_shard(tmp_path):
    """An index that names itself, or two that name each other, are refused, not followed."""
    for name, place in (("one", "one"), ("two", "three"), ("three", "two")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"weight_map": {"a": f"{place}.json"}}))
    for name in ("one", "two"):
        with pytest.raises(ArtifactReadError, match="no container"):
            nl.fingerprint(tmp_path / f"{name}.json")


def test_a_shape_without_elements_that_no_array_has_is_refused(tmp_path):
    """A dimension of 0 beside one of 2**62 holds no byte, and no array either."""
    header = {"a": {"dtype": "F32", "shape": [0, 1 << 62], "data_offsets": [0, 0]}}
    text = json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ArtifactReadError, match="which no array has"):
        nl.fingerprint(tmp_path / "a.safetensors")


def test_no_tensor_of_a_mapping_is_lost():
    """Two tensors that come to one name are refused, and so are masked ones and a mapping that holds itself."""
    one = np.ones(2)
    for tensors, said in (
        ({"a.b": one, "a": {"b": 2 * one}}, "Two tensors have the name 'a.b'"),
        ({"a": np.ma.masked_array(one, [True, False])}, "masked values"),
    ):
        with pytest.raises(UnfingerprintableError, match=said):
            nl.fingerprint(tensors)
    endless = {"a": one}
    endless["self"] = endless
    with pytest.raises(UnfingerprintableError):
        nl.fingerprint(endless)


def test_external_data_never_leads_out(tmp_path):
    """External data of a graph lies beside it, or is refused: by name, and by where a link leads."""
    shutil.copy(FOLDER / "external.onnx", tmp_path)
    outside = tmp_path.parent / f"{tmp_path.name}-outside.bin"
    shutil.copy(FOLDER / "external.bin", outside)
    with pytest.raises(ArtifactReadError, match="can't be read"):
        nl.fingerprint(tmp_path / "external.onnx")
    (tmp_path / "external.bin").symlink_to(outside)
    with pytest.raises(ArtifactReadError, match="leads out"):
        nl.fingerprint(tmp_path / "external.onnx")
    data = (tmp_path / "external.onnx").read_bytes()
    for place in (b"../extern.bi", b"/etc/pass.wd", b"..\\extrn.bin"):
        (tmp_path / "bad.onnx").write_bytes(data.replace(b"external.bin", place))
        with pytest.raises(ArtifactReadError, match="not beside"):
            nl.fingerprint(tmp_path / "bad.onnx")


class Evil:
    """What a pickle must not be able to run."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_a_checkpoint_runs_no_code(tmp_path, monkeypatch):
    """A pickle that names anything but tensors is refused by that name, and nothing of it has run."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("evil.pt", "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps({"w": Evil()}))
    with pytest.raises(ArtifactReadError, match=r"pathlib\.\w+.*nothing in it is run"):
        nl.fingerprint("evil.pt")
    assert not Path("ran").exists()


def test_a_pickle_is_no_index_into_memory(tmp_path):
    """A memo index of four billion costs nothing."""
    with zipfile.ZipFile(tmp_path / "huge.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}r\xf0\xff\xff\xff.")
    assert len(open_weights(tmp_path / "huge.pt")) == 0


def test_a_bomb_is_refused_by_its_sizes(tmp_path):
    """A member that claims more than its bytes can hold is not unpacked."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", (FOLDER / "model.gguf").read_bytes())
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 1 << 31)
    path.write_bytes(bytes(data))
    with pytest.raises(ArtifactReadError, match="claims too much"):
        nl.fingerprint(path)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_damage_is_an_error_of_ours_or_other_weights(name, data, tmp_path_factory):
    """A flipped byte, a cut or bytes put in: an error of the tree or tensors, never a foreign error."""
    whole = bytearray((FOLDER / name).read_bytes())
    folder = tmp_path_factory.getbasetemp() / f"damage-{name}"
    folder.mkdir(exist_ok=True)
    if name == "external.onnx":
        shutil.copy(FOLDER / "external.bin", folder)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "large"]))
        if kind == "flip":
            whole[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del whole[at : at + data.draw(st.integers(1, 40))]
        elif kind == "insert":
            whole[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            whole[at : at + 8] = b"\xff" * 8
        if not whole:
            return
    path = folder / name
    path.write_bytes(bytes(whole))
    try:
        nl.fingerprint(path)
    except NormLockError as error:
        assert name in str(error)


@pytest.mark.parametrize("name", FILES)
def test_every_prefix_is_refused(name, tmp_path):
    """A file that is cut short anywhere holds fewer tensors than it says: refused."""
    whole = (FOLDER / name).read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 30)):
        path = tmp_path / name
        path.write_bytes(whole[:end])
        try:
            assert nl.fingerprint(path) == nl.fingerprint(FOLDER / name)  # what was cut off is padding
        except NormLockError:
            continue
        assert end > 0.9 * len(whole)


# -- settings, and the command -----------------------------------------------------------------------------------------

SETTINGS = {"layer_norm_eps": 1e-12, "dropout": 0.0, "size": {"height": 224, "width": 224}, "labels": ["a", "b"]}


def write_json(path, document, **options):
    path.write_text(json.dumps(document, **options))
    return path


SAME_MEANING = [
    {**SETTINGS, "transformers_version": "4.40.0", "_name_or_path": "x/y", "pad_token": None},
    {**dict(reversed(SETTINGS.items())), "dropout": 0},
]
OTHER_MEANING = [
    {**SETTINGS, "layer_norm_eps": 1e-5},
    {**SETTINGS, "labels": ["b", "a"]},
    {**SETTINGS, "size": {"height": 224, "width": 225}},
    {**SETTINGS, "do_lower_case": True},
    {**SETTINGS, "dropout": "0"},
    {**SETTINGS, "dropout": False},
]


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer_config.json"])
def test_settings_are_compared_by_meaning(name, tmp_path):
    """Order, spelling, nulls and notes of tools don't count; any other value does, and is named."""
    path = write_json(tmp_path / name, SETTINGS)
    lock = nl.lock({"settings": path})
    for document in SAME_MEANING:
        write_json(path, document, indent=3)
        assert nl.verify({"settings": path}, lock).ok
    for document in OTHER_MEANING:
        write_json(path, document)
        report = nl.compare({"settings": path}, lock)
        assert not report.ok and report.changes[0].path.startswith("settings")
    modules = write_json(tmp_path / "modules.json", [{"idx": 0, "type": "a"}, {"idx": 1, "type": "b"}])
    known = nl.fingerprint(modules)
    assert nl.fingerprint(write_json(modules, [{"type": "a", "idx": 0}, {"type": "b", "idx": 1}])) == known
    assert nl.fingerprint(write_json(modules, [{"idx": 1, "type": "b"}, {"idx": 0, "type": "a"}])) != known


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 5_000, '{"a": 1, "a": 2}', '{"a": NaN}', "\xff", '{"a":' * 100 + "1" + "}" * 100]
)
def test_settings_that_can_not_be_read_are_refused(text, tmp_path):
    """Damage, two meanings of one key and endless nesting are errors of ours."""
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(NormLockError):
        nl.fingerprint(tmp_path / "config.json")


@pytest.mark.parametrize("bundle", [False, True])
def test_operators_are_judged_by_bytes_alone(bundle, tmp_path, capsys):
    """Of the same tensors under another operator nobody can say that it is the same; of the same bytes one can."""
    old, new, scale = tmp_path / "old.onnx", tmp_path / "new.onnx", {"scale": np.ones(4, np.float32)}
    old.write_bytes(one_node("Add", scale, {}))
    new.write_bytes(one_node("Mul", scale, {}))
    assert nl.fingerprint(old) == nl.fingerprint(new)
    lock = nl.lock({"encoder": old} if bundle else old)
    assert nl.verify({"encoder": old} if bundle else old, lock).ok
    with pytest.raises(UndecidedError, match="the operators of its graph"):
        nl.verify({"encoder": new} if bundle else new, lock)
    assert nl.diff(old, new).undecided and nl.diff(old, old).ok
    assert main(["diff", str(old), str(new)]) == 2 and main(["diff", str(old), str(old)]) == 0
    assert main(["lock", str(old)]) == main(["verify", str(old)]) == 0
    shutil.copy(new, old)
    assert main(["verify", str(old)]) == 2
    assert "the operators of its graph" in capsys.readouterr().out


@pytest.fixture
def operators(tmp_path):
    """Two ONNX files with the same tensors under two operators."""
    scale = {"scale": np.ones(4, np.float32)}
    paths = tmp_path / "add.onnx", tmp_path / "mul.onnx"
    for path, operator in zip(paths, ("Add", "Mul"), strict=True):
        path.write_bytes(one_node(operator, scale, {}))
    return paths


def settings_of_gguf(tmp_path):
    path = Path(shutil.copy(FOLDER / "model.gguf", tmp_path))
    other = tmp_path / "other.gguf"
    other.write_bytes(path.read_bytes().replace(b"general.architecture", b"general.architectura"))
    return path, other


def values_of_a_checkpoint(tmp_path):
    """Return the same tensors with another number beside them, as a training loop keeps it."""
    paths = tmp_path / "a.pt", tmp_path / "b.pt"
    for path, eps in zip(paths, (1e-5, 1e-12), strict=True):
        with zipfile.ZipFile(FOLDER / "plain.pt") as whole, zipfile.ZipFile(path, "w") as edited:
            for name in whole.namelist():
                data = whole.read(name)
                if name.endswith("data.pkl"):  # one more item of the dict
                    data = data.removesuffix(b".") + b"X\3\0\0\0epsG" + struct.pack(">d", eps) + b"s."
                edited.writestr(name, data)
    return paths


@pytest.mark.parametrize("kind", ["operators", "settings", "values"])
def test_two_locks_say_what_they_do_not_know(kind, request, tmp_path, capsys):
    """A diff of locks, of a lock and a file, and of files gives one answer: the third."""
    made = {"settings": settings_of_gguf, "values": values_of_a_checkpoint}
    old, new = request.getfixturevalue(kind) if kind == "operators" else made[kind](tmp_path)
    before, after = nl.lock(old), nl.lock(new)
    assert before.fingerprint == after.fingerprint and nl.Lock.from_dict(before.to_dict()) == before
    for pair in [(before, after), (before, new), (old, after), (old, new)]:
        assert nl.diff(*pair).verdict.value == nl.diff(*pair[::-1]).verdict.value == "undecided"
    for pair in [(before, before), (before, old), (old, before), (old, old)]:
        assert nl.diff(*pair).ok
    assert main(["lock", str(old)]) == main(["lock", str(new)]) == 0
    locks = [f"{path}.normlock.json" for path in (old, new)]
    assert main(["diff", *locks]) == main(["diff", locks[0], str(new)]) == main(["diff", str(old), locks[1]]) == 2
    assert main(["diff", locks[0], locks[0]]) == main(["diff", locks[0], str(old)]) == 0
    assert main(["show", str(old)]) == main(["show", locks[0]]) == 0
    assert capsys.readouterr().out.count("by its bytes ") == 2


def test_members_of_a_bundle_do_not_vouch_for_one_another(operators):
    """Two members that were exchanged have known bytes, and not their own."""
    old, new = operators
    lock = nl.lock({"query": old, "passage": new})
    assert nl.verify({"query": old, "passage": new}, lock).ok
    swapped = {"query": new, "passage": old}
    assert {each.path for each in nl.compare(swapped, lock).undecided} == {"query", "passage"}
    assert len(nl.diff(lock, nl.lock(swapped)).undecided) == 2


def test_tensors_alone_are_not_what_an_approved_file_computes(operators):
    """A lock of operators and tensors is not met by the tensors alone; a lock of the tensors is."""
    tensors = dict(open_weights(operators[0]))
    assert nl.compare(tensors, nl.lock(operators[0])).undecided
    assert nl.compare(operators[0], nl.lock(tensors)).undecided
    assert nl.compare(tensors, nl.lock(tensors)).ok


def test_an_index_speaks_of_tensors_alone(operators, tmp_path):
    """A shard whose file holds more than tensors is refused: the index says nothing of the rest."""
    index = write_json(tmp_path / "model.index.json", {"weight_map": {"scale": "add.onnx"}})
    with pytest.raises(ArtifactReadError, match="the operators of its graph, too"):
        nl.fingerprint(index)


def test_the_commands_read_settings_and_indexes_by_their_names(tmp_path, capsys):
    """A JSON file that is no lock is taken for what it holds: lock, verify, diff and show agree."""
    settings, other = write_json(tmp_path / "config.json", SETTINGS), tmp_path / "a_config.json"
    write_json(other, {**SETTINGS, "layer_norm_eps": 0.5})
    write_safetensors(tmp_path / "one.safetensors", {"w": np.ones(4, np.float32)})
    index = write_json(tmp_path / "model.safetensors.index.json", {"weight_map": {"w": "one.safetensors"}})
    for path in (settings, index):
        assert main(["lock", str(path)]) == main(["verify", str(path)]) == main(["show", str(path)]) == 0
        assert main(["diff", str(path), f"{path}.normlock.json"]) == 0
    assert main(["diff", str(settings), str(other)]) == 1
    assert "layer_norm_eps" in capsys.readouterr().out
    assert main(["show", str(write_json(tmp_path / "rows.json", [1]))]) == 2


def test_settings_of_gguf_are_judged_by_bytes_alone(tmp_path):
    """The same tensors with other settings beside them can't be told to be the same model."""
    path = Path(shutil.copy(FOLDER / "model.gguf", tmp_path))
    lock = nl.lock(path)
    assert nl.verify(path, lock).ok
    data = path.read_bytes()
    assert data.count(b"general.architecture") == 1
    path.write_bytes(data.replace(b"general.architecture", b"general.architectura"))
    with pytest.raises(UndecidedError, match="the settings in it"):
        nl.verify(path, lock)


def test_the_command_judges_what_files_hold(tmp_path, capsys):
    """A checkpoint that was converted or re-saved and settings that were written anew are a match; others are named."""
    weights, settings = tmp_path / "model.safetensors", write_json(tmp_path / "config.json", SETTINGS)
    before = {"norm.weight": np.ones(4, np.float32), "linear.weight": np.ones((2, 4), np.float32)}
    write_safetensors(weights, before)
    assert main(["lock", str(weights)]) == 0
    bundle = str(tmp_path / "all.normlock.json")
    assert main(["lock", str(weights), str(settings), "-o", bundle]) == 0
    alone = f"{weights}.normlock.json"
    for tensors, code in ((before, 0), (changed(before, "norm.weight", np.zeros(4, np.float32)), 1)):
        write_safetensors(weights, dict(reversed(tensors.items())))
        write_json(settings, SAME_MEANING[0])
        capsys.readouterr()
        assert main(["verify", alone]) == code
        assert main(["verify", bundle]) == code
        assert main(["verify", str(weights), "--lock", bundle]) == code
        out = capsys.readouterr().out
        assert "other bytes than the locked file" in out and ("norm.weight" in out) == bool(code)
    write_safetensors(weights, before)
    write_json(settings, OTHER_MEANING[0])
    assert main(["verify", bundle]) == 1 and "layer_norm_eps" in capsys.readouterr().out
    assert main(["verify", alone, "--expect", "nl1-sha256:" + "0" * 64]) == 1
    weights.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    assert main(["verify", bundle]) == 2
