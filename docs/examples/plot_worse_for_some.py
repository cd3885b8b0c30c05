"""
A better model that is worse for some
=====================================

A new pipeline is better on average, and worse for a group that matters. An average hides it. The gate judges every
cohort by the paired interval of its change.
"""

# %%
# Two models
# ----------
# The new one was trained with few examples of the digit 8.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import sklearn_normlock as nl

X, y = load_digits(return_X_y=True)
old = make_pipeline(StandardScaler(), LogisticRegression(C=0.0003, max_iter=300)).fit(X[:600], y[:600])
kept = np.flatnonzero((y[:600] != 8) | (np.arange(600) % 150 == 0))
new = make_pipeline(StandardScaler(), SVC()).fit(X[kept], y[kept])
X_test, y_test = X[600:], y[600:]
print(f"accuracy, old {old.score(X_test, y_test):.3f}, new {new.score(X_test, y_test):.3f}")

# %%
# The gate
# --------

digit = np.where(y_test == 8, "eight", "another")
report = nl.gate(old, new, X_test, y_test, cohorts={"digit": digit})
print(report.explain())
assert report.answer == "mismatch"

groups = ["all", "another", "eight"]
rows = [np.full(len(y_test), True), digit == "another", digit == "eight"]
change = [new.score(X_test[r], y_test[r]) - old.score(X_test[r], y_test[r]) for r in rows]
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.barh(groups, change, color=["tab:green" if c >= 0 else "tab:red" for c in change])
axes.axvline(0, color="grey", linewidth=1)
axes.set(xlabel="change of accuracy")
plt.show()
