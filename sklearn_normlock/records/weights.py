"""The changes between two checkpoints, in words: statistics moved, a cast, a norm's bias gone, names changed.

Two records of tensors are enough for what names, dtypes, shapes and digests show. Where the tensors themselves are at
hand, a cast, a transposition, added rows and a merged adapter are claimed only after they have been redone and found
to give the other side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

WEIGHTS = "sklearn_normlock:Weights"

_RUNNING = re.compile(r"(^|[./])(running_(mean|var)|num_batches_tracked|moving_(mean|variance|var))$")
_ADAPTER = re.compile(r"\.?lora_([AB])(\.[A-Za-z0-9_]+)?\.weight$")
_ROUNDED = {"<f4": 2.0**-23, "<f2": 2.0**-10, "bfloat16": 2.0**-7}
_LARGEST_RANK = 64  # of an adapter; usual ones have 4 to 64
_SHOWN = 5
_FEW = 100  # numbers among which one that moved is "only one"
_LEVELS = 256  # of what eight bits hold


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    digest: str


def is_weights_record(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is one of tensors."""
    root = record.get("")
    return isinstance(root, Mapping) and root.get("class") == WEIGHTS


def weight_findings(
    old: Mapping[str, Any], new: Mapping[str, Any], contents: tuple[Any, Any] | None = None
) -> list[str]:
    """Return what happened between two records of tensors, the worst first.

    Parameters
    ----------
    old, new : mapping of path to entry
        Records of :class:`~sklearn_normlock.fingerprints.weights.Weights`.
    contents : tuple of two Weights, default=None
        Both sides themselves, if they are at hand.

    Returns
    -------
    findings : list of str
        A sentence each; empty if nothing that has a name happened.
    """
    before, after = _tensors(old), _tensors(new)
    removed = {name: before[name] for name in before if name not in after}
    added = {name: after[name] for name in after if name not in before}
    moved = [name for name in before if name in after and before[name] != after[name]]
    found = []
    renamed = _renamed(removed, added)
    if renamed:
        found.append(_say_renamed(renamed, len(before)))
        removed = {name: each for name, each in removed.items() if name not in renamed}
        added = {name: each for name, each in added.items() if name not in renamed.values()}
    found += _rearranged(removed, added, contents)
    exchanged = _exchanged(moved, before, after)
    if exchanged:
        pairs = ", ".join(f"{a} and {b}" for a, b in exchanged[:3])
        found.append(
            f"Exchanged: {pairs} ({2 * len(exchanged)} of {len(before)} tensors). Each holds what the other did."
        )
        moved = [name for name in moved if not any(name in pair for pair in exchanged)]
    merged = _merged(removed, moved, contents)
    if merged:
        found.append(merged)
    if moved and all(map(_RUNNING.search, moved)) and not removed and not added:
        layers = {name.rpartition(".")[0] for name in moved}
        found.append(
            f"Only running statistics moved, in {_layers(layers)}: batches went through it while its norm layers were "
            "in training mode. Call eval() before the model is used."
        )
        return found
    found += _norms(removed, before, after)
    by_sort: dict[str, list[str]] = {}
    for name in moved:
        sort = _sort(name, before[name], after[name], contents)
        by_sort.setdefault(sort, []).append(name)
    for sort, names in sorted(by_sort.items(), key=lambda item: -len(item[1])):
        if sort:
            found.append(f"{sort}: {_listed(names)} ({len(names)} of {len(before)} tensors).")
    if contents is not None and not merged:
        found += _sizes(by_sort.get("", []), contents)
    return found


def _tensors(record: Mapping[str, Any]) -> dict[str, _Tensor]:
    """Return the tensors of a record; those of dtypes that NumPy has not stand there as objects of their own."""
    found = {}
    for path, entry in record.items():
        if not path or not isinstance(entry, Mapping):
            continue
        if entry.get("class") == "sklearn_normlock:Bits":
            shape = record.get(f"{path}.shape")
            text = str(shape.get("text", "")) if isinstance(shape, Mapping) else ""
            numbers = tuple(int(n) for n in re.findall(r"\d+", text))
            found[path] = _Tensor(str(record.get(f"{path}.dtype", "")).strip("'"), numbers, str(entry["digest"]))
        elif "dtype" in entry and "shape" in entry:
            owner = path.rpartition(".")[0]
            if path.endswith(".bits") and isinstance(record.get(owner), Mapping) and "class" in record[owner]:
                continue
            content = entry.get("digest") or entry.get("data") or repr(entry.get("values"))
            found[path] = _Tensor(entry["dtype"], tuple(entry["shape"]), str(content))
    return found


def _renamed(removed: Mapping[str, _Tensor], added: Mapping[str, _Tensor]) -> dict[str, str]:
    """Return the new name of each tensor whose content stands under another name; ambiguous ones are left out."""
    by_content: dict[_Tensor, list[str]] = {}
    for name, tensor in added.items():
        by_content.setdefault(tensor, []).append(name)
    olds: dict[_Tensor, list[str]] = {}
    for name, tensor in removed.items():
        olds.setdefault(tensor, []).append(name)
    found: dict[str, str] = {}
    for tensor, names in olds.items():
        news = by_content.get(tensor, [])
        if len(news) == len(names):
            # Where several have one content (fresh norms, say), the order decides, which a change of prefix leaves.
            found.update(zip(sorted(names), sorted(news), strict=True))
    return found


def _exchanged(
    moved: Sequence[str], before: Mapping[str, _Tensor], after: Mapping[str, _Tensor]
) -> list[tuple[str, str]]:
    """Return the pairs of names that hold each other's content."""
    by_content: dict[_Tensor, list[str]] = {}
    for name in moved:
        by_content.setdefault(after[name], []).append(name)
    found: list[tuple[str, str]] = []
    for name in sorted(moved):
        others = by_content.get(before[name], [])
        if len(others) == 1 and name < others[0] and before[others[0]] == after[name]:
            found.append((name, others[0]))
    return found


def _rearranged(removed: dict[str, _Tensor], added: dict[str, _Tensor], contents: tuple[Any, Any] | None) -> list[str]:
    """Say which tensors stand transposed under another name, were joined, or were cut; take them out of both."""
    if contents is None:
        return []
    found, numbers = (
        [],
        [{n: _values(side.get(n)) for n in names} for side, names in zip(contents, (removed, added), strict=True)],
    )
    olds, news = [{n: v for n, v in each.items() if v is not None and v.ndim} for each in numbers]
    for old in sorted(olds):
        turned = next((new for new in sorted(news) if new in added and _equal(olds[old].T, news[new])), None)
        if olds[old].ndim == 2 and turned is not None:
            found.append(f"Renamed and transposed: {old} → {turned}.")
            del removed[old], added[turned]
    for parts, wholes, of_parts, of_wholes, text in (
        (olds, news, removed, added, "Joined, row after row: {0} → {1}."),
        (news, olds, added, removed, "Cut, row after row: {1} → {0}."),
    ):
        for whole in sorted(name for name in wholes if name in of_wholes):
            inside = _parts_of(wholes[whole], {name: parts[name] for name in sorted(of_parts) if name in parts})
            if inside:
                found.append(text.format(", ".join(inside), whole))
                del of_wholes[whole]
                for name in inside:
                    del of_parts[name]
    return found


def _parts_of(whole: Any, parts: Mapping[str, Any]) -> list[str]:
    """Return the tensors that, row after row, make a whole one; none unless all of it is explained."""
    at, inside = 0, []
    while at < len(whole):
        for name, part in parts.items():
            fits = name not in inside and part.shape[1:] == whole.shape[1:] and 0 < len(part) < len(whole)
            if fits and _equal(part, whole[at : at + len(part)]):
                at += len(part)
                inside.append(name)
                break
        else:
            return []
    return inside


def _say_renamed(renamed: Mapping[str, str], total: int) -> str:
    old, new = next(iter(renamed.items()))
    return (
        f"Renamed with the same content: {len(renamed)} of {total} tensors, such as {old} → {new}. The values are the "
        "same; a loader that goes by names leaves these tensors as they were initialised."
    )


def _norms(removed: Mapping[str, _Tensor], before: Mapping[str, _Tensor], after: Mapping[str, _Tensor]) -> list[str]:
    """Say which norm layers lost their bias: a vector beside a weight that is still there."""
    lost = []
    for name, tensor in removed.items():
        for bias, weight in (("bias", "weight"), ("beta", "gamma"), ("bias", "scale")):
            owner = name.removesuffix(bias)
            sibling = after.get(owner + weight)
            if name.endswith(bias) and sibling is not None and len(tensor.shape) == 1 == len(sibling.shape):
                lost.append(name)
                break
    if not lost:
        return []
    return [f"The bias of a norm is gone: {_listed(lost)}. A LayerNorm was replaced by an RMSNorm?"]


def _sort(name: str, old: _Tensor, new: _Tensor, contents: tuple[Any, Any] | None) -> str:
    """Return what happened to one tensor, or "" if only its numbers moved."""
    pair = None if contents is None else (_values(contents[0].get(name)), _values(contents[1].get(name)))
    known = pair is not None and pair[0] is not None and pair[1] is not None
    if old.dtype != new.dtype:
        what = f"{_dtype(old.dtype)} → {_dtype(new.dtype)}"
        if _is_float(old.dtype) and not _is_float(new.dtype):
            return f"Quantised, {what}"
        if known and old.shape == new.shape:
            assert pair is not None
            return f"Cast, {what}" if _same_but_rounded(*pair, old.dtype, new.dtype) else f"Cast and changed, {what}"
        return f"Cast, {what}" if old.shape == new.shape else f"Another dtype and shape, {what}"
    if len(old.shape) == 2 and new.shape == old.shape[::-1] and (old.shape != new.shape or known):
        if known and _equal(pair[0].T, pair[1]):  # type: ignore[index]
            return "Transposed"
        if old.shape != new.shape and not known:
            return "Transposed, as the shape has it"
    if len(old.shape) == len(new.shape) >= 1 and old.shape[1:] == new.shape[1:] and old.shape[0] != new.shape[0]:
        fewest = min(old.shape[0], new.shape[0])
        same = known and _equal(pair[0][:fewest], pair[1][:fewest])  # type: ignore[index]
        rows = new.shape[0] - old.shape[0]
        tail = (
            "the others are the same" if same else "the others changed too" if known else "the others weren't compared"
        )
        return f"{abs(rows)} rows {'added' if rows > 0 else 'taken away'}, {tail}"
    if known and old.shape == new.shape:
        assert pair is not None
        return _redone(*pair)
    return "" if old.shape == new.shape else f"Shape {list(old.shape)} → {list(new.shape)}"


def _redone(a: Any, b: Any) -> str:
    """Return what makes one tensor of another of its shape, after it was redone; "" if nothing with a name does."""
    import numpy as np

    differing = int(np.count_nonzero((a != b) & ~((a != a) & (b != b))))
    if differing <= a.size // _FEW:
        return f"Only {differing} of {a.size} numbers moved" if differing > 1 else f"Only 1 of {a.size} numbers moved"
    if a.dtype.kind != "f":
        return ""
    if a.ndim > 1 and len(a) > 1:
        first, second = (np.sort(each.reshape(len(each), -1)[:, 0]) for each in (a, b))
        if np.array_equal(first, second) and _row_digests(a) == _row_digests(b):
            return "The same rows in another order"
    wide_a, wide_b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    largest = np.unravel_index(int(np.abs(wide_a).argmax()), a.shape)
    factor = float(wide_b[largest] / wide_a[largest]) if wide_a[largest] else 0.0
    if factor and np.allclose(wide_b, factor * wide_a, rtol=8 * float(np.finfo(a.dtype).eps), atol=0.0):
        return f"Multiplied by {factor:.6g}"
    if a.size > 4 * _LEVELS and _on_a_grid(wide_a, wide_b):
        return "Rounded to a grid of at most 256 steps: quantised, and expanded again"
    return ""


def _row_digests(array: Any) -> list[bytes]:
    return sorted(sha256(row.tobytes()).digest() for row in array)


def _on_a_grid(a: Any, b: Any) -> bool:
    """Tell whether a tensor, or each row of it, was rounded to at most 256 steps that are equally far apart."""
    import numpy as np

    for old, new in ((a.reshape(1, -1), b.reshape(1, -1)), (a.reshape(len(a), -1), b.reshape(len(b), -1))):
        if old.shape[1] < 32 or not np.isfinite(new).all():
            continue
        spread = np.ptp(new, axis=1, keepdims=True)
        values = [np.unique(row) for row in new]
        steps = np.array([np.diff(each).min() if len(each) > 1 else 0.0 for each in values])[:, None]
        if not (steps > 0).all() or (spread / steps > _LEVELS).any():
            continue
        places = (new - new[:, :1]) / steps
        even = np.abs(places - np.round(places)).max() < 1e-2
        if even and (np.abs(old - new) <= 0.51 * steps).all():
            return True
    return False


def _values(tensor: Any) -> Any:
    """Return a tensor as float64 or in its own dtype; None if its dtype can't be computed with."""
    import numpy as np

    if tensor is None or isinstance(tensor, np.ndarray):
        return tensor
    if tensor.dtype == "bfloat16":
        return (np.ascontiguousarray(tensor.bits).astype(np.uint32) << 16).view(np.float32)
    return None


def _equal(a: Any, b: Any) -> bool:
    import numpy as np

    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def _same_but_rounded(a: Any, b: Any, old: str, new: str) -> bool:
    import numpy as np

    coarse = max(_ROUNDED.get(old, 0.0), _ROUNDED.get(new, 0.0))
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    # Half a unit in the last place is the rounding to nearest; below its range float16 has fixed steps of 2**-24.
    return bool(np.all((np.abs(a - b) <= coarse * np.abs(a) + 2.0**-24) | (a == b) | (np.isnan(a) & np.isnan(b))))


def _merged(removed: dict[str, _Tensor], moved: Sequence[str], contents: tuple[Any, Any] | None) -> str:
    """Say whether adapters were merged: they are gone, or the differences of matrices have a low rank."""
    adapters = {name: match for name in removed if (match := _ADAPTER.search(name)) is not None}
    layers = {name[: match.start()] for name, match in adapters.items()}
    if layers:
        for name in adapters:
            removed.pop(name)
        touched = [name for name in moved if any(layer and layer in name for layer in layers)]
        return (
            f"Adapters merged: {len(layers)} of them are gone, and the weights of {_layers(touched or layers)} moved."
        )
    if contents is None or not moved:
        return ""
    ranks = []
    for name in moved:
        pair = [_values(side.get(name)) for side in contents]
        if (
            any(each is None or each.ndim != 2 or each.dtype.kind != "f" for each in pair)
            or pair[0].shape != pair[1].shape
        ):
            return ""
        rank = _rank(pair[0], pair[1])
        if rank is None:
            return ""
        ranks.append(rank)
    return f"An adapter of rank {max(ranks)} was merged? The differences of {_listed(list(moved))} have no higher rank."


def _rank(a: Any, b: Any) -> int | None:
    """Return the rank of a difference if it is low, by a random sketch; None if it is not."""
    import numpy as np

    smallest = min(a.shape)
    if smallest < 4 * 8 or 2 * int(np.count_nonzero(a != b)) < a.size:
        return None  # an adapter moves most of a matrix
    most = min(_LARGEST_RANK, smallest // 4)
    difference = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    sketch = difference @ np.random.default_rng(0).normal(size=(difference.shape[1], most + 4))
    sizes = np.linalg.svd(sketch, compute_uv=False)
    noise = sizes[0] * max(np.finfo(a.dtype).eps * math.sqrt(smallest) * 16, 1e-9)
    rank = int((sizes > noise).sum())
    return rank if 0 < rank <= most else None


def _sizes(names: Sequence[str], contents: tuple[Any, Any]) -> list[str]:
    """Say how far tensors moved, relative to their length, the farthest first."""
    import numpy as np

    found = []
    for name in names:
        a, b = (_values(side.get(name)) for side in contents)
        if a is None or b is None or a.dtype.kind not in "fiu" or not a.size:
            continue
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        length = float(np.linalg.norm(a))
        found.append((float(np.linalg.norm(b - a)) / length if length else math.inf, name))
    found.sort(key=lambda each: (-each[0], each[1]))
    shown = ", ".join(f"{name} by {size:.2g}" for size, name in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [f"Moved, relative to their norm: {shown}{more}."] if found else []


def _is_float(dtype: str) -> bool:
    return dtype[:2] in ("<f", "|f") or dtype.startswith(("bfloat", "float"))


def _dtype(dtype: str) -> str:
    plain = re.fullmatch(r"[<|>]([fiu])(\d)", dtype)
    if plain is None:
        return dtype
    return {"f": "float", "i": "int", "u": "uint"}[plain[1]] + str(8 * int(plain[2]))


def _layers(names: Any) -> str:
    kept = sorted(set(names))
    return kept[0] or "the model" if len(kept) == 1 else f"{len(kept)} layers"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
