"""Fits over the parts of a table that no machine holds whole: one state, whatever the parts and their order.

Each fit is a few rounds. A round summarises every part, and merges the summaries; both are exact, so that no order of
additions is left to count. An engine (Dask, Spark, Ray) only runs the rounds.
"""

from .fits import fit

__all__ = ["fit"]
