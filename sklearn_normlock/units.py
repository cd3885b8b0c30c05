"""The units that numbers are converted between: one table for a diff of states and for a diagnosis of data.

Factors are exact by definition (international yard and pound, thermochemical calorie) or rounded to 13 digits (psi).
"""

from __future__ import annotations

import math

__all__ = ["CLOSE_FACTORS", "FACTORS", "POWERS", "TEMPERATURES"]

#: Powers of ten between units that differ by a prefix, or by a percentage; they go without a name.
POWERS = (10.0, 100.0, 1000.0, 1e6)

#: The factor of a number when its unit changes, and the units on both sides; data tell these apart.
FACTORS = {
    12.0: "months and years, inches and feet",
    24.0: "hours and days",
    60.0: "seconds, minutes and hours",
    3600.0: "seconds and hours",
    86400.0: "seconds and days",
    2.54: "centimetres and inches",
    25.4: "millimetres and inches",
    0.3048: "metres and feet",
    1.609344: "kilometres and miles",
    3.6: "metres per second and kilometres per hour, megajoules and kilowatt hours",
    0.45359237: "kilograms and pounds",
    453.59237: "grams and pounds",
    28.349523125: "grams and ounces",
    3.785411784: "litres and gallons",
    4.184: "joules and calories",
    6.894757293168: "kilopascals and psi",
    1.8: "differences in °C and °F",
}

#: Factors that only an exact ratio tells: each is so close to another, or to none at all, that noisy data can't.
CLOSE_FACTORS = {
    7.0: "days and weeks",
    0.9144: "metres and yards",
    1.852: "kilometres and nautical miles",
    6894.757293168: "pascals and psi",
    1024.0: "binary multiples",
    1048576.0: "binary multiples",
    180.0 / math.pi: "radians and degrees",
    math.log(10.0): "natural and decimal logarithms",
    math.log(2.0): "natural and binary logarithms",
    math.log2(10.0): "binary and decimal logarithms",
}

#: Temperatures: factor and offset of ``factor * x + offset``, and the two scales.
TEMPERATURES = {
    (1.8, 32.0): "°C to °F",
    (1 / 1.8, -32 / 1.8): "°F to °C",
    (1.0, 273.15): "°C to K",
    (1.0, -273.15): "K to °C",
}
