"""Which container a file is, by its content, and its tensors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import ArtifactReadError
from .files import WeightsFile
from .gguf import read_gguf
from .npz import members_of, read_npy, read_npz
from .onnx import is_onnx, read_onnx
from .safetensors import is_safetensors, read_safetensors
from .tensors import Tensor, Weights
from .torch import is_torch_legacy, is_torch_zip, read_torch_legacy, read_torch_zip

_INDEX = 100_000_000  # bytes of an index of shards


def is_weights(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a container of tensors that can be read here; a pickle of anything else is none."""
    if not os.path.isfile(path):
        return False  # a pipe or a device is not opened: reading it would wait, or never end
    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
            size = os.fstat(stream.fileno()).st_size
    except OSError:
        return False
    if head.startswith(b"PK\3\4"):
        try:
            return _zip_reader(WeightsFile(path)) is not None
        except ArtifactReadError:
            return False
    return _reader(head, size) is not None or (head.lstrip()[:1] == b"{" and _index(Path(path)) is not None)


def open_weights(path: str | os.PathLike[str]) -> Weights:
    """Return the tensors of a file, in place where they are not compressed.

    Parameters
    ----------
    path : path-like
        Safetensors, a checkpoint of PyTorch in either format, ONNX (its external data must lie beside it), GGUF,
        ``.npz``, ``.npy``, or the index of shards that lie beside it (``model.safetensors.index.json``). Told by
        content.

    Returns
    -------
    weights : Weights
        While it is held, the file must not be written to.

    Raises
    ------
    ArtifactReadError
        If it is none of these, damaged, cut short, or names code.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from sklearn_normlock.fingerprints.weights import open_weights
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.npz")
    >>> np.savez(path, bias=np.zeros(2))
    >>> dict(open_weights(path))
    {'bias': array([0., 0.])}
    """
    if Path(path).suffix == ".json":
        shards = _index(Path(path))
        if shards is not None:
            return Weights(_sharded(Path(path), shards))
    return _opened(path)


def _opened(path: str | os.PathLike[str]) -> Weights:
    file = WeightsFile(path)
    head = bytes(file.data[:64])
    reader = _zip_reader(file) if head.startswith(b"PK\3\4") else _reader(head, file.size)
    if reader is None:
        file.refuse(
            "it is no container of tensors that is known",
            "Known are safetensors, PyTorch's checkpoints, ONNX, GGUF, .npz and .npy.",
        )
    return Weights(reader(file), path=path, beside=file.beside)


Reader = Callable[[WeightsFile], "dict[str, Tensor]"]


def _reader(head: bytes, size: int) -> Reader | None:
    if head.startswith(b"GGUF"):
        return read_gguf
    if head.startswith(b"\x93NUMPY"):
        return read_npy
    if is_torch_legacy(head):
        return read_torch_legacy
    if is_safetensors(head, size):
        return read_safetensors
    return read_onnx if is_onnx(head) else None


def _zip_reader(file: WeightsFile) -> Reader | None:
    _, members = members_of(file)
    names = [member.filename for member in members]
    if is_torch_zip(names):
        return read_torch_zip
    return read_npz if names and all(name.endswith(".npy") for name in names) else None


def _index(path: Path) -> dict[str, str] | None:
    """Return which shard holds each tensor, if a JSON file is an index of shards."""
    try:
        if path.stat().st_size > _INDEX:
            return None
        document: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    known = document.get("weight_map") if isinstance(document, dict) else None
    sound = isinstance(known, dict) and known and all(isinstance(name, str) for name in known.values())
    return known if sound else None


def _sharded(path: Path, shards: dict[str, str]) -> dict[str, Tensor]:
    """Return the tensors of shards; each must be where the index says, and no other is."""
    found: dict[str, Tensor] = {}
    for shard in sorted(set(shards.values())):
        if PurePosixPath(shard.replace("\\", "/")).name != shard or shard in ("", ".", ".."):
            raise ArtifactReadError(
                f"{path}: the shard {shard!r} does not lie beside its index.",
                path=str(path),
                remedy="Keep index and shards in one folder.",
            )
        tensors = _opened(path.parent / shard)  # an index is no shard: it may name itself
        if tensors.beside:
            raise ArtifactReadError(
                f"{path}: the shard {shard!r} holds {tensors.beside}, too, which no index speaks of.",
                path=str(path),
                remedy="Name the file itself; or keep the tensors in shards that hold nothing else, such as "
                "safetensors.",
            )
        stated = {name for name, place in shards.items() if place == shard}
        if stated != set(tensors):
            odd = sorted(stated ^ set(tensors))[0]
            raise ArtifactReadError(
                f"{path}: tensor {odd!r} is {'not in' if odd in stated else 'in'} {shard}, unlike the index says.",
                path=str(path),
                remedy="Copy index and shards again, together.",
            )
        found.update(tensors)
    return found
