"""Operations from the description of another library: torchvision's objects, Hugging Face's configuration.

Parameters are read from attributes, by the names of classes: neither library is imported. A part that is not known is
refused, because a list without it would be another preprocessing under the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..documents.envelope import parsed
from ..documents.files import read_bytes
from ..errors import ArtifactReadError, LockFormatError, NormLockError

# Numbers of Pillow's filters, which both libraries use.
_BY_NUMBER = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")

Operations = list[tuple[str, dict[str, Any]]]


def _refused(what: str, where: str, why: str, remedy: str) -> NormLockError:
    return NormLockError(f"{where}: {what} {why}.", path=where, actual=what, remedy=remedy)


# -- torchvision -------------------------------------------------------------------------------------------------------


def from_torchvision(compose: Any) -> Operations:
    """Return the operations of a pipeline of torchvision's."""
    operations: Operations = []
    for where, transform in _flat(compose, type(compose).__name__):
        read = _TRANSFORMS.get(type(transform).__name__)
        if read is None:
            random = type(transform).__name__.startswith(("Random", "AutoAugment", "TrivialAugment", "AugMix", "Color"))
            why = "is random: it is for training" if random else "is not known here"
            known = ", ".join(sorted(_TRANSFORMS))
            remedy = "Leave it out." if random else f"Write the list of operations by hand. Known: {known}."
            raise _refused(type(transform).__name__, where, why, remedy)
        try:
            operations += read(transform, where, operations)
        except AttributeError as error:
            raise _refused(
                type(transform).__name__, where, f"has no parameters that can be read ({error})", "Write it by hand."
            ) from None
    # A tensor has its channels first; torchvision changes nothing else about it.
    return operations


def _flat(transform: Any, where: str) -> Any:
    inner = getattr(transform, "transforms", None)
    if type(transform).__name__ in ("Compose", "Sequential") or isinstance(inner, (list, tuple)):
        parts = list(inner) if inner is not None else list(transform)
        for i, part in enumerate(parts):
            yield from _flat(part, f"{where}.transforms[{i}]")
    else:
        yield where, transform


def _is_tensor(before: Operations) -> bool:
    return any(name == "layout" for name, _ in before)


def _is_float(before: Operations) -> bool:
    return any(name in ("rescale", "dtype") for name, _ in before)


def _filter(value: Any, where: str) -> str:
    name = getattr(value, "value", value)
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(_BY_NUMBER):
        return _BY_NUMBER[name]
    if isinstance(name, str) and name in _BY_NUMBER:
        return name
    raise _refused(f"interpolation {value!r}", where, "is none of Pillow's filters", "Choose one of Pillow's.")


def _tv_resize(transform: Any, where: str, before: Operations) -> Operations:
    if _is_tensor(before):
        raise _refused(
            "Resize",
            where,
            "resizes a tensor, which comes out 1 to 2 levels away from Pillow, or over 100 without antialias",
            "Resize the image before it becomes a tensor.",
        )
    sizes = transform.size if isinstance(transform.size, (list, tuple)) else [transform.size]
    edge = len(sizes) == 1
    return [
        (
            "resize",
            {
                "size": sizes[0] if edge else list(sizes),
                "rule": "shortest" if edge else "exact",
                "filter": _filter(transform.interpolation, where),
                "max_size": getattr(transform, "max_size", None),
            },
        )
    ]


def _tv_crop(transform: Any, where: str, before: Operations) -> Operations:
    return [("center_crop", {"size": transform.size, "rounding": "half_even"})]


def _tv_to_tensor(transform: Any, where: str, before: Operations) -> Operations:
    if _is_tensor(before):
        raise _refused(type(transform).__name__, where, "is there twice", "Leave the second out.")
    return [("rescale", {"by": 255.0, "how": "divide"}), ("layout", {"to": "CHW"})]


def _tv_pil_to_tensor(transform: Any, where: str, before: Operations) -> Operations:
    return [("layout", {"to": "CHW"})]


def _dtype_name(dtype: Any, where: str) -> str:
    name = str(dtype).removeprefix("torch.")
    name = {"float": "float32", "double": "float64", "half": "float16"}.get(name, name)
    if name not in ("float16", "float32", "float64", "uint8"):
        raise _refused(f"dtype {dtype!r}", where, "is not known here", "Use float32.")
    return name


def _tv_convert_dtype(transform: Any, where: str, before: Operations) -> Operations:
    return _scaled(_dtype_name(transform.dtype, where), where, before, "divide")


def _tv_to_dtype(transform: Any, where: str, before: Operations) -> Operations:
    dtype = _dtype_name(transform.dtype, where)
    # v2 multiplies by a rounded 1/255, where the older transforms divide by 255.
    return _scaled(dtype, where, before, "multiply_float32") if transform.scale else [("dtype", {"to": dtype})]


def _scaled(dtype: str, where: str, before: Operations, how: str) -> Operations:
    if _is_float(before):
        return [("dtype", {"to": dtype})]
    if dtype == "uint8":
        return []
    if dtype != "float32":
        raise _refused(dtype, where, "rounds in that type", "Convert to float32 first, then to the other type.")
    return [("rescale", {"by": 255.0 if how == "divide" else 1 / 255, "how": how})]


def _tv_normalize(transform: Any, where: str, before: Operations) -> Operations:
    if not _is_float(before):
        raise _refused("Normalize", where, "comes before the pixels are floats", "Put ToTensor() before it.")
    return [("normalize", {"mean": list(transform.mean), "std": list(transform.std)})]


def _tv_grayscale(transform: Any, where: str, before: Operations) -> Operations:
    if _is_tensor(before):
        raise _refused("Grayscale", where, "is done on a tensor, with other weights than Pillow's", "Put it first.")
    return [("grayscale", {"channels": transform.num_output_channels})]


def _tv_preset(transform: Any, where: str, before: Operations) -> Operations:
    """Read what comes with weights: ``weights.transforms()``."""
    resize = [("resize", {"size": _only(transform.resize_size), "rule": "shortest"})]
    resize[0][1]["filter"] = _filter(transform.interpolation, where)
    return [
        *resize,
        ("center_crop", {"size": _only(transform.crop_size), "rounding": "half_even"}),
        ("layout", {"to": "CHW"}),
        ("rescale", {"by": 255.0, "how": "divide"}),
        ("normalize", {"mean": list(transform.mean), "std": list(transform.std)}),
    ]


def _only(size: Any) -> Any:
    sizes = list(size) if isinstance(size, (list, tuple)) else [size]
    return sizes[0] if len(sizes) == 1 else sizes


_TRANSFORMS: Mapping[str, Callable[[Any, str, Operations], Operations]] = {
    "CenterCrop": _tv_crop,
    "ConvertImageDtype": _tv_convert_dtype,
    "Grayscale": _tv_grayscale,
    "Identity": lambda transform, where, before: [],
    "ImageClassification": _tv_preset,
    "Normalize": _tv_normalize,
    "PILToTensor": _tv_pil_to_tensor,
    "RGB": lambda transform, where, before: [("convert", {"mode": "RGB"})],
    "Resize": _tv_resize,
    "ToDtype": _tv_to_dtype,
    "ToImage": _tv_pil_to_tensor,
    "ToTensor": _tv_to_tensor,
}


# -- Hugging Face ------------------------------------------------------------------------------------------------------

# These keys say nothing about the pixels.
_NAMES = frozenset({"image_processor_type", "feature_extractor_type", "processor_class", "_valid_processor_keys"})
_STEPS = frozenset(
    "do_convert_rgb do_resize size resample crop_pct do_center_crop crop_size do_rescale rescale_factor do_normalize "
    "image_mean image_std do_flip_channel_order".split()
)
_UNNORMALIZED = ("MobileViT",)  # classes that have no such step, and no field for it
_FILE = "preprocessor_config.json"


def from_huggingface(config: Any) -> Operations:
    """Return the operations of a configuration."""
    where = "config"
    if not isinstance(config, Mapping):
        if not isinstance(config, (str, os.PathLike)):
            raise _refused(f"a {type(config).__name__}", where, "is no configuration", "Give the file, or a dict.")
        where = os.fspath(config)
        config = _from_file(Path(config))
    kind = str(config.get("image_processor_type", config.get("feature_extractor_type", "")))
    if kind.endswith("Fast"):
        raise _refused(
            kind,
            f"{where}.image_processor_type",
            "resizes tensors, which comes out 1 to 2 levels away from Pillow",
            f"Serve {kind.removesuffix('Fast')!r}, or write that name to approve Pillow's way.",
        )
    for name, value in config.items():
        idle = value is None or value is False
        if name not in _NAMES and name not in _STEPS and not idle:
            raise _refused(f"{name!r}", f"{where}.{name}", "is not known here", "Write the list of operations by hand.")
    return [*_hf_resize(config, kind, where), *_hf_crop(config, where), *_hf_numbers(config, kind, where)]


def _from_file(path: Path) -> Mapping[str, Any]:
    path = path / _FILE if path.is_dir() else path
    try:
        found = parsed(read_bytes(path))
    except LockFormatError as error:
        raise ArtifactReadError(f"{path}: {error.args[0]}", path=str(path)) from None
    except OSError as error:
        raise ArtifactReadError(
            f"{path} can't be read ({error.strerror}).", path=str(path), remedy=f"Name a {_FILE} or its folder."
        ) from None
    if not isinstance(found, Mapping):
        raise ArtifactReadError(
            f"{path} holds a {type(found).__name__}, not an object with names.",
            path=str(path),
            remedy=f"Name a {_FILE}.",
        )
    return found


def _given(config: Mapping[str, Any], name: str, where: str) -> Any:
    value = config.get(name)
    if value is None:
        raise _refused(
            f"{name!r}", f"{where}.{name}", "is missing, and its default depends on the class", "Write it out."
        )
    return value


def _hf_resize(config: Mapping[str, Any], kind: str, where: str) -> Operations:
    first: Operations = [("convert", {"mode": "RGB"})] if config.get("do_convert_rgb") else []
    if not _flag(config, "do_resize", where):
        return first
    size = _given(config, "size", where)
    number = _given(config, "resample", where)
    place = f"{where}.size"
    resample = _filter(number, f"{where}.resample")
    if not isinstance(size, Mapping):
        raise _refused(
            f"size {size!r}",
            place,
            "is the shorter edge in some classes and both edges in others",
            'Write {"shortest_edge": …} or {"height": …, "width": …}.',
        )
    if set(size) == {"height", "width"}:
        exact = {"size": [size["height"], size["width"]], "rule": "exact", "filter": resample}
        return [*first, ("resize", exact)]
    if set(size) != {"shortest_edge"}:
        raise _refused(
            f"size {dict(size)!r}", place, "is a rule that is not known here", "Write the list of operations by hand."
        )
    edge, part = size["shortest_edge"], config.get("crop_pct")
    if part is None:
        return [*first, ("resize", {"size": edge, "rule": "shortest", "filter": resample})]
    numbers = [isinstance(each, (int, float)) and not isinstance(each, bool) for each in (edge, part)]
    if not all(numbers) or not 0 < part <= 1:
        raise _refused(
            f"crop_pct {part!r} of {edge!r}", f"{where}.crop_pct", "is no share of a size", "Write it by hand."
        )
    if edge >= 384:  # ConvNeXT's rule: large images are warped, others are cropped
        return [*first, ("resize", {"size": [edge, edge], "rule": "exact", "filter": resample})]
    return [
        *first,
        ("resize", {"size": int(edge / part), "rule": "shortest", "filter": resample}),
        ("center_crop", {"size": edge, "rounding": "floor"}),
    ]


def _hf_crop(config: Mapping[str, Any], where: str) -> Operations:
    if config.get("crop_size") is not None:
        _given(config, "do_center_crop", where)
    if not config.get("do_center_crop"):
        return []
    size = _given(config, "crop_size", where)
    if isinstance(size, Mapping):
        if set(size) != {"height", "width"}:
            raise _refused(f"crop_size {dict(size)!r}", f"{where}.crop_size", "is not known here", "Write it by hand.")
        size = [size["height"], size["width"]]
    return [("center_crop", {"size": size, "rounding": "floor"})]


def _hf_numbers(config: Mapping[str, Any], kind: str, where: str) -> Operations:
    operations: Operations = []
    # Configurations from before the flag existed rescale, too.
    if config.get("do_rescale", True):
        factor = config.get("rescale_factor", 1 / 255)
        operations.append(("rescale", {"by": factor, "how": "multiply_float64"}))
    if not kind.startswith(_UNNORMALIZED) and _flag(config, "do_normalize", where):
        mean, std = _given(config, "image_mean", where), _given(config, "image_std", where)
        operations.append(("normalize", {"mean": mean, "std": std}))
    if config.get("do_flip_channel_order"):
        operations.append(("channels", {"order": [2, 1, 0]}))
    return [*operations, ("layout", {"to": "CHW"})]


def _flag(config: Mapping[str, Any], name: str, where: str) -> bool:
    return bool(_given(config, name, where))
