"""Preprocessing that cannot drift unnoticed between training and serving.

Drop-in scikit-learn transformers that fingerprint their fitted state into the pipeline and raise on any mismatch
between training and serving::

    from sklearn_normlock.pipeline import make_pipeline
    from sklearn_normlock.preprocessing import StandardScaler
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import calibration as calibration
    from . import compose as compose
    from . import decomposition as decomposition
    from . import ensemble as ensemble
    from . import errors as errors
    from . import feature_extraction as feature_extraction
    from . import feature_selection as feature_selection
    from . import frozen as frozen
    from . import images as images
    from . import impute as impute
    from . import model_selection as model_selection
    from . import multiclass as multiclass
    from . import multioutput as multioutput
    from . import normalization as normalization
    from . import onnx as onnx
    from . import pipeline as pipeline
    from . import preprocessing as preprocessing
    from . import retrieval as retrieval
    from . import text as text
    from .config import config_context, get_config, set_config
    from .fingerprints import fingerprint
    from .gates.reference import ReferenceSet, pin
    from .gates.report import GateReport
    from .gates.running import gate
    from .guards.coverage import Coverage, coverage
    from .guards.diagnosis import diagnose
    from .guards.profile import Profile
    from .guards.reports import Diagnosis, ProfileDisplay
    from .guards.transformer import InputGuard
    from .locks.comparison import compare, diff, lock, verify
    from .locks.document import Lock
    from .locks.report import Report
    from .locks.trace import Trace, trace
    from .persistence import dump, load
    from .resealing import seal
    from .seals.mixin import Locked
    from .seals.opening import thaw, unlock
    from .seals.permission import allow_partial_fit
    from .trust import trusted_types

    __version__: str

__all__ = [
    "Coverage",
    "Diagnosis",
    "GateReport",
    "InputGuard",
    "Lock",
    "Locked",
    "Profile",
    "ProfileDisplay",
    "ReferenceSet",
    "Report",
    "Trace",
    "allow_partial_fit",
    "compare",
    "config_context",
    "coverage",
    "diagnose",
    "diff",
    "dump",
    "fingerprint",
    "gate",
    "get_config",
    "load",
    "lock",
    "pin",
    "seal",
    "set_config",
    "thaw",
    "trace",
    "trusted_types",
    "unlock",
    "verify",
]

# Where each name lives. Reading a record or printing the command's help needs neither scikit-learn nor NumPy, so that
# nothing is imported before it is asked for.
_HOMES = {
    "Coverage": "guards.coverage",
    "Diagnosis": "guards.reports",
    "GateReport": "gates.report",
    "InputGuard": "guards.transformer",
    "Lock": "locks.document",
    "Locked": "seals.mixin",
    "Profile": "guards.profile",
    "ProfileDisplay": "guards.reports",
    "ReferenceSet": "gates.reference",
    "Report": "locks.report",
    "Trace": "locks.trace",
    "allow_partial_fit": "seals.permission",
    "compare": "locks.comparison",
    "config_context": "config",
    "coverage": "guards.coverage",
    "diagnose": "guards.diagnosis",
    "diff": "locks.comparison",
    "dump": "persistence",
    "fingerprint": "fingerprints",
    "gate": "gates.running",
    "get_config": "config",
    "load": "persistence",
    "lock": "locks.comparison",
    "pin": "gates.reference",
    "seal": "resealing",
    "set_config": "config",
    "thaw": "seals.opening",
    "trace": "locks.trace",
    "trusted_types": "trust",
    "unlock": "seals.opening",
    "verify": "locks.comparison",
}
# Users import from these; ``sklearn_normlock.errors`` works without an import of its own.
_MODULES = frozenset(
    {
        "calibration",
        "compose",
        "decomposition",
        "ensemble",
        "errors",
        "feature_extraction",
        "feature_selection",
        "frozen",
        "images",
        "impute",
        "model_selection",
        "multiclass",
        "multioutput",
        "normalization",
        "onnx",
        "pipeline",
        "preprocessing",
        "retrieval",
        "text",
    }
)


if not TYPE_CHECKING:  # a checker that saw it would take any name for one of the package

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("sklearn-normlock")
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        from difflib import get_close_matches

        near = get_close_matches(name, [*_HOMES, *_MODULES], n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{meant}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
