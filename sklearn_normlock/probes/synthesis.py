"""Rows to probe an object with, made from what it was fitted with: the same object always gives the same rows.

A probe has to reach what a version, a build or a platform could change. It holds the centre and both tails of every
column, and the edges of bins, quantiles, knots and splits with their neighbours on both sides. It holds every kind of
category and one that was never seen, missing values, and numbers that float32 rounds badly. No row of the training data
is among them.

Locks that are in use hold digests of these rows. A change here must leave the rows of every known class as they
are (``tests/archive`` has locks of old versions), or their probes say that they can't decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from ..fingerprints.state import declares_state
from .frames import as_fitted
from .members import members_of, width_of
from .pictures import probe_pictures
from .statistics import Columns, known_columns, number_rows, statistics_of
from .texts import TEXTS
from .walk import steps_of

_MOST = 32  # rows of one probe
_ASKED = 16  # members that are asked what they take
_WORDS = ("alpha", "beta", "gamma", "delta")
_NO = -760.0  # a score whose probability is 0 in float64
_NEAR = 8.0  # deviations from the centre, up to which data may well lie

VARIANTS = 5


def rows_for(est: Any, variant: int) -> Any:
    """Return rows for an object.

    Parameters
    ----------
    est : estimator
        Fitted.
    variant : int
        0 has missing values and unseen categories, 1 has none; 2 has only positive numbers, 3 only numbers between 0
        and 1, 4 small whole numbers. Not every object takes every variant.

    Returns
    -------
    rows : ndarray, DataFrame, list, or None
        None if nothing is known of what the object takes.

    Notes
    -----
    A class that knows better, one for images or texts say, declares ``__probe_rows__(self, variant)``.
    """
    rows = (_maker(est) or _inner)(est, variant)
    return rows if hasattr(type(est), "__probe_rows__") else as_fitted(est, rows, variant)


def _maker(est: Any) -> Callable[[Any, int], Any] | None:
    declared: Callable[[Any, int], Any] | None = getattr(type(est), "__probe_rows__", None)
    if declared is not None:  # what is no table of numbers, or is blind to some of them, makes its own
        return declared
    return next((_MAKERS[cls.__name__] for cls in type(est).__mro__ if cls.__name__ in _MAKERS), None)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _numeric(est: Any, variant: int, columns: Columns | None = None) -> Any:
    columns = statistics_of(est) if columns is None else columns
    if columns is None:
        return None
    rows = number_rows(columns, variant)
    rows = rows.astype(np.float32) if _in_float32(est) else rows
    if getattr(est, "_sparse", False) is True:  # a support vector machine fitted on sparse data has a path of its own
        from scipy.sparse import csr_matrix

        return csr_matrix(rows)
    names = getattr(est, "feature_names_in_", None)
    if names is None or type(est).__module__.partition(".")[0] in ("sklearn", "sklearn_normlock"):
        return rows
    known = getattr(est, "encoder_dict_", None)  # feature-engine's: the categories of a column, or what stands for each
    known = known if isinstance(known, dict) else {}
    cells = [
        _cycled(known[name], len(rows), variant) if name in known else numbers
        for name, numbers in zip(names, rows.T, strict=True)
    ]
    return _frame(names, cells)  # libraries that work on DataFrames ask for the names


def _cycled(known: Any, count: int, variant: int) -> Any:
    """Return a column of the categories of an encoder, one after the other, and at first one that it never saw."""
    column = np.empty(count, dtype=object)
    column[:] = list(islice(cycle([*known] or ["never seen"]), count))
    if variant == 0:
        column[-1] = "never seen"
    return column


def _in_float32(est: Any) -> bool:
    """Tell whether an estimator was fitted on float32 and computes in it: its outputs are of that accuracy."""
    if declares_state(type(est)):
        return False  # its attributes are caches beside a compiled model
    kinds = {value.dtype for value in vars(est).values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
    return kinds == {np.dtype(np.float32)}


def _histogram_boosting(est: Any, variant: int) -> Any:
    # With categories it puts columns in order by itself before it sees them.
    encoder = getattr(est, "_preprocessor", None)
    return _numeric(est, variant) if encoder is None else rows_for(encoder, variant)


def _one_against_rest(est: Any, variant: int) -> Any:
    """Return rows of numbers, and one at which every class says no, if it is near: probabilities are 0 / 0 there."""
    columns = statistics_of(est)
    if columns is None or len(est.coef_) < 3 or not hasattr(est, "predict_proba"):
        return _numeric(est, variant)
    nowhere = np.linalg.lstsq(est.coef_, _NO - est.intercept_, rcond=None)[0]
    if np.abs((nowhere - columns.centre) / columns.scale).max() > _NEAR:
        return _numeric(est, variant)
    grid = np.ldexp(1.0, np.frexp(np.abs(nowhere).max())[1] - 20)  # the same rows with another linear algebra
    return _numeric(est, variant, replace(columns, edges=(np.rint(nowhere / grid) * grid)[None, :]))


def _dummy(est: Any, variant: int) -> Any:
    return number_rows(Columns.unknown(getattr(est, "n_features_in_", 1)), variant)  # it takes any width


# -- categories, labels and texts --------------------------------------------------------------------------------------


def _encoder(est: Any, variant: int) -> Any:
    categories = getattr(est, "categories_", None)
    if categories is None:
        return _numeric(est, variant)
    longest = max((len(known) for known in categories), default=0)
    rows = np.empty((min(max(longest, 2), _MOST - 8) + (variant == 0), len(categories)), dtype=object)
    for j, known in enumerate(categories):
        # Evenly over them all, the last included.
        at = np.linspace(0, len(known) - 1, len(rows)).astype(int) if longest > len(rows) else np.arange(len(rows))
        for i in range(len(rows)):
            rows[i, j] = known[at[i] % len(known)] if len(known) else 0
        if variant == 0:
            rows[-1, j] = "never seen" if np.asarray(known).dtype.kind in "OU" else _beyond(known)
    kinds = {np.asarray(known).dtype.kind for known in categories}
    if kinds <= set("fiub"):
        return rows.astype(np.float64)
    names = getattr(est, "feature_names_in_", None)
    return rows if names is None else _frame(names, [rows[:, j] for j in range(rows.shape[1])])


def _beyond(known: Any) -> float:
    finite = [float(x) for x in known if np.isfinite(x)]
    return max(finite, default=0.0) + 1.0


def _labels(est: Any, variant: int) -> Any:
    classes = getattr(est, "classes_", None)
    return None if classes is None else np.asarray(classes)[:_MOST]


def _label_sets(est: Any, variant: int) -> Any:
    classes = list(est.classes_)[:_MOST]
    return [tuple(classes[:k]) for k in range(min(len(classes), 4) + 1)] + [(name,) for name in classes[:8]]


def _documents(est: Any, variant: int) -> Any:
    terms = sorted(str(term) for term in getattr(est, "vocabulary_", None) or _WORDS)
    at = np.unique(np.linspace(0, len(terms) - 1, 24).astype(int))
    chosen = [terms[i] for i in at]
    rows = [" ".join(chosen[i : i + 4]) for i in range(0, len(chosen), 3)]
    rows += [
        " ".join(chosen),
        f"{chosen[0]} {chosen[0]} {chosen[-1]}",
        chosen[-1].upper(),
        "Ünseen naïve wörds, 42!",
        "",
    ]
    return rows


def _hashed(est: Any, variant: int) -> Any:
    if est.input_type == "pair":
        return [[("alpha", 1.0), ("beta", -2.5)], [("gamma", 3.0)], []]
    if est.input_type == "string":
        return [["alpha", "beta"], ["gamma"], []]
    return [{"alpha": 1.0, "beta": -2.5}, {"gamma": "delta"}, {}]


def _records(est: Any, variant: int) -> Any:
    names = [str(name) for name in getattr(est, "feature_names_", ())]
    rows: list[dict[str, Any]] = [{}, {"never seen": 1.0}]
    for i, name in enumerate(names[:_MOST]):
        key, separator, value = name.partition(getattr(est, "separator", "="))
        rows.append({key: value} if separator else {key: 0.5 + i})
    return rows


def _images(est: Any, variant: int) -> Any:
    return np.linspace(0.0, 1.0, 2 * 16 * 16).reshape(2, 16, 16)


def _pictures(est: Any, variant: int) -> Any:
    return probe_pictures(variant)


def _graph_inputs(est: Any, variant: int) -> Any:
    """Return what a graph takes: ids that its vocabulary may have, or floats of the shape that it names."""
    if est._of_tokens:
        ids = (np.arange(4 * 8).reshape(4, 8) * 37 + 5) % (1000, 100, 10, 2, 1)[variant]
        mask = np.arange(8) < np.array([8, 5, 2, 8])[:, None]
        return np.stack([np.where(mask, ids, 0), mask, np.zeros_like(ids)], axis=1).astype(np.int64)
    shape = est.input_shape()
    free = (8, 32, 64, 224, 16)[variant]
    sizes = [each if isinstance(each, int) else free for each in shape[1:]]
    count = int(np.prod(sizes, dtype=np.int64)) * 3
    return ((np.arange(count) * 37 % 101) / 50 - 1).reshape(3, *sizes)


def _states(est: Any, variant: int) -> Any:
    rows = ((np.arange(4 * 6 * (est.dim_ or 8)) * 37 % 101) / 50 - 1).reshape(4, 6, -1)
    rows[1, 4:] = rows[2, 1:] = rows[3, :3] = np.nan  # positions without a token
    return rows


def _texts(est: Any, variant: int) -> Any:
    return list(TEXTS) if variant == 0 else [text for text in TEXTS if text.isascii() and text.isprintable() and text]


def _isotonic(est: Any, variant: int) -> Any:
    low, high = float(est.X_min_), float(est.X_max_)
    inside = np.linspace(low, high, 9)
    return np.concatenate([inside, [low - 1, high + 1]]) if variant == 0 else inside


# -- what is made of others --------------------------------------------------------------------------------------------


def _pipeline(est: Any, variant: int) -> Any:
    for _, step in steps_of(est):
        rows = rows_for(step, variant)
        # A step without statistics, such as a logarithm, says less of the numbers than a step behind it.
        says_little = known_columns(step) is None and _maker(step) in (None, _pipeline)
        if rows is not None and not (says_little and _is_numbers(rows)):
            return _named(est, rows)
        columns = known_columns(est)
        if columns is not None:
            rows = number_rows(columns, variant).astype(np.float64 if rows is None else rows.dtype)
        if rows is not None:
            return _named(est, rows)
        break
    # A step that keeps no width is given rows of the first one behind it that does: if it can't take them, it says so.
    width = next(
        (found for found in map(width_of, (est, *(step for _, step in steps_of(est)))) if found is not None), None
    )
    return None if width is None else _named(est, number_rows(Columns.unknown(width), variant))


def _is_numbers(rows: Any) -> bool:
    return isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind == "f"


def _union(est: Any, variant: int) -> Any:
    made = [rows_for(step, variant) for _, step in est.transformer_list if not isinstance(step, str)]
    made = [rows for rows in made if rows is not None]
    if made and all(isinstance(rows, np.ndarray) and rows.shape[1:] == made[0].shape[1:] for rows in made):
        share = max(4, _MOST // len(made))
        return np.vstack([rows[:share] for rows in made])
    return made[0] if made else None


def _columns(est: Any, variant: int) -> Any:
    """Return rows whose columns are those of the transformer that takes them, the first if several do."""
    width = getattr(est, "n_features_in_", None)
    if width is None:
        return None
    names = getattr(est, "feature_names_in_", None)
    made: dict[int, Any] = {}
    texts = False
    for _, transformer, selected in est.transformers_:
        at = _positions(selected, width, names)
        if isinstance(transformer, str) or not at:
            continue
        rows = rows_for(transformer, variant)
        if rows is None:
            continue
        for i, j in enumerate(at):
            if j not in made:
                made[j] = _column(rows, i)
                texts |= made[j].dtype.kind in "OU"
    count = min(max((len(column) for column in made.values()), default=8), _MOST)
    filler = number_rows(Columns.unknown(1), 2 if variant == 0 else variant)[:, 0]
    columns = [np.resize(made.get(j, filler), count) for j in range(width)]
    if names is not None:
        return _frame(names, columns)
    if not texts:
        return np.column_stack([column.astype(np.float64) for column in columns])
    table = np.empty((count, width), dtype=object)
    for j, column in enumerate(columns):
        table[:, j] = column
    return table


def _positions(selected: Any, width: int, names: Sequence[str] | None) -> list[int]:
    if isinstance(selected, slice):
        if isinstance(selected.start, str) or isinstance(selected.stop, str):
            known = list(names if names is not None else ())
            start = known.index(selected.start) if selected.start is not None else 0
            stop = known.index(selected.stop) + 1 if selected.stop is not None else width
            return list(range(width))[slice(start, stop, selected.step)]
        return list(range(width))[selected]
    items = [selected] if isinstance(selected, (str, int)) else list(selected)
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        return [i for i, chosen in enumerate(items) if chosen]
    known = list(names) if names is not None else []
    return [known.index(item) if isinstance(item, str) else int(item) % width for item in items]


def _column(rows: Any, i: int) -> np.ndarray:
    if hasattr(rows, "iloc"):
        return rows.iloc[:, i].to_numpy()
    if isinstance(rows, np.ndarray):
        return rows[:, i] if rows.ndim > 1 else rows
    column = np.empty(len(rows), dtype=object)
    for k, row in enumerate(rows):
        column[k] = row
    return column


def _named(est: Any, rows: Any) -> Any:
    """Return rows as a DataFrame where the object selects columns by name."""
    names = getattr(est, "feature_names_in_", None)
    if names is None or not isinstance(rows, np.ndarray) or rows.ndim != 2 or len(names) != rows.shape[1]:
        return rows
    if not any(hasattr(step, "transformers_") for _, step in getattr(est, "steps", ())):
        return rows
    return _frame(names, list(rows.T))


def _frame(names: Sequence[str], columns: Sequence[np.ndarray]) -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError:
        return None
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = list(names)
    return frame


def _inner(est: Any, variant: int) -> Any:
    """Return rows for what has no steps: those of a member that wants something else than numbers, if there is one."""
    asked: set[type] = set()
    for member, at in islice(members_of(est), _ASKED):
        # All members are given the same rows: one of a class is enough, unless the class says nothing of its input.
        if at is not None or (type(member) in asked and not hasattr(member, "steps")):
            continue
        asked.add(type(member))
        rows = rows_for(member, variant)
        if rows is not None and not _is_numbers(rows):
            return rows
    return _numeric(est, variant)


_MAKERS: Mapping[str, Callable[[Any, int], Any]] = {
    "Pipeline": _pipeline,
    "FeatureUnion": _union,
    "ColumnTransformer": _columns,
    "BaseHistGradientBoosting": _histogram_boosting,
    "SGDClassifier": _one_against_rest,
    "DummyClassifier": _dummy,
    "DummyRegressor": _dummy,
    "OneHotEncoder": _encoder,
    "OrdinalEncoder": _encoder,
    "TargetEncoder": _encoder,
    "LabelEncoder": _labels,
    "LabelBinarizer": _labels,
    "MultiLabelBinarizer": _label_sets,
    "CountVectorizer": _documents,
    "HashingVectorizer": _documents,
    "FeatureHasher": _hashed,
    "DictVectorizer": _records,
    "PatchExtractor": _images,
    "IsotonicRegression": _isotonic,
    "ImagePreprocessor": _pictures,
    "Tokenizer": _texts,
    "OnnxTransformer": _graph_inputs,
    "MeanPooling": _states,
    "ClsPooling": _states,
    "LastTokenPooling": _states,
}
