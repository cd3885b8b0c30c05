"""Attributes that do not count, since they do not determine an output (clauses 7.3 to 7.5 of ``docs/spec.md``).

Each entry is a promise that its attribute may take any value without a change of output. A new entry changes
fingerprints and so belongs to a new version of the format; that is why the tables are short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .naming import cached

# For every estimator; those that begin with an underscore for every other object, too.
ALWAYS = frozenset(
    {
        # how to compute, not what
        "n_jobs",
        "verbose",
        # written by scikit-learn: the container of outputs, metadata requests, callbacks, the version it checks itself
        "_sklearn_output_config",
        "_sklearn_version",
        "_metadata_request",
        "_skl_callbacks",
        "_callback_fit_ctx",
        "_parent_callback_ctx",
        # documentation, which one Python indents and another doesn't
        "__doc__",
    }
)

# Columns of ``cv_results_`` that tell the time.
TIMES = frozenset({"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"})

# Attributes that tools write onto an estimator.
PREFIXES = ("_normlock_", "_mlflow_", "_wandb_", "_comet_", "_neptune_")

# Among the first: set where partial_fit is allowed, wherever the object goes.
PARTIAL_FIT = "_normlock_partial_fit"

# sklearnex: what it computes with, and how many threads it took.
_ONEDAL = frozenset({"_onedal_estimator", "_cached_estimators_", "_n_threads"})

# For a class and its subclasses, by the name of the class as it stands in its module.
BY_CLASS: dict[str, frozenset[str]] = {
    # Kept by a seal. A class without one may keep a fitted attribute of its own by this name.
    "sklearn_normlock.seals.mixin.Locked": frozenset({"fingerprint_"}),
    # Where results are cached. A class of somebody else's may mean anything by this name.
    "sklearn.pipeline.Pipeline": frozenset({"memory"}),
    "sklearn.cluster._agglomerative.AgglomerativeClustering": frozenset({"memory"}),
    "sklearn.cluster._hdbscan.hdbscan.HDBSCAN": frozenset({"memory"}),
    "hdbscan.hdbscan_.HDBSCAN": frozenset({"memory"}),
    # The wall clock.
    "sklearn.model_selection._search.BaseSearchCV": frozenset({"refit_time_"}),
    # A view of the members under their names.
    "sklearn.ensemble._base._BaseHeterogeneousEnsemble": frozenset({"named_estimators_"}),
    # The tree that partial_fit goes on from: cyclic, and predict and transform read the subclusters beside it.
    "sklearn.cluster._birch.Birch": frozenset({"root_", "dummy_leaf_"}),
    # The address of a list, to check it for inconsistencies once.
    "sklearn.feature_extraction.text._VectorizerMixin": frozenset({"_stop_words_id"}),
    # "Provided only for introspection and can be safely removed", says scikit-learn; up to 1.6.
    "sklearn.feature_extraction.text.CountVectorizer": frozenset({"stop_words_"}),
    # Caches that are filled when they are first used.
    "sklearn.preprocessing._label.MultiLabelBinarizer": frozenset({"_cached_dict"}),
    "sklearn.pipeline.FeatureUnion": frozenset({"_transformers_feature_names_out"}),
    "sklearn.compose._column_transformer.ColumnTransformer": frozenset({"_transformers_feature_names_out"}),
    "skrub._minhash_encoder.MinHashEncoder": frozenset({"hash_dict_"}),
    "sklearn.neural_network._rbm.BernoulliRBM": frozenset({"random_state_"}),
    # The fitted state in a form of oneDAL's, beside the fitted attributes; made anew from these where it is missing.
    "sklearnex.cluster.dbscan.DBSCAN": _ONEDAL,
    "sklearnex.cluster.k_means.KMeans": _ONEDAL,
    "sklearnex.decomposition.pca.PCA": _ONEDAL,
    "sklearnex.ensemble._forest.BaseForest": _ONEDAL,
    "sklearnex.linear_model._base_linear_model._BaseLinearModel": _ONEDAL,
    "sklearnex.linear_model.logistic_regression.LogisticRegression": _ONEDAL,
    "sklearnex.neighbors.common.KNeighborsDispatchingBase": _ONEDAL,
    "sklearnex.svm._base.BaseSVM": _ONEDAL,
}

# Parameters of a member that its owner sets anew for each call.
BY_MEMBER: dict[tuple[str, str], frozenset[str]] = {
    ("sklearn.preprocessing._discretization.KBinsDiscretizer", "_encoder"): frozenset({"dtype"}),
}

# Parameters that are templates once a fitted counterpart exists: scikit-learn clones them and fits the clone. Whoever
# holds the template may go on using it; its parameters count, its fitted state does not.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "transformers": ("transformers_",),
    "transformer": ("transformer_",),
    "regressor": ("regressor_",),
    "estimator": ("estimator_", "estimators_", "best_estimator_", "calibrated_classifiers_", "ranking_"),
    "base_estimator": ("estimator_", "estimators_"),
    "estimators": ("estimators_",),
    "final_estimator": ("final_estimator_",),
    "kernel": ("kernel_",),
}


def counted(cls: type, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that count, by the exclusion tables (clauses 7.3 and 7.4)."""
    return {name: attributes[name] for name in counted_names(cls, tuple(attributes))}


@cached
def counted_names(cls: type, names: tuple[str, ...]) -> list[str]:
    """Return those of the names of attributes that count, sorted."""
    # The n_jobs of an estimator is known; that of another object is not.
    excluded = {n for n in ALWAYS if n[0] == "_" or hasattr(cls, "get_params")}
    for base in cls.__mro__:
        excluded |= BY_CLASS.get(f"{base.__module__}.{base.__qualname__}", frozenset())
    return sorted(name for name in names if name not in excluded and not name.startswith(PREFIXES))
