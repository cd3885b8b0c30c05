"""
A column in another unit
========================

A feed changes from one unit to another. `anemoi-inference#511
<https://github.com/ecmwf/anemoi-inference/issues/511>`__ has units in a checkpoint that data must match. Nothing in
an array says which unit it is in.
"""

# %%
# Stock scikit-learn
# ------------------
# The areas arrive in square centimetres instead of square millimetres.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
guarded = make_pipeline(nl.InputGuard(on_fault="raise"), StandardScaler(), LogisticRegression())
guarded = guarded.fit(X_train, y_train)
stock = nl.unlock(make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train))

served = X_test.copy()
areas = [3, 13, 23]
served[:, areas] /= 100

right, wrong = stock.score(X_test, y_test), stock.score(served, y_test)
print(f"accuracy {right:.3f}, served {wrong:.3f}")


figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.scatter(X_train[:, 0], X_train[:, 3], s=8, label="training")
axes.scatter(served[:, 0], served[:, 3], s=8, label="served")
axes.set(xlabel="mean radius", ylabel="mean area", title=f"Accuracy {right:.2f} and {wrong:.2f}")
axes.legend()
plt.show()

# %%
# Guarded
# -------
# The guard is the first step. It learned a profile of the training data, which holds no rows.

try:
    guarded.predict(served)
except InputFaultError as error:
    print(error)
    assert error.actual.fault == "unit_changed"
else:
    raise AssertionError("the fault was not noticed")
