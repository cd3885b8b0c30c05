"""
An attribute set by hand
========================

A scaler from an old version does not load. The advice in `coala#3 <https://github.com/xavierfav/coala/issues/3>`__
and `hyperopt#697 <https://github.com/hyperopt/hyperopt/pull/697>`__ is to set the missing attribute by hand and to
pickle the object again. The number that is typed in decides what is served from then on.
"""

# %%
# Stock scikit-learn
# ------------------
# A variance is typed in where a standard deviation belongs.

import matplotlib.pyplot as plt
import numpy as np
from sklearn import pipeline, preprocessing
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError

X, y = load_diabetes(return_X_y=True, scaled=False)
model = pipeline.make_pipeline(preprocessing.StandardScaler(), Ridge()).fit(X[:300], y[:300])
locked = nl.seal(model)
before, predicted = model.score(X[300:], y[300:]), model.predict(X[300:])
model[0].scale_ = np.array(model[0].var_)
after = model.score(X[300:], y[300:])
print(f"R² {before:.3f}, then {after:.3f}")

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.scatter(y[300:], predicted, s=12, label=f"as fitted, R² {before:.2f}")
axes.scatter(y[300:], model.predict(X[300:]), s=12, label=f"patched, R² {after:.2f}")
axes.set(xlabel="progression of the disease", ylabel="predicted", title="A patched scaler")
axes.legend()
plt.show()

# %%
# Locked
# ------
# If it is meant, ``with nl.thaw(locked[0]): ...`` says so, and the object gets another fingerprint.

try:
    locked[0].scale_ = np.array(locked[0].var_)
    locked.predict(X[300:])
except NormLockError as error:
    print(error)
else:
    raise AssertionError("the patch was not noticed")
