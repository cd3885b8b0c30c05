"""What numbers are converted by: known units, temperatures and logarithms."""

from __future__ import annotations

import numpy as np

#: Conversion factors: thousands, minutes, inches, miles, feet, pounds, ounces, gallons, calories, dozens, days.
FACTORS = (10.0, 12.0, 24.0, 60.0, 100.0, 1000.0, 3600.0, 1e6, 2.54, 25.4, 1.609344, 0.3048, 0.45359237, 453.59237,
           28.349523125, 3.785411784, 4.184, 3.6, 6.894757, 1.8)  # fmt: skip
#: Temperatures: x = factor * y + offset.
TEMPERATURES = (
    (1.8, 32.0, "°C to °F"),
    (1 / 1.8, -32 / 1.8, "°F to °C"),
    (1.0, 273.15, "°C to K"),
    (1.0, -273.15, "K to °C"),
)
#: Of each logarithm: its name, itself, its inverse, and the logarithm of the inverse's slope.
LOGS = (
    ("log", np.log, np.exp, lambda x: x),
    ("log1p", np.log1p, np.expm1, lambda x: x),
    ("log10", np.log10, lambda x: np.power(10.0, x), lambda x: x * np.log(10.0) + np.log(np.log(10.0))),
    ("log2", np.log2, np.exp2, lambda x: x * np.log(2.0) + np.log(np.log(2.0))),
)
