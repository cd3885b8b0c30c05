"""
Data that is scaled twice
=========================

A service scales its input, and so does the pipeline. `scikit-learn#5800
<https://github.com/scikit-learn/scikit-learn/pull/5800>`__ shows how easily scaling is misplaced even in an
official example. An array that is scaled twice has the right shape and type.
"""

# %%
# Stock scikit-learn
# ------------------
# The client applies the very scaler that is in the pipeline.

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

served = stock[0].transform(X_test)
right, wrong = stock.score(X_test, y_test), stock.score(served, y_test)
print(f"accuracy {right:.3f}, served {wrong:.3f}")


figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.boxplot([stock.decision_function(X_test), stock.decision_function(served)], showfliers=False)
axes.set_xticks([1, 2], [f"right input\naccuracy {right:.2f}", f"served\naccuracy {wrong:.2f}"])
axes.axhline(0, color="grey", linewidth=1)
axes.set(ylabel="decision function", title="Scaled once, scaled twice")
plt.show()

# %%
# Guarded
# -------
# The guard is the first step. It learned a profile of the training data, which holds no rows.

try:
    guarded.predict(served)
except InputFaultError as error:
    print(error)
    assert error.actual.fault == "double_normalised"
else:
    raise AssertionError("the fault was not noticed")
