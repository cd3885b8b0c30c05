"""
A scaler fitted on each request
===============================

``fit_transform`` runs on every batch that is served. `EconML#206 <https://github.com/py-why/EconML/issues/206>`__
and `XenonPy#243 <https://github.com/yoshida-lab/XenonPy/issues/243>`__ report it. Each batch then has mean 0 and
deviation 1, whatever is in it.
"""

# %%
# Stock scikit-learn
# ------------------
# A clinic sends its larger tumours first. Scaled by their own mean, they look average.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
scaler = StandardScaler().fit(X_train)
model = LogisticRegression().fit(scaler.transform(X_train), y_train)
batch = X_test[:, 0] > np.median(X_test[:, 0])
served = StandardScaler().fit_transform(X_test[batch])

right, wrong = model.score(scaler.transform(X_test[batch]), y_test[batch]), model.score(served, y_test[batch])
print(f"accuracy {right:.3f}, served {wrong:.3f}")


figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.hist([scaler.transform(X_test[batch])[:, 0], served[:, 0]], bins=20, label=["right scaler", "scaler of the batch"])
axes.set(xlabel="mean radius, scaled", ylabel="tumours", title=f"Accuracy {right:.2f} and {wrong:.2f}")
axes.legend()
plt.show()

# %%
# Guarded
# -------
# The guard is the first step. It learned a profile of the training data, which holds no rows.

guarded = make_pipeline(nl.InputGuard(on_fault="raise"), LogisticRegression()).fit(scaler.transform(X_train), y_train)
try:
    guarded.predict(served)
except InputFaultError as error:
    print(error)
    assert error.actual.fault == "batch_standardised"
else:
    raise AssertionError("the fault was not noticed")
