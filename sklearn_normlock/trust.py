"""The types that a ``.skops`` file may hold by default, each with the reason why it may.

skops trusts scikit-learn's estimators by itself, and nothing that they are made of. The types here are those that
scikit-learn's own estimators need beside that. Each was read with one question: can building it, or a later call of
it, run anything that the file chose? A function in a file is a type of its own to skops, so that whatever only holds
one (a scorer, a partial) runs nothing that isn't trusted itself.

Three kinds are left out on purpose. SciPy's distributions execute a text of their state when they are built. Distances
with vectors of their own are read by compiled code that doesn't look at their length. Functions are the user's.
"""

from __future__ import annotations

from functools import lru_cache

from .bounds import CHECKED_TYPES
from .drop_ins import drop_ins

__all__ = ["TRUSTED", "default_trust", "trusted_types"]

_METRICS = "sklearn.metrics._dist_metrics"
_PLAIN_DISTANCES = (
    "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Manhattan RogersTanimoto RussellRao "
    "SokalSneath Yule"
).split()
_SPLITTERS = (
    "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut PredefinedSplit "
    "RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit "
    "TimeSeriesSplit _CVIterableWrapper"
).split()
_KERNELS = (
    "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern PairwiseKernel Product RBF "
    "RationalQuadratic Sum WhiteKernel"
).split()
_SCORES = {
    "_classification": "accuracy_score balanced_accuracy_score brier_score_loss f1_score jaccard_score log_loss "
    "matthews_corrcoef precision_score recall_score",
    "_ranking": "average_precision_score roc_auc_score top_k_accuracy_score",
    "_regression": "d2_absolute_error_score explained_variance_score max_error mean_absolute_error "
    "mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error "
    "mean_squared_log_error median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error",
    "cluster._supervised": "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score "
    "homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score",
}
_SELECTION = "sklearn.feature_selection._univariate_selection"
_REQUESTS = "sklearn.utils._metadata_requests"

#: Why these may be trusted -> their names.
TRUSTED: dict[str, tuple[str, ...]] = {
    "a value: an array type, a matrix, a spline, a list or a dict by another name": (
        "numpy.dtype",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.interpolate._bsplines._BSpline",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.impute._iterative._ImputerTriplet",
        "sklearn.utils._bunch.Bunch",
        f"{_REQUESTS}.MetadataRequest",
        f"{_REQUESTS}.MethodMetadataRequest",
    ),
    "an estimator that skops doesn't list: it is experimental, or part of another": (
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.impute._iterative.IterativeImputer",
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    ),
    "a loss: arithmetic on arrays": (
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
    ),
    "a kernel of a Gaussian process: arithmetic on arrays": tuple(
        f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS
    ),
    "a distance without vectors of its own": tuple(
        f"{_METRICS}.{name}Distance{bits}" for name in _PLAIN_DISTANCES for bits in ("", "32", "64")
    ),
    "a splitter of rows": tuple(f"sklearn.model_selection._split.{name}" for name in _SPLITTERS),
    "it holds a function, which has to be trusted itself": (
        "functools.partial",
        "sklearn.compose._column_transformer.make_column_selector",
        *(
            f"sklearn.metrics._scorer.{name}"
            for name in ("_CurveScorer", "_MultimetricScorer", "_PassthroughScorer", "_Scorer")
        ),
    ),
    "a function of arrays, without a side effect": (
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.utils.validation.check_array",
        *(f"{_SELECTION}.{name}" for name in ("chi2", "f_classif", "f_regression", "r_regression")),
        *(f"sklearn.feature_selection._mutual_info.mutual_info_{kind}" for kind in ("classif", "regression")),
        *(f"sklearn.metrics.{module}.{name}" for module, names in _SCORES.items() for name in names.split()),
    ),
    # A transformer that is no drop-in: of its state, which is text and numbers, loading makes a profile.
    "this package's guard": ("sklearn_normlock.guards.transformer.InputGuard",),
    "this package's norm layers: arithmetic on arrays": tuple(
        f"sklearn_normlock.normalization.{name}"
        for name in ("BatchNorm", "GroupNorm", "L2Norm", "LayerNorm", "RMSNorm")
    ),
    # Graphs run no code but onnxruntime's own operators.
    "this package's encoders": tuple(
        f"sklearn_normlock.onnx.{name}"
        for name in ("ClsPooling", "LastTokenPooling", "MeanPooling", "OnnxTransformer", "Truncate")
    ),
    # Its state is the JSON of a tokenizer, which its library parses.
    "this package's tokenizer": ("sklearn_normlock.text.Tokenizer",),
    # Its state is names and numbers, which it looks up in tables of its own.
    "this package's preprocessing of images": ("sklearn_normlock.images.ImagePreprocessor",),
}


@lru_cache(maxsize=1)
def trusted_types() -> tuple[str, ...]:
    """Return the names of the types that need no review of yours, for the ``trusted=`` of :func:`skops.io.load`.

    They are this package's classes, and what scikit-learn's own estimators are made of. The list is fixed by the
    installed version of this package; nothing of it is read from an artifact. skops trusts scikit-learn's own
    estimators by itself. :func:`sklearn_normlock.load` trusts decision trees and neighbour trees besides: it looks at
    their indices, which skops doesn't do.

    Returns
    -------
    names : tuple of str
        Such as ``"sklearn_normlock.preprocessing.StandardScaler"``, sorted.

    Examples
    --------
    >>> import skops.io, sklearn_normlock as nl
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> data = skops.io.dumps(StandardScaler().fit([[0.0], [2.0]]))
    >>> skops.io.loads(data, trusted=nl.trusted_types()).mean_
    array([1.])
    """
    ours = {f"{cls.__module__}.{cls.__name__}" for cls in drop_ins().values()}
    return tuple(sorted(ours.union(*TRUSTED.values())))


def default_trust() -> tuple[str, ...]:
    """Return what :func:`sklearn_normlock.load` trusts: what it builds is looked at by :mod:`.bounds`."""
    return (*trusted_types(), *CHECKED_TYPES)
