"""What numbers are converted by: known units, temperatures and logarithms."""

from __future__ import annotations

import numpy as np

from .. import units

#: Conversion factors, and temperatures as (slope, offset, name).
FACTORS = (*units.POWERS, *units.FACTORS)
TEMPERATURES = tuple((*line, name) for line, name in units.TEMPERATURES.items())
#: Of each logarithm: its name, itself, its inverse, and the logarithm of the inverse's slope.
LOGS = (
    ("log", np.log, np.exp, lambda x: x),
    ("log1p", np.log1p, np.expm1, lambda x: x),
    ("log10", np.log10, lambda x: np.power(10.0, x), lambda x: x * np.log(10.0) + np.log(np.log(10.0))),
    ("log2", np.log2, np.exp2, lambda x: x * np.log(2.0) + np.log(np.log(2.0))),
)
