"""
Requests that were never scaled
===============================

The notebook said 0.00038 and the server 0.995: `fraud-detection#35
<https://github.com/rh-aiservices-bu/fraud-detection/issues/35>`__. The model was served without the scaler that it
was trained behind.
"""

# %%
# Stock scikit-learn
# ------------------
# The classifier alone is deployed, and gets raw numbers.

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
served = X_test
right, wrong = model.score(scaler.transform(X_test), y_test), model.score(served, y_test)
print(f"accuracy {right:.3f}, served {wrong:.3f}")


figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
bins = np.linspace(0, 1, 21)
axes.hist(model.predict_proba(scaler.transform(X_test))[:, 1], bins, label="notebook", histtype="step")
axes.hist(model.predict_proba(served)[:, 1], bins, label="server", histtype="step")
axes.set(xlabel="probability", ylabel="tumours", title=f"Accuracy {right:.2f} and {wrong:.2f}")
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
    assert error.actual.fault == "not_normalised"
else:
    raise AssertionError("the fault was not noticed")
