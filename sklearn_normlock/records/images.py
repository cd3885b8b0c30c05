"""The changes between two lists of operations on images, in words, with what it does to the pixels."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

OWNER = "sklearn_normlock.images:ImagePreprocessor"
STAGE = "sklearn_normlock.images.operations:"

_LEFT_OUT = {
    "exif": "photographs that were taken upright come lying",
    "convert": "images of another mode come with other channels, or are refused",
    "resize": "the images keep their own size",
    "center_crop": "the margins come along",
    "grayscale": "the images come in colour",
    "channels": "RGB and BGR are exchanged",
    "rescale": "pixels go from 0 to 255 in place of 0 to 1",
    "normalize": "mean and standard deviation are not those of training",
    "layout": "the channels are at the other end of the shape",
    "dtype": "numbers are of another type",
}
_TWICE = {
    "rescale": "pixels are divided by 255 twice, and nearly black",
    "normalize": "mean and standard deviation are applied twice",
    "channels": "RGB and BGR are exchanged twice, and nothing happens",
}
_PARAMETERS = {
    ("resize", "filter"): "resized with another filter: edges and fine patterns come out otherwise",
    ("resize", "rule"): "resized to another rule of size: the proportions or the section change",
    ("resize", "size"): "resized to another size",
    ("resize", "max_size"): "another limit of the longer edge: long images come out smaller or larger",
    ("center_crop", "size"): "another section of the image",
    ("center_crop", "rounding"): "odd margins are cut one pixel further to a side",
    ("channels", "order"): "the channels come in another order",
    ("rescale", "by"): "pixels come in another range",
    ("rescale", "how"): "pixels are rounded otherwise, in the last bit of float32",
    ("normalize", "mean"): "another mean is subtracted",
    ("normalize", "std"): "divided by another standard deviation",
    ("layout", "to"): "the channels are at the other end of the shape",
    ("dtype", "to"): "numbers are of another type",
    ("convert", "mode"): "images come in other channels",
    ("grayscale", "channels"): "grey comes in another number of channels",
}


def image_findings(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what happened between the operations of a preprocessor in two records.

    Parameters
    ----------
    path : str
        Where it stands in both.
    old, new : mapping of path to entry
        The whole records.

    Returns
    -------
    findings : list of str
        A sentence each, with the effect.
    """
    before, after = operations_of(path, old), operations_of(path, new)
    where = f"{path}: " if path else ""
    names = [name for name, _ in before], [name for name, _ in after]
    found: list[str] = []
    if names[0] != names[1] and sorted(names[0]) == sorted(names[1]):
        moved = _moved(*names)
        found.append(f"the same operations in another order: {moved}")
    elif names[0] != names[1]:
        for name in dict.fromkeys([*names[0], *names[1]]):
            counts = names[0].count(name), names[1].count(name)
            if counts[1] < counts[0]:
                found.append(f"{name} is left out: {_LEFT_OUT.get(name, 'other pixels')}")
            elif counts[1] > counts[0] > 0:
                found.append(f"{name} is done twice: {_TWICE.get(name, 'other pixels')}")
            elif counts[1] > counts[0]:
                found.append(f"{name} is new: {_LEFT_OUT.get(name, 'other pixels')}, seen from the other side")
    taken = [False] * len(after)
    for name, parameters in before:
        match = next((i for i, each in enumerate(after) if each[0] == name and not taken[i]), None)
        if match is None:
            continue
        taken[match] = True
        for parameter, value in parameters.items():
            other = after[match][1].get(parameter)
            if other != value:
                text = _PARAMETERS.get((name, parameter), "another parameter")
                if parameter in ("mean", "std") and _is_reversed(value, other):
                    text = "the statistics of the channels in the reverse order: RGB and BGR exchanged"
                found.append(f"{name}.{parameter} {value} → {other}: {text}")
    return [f"{where}{text}." for text in found]


def operations_of(path: str, record: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the operations of the preprocessor that stands at a path of a record, with their parameters."""
    operations: list[tuple[str, dict[str, Any]]] = []
    while True:
        at = f"{path}.operations[{len(operations)}]".lstrip(".")
        entry = record.get(at)
        if not isinstance(entry, Mapping) or not str(entry.get("class", "")).startswith(STAGE):
            return operations
        parameters = {}
        for name, value in record.items():
            if name.startswith(f"{at}."):
                text = value.get("text") if isinstance(value, Mapping) else value
                parameters[name[len(at) + 1 :]] = _value(text)
        operations.append((entry["class"].removeprefix(STAGE), parameters))


def _value(text: Any) -> Any:
    try:
        return literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return text


def _moved(before: list[str], after: list[str]) -> str:
    """Say which operations went where, by the runs that stayed."""
    stayed: set[int] = set()
    for match in SequenceMatcher(a=before, b=after, autojunk=False).get_matching_blocks():
        stayed |= set(range(match.b, match.b + match.size))
    moved = [j for j in range(len(after)) if j not in stayed]
    return ", ".join(f"{after[j]} behind {after[j - 1]}" if j else f"{after[j]} first" for j in moved)


def _is_reversed(old: Any, new: Any) -> bool:
    return isinstance(old, tuple) and isinstance(new, tuple) and len(old) > 1 and old == new[::-1]
