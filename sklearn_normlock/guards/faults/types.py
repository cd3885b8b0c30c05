"""Columns that are no numbers: of another type, which is certain, and text that is spelled otherwise."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.tables import Table, certain, zones_of
from ..profiles.categories import MEASURES, WORD, Categories
from ..profiles.summary import Summary
from .base import FAULTS, Fault


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
    """Return the columns of another type: those that are a fault by its name, and those whose values are compared.

    Each comes with the types in training and in the table.
    """
    certainly: dict[str, dict[int, Any]] = {}
    compared = {}
    for j, (was, now) in enumerate(zip(profile.types, table.types() if table.types else (), strict=False)):
        if was and now and was != now and not _nothing(table, j):
            if certain(was, now):
                zones = [" and ".join(sorted(zones_of(each))) for each in (was, now)]
                name, told = (ZoneChanged.name, zones) if all(zones) else (TypeChanged.name, [was, now])
                certainly.setdefault(name, {})[j] = dict(zip(("training", "here"), told, strict=True))
            elif "[object" not in was + now:  # objects have no resolution
                compared[j] = was, now
    return certainly, compared


def _nothing(table: Table, j: int) -> bool:
    """Tell whether a column has nothing but missing values, which have no type."""
    return j not in table.categories and bool(np.isnan(table.select([j], None).dense().numbers).all())


class Respelled(Fault):
    """Text that has a spelling of its own for what training had. Undoing gives the values of training."""

    words = "{columns} spelled otherwise than in training: {spelled}"
    #: Whether the difference can't be seen, so that characters are told by their numbers.
    hidden = False

    def key(self, text: str) -> str:
        """Return what a text and its other spellings have in common."""
        raise NotImplementedError

    def misspelled(self, texts: Any) -> Any:
        """Return texts, a column of pandas, as this fault spells them."""
        raise NotImplementedError

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
            if key not in known and learned.words:
                return WORD.sub(lambda word: words.get(self.key(word[0]), word[0]), key)
            return known.get(key, text)

        return np.array([undo(text) for text in values], object)

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X.assign(**{name: self.misspelled(X[name]) for name in columns})


class CaseChanged(Respelled):
    """Capitals for small letters, or the other way round."""

    name = "case_changed"
    remedy = "Use the case of training."

    def key(self, text: str) -> str:
        return text.casefold()

    def misspelled(self, texts: Any) -> Any:
        return texts.str.upper()


class SpaceChanged(Respelled):
    """White space before, behind or within values; the words with one space between them are alike."""

    name = "space_changed"
    hidden = True
    remedy = "Strip values as in training; look for padding, tabs and non-breaking spaces."

    def key(self, text: str) -> str:
        return " ".join(text.replace("\ufeff", "").replace("\u200b", "").split())

    def misspelled(self, texts: Any) -> Any:
        return texts + " "


class UnicodeChanged(Respelled):
    """Characters that are composed otherwise, or compatible ones."""

    name = "unicode_changed"
    hidden = True
    remedy = "Normalise to the Unicode form of training: unicodedata.normalize."

    def key(self, text: str) -> str:
        return unicodedata.normalize("NFKC", text)

    def misspelled(self, texts: Any) -> Any:
        return texts.str.normalize("NFD")


class Mojibake(Respelled):
    """UTF-8 that was read in an encoding of one byte a character, once or more often, or training's was."""

    name = "mojibake"
    remedy = "Decode the bytes as UTF-8 where the text is read; see which encoding the reader assumes."

    def key(self, text: str) -> str:
        for encoding in ("cp1252", "latin-1"):
            try:
                before = text.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            return text if before == text else self.key(before)
        return text

    def misspelled(self, texts: Any) -> Any:
        return texts.map(lambda text: text.encode().decode("latin-1"), na_action="ignore")


_SHOWN = 3


def respelled(learned: Categories, values: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield the faults of spelling that values may have: the name, the values undone, and what is told of it."""
    for fault in FAULTS.values():
        if not isinstance(fault, Respelled):
            continue
        undone = fault.undone(learned, values)
        changed = {was: now for was, now in zip(values, undone, strict=True) if was != now}
        if changed:
            pairs = list(changed.items())[:_SHOWN]
            shown = [" for ".join(json.dumps(text[:60], ensure_ascii=fault.hidden) for text in pair) for pair in pairs]
            yield fault.name, undone, {"spelled": ", ".join(shown)}


def seen_of_text(learned: Categories, values: Any) -> dict[str, Any]:
    """Return values that training never had, the most frequent first; of free text its words, and its measures."""
    known = [value for value in values if value is not None]
    words = [word for text in known for word in set(WORD.findall(text))] if learned.other else known
    new = Counter(word for word in words if word not in (learned.words if learned.other else learned.values))
    shown = [word for word, _ in sorted(new.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]]
    said = []
    if shown:
        of_rows = f"values that training never had in {sum(new.values())} of {len(known)} rows"
        said.append("words that training seldom had" if learned.other else of_rows)
        said[0] += ": " + ", ".join(json.dumps(word[:60], ensure_ascii=False) for word in shown)
    if learned.bounds is not None and known:
        medians = zip(MEASURES, learned.bounds[0, 0], np.median(learned.measure(known), axis=0), strict=True)
        said += [f"median {name} {was:.3g} in training, {now:.3g} here" for name, was, now in medians if was != now]
    return {"unseen": shown, **({"reason": "; ".join(said)} if said else {})}
