"""Drop-ins for :mod:`sklearn.model_selection`; what is no estimator is passed on as it is."""

# scikit-learn hides the halving searches until this module is imported.
import sklearn.experimental.enable_halving_search_cv  # noqa: F401
from sklearn import model_selection as stock
from sklearn.model_selection import (
    BaseCrossValidator,
    BaseShuffleSplit,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LearningCurveDisplay,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    ParameterGrid,
    ParameterSampler,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    ValidationCurveDisplay,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "BaseCrossValidator",
    "BaseShuffleSplit",
    "GridSearchCV",
    "GroupKFold",
    "GroupShuffleSplit",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "KFold",
    "LearningCurveDisplay",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "ParameterGrid",
    "ParameterSampler",
    "PredefinedSplit",
    "RandomizedSearchCV",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
    "ValidationCurveDisplay",
    "check_cv",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "permutation_test_score",
    "train_test_split",
    "validation_curve",
]


class GridSearchCV(Locked, stock.GridSearchCV):
    pass


class HalvingGridSearchCV(Locked, stock.HalvingGridSearchCV):
    pass


class HalvingRandomSearchCV(Locked, stock.HalvingRandomSearchCV):
    pass


class RandomizedSearchCV(Locked, stock.RandomizedSearchCV):
    pass


if hasattr(stock, "FixedThresholdClassifier"):

    class FixedThresholdClassifier(Locked, stock.FixedThresholdClassifier):
        pass

    __all__ += ["FixedThresholdClassifier"]


if hasattr(stock, "TunedThresholdClassifierCV"):

    class TunedThresholdClassifierCV(Locked, stock.TunedThresholdClassifierCV):
        pass

    __all__ += ["TunedThresholdClassifierCV"]


__getattr__ = missing(__name__, {"FixedThresholdClassifier": "1.5", "TunedThresholdClassifierCV": "1.5"})
