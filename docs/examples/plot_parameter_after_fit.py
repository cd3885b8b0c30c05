"""
A parameter set after the fit
=============================

Configuration is applied at start-up with ``set_params``, to an object that is fitted already. Some parameters are
read at every call. We measured it: one word in a file, ``with_mean`` edited to false, took accuracy from 0.944 to
0.371.
"""

# %%
# Stock scikit-learn
# ------------------

import matplotlib.pyplot as plt
from sklearn import pipeline, preprocessing
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.errors import PipelineMismatchError

X, y = load_breast_cancer(return_X_y=True)
model = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression()).fit(X[:400], y[:400])
locked = nl.seal(model)
before = model.score(X[400:], y[400:])
settings = {"standardscaler__with_mean": False}  # from a file, say
model.set_params(**settings)
after = model.score(X[400:], y[400:])
print(f"accuracy {before:.3f}, then {after:.3f}")

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.bar(["as fitted", "with_mean=False"], [before, after], color=["tab:green", "tab:red"])
axes.set(ylabel="accuracy", title="No error, no warning")
plt.show()

# %%
# Locked
# ------

locked.set_params(**settings)
try:
    locked.predict(X[400:])
except PipelineMismatchError as error:
    print(error)
else:
    raise AssertionError("the parameter was not noticed")
