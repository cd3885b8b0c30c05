"""Drop-ins for :mod:`sklearn.calibration`; what keeps no state is passed on as it is."""

from sklearn import calibration as stock
from sklearn.calibration import (
    CalibrationDisplay,
    calibration_curve,
)

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "CalibratedClassifierCV",
    "CalibrationDisplay",
    "calibration_curve",
]


class CalibratedClassifierCV(Locked, stock.CalibratedClassifierCV):
    pass


__getattr__ = missing(__name__)
