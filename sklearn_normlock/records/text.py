"""The changes between two tokenizers, in words, with what it does to the tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OWNER = "sklearn_normlock.text:Tokenizer"

# The first that fits a path, below the tokenizer, names its change. Types are told by their values.
_RULES = (
    (r"vocabulary(_size)?$", "the vocabulary is another: the same tokens have other ids, or are cut otherwise"),
    (r"merges(_size)?$", "other merges: words are cut into other pieces"),
    (r"normalizer\..*lowercase$", "lower-casing is switched: capitals are kept, or no longer"),
    (r"normalizer\..*strip_accents$", "accents are treated otherwise"),
    (r"normalizer\..*handle_chinese_chars$", "Chinese characters are cut otherwise"),
    (r"normalizer\..*clean_text$", "control characters and white space are treated otherwise"),
    (r"normalizer", "texts are normalised otherwise: case, accents or forms of Unicode"),
    (r"pre_tokenizer\..*add_prefix_space$", "a first word is cut otherwise: the space before it"),
    (r"pre_tokenizer", "texts are cut into words otherwise"),
    (r"post_processor|policy\.add_special_tokens$", "the template is another: special tokens around a text"),
    (r"added_tokens", "other added tokens: texts that contain them are cut otherwise"),
    (r"model\.unk_token$", "what is not in the vocabulary gets another token"),
    (r"model\.type$", "another kind of model: words are cut by another rule"),
    (r"model\.max_input_chars_per_word$", "long words become the unknown token at another length"),
    (r"model", "the model cuts words by another rule"),
    (r"policy\.(max_length|truncation_side)$", "truncation: texts are cut at another length or side"),
    (r"policy\.(padding|padding_side|pad_token|pad_id)$", "padding: shorter texts are filled up otherwise"),
    (r"decoder", "only texts made of tokens change, no tokens made of texts"),
)
_LONG = 60  # characters: longer values are not shown
_TYPES = {
    "Lowercase": "lower-casing is switched: capitals are kept, or no longer",
    "StripAccents": "accents are treated otherwise",
}


def text_findings(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what happened to a tokenizer between two records.

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
    before, after = _leaves(path, old), _leaves(path, new)
    found: dict[str, list[str]] = {}
    changed = [place for place in dict.fromkeys([*before, *after]) if before.get(place) != after.get(place)]
    for place in changed:
        if any(other.startswith((f"{place}.", f"{place}[")) for other in changed):
            continue  # what is in it says more
        a, b = before.get(place), after.get(place)
        kinds = {str(each).strip("'") for each in (a, b)} if place.endswith("type") else set()
        text = next((_TYPES[kind] for kind in _TYPES if kind in kinds), None)
        text = text or next(words for rule, words in (*_RULES, ("", "another tokenizer")) if re.match(rule, place))
        long = a is None or b is None or len(f"{a}{b}") > _LONG
        shown = "" if long or place in ("vocabulary", "merges") else f" {a} → {b}"
        found.setdefault(text, []).append(f"{place}{shown}")
    where = f"{path}: " if path else ""
    return [
        f"{where}{text} ({', '.join(places[:3])}{', …' if len(places) > 3 else ''})." for text, places in found.items()
    ]


def _leaves(path: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries below a tokenizer that are no objects, by the path from there."""
    prefix = f"{path}." if path else ""
    return {
        name[len(prefix) :]: _shown(entry)
        for name, entry in record.items()
        if name
        and name.startswith(prefix)
        and not (isinstance(entry, Mapping) and "class" in entry)
        and not (isinstance(entry, Mapping) and "text" not in entry and _has_members(name, record))
    }


def _has_members(name: str, record: Mapping[str, Any]) -> bool:
    return any(other.startswith((f"{name}[", f"{name}.")) for other in record)


def _shown(entry: Any) -> Any:
    return entry.get("text", str(entry)) if isinstance(entry, Mapping) else entry
