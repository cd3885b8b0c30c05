"""The seal sees what it says it sees: ordinary mutations are refused, raised at the call, or listed."""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import threading
import types

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer as StockColumns
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder as StockEncoder
from sklearn.svm import SVC

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.errors import NormLockError, PipelineMismatchError
from sklearn_normlock.feature_extraction.text import CountVectorizer
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
from sklearn_normlock.seals.survey import blind_spots

X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
LABELS = np.array(["ham", "spam"], dtype=object)[y]


class Plain:
    def __init__(self, k):
        self.k = k

    def apply(self, values):
        return values * self.k


class Slots:
    __slots__ = ("k",)

    def __init__(self, k):
        self.k = k


class Holder(TransformerMixin, BaseEstimator):
    """A step of another library that holds any kind of state."""

    def __init__(self, made=None):
        self.made = made

    def fit(self, X, y=None):
        self.state_ = STATES[self.made][0]()
        return self

    def transform(self, X):
        return X


class LockedHolder(nl.Locked, Holder):
    pass


def scaled(values, w=None, p=None):
    return values


STATES = {
    "object": (lambda: Plain(2.0), lambda o: setattr(o, "k", 5.0)),
    "object, new attribute": (lambda: Plain(2.0), lambda o: setattr(o, "z", 5.0)),
    "array in an object": (lambda: Plain(np.ones(2)), lambda o: o.k.__setitem__(0, 5.0)),
    "slots": (lambda: Slots(2.0), lambda o: setattr(o, "k", 5.0)),
    "namespace": (lambda: types.SimpleNamespace(k=2.0), lambda o: setattr(o, "k", 5.0)),
    "class": (lambda: Plain(2.0), lambda o: setattr(o, "__class__", Other)),
    "array": (lambda: np.ones(2), lambda o: o.__setitem__(0, 5.0)),
    "object array": (lambda: np.array(["a", None], dtype=object), lambda o: o.__setitem__(0, "b")),
    "list in an object array": (lambda: np.array([[2.0], None], dtype=object), lambda o: o[0].append(1)),
    "masked array": (lambda: np.ma.array([2.0], mask=[False]), lambda o: o.__setitem__(0, 5.0)),
    "masked objects": (
        lambda: np.ma.array([Plain(2.0), "a"], mask=[False, True], dtype=object),
        lambda o: setattr(o[0], "k", 5.0),
    ),
    "mask": (lambda: np.ma.array([2.0], mask=[False]), lambda o: o.__setitem__(0, np.ma.masked)),
    "dict": (lambda: {"k": 2.0}, lambda o: o.__setitem__("k", 5.0)),
    "key": (lambda: {"k": 2.0}, lambda o: o.__setitem__("z", o.pop("k"))),
    "array in a dict": (lambda: {"n": 1, "k": np.ones(2)}, lambda o: o["k"].__setitem__(0, 5.0)),
    "defaultdict": (lambda: collections.defaultdict(float, k=2.0), lambda o: o.__setitem__("k", 5.0)),
    "ordered dict": (lambda: collections.OrderedDict(k=2.0), lambda o: o.__setitem__("k", 5.0)),
    "list in a tuple": (lambda: (1, [2.0]), lambda o: o[1].append(5.0)),
    "set": (lambda: {2.0}, lambda o: o.add(5.0)),
    "deque": (lambda: collections.deque([2.0]), lambda o: o.append(5.0)),
    "bytearray": (lambda: bytearray(b"ab"), lambda o: o.__setitem__(0, 5)),
    "series": (lambda: pd.Series([2.0]), lambda o: o.__setitem__(0, 5.0)),
    "frame": (lambda: pd.DataFrame({"k": [2.0]}), lambda o: o.__setitem__("k", [5.0])),
    "frame in place": (lambda: pd.DataFrame({"k": [2.0]}), lambda o: o.loc.__setitem__((0, "k"), 5.0)),
    "sparse data": (lambda: sp.csr_matrix([[2.0]]), lambda o: o.data.__setitem__(0, 5.0)),
    "sparse item": (lambda: sp.csr_matrix([[2.0]]), lambda o: o.__setitem__((0, 0), 5.0)),
    "partial": (lambda: functools.partial(scaled, w=2), lambda o: o.keywords.__setitem__("w", 5)),
    "method": (lambda: Plain(2.0).apply, lambda o: setattr(o.__self__, "k", 5.0)),
}


class Other(Plain):
    pass


def caught(obj, edit, use) -> None:
    use(obj)
    try:
        edit(obj)
    except ValueError as error:
        if "read-only" in str(error) or "read only" in str(error):
            return
        raise
    with pytest.raises(NormLockError):
        use(obj)


@pytest.mark.parametrize("cls", [Holder, LockedHolder])
@pytest.mark.parametrize("made", STATES)
def test_state_of_any_kind_is_seen(made, cls):
    """State that a step of another library holds is seen to change, whatever holds it."""
    model = make_pipeline(cls(made), StandardScaler()).fit(X)
    caught(model, lambda m: STATES[made][1](m[0].state_), lambda m: m.transform(X))


MODELS = {
    "classes": (lambda: LogisticRegression().fit(X, LABELS), lambda m: m.classes_.__setitem__(0, "spam")),
    "svc": (lambda: SVC().fit(X, y), lambda m: m._dual_coef_.__imul__(-3)),
    "nodes": (
        lambda: HistGradientBoostingClassifier(max_iter=2).fit(X, y),
        lambda m: m._predictors[0][0].nodes["value"].__imul__(-3),
    ),
    "trees": (
        lambda: GradientBoostingClassifier(n_estimators=2).fit(X, y),
        lambda m: m.estimators_.__setitem__((0, 0), m.estimators_[1, 0]),
    ),
    "forest": (lambda: RandomForestClassifier(2).fit(X, y), lambda m: m.estimators_.reverse()),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_final_estimator_is_seen(name):
    """Arrays of scikit-learn's estimators are read-only, those of objects and private ones included."""
    make, edit = MODELS[name]
    model = make_pipeline(StandardScaler(), make()).fit(X, LABELS)
    caught(model, lambda m: edit(m[-1]), lambda m: m.predict(X))


def test_parameters_are_seen_and_left_writable():
    """Arrays in parameters are the user's: they stay writable, and an edit raises at the next call."""
    w, columns = np.ones(3), np.array([0, 1])
    functions = FunctionTransformer(scaled, kw_args={"w": w}).fit(X)
    caught(functions, lambda _: w.__setitem__(0, 5.0), lambda m: m.transform(X))
    table = ColumnTransformer([("a", StandardScaler(), columns)]).fit(X)
    assert columns.flags.writeable
    caught(table, lambda _: columns.__setitem__(1, 2), lambda m: m.transform(X))
    caught(
        FunctionTransformer(scaled, kw_args={"p": 2}).fit(X),
        lambda m: m.kw_args.__setitem__("w", m.kw_args.pop("p")),
        lambda m: m.transform(X),
    )


def test_shared_training_data_is_seen():
    """Neighbours keep the rows that they were given: the caller may write to them, and the next call says so."""
    rows = X.copy()
    model = make_pipeline("passthrough", KNeighborsClassifier(algorithm="brute")).fit(rows, y)
    assert rows.flags.writeable
    caught(model, lambda _: rows.__setitem__((0, 0), 9.0), lambda m: m.predict(X))


def test_encoders_and_vocabularies_are_seen():
    """Categories of stock encoders and keys of a vocabulary are seen."""
    words = np.array([["a"], ["b"]], dtype=object)
    table = make_pipeline(StockColumns([("c", StockEncoder(), [0])])).fit(words)
    caught(
        table,
        lambda m: m[0].named_transformers_["c"].categories_[0].__setitem__(0, "z"),
        lambda m: m.transform(words),
    )
    counts = CountVectorizer().fit(["the cat", "a dog"])
    caught(counts, lambda m: m.vocabulary_.__setitem__("cow", m.vocabulary_.pop("dog")), lambda m: m.transform(["dog"]))
    splines = SplineTransformer().fit(X)
    caught(splines, lambda m: setattr(m.bsplines_[0], "c", m.bsplines_[0].c * 3), lambda m: m.transform(X))


def test_what_is_not_seen_is_listed():
    """Memory of compiled objects, long containers and large arrays of others are listed by path."""
    forest = make_pipeline(RandomForestClassifier(2)).fit(X, y)
    assert set(blind_spots(forest)) == {f"steps[0][1].estimators_[{i}].tree_" for i in range(2)}
    large = FunctionTransformer(scaled, kw_args={"w": np.zeros(10_000), "p": list(range(2_000))}).fit(X)
    assert set(blind_spots(large)) == {"kw_args['w']", "kw_args['p']"}
    assert blind_spots(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)) == {}


class Caching(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.calls_ = 0
        return self

    def transform(self, X):
        self._cache = {"rows": len(X)}
        return X


class Counting(Caching):
    def transform(self, X):
        self.calls_ += 1
        return X


def test_a_private_cache_is_use():
    """A private attribute that a step of others writes when it is used is no mismatch; an edit from outside is."""
    model = make_pipeline(Caching(), StandardScaler(), LogisticRegression()).fit(X, y)
    for rows in (5, 6, 7):
        model.predict(X[:rows])
    model[0]._cache = None
    with pytest.raises(NormLockError, match="_cache"):
        model.predict(X)


def test_a_fitted_attribute_is_state():
    """A fitted attribute that a step changes when it is used is a mismatch, which the next call names."""
    model = make_pipeline(Counting(), StandardScaler()).fit(X)
    model.transform(X)
    with pytest.raises(NormLockError, match="calls_"):
        model.transform(X)


def test_set_output_after_the_fit():
    """The output of a fitted ColumnTransformer may be set: every later call, and a copy, works."""
    frame = pd.DataFrame(X, columns=list("abc"))
    table = ColumnTransformer([("n", StandardScaler(), ["a"])]).fit(frame).set_output(transform="pandas")
    first = table.transform(frame)
    assert list(first) == ["n__a"]
    for again in (table, table, copy.deepcopy(table)):
        pd.testing.assert_frame_equal(again.transform(frame), first)


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda model: model[:-1]])
def test_what_is_taken_inside_thaw_is_sealed_at_its_end(take):
    """A copy or slice that is taken inside ``thaw`` may change there, and no longer afterwards."""
    model = make_pipeline(StandardScaler(), StandardScaler(), LogisticRegression()).fit(X, y)
    with nl.thaw(model):
        part = take(model)
        part.transform(X) if len(part) == 2 else part.predict(X)
    assert part.fingerprint_
    part.steps[0] = ("standardscaler-1", StandardScaler().fit(X * 2))
    with pytest.raises(NormLockError):
        part.transform(X) if len(part) == 2 else part.predict(X)


def test_a_copy_that_shares_arrays_sees_the_edit():
    """Arrays that a copy shares are edited while the original is thawed: the copy raises."""
    scaler = StandardScaler().fit(X)
    copied = copy.copy(scaler)
    with nl.thaw(scaler):
        scaler.mean_[0] = 7.0
    scaler.transform(X)
    with pytest.raises(NormLockError, match="mean_"):
        copied.transform(X)


def test_another_thread_is_not_served_meanwhile():
    """While one thread thaws an object, a call by another raises; afterwards it is served."""
    scaler = StandardScaler().fit(X)
    raised = []

    def use() -> None:
        with contextlib.suppress(NormLockError):
            scaler.transform(X)
            return
        raised.append(True)

    for inside in (True, False):
        with nl.thaw(scaler) if inside else contextlib.nullcontext():
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
    assert raised == [True]


def test_an_interrupt_leaves_nothing_open(monkeypatch):
    """An interrupt in the middle of closing an object leaves it closed: what was changed is a mismatch."""
    from sklearn_normlock.seals import mixin, opening

    for module, act in ((mixin, lambda s: s.fit(X * 2)), (opening, thawed)):
        for name in ("seal", "open_with"):
            scaler = StandardScaler().fit(X)
            with monkeypatch.context() as patch:
                patch.setattr(module, name, interrupt)
                with pytest.raises(KeyboardInterrupt):
                    act(scaler)
            scaler.mean_ = np.zeros(3)
            with pytest.raises(NormLockError):
                scaler.transform(X)


def thawed(scaler) -> None:
    with nl.thaw(scaler):
        scaler.with_std = False


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


# -- an attribute of the name that a seal uses ------------------------------------------------------------------------


class Fingerprints(TransformerMixin, BaseEstimator):
    """A class of somebody else's with a fitted attribute of that name."""

    def fit(self, X, y=None):
        self.fingerprint_ = np.asarray(X)[0].copy()
        return self

    def transform(self, X):
        return np.asarray(X) - self.fingerprint_


def test_a_fingerprint_of_a_class_of_its_own_counts():
    """Where no seal keeps its own there, the attribute is state like any other: in a name, a lock and a pipeline."""
    one, other = Fingerprints().fit(X), Fingerprints().fit(X + 1.0)
    assert nl.fingerprint(one) != nl.fingerprint(other)
    assert [change.path for change in nl.compare(other, nl.lock(one)).changes] == ["fingerprint_"]
    model = make_pipeline(Fingerprints(), StandardScaler()).fit(X)
    model[0].fingerprint_ = X[1]
    with pytest.raises(PipelineMismatchError, match="fingerprint_"):
        model.transform(X)


def test_a_class_with_a_fingerprint_of_its_own_is_not_locked():
    """A seal would take its attribute away; whether its fit sets it or its class defines it, that is refused."""

    class Set(nl.Locked, Fingerprints):
        pass

    with pytest.raises(NormLockError, match="its fit sets one of its own"):
        Set().fit(X)

    class Defining(Fingerprints):
        fingerprint_ = property(lambda self: 1, lambda self, value: None)

    with pytest.raises(NormLockError, match="its class defines one of its own"):

        class Defined(nl.Locked, Defining):
            pass


# -- methods that are replaced on an object ---------------------------------------------------------------------------


def test_a_method_that_is_put_onto_an_object_is_listed():
    """A call of it checks nothing: it is listed, and whatever else is done with the object raises."""
    scaler, model = StandardScaler().fit(X), make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    scaler.transform = model[0].transform = np.abs
    why = "a method that stands on the object itself: a call of it checks nothing"
    assert blind_spots(scaler) == {"transform": why}
    assert "steps[0][1].transform" in blind_spots(model)
    for use in (lambda: scaler.inverse_transform(X), lambda: model.predict(X)):
        with pytest.raises(NormLockError, match="transform"):
            use()
    with pytest.raises(NormLockError, match="transform"):
        nl.dump(scaler, "never.joblib")
