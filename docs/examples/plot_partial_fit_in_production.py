"""
A scaler that goes on learning in production
============================================

A service calls ``partial_fit`` on what it serves, to keep the scaler fresh. The classifier behind it was trained on
the old scale and is never told. `scikit-learn#5800 <https://github.com/scikit-learn/scikit-learn/pull/5800>`__ is
the same mistake in one step.
"""

# %%
# Stock scikit-learn
# ------------------
# Batches of larger tumours arrive one after the other.

import pickle

import matplotlib.pyplot as plt
from sklearn import pipeline, preprocessing
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError

X, y = load_breast_cancer(return_X_y=True)
trained = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression()).fit(X[:200], y[:200])
sealed = pickle.dumps(nl.seal(trained))  # as a service gets it: a file
rows = X[200:, 3] > 550
later, y_later = X[200:][rows], y[200:][rows]
accuracy = [trained.score(later, y_later)]
for start in range(0, len(later) * 8, 20):
    batch = later[start % len(later) :][:20]
    trained[0].partial_fit(batch)
    accuracy.append(trained.score(later, y_later))
print(f"accuracy {accuracy[0]:.3f}, then {accuracy[-1]:.3f}")

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.plot(accuracy)
axes.set(xlabel="batches learned by the scaler", ylabel="accuracy", title="The scaler moves, the classifier does not")
plt.show()

# %%
# Locked
# ------

served = pickle.loads(sealed)
try:
    served[0].partial_fit(later[:20])
except NormLockError as error:
    print(error)
else:
    raise AssertionError("the scaler went on learning")
