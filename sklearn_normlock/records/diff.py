"""Compare two records: what changed, where, and by how much.

Pure Python over the plain mappings of :mod:`sklearn_normlock.fingerprints.record`, so that two files can be compared
where neither scikit-learn nor NumPy is installed.
"""

from __future__ import annotations

import math
import struct
from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .change import Change, Kind, plain_text
from .columns import feature_names, literal_list
from .relations import Relation, RelationKind, named_relation, relation

_WIDTH = 80  # characters of a value in a message
_SHOWN = 3  # elements of an array that a change shows
_ROUND_OFF = 1e-12  # relative
_FORMATS = dict(f2="e", f4="f", f8="d", b1="?", i1="b", i2="h", i4="i", i8="q", u1="B", u2="H", u4="I", u8="Q")


def compare_records(expected: Mapping[str, Any], actual: Mapping[str, Any], steps: Iterable[str] = ()) -> list[Change]:
    """Return what differs between two records, causes before consequences.

    Parameters
    ----------
    expected, actual : mapping of path to entry
        What was fitted, and what is there.
    steps : iterable of str, default=()
        The paths of the steps, in the order in which rows pass them.

    Returns
    -------
    changes : list of Change
        Empty if nothing that the records hold differs. A container or object is left out where something inside it is
        named already. Parameters come first, then fitted state in the order of the steps, the worst of a step first,
        and round-off last.
    """
    changes: list[Change] = []
    if not expected or not actual:
        return changes
    # An entry for which one of them had no room is neither added nor removed.
    cut = any(isinstance(root := record.get(""), Mapping) and "cut" in root for record in (expected, actual))
    for path in dict.fromkeys([*expected, *actual]):
        old, new = expected.get(path), actual.get(path)
        if old == new or (cut and (old is None or new is None)):
            continue
        change = _change(path, old, new, feature_names(expected, path))
        if change is not None:
            changes.append(change)
    inner = [change.path for change in changes if change.kind is not Kind.CONTENT]
    named = [
        change
        for change in changes
        if change.kind is not Kind.CONTENT or not any(_inside(path, change.path) for path in inner)
    ]
    replaced = [change.path for change in named if change.kind in (Kind.CLASS, Kind.ADDED, Kind.REMOVED)]
    named = [c for c in named if not any(c.path != path and _inside(c.path, path) for path in replaced)]
    deepest = [
        c for c in named if c.kind is not Kind.CONTENT or not any(o is not c and _inside(o.path, c.path) for o in named)
    ]
    places = {step: i for i, step in reversed(list(enumerate(steps)))}
    return sorted(deepest, key=lambda change: (*_group(change, places), *_severity(change)))


def _group(change: Change, places: Mapping[str, int]) -> tuple[int, int]:
    """Order a change by its part in the story: a parameter is a cause, the state of a later step a consequence."""
    if change.relation is not None and change.relation.kind is RelationKind.ROUND_OFF:
        return 2, 0
    names = [name.partition("[")[0] for name in change.path.split(".")]
    chosen = not any(name.endswith("_") or name.startswith("_") for name in names)
    if chosen and change.kind not in (Kind.ADDED, Kind.REMOVED, Kind.CONTENT):
        return 0, 0
    inside = [step for step in places if step == change.path or _inside(change.path, step)]
    return 1, places[max(inside, key=len)] if inside else len(places)


def _inside(path: str, parent: str) -> bool:
    return path != parent and (not parent or path.startswith((parent + ".", parent + "[")))


def _severity(change: Change) -> tuple[int, float]:
    order = [Kind.CLASS, Kind.SHAPE, Kind.DTYPE, Kind.VALUE, Kind.ELEMENTS, Kind.REMOVED, Kind.ADDED, Kind.CONTENT]
    distance = change.distance if change.kind is Kind.ELEMENTS else 0.0
    # A count such as n_samples_seen_ comes after the arrays.
    counts = change.kind is Kind.VALUE and change.path.endswith("_")
    return order.index(Kind.REMOVED if counts else change.kind), -distance


def _texts(path: str, old: str, new: str) -> Change:
    """Compare two values by their texts: lists of one length item by item, others from where they begin to differ."""
    before, after = literal_list(old), literal_list(new)
    differing = [i for i, (a, b) in enumerate(zip(before or (), after or (), strict=False)) if a != b]
    if differing and before and after and len(before) == len(after) and len(before) > 3:
        shown = tuple((f"[{i}]", repr(before[i]), repr(after[i])) for i in differing[:_SHOWN])
        return Change(
            path=path,
            kind=Kind.ELEMENTS,
            expected=before[differing[0]],
            actual=after[differing[0]],
            label=shown[0][0],
            shown=shown,
            differing=len(differing),
            size=len(before),
            distance=max(_distance(before[i], after[i], 0.0) for i in differing),
            relation=relation(before, after),
        )
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    if max(len(old), len(new)) > _WIDTH and start > _WIDTH // 2:
        old, new = "…" + old[start - 20 :], "…" + new[start - 20 :]
    known = relation(before, after) if before and after and len(before) == len(after) else None
    return Change(path=path, kind=Kind.VALUE, expected=_brief(old), actual=_brief(new), relation=known)


def _change(path: str, old: Any, new: Any, names: Sequence[str]) -> Change | None:
    if old is None:
        return Change(path=path, kind=Kind.ADDED, actual=_brief(new))
    if new is None:
        return Change(path=path, kind=Kind.REMOVED, expected=_brief(old))
    classes = [entry.get("class") if isinstance(entry, Mapping) else None for entry in (old, new)]
    if any(classes) and not all(classes):
        sides = [_plain(name) if name else _brief(entry) for name, entry in zip(classes, (old, new), strict=True)]
        return Change(path=path, kind=Kind.CLASS, expected=sides[0], actual=sides[1])
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if "digest" in old and old["digest"] == new.get("digest"):
            return None  # two texts of one value, or two samples of one array
        for key, kind in (("class", Kind.CLASS), ("dtype", Kind.DTYPE), ("shape", Kind.SHAPE)):
            if key in old and key in new and old[key] != new[key]:
                known = _rounded(old, new) if kind is Kind.DTYPE else None
                return Change(path=path, kind=kind, expected=_plain(old[key]), actual=_plain(new[key]), relation=known)
        if _by_value(old) and _by_value(new):
            return _elements(path, old, new, names)
        if "summary" in old and "summary" in new:
            moved = [k for k in ("min", "max", "mean") if old["summary"].get(k) != new["summary"].get(k)]
            shown = tuple((f" {k}", old["summary"].get(k), new["summary"].get(k)) for k in moved)
            if shown:
                return Change(
                    path=path,
                    kind=Kind.ELEMENTS,
                    expected=shown[0][1],
                    actual=shown[0][2],
                    shown=shown,
                    distance=max(_distance(each[1], each[2], 0.0) for each in shown),
                    summarised=True,
                )
        if _by_value(old) or _by_value(new):
            return None  # one of them had no room for the data; the object that it belongs to is named instead
        if "text" in old and "text" in new and old["text"] != new["text"]:
            return _texts(path, old["text"], new["text"])
        return Change(path=path, kind=Kind.CONTENT, label=_blocks(old, new), summarised="summary" in old)
    kind = Kind.CONTENT if _brief(old) == _brief(new) else Kind.VALUE
    # A parameter is chosen: that it is ten times what it was says nothing of units.
    fitted = path.endswith("_")
    known = named_relation(path, str(old), str(new)) if kind is Kind.VALUE and fitted else None
    return Change(path=path, kind=kind, expected=_brief(old), actual=_brief(new), relation=known)


def _by_value(entry: Mapping[str, Any]) -> bool:
    return "data" in entry or "values" in entry


def _rounded(old: Mapping[str, Any], new: Mapping[str, Any]) -> Relation | None:
    """Tell what an array has to do with the same array in another dtype."""
    if not (_by_value(old) and _by_value(new)) or old.get("shape") != new.get("shape"):
        return None
    before, after = decode(old), decode(new)
    if before is None or after is None:
        return None
    return relation(before, after) or (
        Relation(kind=RelationKind.CAST, text="the same values") if before == after else None
    )


def _blocks(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Name the parts of a large array that differ, by the share of it where the first and the last begin."""
    before, after = old.get("blocks", ()), new.get("blocks", ())
    if not before or len(before) != len(after):
        return ""
    moved = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    if not moved:
        return ""
    itemsize = (int(old["dtype"][2:].partition("[")[0]) or 1) * (4 if old["dtype"][1] == "U" else 1)
    start = old["span"] * moved[0] // itemsize
    stop = min(math.prod(old["shape"]), -(-old["span"] * (moved[-1] + 1) // itemsize))
    return f" (in elements {start} to {stop}, in C order)"


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value.replace(":", ".")


def _brief(entry: Any) -> str:
    if isinstance(entry, Mapping):
        if "class" in entry:
            return f"a {entry['class'].rpartition(':')[2]}"
        if "shape" in entry:
            return f"an array of shape {tuple(entry['shape'])}"
    text = str(entry.get("text", "something larger") if isinstance(entry, Mapping) else entry)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _elements(path: str, old: Mapping[str, Any], new: Mapping[str, Any], names: Sequence[str]) -> Change:
    before, after = decode(old), decode(new)
    if before is None or after is None or len(before) != len(after):
        return Change(path=path, kind=Kind.CONTENT)
    differing = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if _bits(a) != _bits(b)]
    if not differing:
        return Change(path=path, kind=Kind.CONTENT)
    shape = old["shape"]
    # A number that is small beside its neighbours is round-off.
    numbers = [abs(x) for x in (*before, *after) if isinstance(x, (int, float)) and math.isfinite(x)]
    floor = 1e-9 * max(numbers, default=0.0)
    # Beside elements that really moved, those that only were rounded otherwise are noise.
    moved = [i for i in differing if _distance(before[i], after[i], floor) > _ROUND_OFF]
    worst = sorted(moved or differing, key=lambda i: -_distance(before[i], after[i], floor))[:_SHOWN]
    shown = tuple((_label(i, shape, names), *_sides(before[i], after[i])) for i in worst)
    chosen = sorted(moved) if moved else range(len(before))
    return Change(
        path=path,
        kind=Kind.ELEMENTS,
        expected=before[worst[0]],
        actual=after[worst[0]],
        label=shown[0][0],
        shown=shown,
        differing=len(moved or differing),
        rounded=len(differing) - len(moved) if moved else 0,
        size=len(before),
        distance=_distance(before[worst[0]], after[worst[0]], floor),
        relation=relation(
            [before[i] for i in chosen], [after[i] for i in chosen], lambda i: _label(chosen[i], shape, names)
        ),
    )


def _bits(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else value


def _sides(old: Any, new: Any) -> tuple[Any, Any]:
    # Two numbers that look the same when rounded are shown in full.
    return (repr(old), repr(new)) if plain_text(old) == plain_text(new) else (old, new)


def _distance(old: Any, new: Any, floor: float) -> float:
    """Order differences by size: relative for numbers, and a change to or from NaN before all."""
    if not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
        return math.inf
    if math.isnan(old) or math.isnan(new) or math.isinf(old) or math.isinf(new):
        return math.inf
    scale = max(abs(old), abs(new), floor)
    return abs(old / scale - new / scale) if scale else 0.0


def _label(index: int, shape: Sequence[int], names: Sequence[str]) -> str:
    position: list[int] = []
    for size in reversed(shape):
        index, at = divmod(index, size)
        position.insert(0, at)
    if not position:
        return ""
    if names and len(names) == shape[-1]:
        column = str(names[position[-1]]).replace('"', '\\"')
        rows = position[:-1] if any(size > 1 for size in shape[:-1]) else []
        return "".join(f"[{i}]" for i in rows) + f'["{column}"]'
    return "[" + ", ".join(map(str, position)) + "]"


def decode(entry: Mapping[str, Any]) -> list[Any] | None:
    """Return the elements of an array that is kept by value, or None if its dtype has no plain form.

    Parameters
    ----------
    entry : mapping
        With ``"dtype"``, ``"shape"`` and ``"data"``, or ``"values"`` as a lock has them.
    """
    if "values" in entry:
        return [float(x) for x in entry["values"]] if entry["dtype"][1] == "f" else list(entry["values"])
    code = _FORMATS.get(entry["dtype"][1:])
    data = a2b_base64(entry["data"])
    if code is not None:
        return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))
    if entry["dtype"][1] == "U":
        width = int(entry["dtype"][2:]) * 4
        if width:
            cells = [data[i : i + width] for i in range(0, len(data), width)]
            return [cell.decode("utf-32-le", "replace").rstrip("\0") for cell in cells]
    return None
