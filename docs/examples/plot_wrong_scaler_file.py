"""
Last year's scaler beside this year's model
===========================================

Scaler and model are two files, and nothing holds them together. `keras#12862
<https://github.com/keras-team/keras/issues/12862>`__ asks how to keep them in step. Here the scaler of an older
training is deployed with the newer model: both files are sound.
"""

# %%
# Stock scikit-learn
# ------------------

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import LockMismatchError

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
last_year, this_year = MinMaxScaler().fit(X_train), StandardScaler().fit(X_train)
model = LogisticRegression().fit(this_year.transform(X_train), y_train)

folder = Path(tempfile.mkdtemp())
joblib.dump(this_year, folder / "scaler.joblib")
joblib.dump(model, folder / "model.joblib")
lock = nl.lock({"scaler": this_year, "model": model})
joblib.dump(last_year, folder / "scaler.joblib")  # a deployment copies the wrong file

scaler, model = joblib.load(folder / "scaler.joblib"), joblib.load(folder / "model.joblib")
right, wrong = model.score(this_year.transform(X_test), y_test), model.score(scaler.transform(X_test), y_test)
print(f"accuracy {right:.3f}, deployed {wrong:.3f}")

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
for values, label in ((this_year.transform(X_test), "as in training"), (scaler.transform(X_test), "deployed")):
    axes.scatter(values[:, 0], values[:, 12], s=16, label=label)
axes.set(xlabel="alcohol, scaled", ylabel="proline, scaled", title=f"Accuracy {right:.2f} and {wrong:.2f}")
axes.legend()
plt.show()

# %%
# Locked
# ------
# One lock binds both files. It names the one that is wrong, and how.

try:
    nl.verify({"scaler": scaler, "model": model}, lock)
except LockMismatchError as error:
    print(error)
else:
    raise AssertionError("the wrong scaler was not noticed")
