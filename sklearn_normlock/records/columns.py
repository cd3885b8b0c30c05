"""The names of the columns that enter a step: its own, or those that reach it through the steps before it.

An imputer hands an array without names to the scaler behind it. A record holds enough to follow each column: the steps
of a pipeline, the columns of each transformer, and the classes that put out one column for each that they take. Where
a step could have dropped, mixed or reordered columns, no name is given, and a message counts them.

Pure Python over the plain mappings of a record, as :mod:`sklearn_normlock.records.diff`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_GREATEST = 1 << 1000  # an integer that is still a float

#: Classes that put out one column for each that they take, in the same order.
_ONE_TO_ONE = frozenset(
    [
        "sklearn.preprocessing:Binarizer",
        "sklearn.preprocessing:MaxAbsScaler",
        "sklearn.preprocessing:MinMaxScaler",
        "sklearn.preprocessing:Normalizer",
        "sklearn.preprocessing:OrdinalEncoder",
        "sklearn.preprocessing:PowerTransformer",
        "sklearn.preprocessing:QuantileTransformer",
        "sklearn.preprocessing:RobustScaler",
        "sklearn.preprocessing:StandardScaler",
        "sklearn_normlock:InputGuard",
    ]
)
#: The same, unless a column is empty, so that it is dropped, or indicators are added.
_IMPUTERS = frozenset(f"sklearn.impute:{name}" for name in ("IterativeImputer", "KNNImputer", "SimpleImputer"))
#: Members that get the very rows that their holder got.
_SAME_ROWS = frozenset(["best_estimator_", "estimator_", "regressor_", "classifier_", "transformer"])
#: Attributes with an element for each class, component or iteration, as many as there may be columns.
_NOT_OF_COLUMNS = frozenset(
    [
        *("class_count_", "class_log_prior_", "class_prior_", "classes_", "coefs_", "dual_coef_", "intercept_"),
        *("intercepts_", "n_iter_", "priors_", "explained_variance_", "explained_variance_ratio_", "scalings_"),
        "singular_values_",
    ]
)


def feature_names(entries: Mapping[str, Any], path: str) -> Sequence[str]:
    """Return the names of the columns that an attribute has an element for.

    Parameters
    ----------
    entries : mapping of path to entry
        A record.
    path : str
        The path of the attribute.

    Returns
    -------
    names : sequence of str
        Empty if they are unknown.
    """
    owner, _, attribute = path.rpartition(".")
    return () if attribute.partition("[")[0] in _NOT_OF_COLUMNS else _Columns(entries).entering(owner)


class _Columns:
    """Follows columns through one record."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries

    def entering(self, owner: str) -> Sequence[str]:
        """Return the names of what an estimator was fitted on."""
        own = self._items(owner, "feature_names_in_")
        if own:
            return own
        names = self._handed(owner) if owner else ()
        count = self._text(owner, "n_features_in_")
        return names if count is None or count == str(len(names)) else ()

    def _handed(self, member: str) -> Sequence[str]:
        """Return the names of what a member gets from its holder."""
        holder, _, name = member.rpartition(".")
        kind = self._class(holder)
        if kind.endswith(":Pipeline"):
            steps = self._items(holder, "steps")
            if name not in steps:
                return ()
            at = steps.index(name)
            return self.leaving(_join(holder, steps[at - 1])) if at else self.entering(holder)
        if kind.endswith(":ColumnTransformer"):
            indices = _literal(self._text(holder, "_transformer_to_input_indices"))
            chosen = indices.get(name) if isinstance(indices, dict) else None
            names = self.entering(holder)
            if not isinstance(chosen, list) or not all(isinstance(i, int) and 0 <= i < len(names) for i in chosen):
                return ()
            return [names[i] for i in chosen]
        if kind.endswith(":FeatureUnion"):
            return self.entering(holder) if name in self._items(holder, "transformer_list") else ()
        return self.entering(holder) if name in _SAME_ROWS else ()

    def leaving(self, step: str) -> Sequence[str]:
        """Return the names of what a step puts out, or none if that isn't certain."""
        kind = self._class(step)
        if self._text("", step) in ("'passthrough'", "None") or kind in _ONE_TO_ONE:
            return self.entering(step)
        if kind in _IMPUTERS:
            return self.entering(step) if self._text(step, "add_indicator") == "False" else ()
        if kind == "sklearn.preprocessing:FunctionTransformer":
            return self.entering(step) if self._text(step, "feature_names_out") == "'one-to-one'" else ()
        if kind == "sklearn.preprocessing:OneHotEncoder":
            return self._one_hot(step)
        if kind.endswith(":Pipeline"):
            steps = self._items(step, "steps")
            return self.leaving(_join(step, steps[-1])) if steps else ()
        if kind.endswith(":FeatureUnion"):
            return self._united(step)
        return self._joined(step) if kind.endswith(":ColumnTransformer") else ()

    def _one_hot(self, step: str) -> Sequence[str]:
        if self._text(step, "drop") != "None" or self._text(step, "_infrequent_enabled") != "False":
            return ()
        found = []
        for i, name in enumerate(self.entering(step)):
            categories = self._items(step, f"categories_[{i}]")
            if not categories:
                return ()
            found += [f"{name}_{category}" for category in categories]
        return found

    def _united(self, step: str) -> Sequence[str]:
        """Return what the transformers of a FeatureUnion put out, side by side."""
        prefixed = self._text(step, "verbose_feature_names_out") != "False"  # up to scikit-learn 1.4 they always are
        found: list[str] = []
        for name in self._items(step, "transformer_list"):
            member = _join(step, name)
            if self._text("", member) == "'drop'":
                continue
            names = self.leaving(member)
            if not names:
                return ()
            found += [f"{name}__{each}" for each in names] if prefixed else names
        return found

    def _joined(self, step: str) -> Sequence[str]:
        """Return what the transformers of a ColumnTransformer put out, side by side."""
        places = _places(self._text(step, "output_indices_"))
        prefixed = self._text(step, "verbose_feature_names_out") == "True"
        found: list[str] = []
        for name, (start, stop) in sorted(places.items(), key=lambda item: item[1]):
            if start == stop:
                continue
            names = self.leaving(_join(step, name))
            if start != len(found) or len(names) != stop - start:
                return ()
            found += [f"{name}__{each}" for each in names] if prefixed else names
        return found

    def _class(self, path: str) -> str:
        entry = self._entries.get(path)
        return str(entry.get("class", "")) if isinstance(entry, Mapping) else ""

    def _text(self, owner: str, attribute: str) -> str | None:
        entry = self._entries.get(_join(owner, attribute))
        text = entry.get("text") if isinstance(entry, Mapping) else entry
        return text if isinstance(text, str) else None

    def _items(self, owner: str, attribute: str) -> list[Any]:
        return literal_list(self._text(owner, attribute) or "") or []


def _join(owner: str, name: Any) -> str:
    return f"{owner}.{name}" if owner else str(name)


def _places(text: str | None) -> dict[str, tuple[int, int]]:
    """Read ``{'num': slice(0, 2, None)}``; nothing if it is anything else."""
    import re

    number = re.compile(r"slice\((\d+), (\d+), None\)")
    found = _literal(number.sub(r"(\1, \2)", text or ""))
    if not isinstance(found, dict):
        return {}
    pairs = all(isinstance(v, tuple) and len(v) == 2 and all(isinstance(i, int) for i in v) for v in found.values())
    return found if pairs else {}


def _literal(text: str | None) -> Any:
    """Return the value that a text is the ``repr`` of, or None."""
    import ast
    import re

    if not all(escaped[1] in "\\'\"nrtxuU" for escaped in re.findall(r"\\.", text or "", re.DOTALL)):
        return None  # no repr has another escape; Python would warn of it
    try:
        value = ast.literal_eval(text or "")
        repr(value)  # Python refuses to print an integer of thousands of digits, which can be written in hexadecimal
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return value


def literal_list(text: str) -> list[Any] | None:
    """Return the list that a text is the ``repr`` of, or None."""
    value = _literal(text)
    if not isinstance(value, list) or any(isinstance(x, int) and abs(x) > _GREATEST for x in value):
        return None
    return value
