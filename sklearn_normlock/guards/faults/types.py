"""Columns that are no numbers: of another type, which is certain, and text that is spelled otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unicodedata import normalize

import numpy as np

from ..data.tables import Table, certain, parts_of
from ..profiles.categories import MEASURES, WORD, Categories
from ..profiles.summary import Summary
from .base import FAULTS, Fault

_Spelling = Callable[[str], str]
_SHOWN = 3


class TypeChanged(Fault):
    """Times or durations where there were others, or numbers, or the other way round."""

    name = "type_changed"
    words = "{columns} of another type: {here} here, {training} in training"
    remedy = "Read the column with the type of training."

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X.assign(**{name: X[name].astype("int64") for name in columns})


class ZoneChanged(Fault):
    """Times of another zone, or with a zone where there was none; whatever asks for their hour gets another."""

    name = "zone_changed"
    words = "{columns} in another time zone: {here} here, {training} in training"
    remedy = "Convert to the zone of training; naive times must be given their own zone first."

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X.assign(**{name: X[name].dt.tz_localize(None if X[name].dt.tz else "UTC") for name in columns})


def changed_types(profile: Summary, table: Table) -> tuple[dict[str, dict[int, Any]], dict[int, tuple[str, str]]]:
    """Return columns of another type: faults by their names, and what else differs; with training's and the table's."""
    certainly: dict[str, dict[int, Any]] = {}
    compared = {}
    for j, (was, now) in enumerate(zip(profile.types, table.types, strict=False)):
        if was and now and was != now and not table.lacks(j):
            if certain(was, now):
                zones = [" and ".join(sorted(parts_of(each)[1])) for each in (was, now)]
                name, told = (ZoneChanged.name, zones) if all(zones) else (TypeChanged.name, [was, now])
                certainly.setdefault(name, {})[j] = {"training": told[0], "here": told[1]}
            elif "[object" not in was + now and "[pyarrow" not in was + now:  # these have no resolution of their own
                compared[j] = was, now
    return certainly, compared


class Respelled(Fault):
    """Text that has a spelling of its own for what training had. Undoing gives the values of training.

    ``key`` gives what a text and its other spellings have in common, and ``misspelled`` a text in the spelling of the
    fault. If the difference is ``hidden`` from the eye, characters are told by their numbers.
    """

    words = "{columns} spelled otherwise than in training: {spelled}"

    def __init__(self, name: str, remedy: str, key: _Spelling, misspelled: _Spelling, hidden: bool = False) -> None:
        self.name, self.remedy, self.key, self.misspelled, self.hidden = name, remedy, key, misspelled, hidden

    def undone(self, learned: Categories, values: Any) -> Any:
        """Return the values with the spelling of training, as far as training has the same key; free text by words."""
        known, words = (
            {self.key(name): name for name in sorted(each, key=each.__getitem__)}
            for each in (learned.values, learned.words)
        )

        def undo(text: Any) -> Any:
            if text is None or text in learned.values:
                return text
            key = self.key(text)
            if key in known or not learned.words:
                return known.get(key, text)
            return WORD.sub(lambda word: words.get(self.key(word[0]), word[0]), key)

        return np.array([undo(text) for text in values], object)

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X.assign(**{name: X[name].map(self.misspelled, na_action="ignore") for name in columns})


def _spaced(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").replace("\u200b", "").split())


def _decoded(text: str) -> str:
    """Return text that was UTF-8, and was read in an encoding of one byte a character, once or more often."""
    for encoding in ("cp1252", "latin-1"):
        try:
            before = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return text if before == text else _decoded(before)
    return text


_UNICODE = "Normalise to the Unicode form of training: unicodedata.normalize."
_SPACE = "Strip values as in training; look for padding, tabs and non-breaking spaces."
_ENCODING = "Decode the bytes as UTF-8 where the text is read; see which encoding the reader assumes."
SPELLINGS = (
    Respelled("case_changed", "Use the case of training.", str.casefold, str.upper),
    Respelled("space_changed", _SPACE, _spaced, "{} ".format, hidden=True),
    Respelled("unicode_changed", _UNICODE, partial(normalize, "NFKC"), partial(normalize, "NFD"), hidden=True),
    Respelled("mojibake", _ENCODING, _decoded, lambda text: text.encode().decode("latin-1")),
)
FAULTS.update((each.name, each) for each in SPELLINGS)


def respelled(learned: Categories, values: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield the faults of spelling that values may have: the name, the values undone, and what is told of it."""
    for fault in SPELLINGS:
        undone = fault.undone(learned, values)
        changed = {was: now for was, now in zip(values, undone, strict=True) if was != now}
        if changed:
            pairs = list(changed.items())[:_SHOWN]
            shown = [" for ".join(json.dumps(text[:60], ensure_ascii=fault.hidden) for text in pair) for pair in pairs]
            yield fault.name, undone, {"spelled": ", ".join(shown)}


def seen_of_text(learned: Categories, values: Any) -> dict[str, Any]:
    """Return values that training never had, the most frequent first; of free text its words, and its measures."""
    known, said = [value for value in values if value is not None], []
    had, words = learned.values, known
    if learned.other:
        had, words = learned.words, [word for text in known for word in set(WORD.findall(text))]
    new = Counter(word for word in words if word not in had)
    shown = sorted(new, key=lambda word: (-new[word], word))[:_SHOWN]
    if shown:
        of_rows = f"values that training never had in {new.total()} of {len(known)} rows"
        said.append("words that training seldom had: " if learned.other else of_rows + ": ")
        said[0] += ", ".join(json.dumps(word[:60], ensure_ascii=False) for word in shown)
    if learned.bounds is not None and known:
        medians = zip(MEASURES, learned.bounds[0, 0], np.median(learned.measure(known), axis=0), strict=True)
        said += [f"median {name} {was:.3g} in training, {now:.3g} here" for name, was, now in medians if was != now]
    return {"unseen": shown, **({"reason": "; ".join(said)} if said else {})}
