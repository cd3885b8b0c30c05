"""A second implementation of the fingerprint format, written from ``docs/spec.md`` alone: small, slow, without NumPy.

It reads values in the notation of Annex A, as the test vectors hold them, and shares no code with the package. As a
program it gives the expected results of vectors that are being added: ``python spec_reference.py new.json``.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
import struct
import sys
from typing import Any

Doc = dict[str, Any]

BLOCK = 1_048_576
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}


class Refused(Exception):
    """The specification gives this no bytes."""


def fingerprint(doc: Doc) -> str:
    """Clause 1.2, of an object or, as a mapping of names to objects, of a ``dict``."""
    if doc["type"] == "dict":  # clause 6.3
        state = {_text_of(key): value for key, value in doc["pairs"]}
        return "nl1-sha256:" + sha(object_bytes("mapping", state)).hex()
    return "nl1-sha256:" + sha(object_bytes(doc["class"], doc["attributes"])).hex()


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def u64(n: int) -> bytes:
    return struct.pack("<Q", n)


def frame(data: bytes) -> bytes:
    return u64(len(data)) + data


# -- section 3 -------------------------------------------------------------------------------------------------------


def enc(doc: Doc) -> bytes:
    """Return the canonical bytes of a value."""
    tag = {"none": b"N", "true": b"T", "false": b"F", "ellipsis": b"."}.get(doc["type"])
    return tag if tag is not None else globals()["_" + doc["type"]](doc)


def _int(doc: Doc) -> bytes:
    if not re.fullmatch(r"0|-?[1-9][0-9]*", doc["value"]):
        raise ValueError(doc["value"])
    return b"i" + frame(doc["value"].encode("ascii"))


def _text_of(doc: Doc) -> str:
    return doc["text"] if "text" in doc else "".join(map(chr, doc["code_points"]))


def _str(doc: Doc) -> bytes:
    encoded = bytearray()
    for character in _text_of(doc):
        point = ord(character)
        if 0xD800 <= point <= 0xDFFF:
            encoded += bytes([0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F])
        else:
            encoded += character.encode("utf-8")
    return b"s" + frame(bytes(encoded))


def _bytes(doc: Doc) -> bytes:
    return b"b" + frame(bytes.fromhex(doc["hex"]))


def _binary64(data: bytes) -> bytes:
    bits = int.from_bytes(data, "little") & ~(1 << 63)
    return b"f" + (bytes.fromhex("000000000000f87f") if bits > 0x7FF << 52 else data)


def _float(doc: Doc) -> bytes:
    return _binary64(bytes.fromhex(doc["hex"]))


def _complex(doc: Doc) -> bytes:
    return b"c" + _binary64(bytes.fromhex(doc["real"])) + _binary64(bytes.fromhex(doc["imag"]))


def _scalar(doc: Doc) -> bytes:
    dtype, data = doc["dtype"], bytes.fromhex(doc["hex"])
    if dtype == "|b1":
        return b"T" if data[0] else b"F"
    if dtype in ("<i8", "<u8"):
        return b"i" + frame(str(int.from_bytes(data, "little", signed=dtype == "<i8")).encode("ascii"))
    if dtype == "<f8":
        return _binary64(data)
    if dtype == "<c16":
        return b"c" + _binary64(data[:8]) + _binary64(data[8:])
    if dtype[:2] == "|S":
        return b"b" + frame(data.rstrip(b"\0"))
    if dtype[:2] == "<U":
        points = struct.unpack(f"<{len(data) // 4}I", data)
        return _str({"text": "".join(map(chr, points)).rstrip("\0")})
    return b"n" + _array({"dtype": dtype, "shape": [], "hex": doc["hex"]})


def _items(tag: bytes, doc: Doc) -> bytes:
    return tag + u64(len(doc["items"])) + b"".join(enc(item) for item in doc["items"])


def _list(doc: Doc) -> bytes:
    return _items(b"l", doc)


def _tuple(doc: Doc) -> bytes:
    return _items(b"t", doc)


def _deque(doc: Doc) -> bytes:
    longest = {"type": "int", "value": str(doc["longest"])} if "longest" in doc else {"type": "none"}
    return b"q" + enc(longest) + _list(doc)


def _set(doc: Doc) -> bytes:
    return b"S" + u64(len(doc["items"])) + b"".join(sorted(enc(item) for item in doc["items"]))


def _dict(doc: Doc) -> bytes:
    pairs = sorted(enc(key) + enc(value) for key, value in doc["pairs"])
    return b"d" + u64(len(pairs)) + b"".join(pairs)


def _defaultdict(doc: Doc) -> bytes:
    return b"D" + enc(doc["factory"]) + _dict(doc)[1:]


def _pair(first: Doc, second: Doc) -> Doc:
    return {"type": "tuple", "items": [first, second]}


def _integers(numbers: list[int]) -> Doc:
    return {"type": "tuple", "items": [{"type": "int", "value": str(n)} for n in numbers]}


def _slice(doc: Doc) -> bytes:
    return b"L" + enc(doc["start"]) + enc(doc["stop"]) + enc(doc["step"])


def _range(doc: Doc) -> bytes:
    return b"r" + _list({"items": [doc["start"], doc["stop"], doc["step"]]})


def _class(doc: Doc) -> bytes:
    return b"C" + frame(doc["name"].encode("utf-8"))


def _function(doc: Doc) -> bytes:
    return b"u" + frame(doc["name"].encode("utf-8"))


def _method(doc: Doc) -> bytes:
    return b"m" + frame(doc["name"].encode("utf-8")) + enc(doc["owner"])


def _partial(doc: Doc) -> bytes:
    return b"p" + enc(doc["function"]) + enc(doc["args"]) + enc(doc["keywords"])


def _dtype(doc: Doc) -> bytes:
    if "fields" in doc:
        return b"Y" + _list({"items": [_pair({"type": "str", "text": name}, dtype) for name, dtype in doc["fields"]]})
    if "base" in doc:
        return b"Y" + enc(_pair(doc["base"], _integers(doc["shape"])))
    return b"y" + frame(b"|O" if doc["name"] == "|O" else _dtype_name(doc["name"]))


# -- section 4 -------------------------------------------------------------------------------------------------------


def _dtype_name(name: str) -> bytes:
    """Clauses 4.1 and 4.7."""
    order, kind, rest = name[0], name[1], name[2:]
    if kind in "mM":
        plain = re.fullmatch(r"8(\[[0-9]*[A-Za-z]+\])?", rest) is not None
    else:
        plain = kind in "SUV" or (kind in _SIZES and int(rest) in _SIZES[kind])
    if not plain or order != ("|" if kind in "SV" or rest == "1" and kind in "biu" else "<"):
        raise Refused(name)
    return name.encode("ascii")


def _extents(shape: list[int]) -> bytes:
    return u64(len(shape)) + b"".join(map(u64, shape))


def data_of(doc: Doc) -> bytes:
    """Return the data of an array (clause 4.2), by the rule of Annex A if they are not stored."""
    if "hex" in doc:
        return bytes.fromhex(doc["hex"])
    if doc["rule"] != "multiples":
        raise ValueError(doc["rule"])
    return multiples(math.prod(doc["shape"]) * int(doc["dtype"][2:]))


@functools.cache
def multiples(count: int) -> bytes:
    """Return the first bytes of the data that Annex A generates."""
    words = range(-(-count // 4))
    return struct.pack(f"<{len(words)}I", *(2_654_435_761 * k & 0xFFFFFFFF for k in words))[:count]


def _array(doc: Doc) -> bytes:
    header, data = frame(_dtype_name(doc["dtype"])) + _extents(doc["shape"]), data_of(doc)
    if len(data) <= BLOCK:
        return b"a" + header + frame(data)
    digests = [sha(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]
    return b"A" + header + sha(b"nl1\0blocks" + u64(len(digests)) + b"".join(digests))


def _objects(doc: Doc) -> bytes:
    return b"o" + _extents(doc["shape"]) + b"".join(enc(item) for item in doc["items"])


def _structured(doc: Doc) -> bytes:
    parts = (frame(name.encode("utf-8")) + enc(array) for name, array in doc["fields"])
    return b"v" + _extents(doc["shape"]) + u64(len(doc["fields"])) + b"".join(parts)


# -- sections 6 and 7 ------------------------------------------------------------------------------------------------


def object_bytes(name: str, state: dict[str, Doc]) -> bytes:
    """Return what an object's digest is the SHA-256 of (clauses 6.1 and 6.2)."""
    parts = [b"nl1\0object", frame(name.encode("utf-8")), u64(len(state))]
    for key in sorted(state, key=lambda key: key.encode("utf-8")):
        blob = enc(state[key])
        parts.append(frame(key.encode("utf-8")))
        parts.append(b"=" + frame(blob) if len(blob) <= 64 else b"#" + sha(blob))
    return b"".join(parts)


def _object(doc: Doc) -> bytes:
    return b"O" + sha(object_bytes(doc["class"], doc["attributes"]))


def _template(doc: Doc) -> bytes:
    return b"P" + sha(object_bytes(doc["class"], doc["attributes"]))


def sparse_state(doc: Doc) -> dict[str, Doc]:
    """Clause 7.7: the CSR form, each row sorted and duplicates added up; of two dimensions and numbers alone."""
    code = {"<f8": "d", "<f4": "f", "<i8": "q", "<i4": "i"}[doc["data"]["dtype"]]
    data = data_of(doc["data"])
    values = struct.unpack(f"<{len(doc['rows'])}{code}", data)
    summed: dict[tuple[int, int], Any] = {}
    for at, value in zip(zip(doc["rows"], doc["columns"], strict=True), values, strict=True):
        summed[at] = summed[at] + value if at in summed else value
    cells = sorted(summed)
    starts = [sum(row < i for row, _ in cells) for i in range(doc["shape"][0] + 1)]

    def array(dtype: str, code: str, items: list[Any]) -> Doc:
        return {
            "type": "array",
            "dtype": dtype,
            "shape": [len(items)],
            "hex": struct.pack(f"<{len(items)}{code}", *items).hex(),
        }

    return {
        "shape": _integers(doc["shape"]),
        "data": array(doc["data"]["dtype"], code, [summed[cell] for cell in cells]),
        "indices": array("<i8", "q", [column for _, column in cells]),
        "indptr": array("<i8", "q", starts),
    }


def masked_state(doc: Doc) -> dict[str, Doc]:
    """Clause 7.7: the mask and what isn't under it."""
    mask, data = data_of(doc["mask"]), data_of(doc["data"])
    size = int(doc["data"]["dtype"][2:])
    kept = b"".join(data[i * size : (i + 1) * size] for i, hidden in enumerate(mask) if not hidden)
    return {
        "shape": _integers(doc["data"]["shape"]),
        "mask": doc["mask"],
        "values": {**doc["data"], "shape": [len(kept) // size], "hex": kept.hex()},
    }


def _sparse(doc: Doc) -> bytes:
    return b"O" + sha(object_bytes(doc["class"], sparse_state(doc)))


def _masked(doc: Doc) -> bytes:
    return b"O" + sha(object_bytes("numpy.ma:MaskedArray", masked_state(doc)))


LEFT_OUT = set(
    "n_jobs verbose _sklearn_output_config _sklearn_version _metadata_request _skl_callbacks "
    "_callback_fit_ctx _parent_callback_ctx __doc__".split()
)
TOOLS = ("_normlock_", "_mlflow_", "_wandb_", "_comet_", "_neptune_")
TEMPLATES = {
    "transformers": {"transformers_"},
    "transformer": {"transformer_"},
    "regressor": {"regressor_"},
    "estimator": {"estimator_", "estimators_", "best_estimator_", "calibrated_classifiers_", "ranking_"},
    "base_estimator": {"estimator_", "estimators_"},
    "estimators": {"estimators_"},
    "final_estimator": {"final_estimator_"},
    "kernel": {"kernel_"},
}


LEFT_OUT_OF = {
    "sklearn_normlock.seals.mixin.Locked": {"fingerprint_"},
    "sklearn.pipeline.Pipeline": {"memory"},
    "sklearn.cluster._agglomerative.AgglomerativeClustering": {"memory"},
    "sklearn.cluster._hdbscan.hdbscan.HDBSCAN": {"memory"},
    "hdbscan.hdbscan_.HDBSCAN": {"memory"},
    "sklearn.model_selection._search.BaseSearchCV": {"refit_time_"},
    "sklearn.ensemble._base._BaseHeterogeneousEnsemble": {"named_estimators_"},
    "sklearn.cluster._birch.Birch": {"root_", "dummy_leaf_"},
    "sklearn.feature_extraction.text.CountVectorizer": {"stop_words_"},
    "sklearn.feature_extraction.text._VectorizerMixin": {"_stop_words_id"},
    "sklearn.preprocessing._label.MultiLabelBinarizer": {"_cached_dict"},
    "sklearn.neural_network._rbm.BernoulliRBM": {"random_state_"},
    "sklearn.pipeline.FeatureUnion": {"_transformers_feature_names_out"},
    "sklearn.compose._column_transformer.ColumnTransformer": {"_transformers_feature_names_out"},
    "skrub._minhash_encoder.MinHashEncoder": {"hash_dict_"},
    **dict.fromkeys(
        [
            "sklearnex.cluster.dbscan.DBSCAN",
            "sklearnex.cluster.k_means.KMeans",
            "sklearnex.decomposition.pca.PCA",
            "sklearnex.ensemble._forest.BaseForest",
            "sklearnex.linear_model._base_linear_model._BaseLinearModel",
            "sklearnex.linear_model.logistic_regression.LogisticRegression",
            "sklearnex.neighbors.common.KNeighborsDispatchingBase",
            "sklearnex.svm._base.BaseSVM",
        ],
        {"_onedal_estimator", "_cached_estimators_", "_n_threads"},
    ),
}


def counted(names: set[str], bases: set[str]) -> set[str]:
    """Return the names of an estimator's attributes that count (clauses 7.3 and 7.4)."""
    left_out = LEFT_OUT.union(*(LEFT_OUT_OF.get(base, set()) for base in bases))
    return {name for name in names - left_out if not name.startswith(TOOLS)}


def is_template(name: str, names: set[str]) -> bool:
    """Tell whether an attribute is a template beside the others that count (clause 7.5)."""
    return bool(TEMPLATES.get(name, set()) & names)


def expected(doc: Doc) -> dict[str, str]:
    """Return what a vector of this value says beside it."""
    blob = enc(doc)
    result = {"canonical": blob.hex()} if len(blob) <= 4096 else {}
    result["sha256"] = sha(blob).hex()
    if doc["type"] == "object":
        result["object_bytes"] = object_bytes(doc["class"], doc["attributes"]).hex()
    return result


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(json.dumps([{**vector, **expected(vector["value"])} for vector in json.load(file)], indent=1))
