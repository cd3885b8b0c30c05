"""
One scaler in two pipelines
===========================

A pipeline does not copy its steps. A scaler that stands in two pipelines is fitted again when the second is fitted,
and the first goes wrong. The report is `scikit-learn#8157
<https://github.com/scikit-learn/scikit-learn/issues/8157>`__; the discussion about copying steps is from 2017.
"""

# %%
# Stock scikit-learn
# ------------------
# A scaler is shared by a model for all tumours and by a model for the larger ones.

import matplotlib.pyplot as plt
from sklearn import pipeline, preprocessing
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from sklearn_normlock.errors import PipelineMismatchError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
larger = X[:, 3] > 550

scaler = preprocessing.StandardScaler()
everyone = pipeline.make_pipeline(scaler, LogisticRegression()).fit(X, y)
before, p_before = everyone.score(X, y), everyone.decision_function(X)
pipeline.make_pipeline(scaler, LogisticRegression()).fit(X[larger], y[larger])
after, p_after = everyone.score(X, y), everyone.decision_function(X)
print(f"accuracy of the first model: {before:.3f}, then {after:.3f}")

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.hist([p_before, p_after], bins=40, label=["alone", "after the second fit"], histtype="step")
axes.set(xlabel="decision function of the first model", ylabel="tumours", title="Nobody touched the first model")
axes.legend()
plt.show()

# %%
# Locked
# ------
# The first pipeline notices at its next call.

scaler = StandardScaler()
everyone = make_pipeline(scaler, LogisticRegression()).fit(X, y)
make_pipeline(scaler, LogisticRegression()).fit(X[larger], y[larger])
try:
    everyone.predict(X)
except PipelineMismatchError as error:
    print(error)
else:
    raise AssertionError("the second fit was not noticed")
