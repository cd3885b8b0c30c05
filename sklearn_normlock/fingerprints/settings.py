"""Settings that lie beside a checkpoint, compared by meaning (clause 7.9 of ``docs/spec.md``).

``config.json``, ``preprocessor_config.json``, ``tokenizer_config.json``, ``modules.json`` and their like decide what a
model computes as much as its tensors do. Two files mean the same if they differ in the order of keys, in white space or
in the spelling of numbers. Keys that are null, or only say what wrote the file, don't count.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from ..documents.envelope import parsed
from ..errors import ArtifactReadError, LockFormatError

#: Names of files, beside all that end in ``_config.json``.
NAMES = frozenset(
    {
        "config.json",
        "modules.json",
        "config_sentence_transformers.json",
        "special_tokens_map.json",
        "added_tokens.json",
    }
)
#: Keys that say who wrote the file, where from, or which class a library wraps it in.
NOTES = frozenset(
    {
        "_name_or_path",
        "name_or_path",
        "_commit_hash",
        "_attn_implementation_autoset",
        "__version__",
        "transformers_version",
        "diffusers_version",
        "_diffusers_version",
        "processor_class",
    }
)
#: Keys that were renamed; both have one meaning.
RENAMED = {"torch_dtype": "dtype", "feature_extractor_type": "image_processor_type"}
_LARGEST = 16_000_000  # bytes
_DEPTH = 64
_WHOLE = 2**53  # up to which a float is the integer that it equals


class Settings:
    """The meaning of one file of settings.

    Parameters
    ----------
    path : path-like
        A JSON file.

    Raises
    ------
    ArtifactReadError
        If it is too large or too deep, or no JSON that can be understood in one way only.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_normlock.fingerprints.settings import Settings
    >>> path = pathlib.Path(tempfile.mkdtemp(), "config.json")
    >>> _ = path.write_text('{"transformers_version": "4.40", "layer_norm_eps": 1E-12, "dropout": 0.0, "pad": null}')
    >>> Settings(path).content
    {'dropout': 0, 'layer_norm_eps': 1e-12}
    """

    __fingerprint_class__ = "sklearn_normlock:Settings"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.content = _meaning(_document(self.path), self.path, 0)

    def __fingerprint_state__(self) -> dict[str, Any]:
        return self.content if isinstance(self.content, dict) else {"": self.content}


def is_settings(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is one of settings, by its name."""
    name = Path(path).name
    return (name in NAMES or name.endswith("_config.json")) and os.path.isfile(path)


def _document(path: Path) -> Any:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            raise ArtifactReadError(
                f"{path}: {state.st_size:,} bytes are no file of settings.", path=str(path), remedy="Name another file."
            )
        return parsed(path.read_bytes())
    except OSError as error:
        raise ArtifactReadError(
            f"{path} can't be read ({error.strerror}).", path=str(path), remedy="Name a file that is there."
        ) from None
    except LockFormatError as error:
        raise ArtifactReadError(f"{path}: {error}", path=str(path)) from None


def _meaning(value: Any, path: Path, depth: int) -> Any:
    if depth > _DEPTH:
        raise ArtifactReadError(f"{path}: it is nested too deeply.", path=str(path), remedy="Copy it again.")
    if isinstance(value, dict):
        kept = {
            RENAMED.get(key, key): _meaning(item, path, depth + 1)
            for key, item in sorted(value.items())
            if key not in NOTES and item is not None
        }
        return dict(sorted(kept.items()))
    if isinstance(value, list):
        return [_meaning(item, path, depth + 1) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _WHOLE:
        return int(value)
    return value
