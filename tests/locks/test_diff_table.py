"""What is said of a change: path, kind, feature, relation and what it does to the outputs, row by row."""

from __future__ import annotations

import importlib
import itertools
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from diff_rows import CHANGED, NAMES, SAME, TOLD, A, columns, edited, frame, pipe, put, standard, states, told
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.probes.outputs import TOLERANCES, compare_outputs, outputs_of
from sklearn_normlock.records.diff import compare_records
from sklearn_normlock.records.effects import effects
from sklearn_normlock.records.relations import relation

PACKAGE = Path(nl.__file__).parent


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_told(name):
    """Each change is told at its path, as what it is, with feature and relation, the worst first."""
    assert told(compare_records(*states(name))) == TOLD[name]


@pytest.mark.parametrize("name", SAME)
def test_nothing_is_told(name):
    """What doesn't count gives no change; and the same state is the same in the lock, to the letter."""
    before, after = states(name)
    assert compare_records(before, after) == []
    assert before == after


def test_the_table_is_large_enough():
    """At least 45 changes; of all rows, a third expects no change, or a change without a relation."""
    plain = [name for name, rows in TOLD.items() if not any(row.relation for row in rows)]
    assert TOLD.keys() == CHANGED.keys() and len(CHANGED) >= 45
    assert len(SAME) >= (len(SAME) + len(CHANGED)) / 4
    assert len(SAME) + len(plain) >= (len(SAME) + len(CHANGED)) / 3
    relations = {row.relation for rows in TOLD.values() for row in rows}
    assert relations == {
        None, "scaled", "affine", "shifted", "negated", "permuted", "round-off", "float32", "cast", "refitted",
    }  # fmt: skip


TEXTS = {
    "a column in thousands": ('mean_["income"]: 51', "×0.001: a change of unit?"),
    "all columns in inches": ("data_min_", "×0.393701: centimetres and inches?"),
    "all columns x3": ("max_abs_[0]", "all ×3"),
    "hours for days": ("max_abs_[3]", "×24: hours and days?"),
    "all in Fahrenheit": ("max_abs_", "°C to °F?"),
    "all in kelvin": ("statistics_", "°C to K?"),
    "affine in all": ("statistics_", "all ×2.5 +7"),
    "shifted": ("statistics_", "all shifted by +7.25"),
    "two columns swapped": ("statistics_[0]", "[0] and [1] swapped"),
    "features in another order": ('mean_["age"]', '["age"] and ["income"] swapped'),
    "columns rotated": ("statistics_", "the same values in another order"),
    "sign flipped": ("statistics_", "sign flipped"),
    "round-off": ("mean_", "only round-off"),
    "round-off beside a change": ('mean_["income"]', "3 others by round-off"),
    "rounded to float32": ("mean_", "rounded to float32"),
    "float32": ("mean_: dtype <f8 → <f4", "rounded to float32"),
    "refitted on fewer rows": (
        "n_samples_seen_: 60",
        "refitted on fewer rows: 50 instead of 60",
        '; ["rate"]: 0.0650458 → ',
    ),
    "refitted on more rows": ("n_samples_seen_: 60", "refitted on more rows: 67 instead of 60"),
    "a parameter ten times as large": ("model.C: 1.0 → 10.0", "none of 4 probed outputs moves beyond its tolerance"),
    "a step's mean in a table": (
        'preprocess.num.mean_["income"]: ',
        'σ in preprocess.num["income"]; probed outputs from step preprocess.num',
    ),
    "a class": ("the object: sklearn.preprocessing.StandardScaler → sklearn.preprocessing.RobustScaler", "outputs"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_how_it_reads(name):
    """The report of a change reads like a review comment."""
    row = CHANGED[name]
    text = nl.diff(row.before(), row.after()).explain()
    for part in TEXTS[name]:
        assert part in text, text


def test_noise_is_cut():
    """Of a refit that moves everything, twelve places are listed and the others counted; of an array three elements."""
    wide = np.random.RandomState(0).normal(size=(30, 50))
    before = make_pipeline(*(StandardScaler() for _ in range(8))).fit(wide)
    after = make_pipeline(*(StandardScaler() for _ in range(8))).fit(wide[:20] * 3 + 1)
    report = nl.diff(before, after)
    lines = report.explain().splitlines()
    assert len(report.changes) > 20
    assert f"  and {len(report.changes) - 12} more places differ" in lines and len(lines) < 20
    assert "; 47 more of 50 differ" in lines[1] and lines[1].count("→") == 3
    assert max(map(len, lines)) < 300


# -- relations ---------------------------------------------------------------------------------------------------------

FLOATS = st.floats(-1e12, 1e12, allow_subnormal=False)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=8))
@example([(0.0, 1.0), (1.0, 2.0)])
@example([(5.0, 50.0)])
@example([(0.0, 1.0), (0.0, 1.0), (0.0, 0.5), (1.0, 5e8)])
def test_a_relation_holds(pairs):
    """Whatever relation is claimed of any numbers holds for every one of them that differs."""
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    claim = relation(before, after)
    if claim is None:
        return
    scale = max(map(abs, before + after))
    for a, b in pairs:
        if a == b:
            continue
        if claim.kind in ("scaled", "affine", "shifted", "negated"):
            expected = (claim.factor or 0.0) * a + (claim.offset or 0.0)
            assert abs(expected - b) <= 1.1e-5 * max(abs(b), abs(claim.offset or 0.0))
        elif claim.kind == "round-off":
            assert abs(a - b) <= 1e-12 * scale
        elif claim.kind == "float32":
            assert np.float32(a) == b or np.float32(b) == a
    if claim.kind == "permuted":
        assert np.allclose(sorted(before), sorted(after), rtol=1e-12, atol=0)
    assert claim.kind in {"scaled", "affine", "shifted", "negated", "permuted", "round-off", "float32"}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=8), st.floats(0.01, 100.0))
def test_few_numbers_have_no_relation(values, factor):
    """One number or two that are multiplied by a factor of no two units have no relation: any would do."""
    assume(relation([1.0], [factor]) is None)
    after = [value * factor for value in values]
    claim = relation(values, after)
    if len(values) < 3:
        assert claim is None or claim.kind in ("round-off", "float32", "permuted")
    elif claim is not None and claim.kind == "scaled":
        assert math.isclose(claim.factor, factor, rel_tol=1e-8)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(1.0, 1e6), min_size=4, max_size=8, unique=True), st.sampled_from([1000.0, 2.54, 24.0, 3.0]))
def test_a_factor_is_found(values, factor):
    """A factor that all of several numbers share is found, in both directions."""
    after = [value * factor for value in values]
    there, back = relation(values, after), relation(after, values)
    assert (there.kind, back.kind) == ("scaled", "scaled")
    assert math.isclose(there.factor, factor, rel_tol=1e-8) and math.isclose(back.factor, 1 / factor, rel_tol=1e-8)


@pytest.mark.parametrize("name", CHANGED)
def test_symmetry(name):
    """Told the other way round, a change is at the same paths, with what was added removed, and of the same kind."""
    before, after = states(name)
    there, back = compare_records(before, after), compare_records(after, before)
    mirrored = {"added": "removed", "removed": "added"}
    assert {(c.path, mirrored.get(c.kind.value, c.kind.value)) for c in there} == {(c.path, c.kind.value) for c in back}
    for a, b in itertools.product(there, back):
        if a.path == b.path and a.kind.value == "elements":
            assert (a.differing, a.size, a.rounded) == (b.differing, b.size, b.rounded)
            assert {label for label, _, _ in a.shown} == {label for label, _, _ in b.shown} or a.differing > 3
            assert (a.relation is None) == (b.relation is None) and math.isclose(a.distance, b.distance, rel_tol=1e-9)


@pytest.mark.parametrize("name", [*CHANGED, *SAME])
def test_identical(name):
    """A record compared with itself gives nothing, whatever it holds."""
    for state in states(name):
        assert compare_records(state, state) == [] and effects(state, state) == []


# -- effects -----------------------------------------------------------------------------------------------------------

SCALERS = {
    "standard": StandardScaler(),
    "not centred": StandardScaler(with_mean=False),
    "not scaled": StandardScaler(with_std=False),
    "robust": RobustScaler(),
    "min-max": MinMaxScaler((-1, 1)),
    "largest": MaxAbsScaler(),
}


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("change", ["thousands", "fewer rows", "shifted"])
def test_effects(name, change):
    """The effect of a change of a scaler, told from two records, is what running both shows.

    The inputs are those that the docstring of ``effects`` names: the centre of a column, and a deviation to both sides.
    """
    from sklearn.base import clone

    data = {"thousands": A * [1, 1e-3, 1, 1], "fewer rows": A[:20], "shifted": A + [0, 0, 0.02, 0]}[change]
    before, after = clone(SCALERS[name]).fit(frame()), clone(SCALERS[name]).fit(frame(data))
    found = effects(nl.lock(before).state, nl.lock(after).state)
    if name == "standard":
        centre, deviation = before.mean_, before.scale_
    elif name == "not centred":
        centre, deviation = before.mean_, before.scale_
    elif name == "not scaled":
        centre, deviation = before.mean_, np.ones(4)
    elif name == "robust":
        centre, deviation = before.center_, before.scale_
    elif name == "min-max":
        centre = (before.data_min_ + before.data_max_) / 2
        deviation = (before.data_max_ - before.data_min_) / math.sqrt(12)
    else:
        centre, deviation = np.zeros(4), 2 * before.scale_ / math.sqrt(12)
    rows = frame(np.vstack([centre - deviation, centre, centre + deviation]))
    old, new = np.asarray(before.transform(rows)), np.asarray(after.transform(rows))
    spread = np.abs(old[2] - old[0]) / 2
    moves = (np.abs(new - old) / spread).max(axis=0)
    if moves.max() < 1e-9:
        assert found == []
        return
    (effect,) = found
    assert math.isclose(effect.sigmas, moves.max(), rel_tol=1e-9)
    assert effect.label == f'["{NAMES[int(moves.argmax())]}"]' and effect.path == ""


def test_effects_name_the_step():
    """In a pipeline the effect is that of the step, by its path; without a change there is none."""
    before, after = columns(), edited(columns, ("preprocess.num.mean_", put(1, 51.2034)))()
    (effect,) = effects(nl.lock(before).state, nl.lock(after).state)
    assert (effect.path, effect.label) == ("preprocess.num", '["income"]') and effect.sigmas > 5
    assert effects(nl.lock(before).state, nl.lock(columns()).state) == []


def test_sigmas_of_probes():
    """What a report says of outputs in σ is what the rows of the probe give when they are run."""
    before, after = standard(), edited(standard, ("mean_", lambda a: a + [0, 0, 0, 6.0]))()
    lock = nl.lock(before)
    report = nl.compare(after, lock)
    from sklearn_normlock.probes.rows import decoded_rows

    rows = decoded_rows(lock.probes[0].rows)
    old, new = np.asarray(before.transform(frame(rows))), np.asarray(after.transform(frame(rows)))
    expected = np.nanmax(np.abs(new - old) / np.nanstd(old, axis=0))
    assert math.isclose(report.deviations[0].sigmas, expected, rel_tol=1e-9)


# -- did a refit reproduce it? -----------------------------------------------------------------------------------------

REFITS = {
    "the same": (standard, 1e-12, True),
    "by 1e-9, allowed 1e-8": (edited(standard, ("mean_", lambda a: a * (1 + 1e-9))), 1e-8, True),
    "by 1e-9, allowed 1e-10": (edited(standard, ("mean_", lambda a: a * (1 + 1e-9))), 1e-10, False),
    "by 1e-9, exactly": (edited(standard, ("mean_", lambda a: a * (1 + 1e-9))), 0.0, False),
    "another parameter": (edited(standard, ("with_mean", lambda _: False)), 0.5, False),
    "another dtype": (edited(standard, ("mean_", lambda a: a.astype("f4"))), 0.5, False),
    "another feature": (lambda: standard(frame(names=["age", "pay", "rate", "score"])), 0.5, False),
    "more rows": (lambda: standard(frame(np.vstack([A, A[:1]]))), 1e-3, False),
    "NaN": (edited(standard, ("mean_", put(0, np.nan))), 0.5, False),
    "a sign": (edited(standard, ("mean_", lambda a: -a)), 0.5, False),
}


@pytest.mark.parametrize("name", REFITS)
def test_rtol(name):
    """With ``rtol`` fitted numbers may differ by so much of their size; nothing else may."""
    make, rtol, ok = REFITS[name]
    report = nl.compare(make(), nl.lock(standard()), rtol=rtol)
    assert report.ok is ok, report.explain()


def test_rtol_and_the_outputs():
    """What a refit does to the outputs counts too, within the same tolerance."""
    assert nl.compare(pipe(model__tol=1e-4), nl.lock(pipe()), rtol=1e-9).ok
    loose = edited(pipe, ("model.coef_", lambda a: a * (1 + 1e-4)))()
    assert nl.compare(loose, nl.lock(pipe()), rtol=1e-2).ok
    assert not nl.compare(loose, nl.lock(pipe()), rtol=1e-6).ok


def test_rtol_of_what_is_not_in_the_lock():
    """Where the lock had no room for all of the state, no tolerance says that the rest was reproduced."""
    from holder import holding

    rng = np.random.RandomState(0)
    values = {f"a{i:04}_": rng.rand(400) for i in range(200)}
    before = holding(np.ones(3), **values)
    after = holding(np.ones(3) * (1 + 1e-12), **values)
    lock = nl.lock(before, accept={"": "it holds numbers and computes nothing"})
    assert "cut" in lock.state[""]
    assert nl.compare(before, lock, rtol=1e-6).ok and not nl.compare(after, lock, rtol=1e-6).ok


# -- outputs -----------------------------------------------------------------------------------------------------------

OUT = np.random.RandomState(0).normal(size=(20, 3))
OUTPUTS = {
    "the same": (OUT, OUT.copy(), None),
    "round-off": (OUT, OUT * (1 + 1e-13), None),
    "below the tolerance": (OUT, OUT * (1 + TOLERANCES["f8"] / 3), None),
    "above the tolerance": (OUT, OUT * (1 + TOLERANCES["f8"] * 3), "→"),
    "float32 round-off": (OUT.astype("f4"), OUT.astype("f4") * np.float32(1 + 3e-7), None),
    "float32 above": (OUT.astype("f4"), OUT.astype("f4") * np.float32(1.001), "→"),
    "one element": (OUT, np.where(np.arange(60).reshape(20, 3) == 31, 9.5, OUT), "[10, 1]"),
    "NaN": (OUT, np.where(np.arange(60).reshape(20, 3) == 31, np.nan, OUT), "[10, 1]"),
    "NaN on both sides": (np.full((2, 2), np.nan), np.full((2, 2), np.nan), None),
    "NaN beside round-off": (np.array([[np.nan, 1.0]]), np.array([[np.nan, 1 + 1e-14]]), None),
    "infinity": (OUT, np.where(np.arange(60).reshape(20, 3) == 31, np.inf, OUT), "[10, 1]"),
    "a shape": (OUT, OUT[:, :2], "shape 20 × 3 → 20 × 2"),
    "a dtype": (OUT, OUT.astype("f4"), "dtype <f8 → <f4"),
    "an integer": (np.arange(5), np.arange(5) + (np.arange(5) == 3), "[3] 3 → 4"),
    "integers of another width": (np.arange(5), np.arange(5).astype("i4"), None),
    "a label": (np.array(["a", "b"]), np.array(["a", "c"]), "row 1: b → c"),
    "labels as numbers": (np.array(["1", "2"]), np.array([1, 2]), "dtype text → <i8"),
    "large, the same": (np.ones((500, 4)), np.ones((500, 4)), None),
    "large, round-off": (np.ones((500, 4)), np.ones((500, 4)) * (1 + 1e-13), None),
    "large, one element": (np.ones((500, 4)), np.where(np.arange(2000).reshape(500, 4) == 999, 1.01, 1.0), "sums"),
    "large, two swapped": (np.arange(2000.0), np.arange(2000.0)[np.r_[1, 0, 2:2000]], "sums"),
    "a zero that is a rest": (np.array([[1.0, 0.0]]), np.array([[1.0, 1e-16]]), None),
    "a small column": (np.array([[1.0, 1e-9]]), np.array([[1.0, 1.1e-9]]), "[0, 1]"),
    "nothing": (np.zeros((0, 3)), np.zeros((0, 3)), None),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs(name):
    """Outputs differ by more than the tolerance of their dtype, in shape or in a label, or do not."""
    before, after, text = OUTPUTS[name]
    (old,), (new,) = outputs_of("s", "transform", before), outputs_of("s", "transform", after)
    for a, b in ((old, new), (new, old)):
        found = compare_outputs(a, b)
        assert (found is None) == (text is None), found
    if text is not None:
        assert text in compare_outputs(old, new).text


# -- the comparator, broken on purpose ---------------------------------------------------------------------------------

FILES = {
    "diff": "records/diff.py",
    "relations": "records/relations.py",
    "outputs": "probes/outputs.py",
    "units": "units.py",
}
# file, what stands there, what stands there instead
BROKEN = [
    ("diff", "if old == new or (cut", "if (cut"),
    ("diff", "_ROUND_OFF = 1e-12", "_ROUND_OFF = 1e-2"),
    ("diff", "_ROUND_OFF = 1e-12", "_ROUND_OFF = 0.0"),
    ("diff", "_SHOWN = 3", "_SHOWN = 1"),
    ("diff", "key=lambda i: -_distance(before[i]", "key=lambda i: _distance(before[i]"),
    ("diff", "(*_group(change, places), *_severity(change))", "_severity(change)"),
    ("diff", "counts = change.kind is Kind.VALUE and", "counts = False and"),
    ("diff", "RelationKind.ROUND_OFF:\n        return 2, 0", "RelationKind.ROUND_OFF:\n        return 0, 0"),
    ("diff", "_change(path, old, new, feature_names(expected, path))", "_change(path, old, new, ())"),
    ("diff", "differing=len(moved or differing)", "differing=len(differing)"),
    ("diff", "if _bits(a) != _bits(b)]", "if a != b and abs(a - b) > 1e-6]"),
    ("diff", "for i in chosen], [after[i]", "for i in differing], [after[i]"),
    ("diff", '("class", Kind.CLASS), ("dtype", Kind.DTYPE)', '("class", Kind.CLASS)'),
    ("diff", ', ("shape", Kind.SHAPE))', ")"),
    ("diff", "known = _rounded(old, new) if kind is Kind.DTYPE else None", "known = None"),
    ("diff", 'fitted = path.endswith("_")', "fitted = True"),
    ("diff", 'fitted = path.endswith("_")', "fitted = False"),
    ("diff", "if old is None:\n        return Change(path=path, kind=Kind.ADDED", "if old is None:\n        return Change(path=path, kind=Kind.REMOVED"),
    ("diff", "replaced = [change.path for", "replaced = [] and [change.path for"),
    ("diff", "index, at = divmod(index, size)", "at, index = divmod(index, size)"),
    ("diff", "column = str(names[position[-1]])", "column = str(names[0])"),
    ("diff", "differing = [i for i, (a, b) in enumerate(zip(before or", "differing = [] and [i for i, (a, b) in enumerate(zip(before or"),
    ("diff", 'for k in ("min", "max", "mean") if', 'for k in ("min",) if'),
    ("relations", "_EXACT = 1e-9", "_EXACT = 1e-1"),
    ("relations", "_EXACT = 1e-9", "_EXACT = 1e-18"),
    ("relations", "_LOOSE = 1e-5", "_LOOSE = 1e-19"),
    ("units", "2.54: ", "2.56: "),
    ("units", "\n    24.0: ", "\n    25.0: "),
    ("units", "(1.8, 32.0): ", "(1.8, 31.0): "),
    ("units", "(1.0, 273.15): ", "(1.0, 273.0): "),
    ("relations", "for factor in (value, 1 / value)", "for factor in (value,)"),
    ("relations", "if power and abs(", "if abs("),
    ("relations", "return 10.0**power", "return 10.0 ** (power + 1)"),
    ("relations", "if len(pairs) < 3 or factor == 0", "if factor == 0"),
    ("relations", "if all(a == -b for a, b in pairs)", "if any(a == -b for a, b in pairs)"),
    ("relations", "if all(a == -b for a, b in pairs)", "if False"),
    ("relations", "if all(_as_single(a) == b or", "if False and all(_as_single(a) == b or"),
    ("relations", "return _permuted(before, after, label) or _scaled", "return _scaled"),
    ("relations", "_scaled(pairs) or _affine(pairs)", "_affine(pairs) or _scaled(pairs)"),
    ("relations", "or _affine(pairs)", ""),
    ("relations", "kind=RelationKind.SHIFTED", "kind=RelationKind.AFFINE"),
    ("relations", "if not all(map(_alike, old, new))", "if False"),
    ("relations", "if len(moved) < 2:", "if len(moved) < 3:"),
    ("relations", 'return Relation(kind=RelationKind.ROUND_OFF, text="only round-off")', "return None"),
    ("relations", '"n_samples_seen_", ', ""),
    ("relations", '"more" if after > before', '"more" if after < before'),
    ("outputs", 'TOLERANCES = {"f8": 1e-7', 'TOLERANCES = {"f8": 1e-3'),
    ("outputs", 'TOLERANCES = {"f8": 1e-7', 'TOLERANCES = {"f8": 0.0'),
    ("outputs", '"f4": 1e-5', '"f4": 1e-9'),
    ("outputs", "if expected.shape != actual.shape:", "if False:"),
    ("outputs", "same = (before == after) | (np.isnan(before) & np.isnan(after))", "same = before == after"),
    ("outputs", "difference = np.where(np.isnan(difference), np.inf, difference)", "difference = np.nan_to_num(difference)"),
    ("outputs", "_FLOOR = 1e-13", "_FLOOR = 0.0"),
    ("outputs", "scale = np.broadcast_to(scale, table.shape)", "scale = np.broadcast_to(scale.max(), table.shape)"),
    ("outputs", "if a != b]", "if False]"),
    ("outputs", '(expected.dtype == "text") != (actual.dtype == "text")', "False"),
    ("outputs", 'if kinds[0] != kinds[1] and "f" in', 'if False and "f" in'),
    ("outputs", "weights=sign * values", "weights=0 * values"),
    ("outputs", "sign * values, minlength", "np.abs(values[::-1]) * 0 + values.mean(), minlength"),
    ("outputs", 'tolerance = TOLERANCES.get(kinds[0], 0.0)', 'tolerance = TOLERANCES.get(kinds[0], 1.0)'),
]  # fmt: skip
# ruff: noqa: E501  (the table of breakages: one a line)


def survives(diff, outputs, explain):
    """Tell whether a comparator, under whatever name it was imported, says what every row of the tables expects."""
    for name in CHANGED:
        changes = diff.compare_records(*states(name))
        if told(changes) != TOLD[name]:
            return False
        text = "\n".join(explain.change_line(change) for change in changes)
        if name in TEXTS and any(part not in text for part in TEXTS[name] if "σ" not in part and "output" not in part):
            return False
    if any(diff.compare_records(*states(name)) for name in SAME):
        return False
    for before, after, text in OUTPUTS.values():
        (old,), (new,) = outputs.outputs_of("s", "transform", before), outputs.outputs_of("s", "transform", after)
        found = outputs.compare_outputs(old, new)
        if (found is None) != (text is None) or (found is not None and text not in found.text):
            return False
    return True


def broken(tmp_path, number, file, old, new):
    """Import a copy of the package in which one place is another, under a name of its own."""
    name = f"broken{number}"
    shutil.copytree(PACKAGE, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / name / FILES[file]
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {FILES[file]}"
    path.write_text(source.replace(old, new), encoding="utf-8")
    return [
        importlib.import_module(f"{name}.{module}") for module in ("records.diff", "probes.outputs", "locks.explain")
    ]


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(len(BROKEN)), ids=[f"{file}: {new[:50]}" for file, _, new in BROKEN])
def test_a_broken_comparator_is_caught(tmp_path, monkeypatch, number):
    """Each of these deliberate breakages of the comparator is caught by at least one row of the tables."""
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        modules = broken(tmp_path, number, *BROKEN[number])  # an error here is the test's own
        try:
            caught = not survives(*modules)
        except Exception:
            caught = True
        assert caught
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == f"broken{number}"]:
            del sys.modules[name]


def test_the_comparator_is_whole():
    """As it is, the comparator passes every row of the tables: what the campaign of breakages relies on."""
    from sklearn_normlock.locks import explain
    from sklearn_normlock.probes import outputs
    from sklearn_normlock.records import diff

    assert survives(diff, outputs, explain)
