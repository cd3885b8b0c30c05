"""What errors say, word for word, on small data."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.errors import (
    FingerprintMismatchError,
    MissingFingerprintError,
    PipelineMismatchError,
    UnfingerprintableError,
)
from sklearn_normlock.pipeline import FeatureUnion, Pipeline
from sklearn_normlock.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

TABLE = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "income": [1e4, 2e4, 4e4, 8e4], "city": list("blln")})
NUMBERS = TABLE[["age", "income"]]
y = [0, 0, 1, 1]

STAND_ALONE = " Fit again, load the saved object, or make a change on purpose inside `with sklearn_normlock.thaw(...)`."
STEP = " Fit the whole again, or put back the step that it was fitted with."
STEPS = " Fit the whole again, or put back the steps that it was fitted with."


def scaler() -> StandardScaler:
    return StandardScaler().fit(NUMBERS)


def pipe() -> Pipeline:
    return Pipeline([("scaler", StandardScaler()), ("model", LogisticRegression())]).fit(NUMBERS, y)


def table() -> Pipeline:
    columns = ColumnTransformer(
        [("num", Pipeline([("scaler", StandardScaler())]), ["age", "income"]), ("cat", OneHotEncoder(), ["city"])]
    )
    return Pipeline([("preprocess", columns), ("model", LogisticRegression())]).fit(TABLE, y)


def short(obj: Any) -> str:
    """Return the digest of an object as it is, as messages show it."""
    return nl.fingerprint(obj)[:19] + "…"


def put(**attributes: Any) -> Callable[[Any], None]:
    def change(obj: Any) -> None:
        for name, value in attributes.items():
            setattr(obj, name, value(obj) if callable(value) else value)

    return change


# make, change, path, message up to the fingerprints
ALONE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], str, str]] = {
    "parameter": (scaler, put(with_mean=False), "with_mean", "StandardScaler: with_mean True when fitted, False now"),
    "element by the name of its feature": (
        scaler,
        put(mean_=lambda s: s.mean_ * [1, 0.001]),
        'mean_["income"]',
        'StandardScaler: mean_["income"] 37500 when fitted, 37.5 now',
    ),
    "elements, the worst first": (
        scaler,
        put(mean_=lambda s: s.mean_ * [2, 1000]),
        'mean_["income"]',
        'StandardScaler: mean_["income"] 37500 when fitted, 3.75e+07 now, ["age"] 35 → 70',
    ),
    "a difference that rounding hides": (
        scaler,
        put(mean_=np.array([35.0, 37500.000000000007])),
        'mean_["income"]',
        'StandardScaler: mean_["income"] 37500.0 when fitted, 37500.00000000001 now',
    ),
    "minus zero": (
        lambda: StandardScaler().fit([[-1.0], [1.0]]),
        put(mean_=np.array([-0.0])),
        "mean_[0]",
        "StandardScaler: mean_[0] 0 when fitted, -0 now",
    ),
    "not a number": (
        scaler,
        put(mean_=np.array([np.nan, 37500.0])),
        'mean_["age"]',
        'StandardScaler: mean_["age"] 35 when fitted, nan now',
    ),
    "many elements": (
        lambda: StandardScaler().fit(np.arange(12.0).reshape(2, 6)),
        put(mean_=lambda s: s.mean_ + 1),
        "mean_[0]",
        "StandardScaler: mean_[0] 3 when fitted, 4 now, [1] 4 → 5, [2] 5 → 6 (3 more of 6 differ)",
    ),
    "dtype": (
        scaler,
        put(mean_=lambda s: s.mean_.astype(np.float32)),
        "mean_",
        "StandardScaler: mean_ had dtype <f8 when fitted, <f4 now",
    ),
    "shape": (
        scaler,
        put(mean_=lambda s: s.mean_[:1]),
        "mean_",
        "StandardScaler: mean_ had shape (2,) when fitted, (1,) now",
    ),
    "added": (
        scaler,
        put(offset_=3),
        "offset_",
        "StandardScaler: offset_ is 3 now, and was not there when fitted",
    ),
    "removed": (
        scaler,
        lambda s: delattr(s, "var_"),
        "var_",
        "StandardScaler: var_ was an array of shape (2,) when fitted, and is gone now",
    ),
    "several attributes": (
        scaler,
        put(with_std=False, mean_=lambda s: s.mean_ + 1, var_=None),
        "with_std",
        "StandardScaler: with_std True when fitted, False now; ",
    ),
    "category": (
        lambda: OneHotEncoder().fit(TABLE[["city"]]),
        put(categories_=[np.array(["b", "x", "n"], dtype=object)]),
        "categories_[0]",
        "OneHotEncoder: categories_[0] ['b', 'l', 'n'] when fitted, ['b', 'x', 'n'] now",
    ),
    "edge of a bin": (
        lambda: KBinsDiscretizer(3, encode="ordinal", strategy="uniform", subsample=None).fit(NUMBERS),
        put(bin_edges_=lambda s: np.array([s.bin_edges_[0] + [0, 1, 0, 0], s.bin_edges_[1]], dtype=object)),
        "bin_edges_",
        "KBinsDiscretizer: bin_edges_",
    ),
}


@pytest.mark.parametrize("case", ALONE)
def test_a_stand_alone_object(case):
    """What, where, what was fitted and what is there, both fingerprints, and what to do."""
    make, change, path, text = ALONE[case]
    obj = make()
    fitted = short(obj)
    change(obj)
    with pytest.raises(FingerprintMismatchError) as caught:
        obj.transform(NUMBERS)
    ending = f"; it was fitted as {fitted}, this is {short(obj)}.{STAND_ALONE}"
    message = str(caught.value)
    assert message.endswith(ending)
    if case in ("several attributes", "edge of a bin"):
        assert message.startswith(text)
        assert caught.value.path.startswith(path)
    else:
        assert message == text + ending
        assert caught.value.path == path


def test_the_fields_of_a_mismatch():
    """The error carries both values as they are, not as they are written."""
    obj = scaler()
    obj.mean_ = obj.mean_ * [1, 0.001]
    with pytest.raises(FingerprintMismatchError) as caught:
        obj.transform(NUMBERS)
    assert (caught.value.expected, caught.value.actual) == (37500.0, 37.5)
    (change,) = caught.value.changes
    assert (change.path, change.label, change.differing, change.size) == ("mean_", '["income"]', 1, 2)


def test_a_category_far_down_the_list_is_shown():
    """Where one of many categories differs, the message shows that one, not the beginning of the list twice."""
    obj = OneHotEncoder().fit(np.array([f"word {i:03}" for i in range(100)], dtype=object).reshape(-1, 1))
    categories = obj.categories_[0].copy()
    categories[70] = "intruder"
    obj.categories_ = [categories]
    with pytest.raises(FingerprintMismatchError, match=r"categories_\[0\]") as caught:
        obj.transform([["word 001"]])
    assert "intruder" in str(caught.value)


STEPWISE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], str, str, str]] = {
    "parameter of a step": (
        pipe,
        lambda p: p.set_params(scaler__with_std=False),
        "scaler.with_std",
        'pipeline step "scaler": with_std True when fitted, False now; the pipeline was fitted with scaler {0}, '
        "this is {1}." + STEP,
        "scaler",
    ),
    "another class": (
        pipe,
        lambda p: p.steps.__setitem__(0, ("scaler", MinMaxScaler().fit(NUMBERS))),
        "scaler",
        'pipeline step "scaler": it was a sklearn.preprocessing.StandardScaler when fitted, '
        "sklearn.preprocessing.MinMaxScaler now; the pipeline was fitted with scaler {0}, this is {1}." + STEP,
        "scaler",
    ),
    "the model": (
        pipe,
        lambda p: setattr(p["model"], "intercept_", np.array([7.0])),
        "model.intercept_[0]",
        'pipeline step "model": intercept_[0] {2:.6g} when fitted, 7 now; the pipeline was fitted with model {0}, '
        "this is {1}." + STEP,
        "model",
    ),
    "passthrough": (
        pipe,
        lambda p: p.set_params(scaler="passthrough"),
        "scaler",
        "pipeline step \"scaler\": it was a sklearn.preprocessing.StandardScaler when fitted, 'passthrough' now; the "
        "pipeline was fitted with scaler {0}." + STEP,
        "scaler",
    ),
    "a nested step": (
        table,
        lambda p: setattr(p["preprocess"].named_transformers_["num"]["scaler"], "mean_", np.array([35.0, 0.0])),
        'preprocess.num.scaler.mean_["income"]',
        'pipeline step "preprocess.num.scaler": mean_["income"] 37500 when fitted, 0 now; the pipeline was fitted with '
        "preprocess.num.scaler {0}, this is {1}." + STEP,
        "preprocess",
    ),
}


@pytest.mark.parametrize("case", STEPWISE)
def test_a_step(case):
    """The step, what in it, both sides, the fingerprints of the step then and now, and what to do."""
    make, change, path, text, name = STEPWISE[case]
    obj = make()

    def digest() -> str:
        step = obj[name]
        if name == "preprocess":
            step = step.named_transformers_["num"]["scaler"]
        return "" if isinstance(step, str) else short(step)

    fitted, intercept = digest(), obj["model"].intercept_[0]
    change(obj)
    with pytest.raises(PipelineMismatchError) as caught:
        obj.predict(TABLE if make is table else NUMBERS)
    assert caught.value.path == path
    assert str(caught.value) == text.format(fitted, digest(), intercept)


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (lambda p: p.steps.insert(1, ("again", RobustScaler().fit(NUMBERS))), ["scaler", "again", "model"]),
        (lambda p: p.steps.__delitem__(0), ["model"]),
        (lambda p: p.steps.__setitem__(0, ("centre", p["scaler"])), ["centre", "model"]),
    ],
    ids=["inserted", "dropped", "renamed"],
)
def test_the_steps(change, steps):
    """Steps that were inserted, dropped or renamed: both lists of names."""
    obj = pipe()
    fitted = short(obj)
    change(obj)
    with pytest.raises(PipelineMismatchError) as caught:
        obj.predict(NUMBERS)
    message = str(caught.value)
    assert message.startswith(f"pipeline: steps ['scaler', 'model'] when fitted, {steps} now")
    assert message.endswith(f"; it was fitted as {fitted}, this is {short(obj)}.{STEPS}")
    assert (caught.value.expected, caught.value.actual) == ("['scaler', 'model']", str(steps))


def test_the_order_of_a_union():
    """A union says in which order its parts were fitted."""
    obj = FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())]).fit(NUMBERS)
    fitted = short(obj)
    obj.transformer_list.reverse()
    with pytest.raises(PipelineMismatchError) as caught:
        obj.transform(NUMBERS)
    assert str(caught.value) == (
        f"FeatureUnion: transformer_list ['a', 'b'] when fitted, ['b', 'a'] now; it was fitted as {fitted}, this is "
        f"{short(obj)}.{STEPS}"
    )


def test_columns():
    """A transformer that is given other columns: which, then and now."""
    obj = table()
    name, transformer, _ = obj["preprocess"].transformers_[0]
    obj["preprocess"].transformers_[0] = (name, transformer, ["income", "age"])
    with pytest.raises(PipelineMismatchError) as caught:
        obj.predict(TABLE)
    assert caught.value.path == "preprocess.num.columns"
    assert "preprocess.num.columns ['age', 'income'] when fitted, ['income', 'age'] now" in str(caught.value)


def test_a_missing_fingerprint():
    """What shows that it is fitted, and the two ways on."""
    with pytest.raises(MissingFingerprintError) as caught:
        Pipeline(pipe().steps).predict(NUMBERS)
    assert caught.value.path == "scaler.feature_names_in_"
    assert str(caught.value) == (
        "This Pipeline has fitted state (scaler.feature_names_in_) but no fingerprint: nothing says that it is what "
        "was fitted. Fit it as a whole; or, if you vouch for it as it is, seal it with "
        "`with sklearn_normlock.thaw(obj): pass`."
    )


def test_a_foreign_fingerprint():
    """A fingerprint that belongs to another state, where the record shows no difference."""
    obj, twin = scaler(), StandardScaler().fit(NUMBERS * 2)
    obj.fingerprint_ = twin.fingerprint_
    with pytest.raises(FingerprintMismatchError) as caught:
        obj.transform(NUMBERS)
    assert (caught.value.expected, caught.value.actual) == (twin.fingerprint_, nl.fingerprint(obj))
    assert str(caught.value) == (
        f"This StandardScaler is not what was fitted: it was fitted as {short(twin)}, this is {short(obj)}; the record "
        "that it carries does not show where. Load the file again from where it was saved, or fit again."
    )


def test_something_without_a_name():
    """A sealed object that now holds a lambda: what it is, and what to do."""
    obj = scaler()
    obj.mean_ = lambda: 0
    with pytest.raises(FingerprintMismatchError) as caught:
        obj.transform(NUMBERS)
    assert caught.value.path == "mean_"
    assert re.fullmatch(
        r"StandardScaler was fitted as nl1-sha256:\w{8}…, and now holds something without a stable name: "
        r"StandardScaler\.mean_ can't be fingerprinted: .* it is a lambda\. .* Put back what it was fitted with, or "
        r"fit it again\.",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (StandardScaler(), "StandardScaler is not fitted: there is nothing yet to vouch for. Call fit first."),
        (3, "int is not a fitted estimator. Pass a fitted estimator, or a dict of names and estimators."),
        (
            FunctionTransformer(lambda x: x).fit(NUMBERS),
            r"FunctionTransformer\.func can't be fingerprinted: the name test_error_texts\.<lambda> does not lead back "
            r"to it: it is a lambda\. Define it at the top level of a module that can be imported where the object is "
            r"served\.",
        ),
    ],
    ids=["not fitted", "no estimator", "lambda"],
)
def test_what_has_no_fingerprint(obj, text):
    """What can't be named is refused, and the error says what to do."""
    with pytest.raises(UnfingerprintableError, match=f"^{text}$") as caught:
        nl.fingerprint(obj)
    assert str(caught.value).endswith(caught.value.remedy)
