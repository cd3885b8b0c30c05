"""Columns that are no numbers: of another type, which is certain, and text that is spelled otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from unicodedata import normalize

import numpy as np

from ..data.tables import Table, certain, parts_of
from ..profiles.categories import MEASURES, WORD, Categories
from ..profiles.summary import Summary
from ..tests.values import log_p_of_text
from .base import FAULTS, Fault

_Spelling = Callable[[str], str]
_SHOWN = 3


class TypeChanged(Fault, name="type_changed"):
    """Times or durations where there were others, or numbers, or the other way round."""

    words = "{columns} of another type: {here} here, {training} in training"
    remedy = "Read the column with the type of training."

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X.assign(**{name: X[name].astype("int64") for name in columns})


class ZoneChanged(Fault, name="zone_changed"):
    """Times of another zone, or with a zone where there was none; whatever asks for their hour gets another."""

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
    """Text that is spelled otherwise than in training, whose values have the same ``key``.

    ``misspelled`` does the fault to a text. If it is ``hidden`` from the eye, characters are told by their numbers.
    """

    words = "{columns} spelled otherwise than in training: {spelled}"

    def __init__(self, name: str, remedy: str, key: _Spelling, misspelled: _Spelling, hidden: bool = False) -> None:
        self.name, self.remedy, self.key, self.misspelled, self.hidden = name, remedy, key, misspelled, hidden
        FAULTS[name] = self

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


def explained_text(learned: Categories, values: Any, drift: float, limit: float) -> tuple[str, dict[str, Any]]:
    """Return the spelling without which values are the likeliest, and its facts; unknown if they still alarm.

    ``limit`` is the log p-value below which they do.
    """
    made = {fault: fault.undone(learned, values) for fault in SPELLINGS}
    log_p = {fault: log_p_of_text(learned, undone, drift) for fault, undone in made.items()}
    best = max(log_p, key=log_p.__getitem__)
    if log_p[best] < limit:
        return "unknown", _unseen(learned, values)
    changed = [both for both in dict.fromkeys(zip(values, made[best], strict=True)) if both[0] != both[1]][:_SHOWN]
    shown = [" for ".join(json.dumps(text[:60], ensure_ascii=best.hidden) for text in both) for both in changed]
    return best.name, {"spelled": ", ".join(shown)}


def _unseen(learned: Categories, values: Any) -> dict[str, Any]:
    """Return values that training never had, the most frequent first; of free text its words, and its measures."""
    known, free = [value for value in values if value is not None], bool(learned.other)
    words = [word for text in known for word in set(WORD.findall(text))] if free else known
    new = Counter(word for word in words if word not in (learned.words if free else learned.values))
    shown, said = sorted(new, key=lambda word: (-new[word], word))[:_SHOWN], []
    if shown:
        of_rows = f"values that training never had in {new.total()} of {len(known)} rows"
        listed = ", ".join(json.dumps(word[:60], ensure_ascii=False) for word in shown)
        said = [f"{'words that training seldom had' if free else of_rows}: {listed}"]
    if learned.bounds is not None and known:
        medians = zip(MEASURES, learned.bounds[0, 0], np.median(learned.measure(known), axis=0), strict=True)
        said += [f"median {name} {was:.3g} in training, {now:.3g} here" for name, was, now in medians if was != now]
    return {"unseen": shown, **({"reason": "; ".join(said)} if said else {})}
