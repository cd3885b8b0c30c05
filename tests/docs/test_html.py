"""The diagram in a notebook: scikit-learn's own, with a line above it that says whether the seal holds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import make_column_transformer
from sklearn_normlock.errors import PipelineMismatchError
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

HOSTILE = "</span><script>alert('\"&')</script>"


def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(50, 9, 40), HOSTILE: rng.exponential(30, 40)})
    return X, (X["age"] > 50).astype(int)


def pipeline():
    return make_pipeline(
        make_column_transformer((StandardScaler(), ["age"]), (MinMaxScaler(), [HOSTILE])), LogisticRegression()
    )


def shown(obj):
    """Return the badge and the diagram, the same in both of the ways by which a notebook may ask for them."""
    html, bundle = obj._repr_html_(), obj._repr_mimebundle_()
    assert without_ids(bundle["text/html"]) == without_ids(html)
    assert bundle["text/plain"] == repr(obj)
    start = html.index("<style")  # where scikit-learn's begins
    return html[:start], html[start:]


def without_ids(html):
    """Each rendering numbers its elements anew."""
    return re.sub(r"(?<=-id-)[0-9a-f-]+", "", html)


def links(html):
    return re.findall(r'href="(https?://[^"]*)"', html)


def text(badge):
    return re.sub(r"<[^>]*>", "", badge)


def test_unfitted_is_unchanged():
    """Before the fit there is nothing to say: the diagram is scikit-learn's, byte for byte."""
    locked = pipeline()
    badge, diagram = shown(locked)
    assert badge == ""
    assert without_ids(diagram) == without_ids(nl.unlock(locked)._repr_html_())


def test_locked():
    """A fitted pipeline shows once, above the diagram, that it is locked and the beginning of its fingerprint."""
    locked = pipeline().fit(*data())
    badge, diagram = shown(locked)
    assert re.fullmatch(r"\S+ locked nl1-sha256:[0-9a-f]{8}… · calls see all of it", text(badge))
    assert locked.fingerprint_.startswith(text(badge).split()[2][:-1])
    assert "sk-top-container" in diagram
    assert " locked</b>" not in diagram


@pytest.mark.parametrize(("trees", "more"), [(1, ""), (2, ""), (5, " and 3 more")])
def test_parts_that_calls_do_not_see(trees, more):
    """The first parts that only a dump and a load see are named with the reason, the others are counted."""
    X, y = data()
    forest = RandomForestClassifier(n_estimators=trees, random_state=0)
    badge, _ = shown(make_pipeline(StandardScaler(), forest).fit(X[["age"]], y))
    paths = [f"steps[1][1].estimators_[{i}].tree_ (memory of a compiled object)" for i in range(min(trees, 2))]
    assert text(badge).endswith(f"· calls see all but {', '.join(paths)}{more}, seen at dump and load")


def test_altered():
    """An altered pipeline shows what the error would say, as text: a feature's name can't put markup into the page."""
    X, y = data()
    locked = pipeline().fit(X, y)
    locked[0].named_transformers_["minmaxscaler"].fit(X[[HOSTILE]] * 2)
    with pytest.raises(PipelineMismatchError) as raised:
        locked.predict(X)
    badge, diagram = shown(locked)
    assert HOSTILE in str(raised.value).replace('\\"', '"')
    assert "altered" in badge
    assert " locked</b>" not in badge
    assert "<script>alert" not in badge
    assert "&lt;script&gt;alert" in badge
    assert "overflow-wrap:anywhere" in badge  # or a long name pushes the rest off the page
    assert "sk-top-container" in diagram


def test_the_altered_step_is_framed():
    """The label of the step that was altered gets a frame, in its own diagram alone; nothing does in an intact one."""
    X, y = data()
    locked = pipeline().fit(X, y)
    _, intact = shown(locked)
    if "data-param-prefix" not in intact:
        pytest.skip("this scikit-learn doesn't write which step a box is of")
    assert "outline: 2px" not in intact
    locked[0].named_transformers_["minmaxscaler"].fit(X[[HOSTILE]] * 2)
    _, diagram = shown(locked)
    style = diagram.rpartition("<style>")[2]
    (container, prefix) = re.match(r'#(\S+) .*data-param-prefix="(\w+)"', style).groups()
    assert prefix == "columntransformer__minmaxscaler__" and f'id="{container}"' in diagram


def test_a_name_that_would_end_the_style_frames_nothing():
    """A step's name is the user's: one with markup is in no style."""
    X, y = data()
    locked = Pipeline([("<b>", StandardScaler()), ("model", LogisticRegression())]).fit(X[["age"]], y)
    locked[0].fit(X[["age"]] * 2)
    assert "outline: 2px" not in shown(locked)[1]


@pytest.mark.parametrize("policy", ["raise", "warn", "ignore"])
def test_looking_neither_raises_nor_warns_nor_seals(policy):
    """A diagram says what is, whatever the policy, and leaves it as it is."""
    X, y = data()
    locked = pipeline().fit(X, y)
    before = locked.fingerprint_
    with nl.config_context(policy=policy):
        assert "locked" in shown(locked)[0]
        locked.set_params(logisticregression__C=7.0)
        assert "altered" in shown(locked)[0]
    assert locked.fingerprint_ == before
    with pytest.raises(PipelineMismatchError):
        locked.predict(X)
    locked.set_params(logisticregression__C=1.0)
    assert " locked</b>" in shown(locked)[0]
    assert locked.predict(X).shape == (40,)


def test_a_part_that_is_altered():
    """Each locked part has a badge of its own when it is shown by itself."""
    X, y = data()
    locked = pipeline().fit(X, y)
    scaler = locked[0].named_transformers_["standardscaler"]
    assert " locked</b>" in shown(scaler)[0]
    scaler.with_std = False
    assert "with_std True when fitted, False now" in text(shown(scaler)[0])


def test_without_a_fingerprint():
    """What has no stable name is neither locked nor altered: the badge says how far the seal reaches, and why."""
    X, y = data()
    badge, _ = shown(make_pipeline(FunctionTransformer(lambda values: values), LogisticRegression()).fit(X, y))
    assert "watched in this process only" in badge
    assert "lambda&gt;" in badge
    assert "<lambda>" not in badge


def test_links_to_the_documentation_are_kept():
    """The diagram links scikit-learn's documentation of the same classes, fitted or not."""
    locked = pipeline()
    expected = links(nl.unlock(locked)._repr_html_())
    assert any(link.endswith("/sklearn.preprocessing.MinMaxScaler.html") for link in expected)
    assert links(locked._repr_html_()) == expected
    locked.fit(*data())
    assert links(locked._repr_html_()) == links(nl.unlock(locked)._repr_html_())


def test_display_as_text():
    """Where scikit-learn is told to show no diagram, there is none, and no badge."""
    locked = pipeline().fit(*data())
    with config_context(display="text"):
        assert locked._repr_mimebundle_() == {"text/plain": repr(locked)}
        with pytest.raises(AttributeError):
            locked._repr_html_()


def test_a_class_without_diagrams():
    """A locked class whose parent has no diagram is shown as its text."""

    class Plain:
        def fit(self, X, y=None):
            self.width_ = len(X[0])
            return self

        def get_params(self, deep=True):
            return {}

    class LockedPlain(nl.Locked, Plain):
        pass

    plain = LockedPlain().fit([[1, 2]])
    assert plain._repr_mimebundle_() == {"text/plain": repr(plain)}
