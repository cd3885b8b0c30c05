"""
A scaler refitted on the data that it serves
============================================

``fit_transform`` where ``transform`` was meant is the most common mistake of all. It stood in an example of
`scikit-learn itself <https://github.com/scikit-learn/scikit-learn/pull/5800>`__. Nothing raises, as a scaler may be
fitted as often as you like.
"""

# %%
# Stock scikit-learn
# ------------------
# The model is trained on the first 400 tumours. The scaler is then refitted on the rest.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import PipelineMismatchError

X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:400], y[:400])
served = X[400:], y[400:]
before, p_before = model.score(*served), model.predict_proba(served[0])[:, 1]
model["standardscaler"].fit(served[0])
after, p_after = model.score(*served), model.predict_proba(served[0])[:, 1]
print(f"accuracy {before:.3f}, then {after:.3f}")

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.scatter(p_before, p_after, c=served[1], cmap="coolwarm", s=16)
axes.axline((0, 0), slope=1, color="grey", linewidth=1)
axes.set(
    xlabel="probability as trained", ylabel="probability after the refit", title="The same tumours, stock scikit-learn"
)
plt.show()

# %%
# Locked
# ------
# The locked pipeline knows which scaler its classifier was fitted behind.

locked = nl.seal(make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:400], y[:400]))
locked["standardscaler"].fit(served[0])
try:
    locked.predict(served[0])
except PipelineMismatchError as error:
    print(error)
else:
    raise AssertionError("the refit was not seen")
