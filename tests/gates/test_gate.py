"""The gate: which releases are blocked, which may pass, and what can't be told."""

from __future__ import annotations

import datetime
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock import pipeline as locked
from sklearn_normlock.errors import (
    ArtifactDigestError,
    GateInputError,
    GateLimitsError,
    MissingLockError,
    PipelineMismatchError,
)
from sklearn_normlock.gates.comparison import judge
from sklearn_normlock.gates.limits import Limits
from sklearn_normlock.gates.slices import Slices, search
from sklearn_normlock.gates.statistics import attainable, average_precision, bootstrap, calibration, paid_level, ratio
from sklearn_normlock.gates.tasks import Outputs

CONCISE = {"overall": {"accuracy": {"max_drop": 0.005, "rule_out": 0.02}}}


@pytest.fixture(scope="module")
def rows():
    return make_classification(6000, n_features=6, n_informative=4, n_redundant=0, random_state=0)


@pytest.fixture(scope="module")
def old(rows):
    X, y = rows
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000], y[:3000])


def planted(n, flips, where=None, positive=0):
    """Return answers of which the new ones lose ``flips`` rows, and win ``positive``, from the place ``where`` on."""
    y = np.arange(n) % 2
    before, after = y.copy(), y.copy()
    start = 0 if where is None else where
    after[start : start + flips] = 1 - after[start : start + flips]
    before[n - positive :] = 1 - before[n - positive :]
    return Outputs(predictions=before), Outputs(predictions=after), y


# -- the three answers -------------------------------------------------------------------------------------------------


def test_the_same_pipeline_may_replace_itself(rows, old):
    """No difference, enough rows: ok, and no step differs."""
    report = nl.gate(old, old, rows[0][3000:], rows[1][3000:])
    assert (report.ok, report.answer, report.step, dict(report.undecided)) == (True, "match", None, {})


def test_a_left_out_scaler_is_blocked_and_named(rows):
    """A step that is left out is a mismatch, and the report says from which step on the outputs differ."""
    X = rows[0] * [1, 10, 100, 1, 1, 1] + [0, 5, 50, 0, 0, 0]
    good = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000], rows[1][:3000])
    bad = make_pipeline(StandardScaler(with_mean=False, with_std=False).fit(X), good[-1])
    report = nl.gate(good, bad, X[3000:], rows[1][3000:])
    assert report.answer == "mismatch"
    assert report.step == "standardscaler"
    assert report.broken[0].metric == "accuracy"


def test_few_rows_are_undecided_and_the_rows_that_decide_are_said(rows, old):
    """Thirty rows rule nothing out: undecided, with a number of rows that does decide."""
    X, y = rows[0][3000:], rows[1][3000:]
    report = nl.gate(old, old, X[:30], y[:30])
    assert report.answer == "undecided"
    needed = report.judgements[0].rows_needed
    assert 30 < needed < 1000
    assert nl.gate(old, old, X[:needed], y[:needed]).ok


@pytest.mark.parametrize("n", [1, 2, 5])
def test_hardly_any_rows_are_undecided(rows, old, n):
    """One row is judged like many: it decides nothing."""
    assert nl.gate(old, old, rows[0][:n], rows[1][:n]).answer == "undecided"


def test_without_right_answers_a_difference_is_undecided(rows, old):
    """Nobody can tell better from worse without y; two that agree may replace each other; a limit decides."""
    X, y = rows
    new = make_pipeline(StandardScaler(), LogisticRegression(C=1e-4)).fit(X[:3000], y[:3000])
    assert nl.gate(old, new, X[3000:]).answer == "undecided"
    assert nl.gate(old, old, X[3000:]).ok
    strict = {"overall": {"agreement": {"min": 0.999}}}
    assert nl.gate(old, new, X[3000:], limits=strict).answer == "mismatch"
    assert nl.gate(old, new, X[3000:], limits={"overall": {"agreement": {"min": 0.5}}}).ok


def test_a_new_pipeline_that_fails_or_puts_out_nan_is_blocked(rows, old):
    """What the old one answers and the new one can't is worse than a wrong answer, and no error of the gate."""
    X, y = rows
    narrow = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000, :5], y[:3000])
    report = nl.gate(old, narrow, X[3000:], y[3000:])
    assert report.answer == "mismatch"
    assert "5 features" in report.broken[0].reason
    assert report.step == "standardscaler" and "fails" in report.step_text
    before = Outputs(predictions=np.linspace(0, 1, 500))
    after = Outputs(predictions=np.where(np.arange(500) == 3, np.nan, before.predictions))
    assert judge(before, after, before.predictions).broken[0].metric == "finite answers"


def narrower(rows):
    """Return a scaler as it was when all columns were a fifth smaller: it costs nothing in the metric."""
    return StandardScaler().fit(rows[0][:3000] * 0.8)


def test_a_model_behind_steps_it_was_not_fitted_behind_is_blocked(rows, old):
    """A scaler of another year costs nothing in accuracy, and is blocked all the same; a waiver accepts it."""
    X, y = rows[0][3000:], rows[1][3000:]
    new = make_pipeline(narrower(rows), old[-1])
    report = nl.gate(old, new, X, y)
    assert [each.metric for each in report.broken] == ["fitted together"] and report.step == "standardscaler"
    assert report.judgements[0].verdict == "kept" and "bit for bit" in report.broken[0].reason
    waiver = {"metric": "fitted together", "reason": "the sensors were recalibrated", "until": "2130-01-31"}
    assert nl.gate(old, new, X, y, limits={"waivers": [waiver]}).ok
    assert "of nothing that was compared" in nl.gate(old, old, X, y, limits={"waivers": [waiver]}).notes[-1]
    search = [GridSearchCV(est, {"logisticregression__C": [1.0]}, cv=2).fit(X, y) for est in (old, old)]
    search[1].best_estimator_.steps[0] = ("standardscaler", narrower(rows))
    assert [each.metric for each in nl.gate(*search, X, y).broken] == ["fitted together"]
    alone = nl.gate(old, old[-1], X, y)  # the steps are left out, and the model stands alone
    assert "fitted together" in [each.metric for each in alone.broken]


def test_a_model_that_is_refitted_or_gets_the_same_values_is_not_blocked(rows, old):
    """A refit changes the model too; the same values by other steps, or in another precision, are the same values."""
    X, y = rows[0][3000:], rows[1][3000:]
    refitted = make_pipeline(narrower(rows), LogisticRegression()).fit(rows[0][:3000], rows[1][:3000])
    copied = pickle.loads(pickle.dumps(old[-1]))
    centred, scaled = StandardScaler(with_std=False), StandardScaler(with_mean=False)
    by_two = make_pipeline(*make_pipeline(centred, scaled).fit(rows[0][:3000]), copied)
    in_float32 = make_pipeline(FunctionTransformer(np.float32).fit(X), old[0], copied)
    constant = DummyClassifier().fit(X, y)
    behind = [make_pipeline(scaler, constant) for scaler in (old[0], narrower(rows))]
    noisy = make_pipeline(RandomShift().fit(X), copied)
    pairs = [(old, refitted), (old, by_two), (old, in_float32), behind, (noisy, pickle.loads(pickle.dumps(noisy)))]
    for one, two in pairs:
        assert not nl.gate(one, two, X, y).broken


class RandomShift(TransformerMixin, BaseEstimator):
    """A step that puts out something else each time."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X + 1e-4 * np.random.default_rng().normal(size=X.shape)


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "flips", "positive", "answer"),
    [
        (3000, 0, 0, "match"),
        (3000, 60, 0, "mismatch"),
        (3000, 60, 60, "match"),  # as many won as lost
        (3000, 200, 200, "match"),
        (300, 4, 0, "undecided"),
        (300, 6, 0, "mismatch"),  # two points of three hundred, all in one direction
        (300, 6, 4, "undecided"),
        (100_000, 700, 0, "mismatch"),
        (100_000, 400, 0, "match"),  # proved, but within the limit
    ],
)
def test_verdicts_of_accuracy(n, flips, positive, answer):
    """A drop beyond the limit must be proved to block, and a large one ruled out to pass."""
    old, new, y = planted(n, flips, positive=positive)
    assert judge(old, new, y).answer == answer


def test_a_cohort_is_blocked_while_all_rows_are_fine():
    """A loss in one of ten cohorts is found and named, though overall as much was won."""
    old, new, y = planted(5000, 10, where=500, positive=10)
    cohorts = {"region": np.repeat([f"r{i}" for i in range(10)], 500)}
    report = judge(old, new, y, cohorts=cohorts)
    assert [each.cohort for each in report.broken] == ["region=r1"]


def searched(n, worse, better, seed, lost=()):
    """Search ten sites and four columns: flips at two rates everywhere, and further rows that are lost."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(4)} | {"site": np.arange(n) % 10})
    y = rng.integers(0, 2, n)
    noise = rng.random(n)
    before = np.where(noise < better, 1 - y, y)
    after = np.where(noise > 1 - worse, 1 - y, y)
    after[np.asarray(lost, int)] = 1 - y[np.asarray(lost, int)]
    report = judge(Outputs(predictions=before), Outputs(predictions=after), y, X=X, cohorts="found", seed=seed)
    return report, next((each for each in report.judgements if each.cohort.startswith("found: ")), None)


def test_a_found_slice_is_named_and_pays_for_the_search():
    """A planted loss is blocked, by an interval that is wider than that of a cohort that was named."""
    report, found = searched(6000, 0, 0, 0, lost=10 * np.arange(40) + 7)
    assert [each.cohort for each in report.broken if each.cohort] == ["found: site=7"]
    assert found.rows == 600
    assert found.high < -0.005 and "at the level" in found.reason
    assert any("site=7 is the worst of" in note for note in report.notes)


def test_six_rows_of_three_hundred_are_found():
    """A loss of two points in one cohort of 300 rows is found if nothing else flips there: 0.5 ** 6 is below 2.5 %."""
    lost = 10 * np.arange(6) + 3
    report, found = searched(3000, 0, 0, 1, lost=lost)
    assert [each.cohort for each in report.broken if each.cohort] == ["found: site=3"]
    report, found = searched(3000, 0, 0, 1, lost=lost[:5])
    assert found.verdict == "told"


def test_a_found_slice_must_lose_more_than_slices_vary_anyway():
    """Among flips in both directions a loss is found; where flips come in clusters, as between refits, it is told."""
    lost = 10 * np.arange(80) + 7
    _, found = searched(10000, 0.005, 0.005, 0, lost=lost)
    assert (found.verdict, found.cohort) == ("broken", "found: site=7")
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"x{i}": rng.random(10000) for i in range(2)})
    clusters = np.where(rng.random(1000) < 0.06, rng.choice([-1, 1], 1000), 0)  # neighbours flip in one direction
    slices = search(X, clusters[(1000 * X["x0"]).astype(int)].astype(np.int8), 100, 0.005)
    assert slices.dispersion > 1.5 and slices.worst.p_value > slices.worst.share * 0.025


def test_columns_that_are_not_searched_are_said():
    """A column whose values can't be told apart is named; so are columns beyond those that are searched in pairs."""
    X = pd.DataFrame({f"x{i}": np.arange(400) % 2 for i in range(32)} | {"lists": [[]] * 400, "a": 1, "b": 2})
    X.columns = [*X.columns[:-2], "twice", "twice"]
    y = np.zeros(400, int)
    report = judge(Outputs(predictions=y), Outputs(predictions=y), y, X=X, cohorts="found")
    assert any("lists was not searched" in note for note in report.notes)
    assert any("There are 2 columns 'twice'" in note for note in report.notes)
    assert any("2 of 32 columns were searched alone" in note for note in report.notes)


@pytest.mark.parametrize("flips", [3, 8, 40])
def test_the_error_of_a_search_is_a_sum_of_exact_tails(flips):
    """A slice is rejected no more often than its share of the level, and never if all its flips could not prove it."""
    tails = stats.binom.sf(np.arange(flips + 1) - 1, flips, 0.5)
    for least_p, level in ((0.5**flips, 0.03), (0.02, 0.03), (0.02, 0.01)):
        slices = Slices(np.array([1.0]), np.array([flips]), np.array([least_p]), np.ones(1), flips // 2, None, ())
        expected = max(tails[tails <= level], default=0.0) if least_p <= level else 0.0
        assert slices.error(level) == pytest.approx(expected)


def test_a_level_is_paid_by_those_that_can_be_rejected():
    """Four flips can't reach the level whatever their direction, so they cost the others nothing."""

    def error(level):
        return float(sum(attainable(flips, min(level, 1.0)) for flips in (4, 4, 4, 6)))

    assert 0.5**6 <= paid_level(error, 0.025) < 0.5**4
    assert paid_level(lambda level: 10 * level, 0.025) == pytest.approx(0.0025)


@pytest.mark.parametrize(
    ("worse", "better"), [(0.01, 0.01), (0.015, 0.01), (0.005, 0.0)], ids=["noise", "at the limit", "no better rows"]
)
def test_a_found_slice_blocks_no_loss_within_the_limit(worse, better):
    """The worst of many slices looks worse than it is: 0.5 points are allowed, and hardly ever blocked."""
    found = [searched(6000, worse, better, seed)[1] for seed in range(12)]
    assert sum(each.verdict == "broken" for each in found) <= 1
    assert any(each.change < -0.005 and each.verdict == "told" for each in found)


def test_slices_that_are_too_small_to_search_are_undecided():
    """A search that could look at no slice is not silent; one that found nothing bad says so."""
    report, found = searched(300, 0.0, 0.0, 0)
    assert report.undecided and found is None
    assert "none has 100 rows" in report.explain()
    report, found = searched(3000, 0.0, 0.02, 0)
    assert report.ok and found is None
    assert any("No slice was found" in note for note in report.notes)


def test_limits_waivers_and_levels():
    """Limits come overall, by cohort and for one cohort; a waiver counts until its date and no longer."""
    old, new, y = planted(4000, 40)
    cohorts = {"part": np.repeat(["a", "b"], 2000)}
    waiver = {"cohort": "part=a", "metric": "accuracy", "reason": "labels are wrong there", "until": "2030-01-31"}
    limits = {**CONCISE, "cohorts": {"accuracy": {"max_drop": 0.005, "rule_out": 0.05}}, "waivers": [waiver]}
    before, after = datetime.date(2030, 1, 31), datetime.date(2030, 2, 1)
    overall = {**limits, "overall": {"accuracy": {"max_drop": 0.02}}}
    assert judge(old, new, y, cohorts=cohorts, limits=overall, today=before).ok
    expired = judge(old, new, y, cohorts=cohorts, limits=overall, today=after)
    assert [each.cohort for each in expired.broken] == ["part=a"]
    assert "expired" in expired.notes[0]
    named = {**overall, "waivers": [], "cohort": {"part=a": {"accuracy": {"max_drop": 0.05}}}}
    assert judge(old, new, y, cohorts=cohorts, limits=named).ok


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ({"overal": {}}, "overal"),
        ({"overall": {"accuracy": 0.1}}, "overall.accuracy"),
        ({"overall": {"accuracy": {"max_drop": -1}}}, "overall.accuracy.max_drop"),
        ({"overall": {"accuracy": {"max_drop": True}}}, "overall.accuracy.max_drop"),
        ({"overall": {"accuracy": {"max_drop": "much"}}}, "overall.accuracy.max_drop"),
        ({"overall": {"accuracy": {"max_drop": 0.1, "rule_out": "1 %"}}}, "overall.accuracy"),
        ({"overall": {"accuracy": {"max_drop": 0.1, "rule_out": 0.05}}}, "overall.accuracy.rule_out"),
        ({"overall": {"agreement": {"max": 0.5}}}, "overall.agreement"),
        ({"waivers": [{"metric": "accuracy", "reason": "", "until": "2030-01-01"}]}, "waivers[0].reason"),
        ({"waivers": [{"metric": "accuracy", "reason": "x"}]}, "waivers[0].until"),
        ({"waivers": {"metric": "accuracy"}}, "waivers"),
        ({"level": 95}, "level"),
        ({"min_rows": 0}, "min_rows"),
        ({"margin": "x"}, "margin"),
        ({"overall": 0.01}, "overall"),
    ],
)
def test_limits_that_cannot_be_read(limits, path):
    """A slip in a file of limits is an error that names its place, never a limit that isn't there."""
    with pytest.raises(GateLimitsError) as raised:
        Limits.from_dict(limits)
    assert raised.value.path == path


def test_limits_from_files(tmp_path):
    """The same table is read from a file of its own and from pyproject.toml."""
    text = 'min_rows = 50\noverall.accuracy = { max_drop = "1 %" }\n'
    (tmp_path / "normlock.toml").write_text(f"[gate]\n{text}")
    (tmp_path / "pyproject.toml").write_text(f"[tool.normlock.gate]\n{text}")
    one, two = Limits.load(tmp_path / "normlock.toml"), Limits.load(tmp_path / "pyproject.toml")
    assert one == two and one.min_rows == 50 and one.on("accuracy", "").relative
    (tmp_path / "other.toml").write_text("[gates]\n")
    with pytest.raises(GateLimitsError, match=r"no table \[gate\]"):
        Limits.load(tmp_path / "other.toml")
    (tmp_path / "other.toml").write_text("[gate\n")
    with pytest.raises(GateLimitsError, match="can't be read as TOML"):
        Limits.load(tmp_path / "other.toml")


# -- cohorts -----------------------------------------------------------------------------------------------------------


def test_kinds_of_cohorts():
    """Values, bins, dates, callables, booleans and missing values make cohorts that are named by what they are."""
    n = 1200
    X = pd.DataFrame(
        {
            "city": np.resize(["a", "b", None], n),
            "age": np.linspace(0, 99, n),
            "few": np.resize([1.0, 2.0, np.nan], n),
            "text": pd.array(np.resize(["a", "b", None], n), dtype="string"),
            "flag": np.resize([True, False], n),
            "day": pd.date_range("2026-01-01", periods=n),
        }
    )
    y = np.arange(n) % 2
    both = Outputs(predictions=y)

    def half(rows):
        return np.where(rows["age"] < 50, "young", "old")

    report = judge(both, both, y, X=X, cohorts=["city", "text", ("age", 2), "few", "flag", ("day", 2), half])
    names = {each.cohort for each in report.judgements}
    assert {"city=a", "city missing", "text missing", "few=1", "few missing", "flag=True", "half=young"} <= names
    assert {"age < 49.5", "age ≥ 49.5"} <= names
    assert sum(name.startswith("day") for name in names) == 2


def test_small_cohorts_are_told_and_not_judged():
    """A cohort of fewer rows than min_rows is listed; if all are, the gate is undecided; a named one must be judged."""
    old, new, y = planted(3000, 0)
    labels = np.where(np.arange(3000) < 40, "rare", "usual")
    report = judge(old, new, y, cohorts={"c": labels})
    assert report.ok and report.too_small == {"c=rare": 40}
    each = np.arange(3000) // 40
    assert judge(old, new, y, cohorts={"c": [f"v{i}" for i in each]}, limits={"min_rows": 2999}).answer == "undecided"
    named = {**CONCISE, "cohort": {"c=rare": {"accuracy": {"max_drop": 0.01}}}}
    assert judge(old, new, y, cohorts={"c": labels}, limits=named).answer == "undecided"


@pytest.mark.parametrize(
    ("cohorts", "said"),
    [
        ({"a": pd.Series([[]] * 6000)}, "can't be told apart"),
        ("nowhere", "no column 'nowhere'"),
        ({"a": [1, 2]}, "there are 6000 rows"),
        ([("0", 1)], "bins"),
        (lambda X: 1, "labels of shape"),
    ],
)
def test_cohorts_that_cannot_be_made(rows, old, cohorts, said):
    """A cohort that isn't there is an error of ours that says what there is."""
    with pytest.raises(GateInputError, match=said):
        nl.gate(old, old, *rows, cohorts=cohorts)


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_regression_counts_errors_that_grew():
    """Numbers are judged by their error, and rows flip whose error grew beyond the margin."""
    X, y = make_regression(4000, 5, noise=10, random_state=0)
    good = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:2000], y[:2000])
    bad = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:2000], y[:2000])
    bad[-1].coef_ = bad[-1].coef_ * 0.9
    report = nl.gate(good, bad, X[2000:], y[2000:], cohorts=[("0", 4)])
    assert report.answer == "mismatch" and report.kind == "regressor"
    assert report.flips.negative > report.flips.positive
    assert report.step == "linearregression"
    assert nl.gate(good, good, X[2000:], y[2000:]).ok
    two = np.column_stack([y, -y])
    wide = LinearRegression().fit(X[:2000], two[:2000])
    assert nl.gate(wide, wide, X[2000:], two[2000:]).ok


@pytest.mark.parametrize(
    "metric",
    [
        "roc_auc",
        "neg_log_loss",
        "neg_brier_score",
        "f1",
        "balanced_accuracy",
        "average_precision",
        "neg_calibration_error",
    ],
)
def test_metrics_of_two_classes(rows, old, metric):
    """Any scorer's name is judged: the same pipeline is no worse, one with shuffled answers is."""
    X, y = rows[0][3000:], rows[1][3000:]
    assert nl.gate(old, old, X, y, metrics=metric).ok
    wrong = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows[0][:3000], 1 - rows[1][:3000])
    assert nl.gate(old, wrong, X, y, metrics=metric).answer == "mismatch"


def test_more_kinds():
    """Several classes, texts, outlier labels, clusters and transformers are compared too."""
    X, y = make_classification(5000, n_informative=6, n_classes=4, random_state=0)
    names = np.array(["a", "b", "c", "d"])[y]
    est = LogisticRegression(max_iter=500).fit(X[:2000], names[:2000])
    assert nl.gate(est, est, X[2000:], names[2000:], metrics=["accuracy", "roc_auc_ovr", "f1_macro"]).ok
    for other in (
        KMeans(3, n_init=1, random_state=0),
        IsolationForest(n_estimators=10, random_state=0),
        MinMaxScaler(),
    ):
        fitted = other.fit(X[:2000])
        assert nl.gate(fitted, fitted, X[2000:]).ok
        with pytest.raises(GateInputError, match="only agreement"):
            nl.gate(fitted, fitted, X[2000:], y[2000:], metrics="accuracy")


def test_weights_count(rows, old):
    """Rows without weight decide nothing, and weighted rows count as fewer."""
    old, new, y = planted(4000, 100)
    weight = np.ones(4000)
    assert judge(old, new, y, sample_weight=weight).answer == "mismatch"
    weight[:100] = 0
    for scale in (1e-300, 1.0, 1e300):
        assert judge(old, new, y, sample_weight=scale * weight).ok
    assert "count as 3,900 equal ones" in judge(old, new, y, sample_weight=weight).notes[0]


def test_an_old_one_that_was_altered_raises_as_itself() -> None:
    """Other rows would not help: the error is the seal's."""
    X, y = make_classification(200, 5, random_state=0)
    old = locked.make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    new = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    old[0].fit(X[:100])
    with pytest.raises(PipelineMismatchError, match="standardscaler"):
        nl.gate(old, new, X, y)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda est, X, y: nl.gate(est, est, X[:0], y[:0]), "no rows"),
        (lambda est, X, y: nl.gate(est, est, X, y[:5]), "y has shape"),
        (lambda est, X, y: nl.gate(est, est, X, np.where(y, np.nan, 1.0)), "missing or not finite"),
        (lambda est, X, y: nl.gate(est, est, X[:, :2], y), "can't answer these rows"),
        (lambda est, X, y: nl.gate(est, est, X, y, metrics="acuracy"), "no metric 'acuracy'"),
        (lambda est, X, y: nl.gate(est, est, X, metrics="accuracy"), "needs right answers"),
        (lambda est, X, y: nl.gate(est, est, X, cohorts="found"), "no right answers"),
        (lambda est, X, y: nl.gate(est, est, X, y.astype(str)), "y has text"),
        (lambda est, X, y: nl.gate(est, LinearRegression().fit(X, y), X, y), "old is a classifier"),
        (lambda est, X, y: nl.gate(est, object(), X, y), "neither predicts nor transforms"),
        (lambda est, X, y: nl.gate(est, est, X, y, sample_weight=-y), "sample_weight"),
        (lambda est, X, y: nl.gate(est, est, X, y, metrics=[]), "no metric"),
        (lambda est, X, y: nl.gate(est, est, X, y, metrics=3), "metrics is 3"),
        (lambda est, X, y: nl.gate(est, est, X, y, metrics=accuracy_score), "accuracy_score is no scorer"),
        (lambda est, X, y: nl.gate(LogisticRegression, est, X, y), "old is the class LogisticRegression"),
        (lambda est, X, y: nl.gate(LogisticRegression(), est, X, y), "Give a fitted one"),
        (lambda est, X, y: nl.gate(est, est, "rows.csv", y), "type str"),
        (lambda est, X, y: nl.gate(est, est, {"x": X}, y), "type dict"),
        (lambda est, X, y: nl.gate(est, est, X, y, seed="x"), "seed is 'x'"),
        (lambda est, X, y: nl.gate(est, est, X, y, sample_weight="w"), "sample_weight"),
        (lambda est, X, y: nl.gate(est, est, X, y, cohorts=lambda X: X["region"]), "'cohort' failed"),
        (lambda est, X, y: nl.gate(est, est, X, y, reference=3), "reference is of type int"),
        (lambda est, X, y: nl.gate(*[LinearRegression().fit(X, y)] * 2, X, y.astype(str)), "the answers are numbers"),
        (lambda est, X, y: nl.gate(*[LinearRegression().fit(X, y)] * 2, X, y.astype("M8[D]")), "dtype datetime64"),
        (
            lambda est, X, y: nl.gate(*[LinearRegression().fit(X, each) for each in (np.c_[y, y], y)], X, np.c_[y, y]),
            "answers with shape",
        ),
    ],
)
def test_bad_input(rows, old, call, said):
    """What can't be compared is an error of ours that says why."""
    with pytest.raises(GateInputError, match=said):
        call(old, *rows)


def test_rows_that_cannot_be_pinned(rows):
    """A column whose values have no digest is an error of ours that names it."""
    with pytest.raises(GateInputError, match="can't be pinned.*lists"):
        nl.pin(pd.DataFrame({"lists": [[]] * 6000}), rows[1])


class Leaving(LogisticRegression):
    """A model that ends the process."""

    def predict(self, X):
        raise SystemExit(0)


def test_a_new_model_that_ends_the_process_is_blocked(rows, old):
    """An exit is a failure of the new one, and no answer of the gate."""
    report = nl.gate(old, Leaving().fit(*rows), *rows)
    assert report.answer == "mismatch" and "SystemExit" in report.broken[0].reason


class Foreign:
    """A model that is nobody's estimator: it has a method, and writes into its rows."""

    def predict(self, X):
        answers = (X[:, 0] > 0).astype(int)
        X[:] = 0.0
        return answers


def test_a_model_that_is_no_estimator_is_judged_and_can_spoil_no_rows(rows, old):
    """An object with predict is enough; writing into its rows changes neither the other's answers nor the cohorts."""
    X, y = rows[0].copy(), rows[1]
    report = nl.gate(old, Foreign(), X, y, cohorts=[("0", 2)])
    again = nl.gate(Foreign(), old, X, y, cohorts=[("0", 2)])
    assert np.array_equal(X, rows[0])
    assert (report.judgements[0].old, report.judgements[0].new) == (again.judgements[0].new, again.judgements[0].old)
    assert report.judgements[0].old == old.score(*rows)


def test_rows_in_any_container_are_judged_alike(rows, old):
    """Sparse rows of any layout and rows of Arrow are picked as arrays are; so are labels in a sparse matrix."""
    X, y = np.where(np.abs(rows[0]) > 1, rows[0], 0.0), rows[1]
    est = LogisticRegression().fit(sparse.csr_matrix(X), y)
    expected = nl.gate(est, est, X, y, cohorts="0").to_dict()
    for layout in ("csr", "coo", "dok", "lil"):
        assert nl.gate(est, est, sparse.csr_matrix(X).asformat(layout), y, cohorts="0").to_dict() == expected
    both = np.column_stack([y, X[:, 0] > 0]).astype(int)
    several = OneVsRestClassifier(LogisticRegression()).fit(X, both)
    report = nl.gate(several, several, X, sparse.csr_matrix(both), metrics=["accuracy", "roc_auc"])
    assert report.ok and report.judgements[0].old == several.score(X, both)


def test_labels_of_cohorts_are_given_as_they_are(rows, old):
    """An array or a series of labels is a cohort, and a tuple of columns are several."""
    X, y = rows
    half = X[:, 0] > 0
    names = {each.cohort for each in nl.gate(old, old, X, y, cohorts=half).judgements}
    assert names == {"", "cohort=False", "cohort=True"}
    names = {each.cohort for each in nl.gate(old, old, X, y, cohorts=pd.Series(half, name="half")).judgements}
    assert names == {"", "half=False", "half=True"}
    assert len(nl.gate(old, old, X, y, cohorts=("0", "1")).judgements) == 9


def test_probabilities_of_other_classes_are_not_compared(rows, old):
    """The columns of both must be the same classes: an area under a curve says nothing of the labels."""
    X, y = rows
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y + 5)
    for metric in ("roc_auc", "neg_log_loss", "neg_calibration_error"):
        report = nl.gate(old, other, X, y, metrics=metric)
        assert report.answer == "undecided" and "classes" in report.undecided[metric]


def test_a_transformer_may_hand_missing_values_on(rows):
    """NaN in the same place agrees; where only the new one has NaN it is broken, where only the old one it differs."""
    X = rows[0].copy()
    X[:600, 0] = np.nan
    keeps, fills = StandardScaler().fit(X), make_pipeline(SimpleImputer(), StandardScaler()).fit(X)
    assert nl.gate(keeps, keeps, X).ok
    assert nl.gate(fills, keeps, X).broken[0].metric == "finite answers"
    report = nl.gate(keeps, fills, X)
    assert report.answer == "undecided" and report.judgements[0].change <= 0.9


# -- the statistics ----------------------------------------------------------------------------------------------------


def test_the_calibration_error_is_that_of_rows_without_end():
    """Its mean over few rows is that of many, and its interval holds it, where one model is wrong and one is not."""
    rng = np.random.default_rng(0)

    def drawn(n, sharp=(1.0, 1.6)):
        truth = rng.normal(0, 1.5, n)
        y = rng.random(n) < 1 / (1 + np.exp(-truth))
        return y, *(1 / (1 + np.exp(-factor * truth)) for factor in sharp)

    old, new, _ = calibration(*drawn(200_000))
    assert old == pytest.approx(0, abs=1e-4) and new < -0.004
    found = [calibration(*drawn(100)) for _ in range(300)]
    assert np.mean([each[1] for each in found]) == pytest.approx(new, abs=0.0015)
    held = [each[2].interval(0.025)[0] <= new - old <= each[2].interval(0.025)[1] for each in found]
    assert 0.9 <= np.mean(held) <= 0.99


def test_fiellers_interval_holds_ratios_that_a_t_test_does_not_refuse():
    """At its ends the mean of what is divided, less the ratio of the rest, is as far from 0 as Student's t allows."""
    rng = np.random.default_rng(0)
    gains, sizes = rng.normal(0.3, 1, 60), rng.normal(1, 0.5, 60) ** 2
    found = ratio(gains, sizes, np.ones(60), 60, "")
    assert found.change == pytest.approx(gains.mean() / sizes.mean())
    for end in found.interval(0.025):
        rest = gains - end * sizes
        assert abs(stats.ttest_1samp(rest, 0).pvalue) == pytest.approx(0.05)
    assert found.grown(4.0).interval(0.025)[0] > found.interval(0.025)[0]
    assert ratio(gains, sizes - sizes.mean(), np.ones(60), 60, "").interval(0.025) == (-np.inf, np.inf)


def test_the_average_precision_is_scikit_learns():
    """Both values are those of its function, ties included; two that rank alike do not differ."""
    rng = np.random.default_rng(0)
    y = rng.random(200) < 0.3
    scores = [(rng.normal(size=200) + y).round(1) for _ in range(2)]
    old, new, found = average_precision(y, *scores)
    assert (old, new) == pytest.approx([average_precision_score(y, each) for each in scores])
    low, high = found.interval(0.025)
    assert low < new - old < high
    assert average_precision(y, scores[0], scores[0])[2].interval(0.025) == pytest.approx((0.0, 0.0))


def test_equal_probabilities_share_a_bin():
    """A constant probability is calibrated whatever the order of the rows; two rows are too few."""
    y = np.arange(400) % 4 == 0
    for order in (np.arange(400), np.argsort(y)):
        old, new, _ = calibration(y[order], np.full(400, 0.25), np.full(400, 0.75))
        assert old == pytest.approx(0, abs=1e-3) and new == pytest.approx(-0.25, abs=0.01)
    weighted = calibration(y, np.full(400, 0.25), np.full(400, 0.75), np.where(np.arange(400) < 200, 2.0, 1.0))
    assert weighted[1] == pytest.approx(-0.25, abs=0.01)
    with pytest.raises(ValueError, match="too few"):
        calibration(y[:1], np.ones(1), np.ones(1))


@pytest.mark.parametrize("n", [300, 60_000])
def test_rows_that_are_drawn_again_give_the_deviation(n):
    """The bootstrap's deviation is that of the mean, also where only some of many rows are drawn."""
    rng = np.random.default_rng(0)
    both = rng.normal(size=(2, n))
    old, new, found = bootstrap(lambda at: (both[0, at].mean(), both[1, at].mean()), n, rng)
    low, high = found.interval(0.025)
    assert (low + high) / 2 == pytest.approx(new - old)
    assert high - low == pytest.approx(2 * 1.984 * np.sqrt(2 / n), rel=0.3)


def test_a_class_that_may_be_missing_is_undecided():
    """A scorer that needs every class can't be computed where one has a row or two: the draws say so."""
    y = np.r_[np.zeros(300), np.ones(300), 2].astype(int)
    table = np.full((601, 3), 1 / 3)
    both = Outputs(predictions=y, scores={"predict_proba": table}, classes=np.arange(3))
    report = judge(both, both, y, metrics=["roc_auc_ovr"])
    assert report.answer == "undecided"


def test_one_class_only_is_undecided(rows, old):
    """A metric that is not defined on the rows decides nothing."""
    X, y = rows
    kept = y == 1
    report = nl.gate(old, old, X[kept], y[kept], metrics="roc_auc")
    assert report.answer == "undecided"
    assert "can't be computed" in report.undecided["roc_auc"]


def test_files_are_opened_by_their_locks(rows, old, tmp_path):
    """A path is loaded only as its lock allows: without one, or with other bytes, nothing is unpickled."""
    X, y = rows
    path = tmp_path / "model.joblib"
    nl.dump(old, path, lock=True)
    assert nl.gate(path, old, X[3000:], y[3000:]).ok
    other = tmp_path / "other.joblib"
    nl.dump(old, other)
    with pytest.raises(MissingLockError):
        nl.gate(path, other, X, y)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ArtifactDigestError):
        nl.gate(path, old, X, y)


# -- reports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["text", "json", "markdown", "github"])
def test_styles(style):
    """Each style says the verdict, the cohort and the flips, whatever is in their names."""
    old, new, y = planted(3000, 90)
    cohorts = {"c|<b>%\n": np.repeat(["x", "y"], 1500)}
    said = judge(old, new, y, cohorts=cohorts).explain(style)
    if style == "json":
        assert json.loads(said)["answer"] == "mismatch"
    else:
        assert "MUST NOT REPLACE" in said and "90 rows went from right to wrong" in said
    if style == "github":
        assert said.startswith("::error title=normlock gate::") and "\n" not in said
    if style == "markdown":
        assert "<b>" not in said


def test_an_unknown_style_is_refused():
    """Another style is an error that lists those that there are."""
    old, new, y = planted(3000, 0)
    with pytest.raises(ValueError, match="'text', 'json'"):
        judge(old, new, y).explain("pdf")


def test_a_constant_classifier_is_judged(rows):
    """An estimator without steps, and without anything to trace, is judged by its answers."""
    X, y = rows
    dummy = DummyClassifier().fit(X, y)
    assert nl.gate(dummy, dummy, X, y).ok


def test_rows_with_further_columns_or_names(rows, old):
    """A column of cohorts needn't be a feature; names that the estimator was fitted without are no error."""
    X, y = rows
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(6)])
    named = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[:3000], y[:3000])
    wide = frame.assign(region=np.resize(["north", "south"], 6000))[3000:]
    report = nl.gate(named, named, wide, y[3000:], cohorts="region")
    assert report.ok and len(report.judgements) == 3
    assert nl.gate(old, named, frame[3000:], y[3000:]).ok


def test_the_page_has_its_pictures():
    """The page is one document that says the verdict, with the matrix, the intervals, the answers and the table."""
    old, new, y = planted(3000, 90)
    said = judge(old, new, y, cohorts={"<i>": np.repeat(["x", "y"], 1500)}).explain("html")
    assert said.startswith("<!doctype html>") and said.endswith("</html>")
    assert "<h2>Flips</h2>" in said and "<h2>Answers</h2>" in said and said.count("<circle") == 3
    assert "&lt;i&gt;=x" in said and "<i>=x" not in said
    numbers = Outputs(predictions=np.linspace(0, 1, 500))
    assert "neg_mean_absolute_error" in judge(numbers, numbers, numbers.predictions).explain("html")
