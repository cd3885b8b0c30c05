"""The comparison of a graph with an estimator, row by row; :mod:`sklearn_normlock.graphs.parity` says what is asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..probes.outputs import Deviation
from ..probes.probing import Undecided
from ..probes.synthesis import VARIANTS, rows_for
from ..probes.walk import leaves
from .locating import located
from .outputs import aligned, fits, preferred, shown
from .parts import TOLERANCES, Parity
from .rows import (
    Rows,
    chosen_rows,
    continuous_columns,
    drawn_rows,
    equal_rows,
    halfway,
    missing_in,
    nudged,
    numbers_of,
    numeric_columns,
    row_at,
    same_numbers,
    some_rows,
    taken,
    with_numbers,
    with_numbers_of,
)
from .running import Runner

logger = logging.getLogger("sklearn_normlock")

_PAIRS = 24  # between which jumps are looked for
_EXAMINED = 96  # rows that differ, and may lie at a jump
_STRAY = 1  # rows drawn at random that may lie at a jump by chance; more of them, and rounding is no rare thing here
_ULPS = 4.0  # roundings that a step inside may have seen before a jump


class Comparison:
    """One comparison: which output is which, how large each is, and what was pardoned."""

    def __init__(self, est: Any, runner: Runner, served: bool = True) -> None:
        self.est = est
        self._questions = (True, False) if served else (False,)
        self.runner = runner
        self.methods: dict[str, str] = {}
        self.worst: dict[str, float] = {}
        self.rows = 0
        self.jumps = 0
        self.scales: dict[str, np.ndarray] = {}
        self.tolerance = 0.0
        self._holed: list[Rows] = []  # rows with missing values

    def parity(self, X: Rows, model: Any) -> Parity:
        """Compare rows of the user's, rows from statistics, rows between them, and rows at jumps."""
        given = [] if X is None else [some_rows(X)]
        made = list(self._made())
        if not given and not made:
            raise Undecided("no rows could be made that both the estimator and the graph take; give some (X=)")
        self._assign(given[0] if given else made[0][0])
        deviations: list[Deviation] = []
        plan = [*((rows, 0) for rows in given)]
        plan += [(rows, _STRAY if drawn else _EXAMINED) for rows, drawn in made]
        for rows, pardons in plan:
            deviations = self._compared(rows, pardons)
            if deviations:
                deviations = [*located(self.est, model, rows, self.tolerance), *deviations]
                break
        else:
            for rows, _ in made[:1]:
                deviations = self._at_jumps(rows)
        missing = None
        if not deviations and self._holed:
            holed = self._compared(self._holed[0], _EXAMINED)
            if any(hasattr(leaf, "missing_values") for _, leaf, _ in leaves(self.est)):
                deviations = holed
            elif holed:
                missing = holed[0].text
        return Parity(
            missing=missing,
            rows=self.rows,
            kinds=self.runner.kinds,
            tolerance=self.tolerance,
            worst=self.worst,
            jumps=self.jumps,
            deviations=tuple(deviations),
        )

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _made(self) -> Iterator[tuple[Rows, bool]]:
        """Yield rows from statistics that both take, and rows drawn between them; tell which are drawn."""
        drawn = False
        for variant in range(VARIANTS):
            try:
                rows = rows_for(self.est, variant)
            except Exception:  # nothing is known of its rows
                continue
            if rows is None:
                continue
            holes = missing_in(rows)
            if holes.any():
                holed, rows = taken(rows, np.flatnonzero(holes)), taken(rows, np.flatnonzero(~holes))
                if not self._holed and self._takes(holed):
                    self._holed.append(holed)
            if not self._takes(rows):
                continue
            yield rows, False
            for between in drawn_rows(rows, np.random.default_rng(variant)) if variant and not drawn else ():
                if self._takes(between):
                    drawn = True
                    yield between, True
                    break

    def _takes(self, rows: Rows) -> bool:
        """Tell whether both take some rows; a graph takes no missing text, and an estimator may refuse a category."""
        try:
            self._expected(self._method_names()[0], rows)
        except Exception:
            return False
        try:
            self.runner.run(rows)
        except Undecided:
            return False
        return True

    # -- outputs -------------------------------------------------------------------------------------------------------

    def _method_names(self) -> list[str]:
        names = ("transform", "predict", "predict_proba", "decision_function", "score_samples")
        found = [name for name in names if hasattr(self.est, name)]
        if not found:
            raise Undecided(f"a {type(self.est).__name__} has no output for new rows")
        return found

    def _expected(self, method: str, rows: Rows) -> Any:
        value = getattr(self.est, method)(rows)
        if hasattr(value, "tocsr"):
            value = value.toarray()
        return value if isinstance(value, list) else np.asarray(value)

    def _assign(self, rows: Rows) -> None:
        """Find which method of the estimator each output of the graph is."""
        got = self.runner.run(rows)
        single = any(kind != "double" for kind in self.runner.kinds if kind.startswith(("float", "double")))
        single |= any(value.dtype == np.float32 for value in got.values())
        self.tolerance = TOLERANCES["single" if single else "double"]
        names = self._method_names()
        expected = {}
        for name in names:
            try:
                expected[name] = self._expected(name, rows)
            except Exception as error:
                logger.info("parity: %s fails (%s)", name, error)
        for output, value in got.items():
            fitting = [name for name in preferred(value, names) if name in expected and fits(expected[name], value)]
            fitting = [name for name in fitting if name not in self.methods.values()] or fitting
            if not fitting:
                shape = " × ".join(map(str, value.shape))
                raise Undecided(f"the graph's output {output!r} ({value.dtype}, {shape}) is none of {', '.join(names)}")
            near = [name for name in fitting if not self._far(name, expected[name], value)[0].any()]
            self.methods[output] = (near or fitting)[0]

    def _far(self, method: str, expected: np.ndarray, got: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows differ by more than the tolerance, and by how much each differs."""
        a, b = aligned(expected, got)
        if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
            other = (a.astype(str) != b.astype(str)).any(axis=1)
            return other, np.where(other, np.inf, 0.0)
        a, b = a.astype(np.float64), b.astype(np.float64)
        finite = np.where(np.isfinite(a), np.abs(a), 0.0)
        known = self.scales.get(method, np.zeros(a.shape[1]))
        self.scales[method] = np.maximum(known, finite.max(axis=0, initial=0.0))
        scale = np.where(self.scales[method] > 0, self.scales[method], 1.0)
        same = same_numbers(a, b)
        relative = np.where(same, 0.0, np.abs(a - b) / scale)
        largest = np.asarray(np.where(np.isnan(relative), np.inf, relative).max(axis=1, initial=0.0))
        return largest > self.tolerance, largest

    # -- comparing -----------------------------------------------------------------------------------------------------

    def _compared(self, rows: Rows, pardons: int) -> list[Deviation]:
        """Compare rows as they are served, and as the graph sees them; pardon some that lie at a jump."""
        rounded = self.runner.rounded(rows)
        got = self.runner.run(rows)
        self.rows += len(next(iter(got.values())))
        pardoned: set[int] = set()
        for served in self._questions:
            asked = rows if served else rounded
            for output, value in got.items():
                method = self.methods[output]
                try:
                    expected = self._expected(method, asked)
                except Exception:  # what is rounded may be no category any more
                    continue
                far, relative = self._far(method, expected, value)
                wrong: list[int] = []
                for i in np.flatnonzero(far).tolist():
                    # The first that isn't pardoned is enough; the others are only counted.
                    lenient = len(pardoned | {i}) <= pardons
                    if not wrong and self._pardoned(rows, rounded, i, output, value, lenient):
                        pardoned.add(i)
                        relative[i] = 0.0
                    else:
                        wrong.append(i)
                if wrong:
                    return [self._deviation(output, method, expected, value, wrong, len(far), served)]
                if served and np.isfinite(relative).all():
                    self.worst[output] = max(self.worst.get(output, 0.0), float(relative.max(initial=0.0)))
        self.jumps += len(pardoned)
        return []

    def _pardoned(self, rows: Rows, rounded: Rows, i: int, output: str, got: np.ndarray, lenient: bool) -> bool:
        """Tell whether a row differs because its scores are tied, or because it lies at a jump of the estimator."""
        method = self.methods[output]
        if method == "predict" and self._tied(row_at(rows, i)):
            return True
        if not lenient:
            return False
        here, exactly, got = row_at(rounded, i), row_at(rows, i), got[i : i + 1]
        touched = [j for j in numeric_columns(here) if not same_numbers(numbers_of(here, j), numbers_of(exactly, j))[0]]
        if not touched:
            return self._rounds_itself(exactly, output, got)
        nearest = self._nearest(here, touched, method, got)
        if nearest is None:
            return False
        return any(
            self._far(method, self._expected(method, start), got)[0][0] and self._jumps(method, start, nearest)
            for start in (exactly, here)
        )

    def _rounds_itself(self, row: Rows, output: str, got: np.ndarray) -> bool:
        """Tell whether the estimator rounds a row that the graph does not, as trees do; then a cast before it mends."""
        single = with_numbers(row, numeric_columns(row), lambda j, v: v.astype(np.float32).astype(np.float64))
        if equal_rows(single, row)[0]:
            return False
        method = self.methods[output]
        expected = self._expected(method, row)
        same = not self._far(method, expected, self._expected(method, single))[0][0]
        return same and not self._far(method, expected, self.runner.run(single)[output])[0][0]

    def _nearest(self, row: Rows, numbers: list[int], method: str, got: np.ndarray) -> Rows | None:
        """Return a row that rounding can't tell from this one and at which the estimator gives what the graph gave."""

        def distance(there: Rows) -> float:
            try:
                a, b = aligned(self._expected(method, there), got)
            except Exception:  # what is moved may be no category any more
                return np.inf
            if not self._far(method, a, b)[0][0]:
                return 0.0
            if a.dtype.kind not in "fiub":
                return 1.0
            with np.errstate(invalid="ignore"):
                return float(np.nan_to_num(np.abs(a.astype(np.float64) - b), nan=1e300, posinf=1e300).sum())

        found, gap = row, distance(row)
        for places in [numbers, *([j] for j in numbers if len(numbers) > 1)]:
            if gap == 0.0:
                break
            for sign in (1.0, -1.0):
                there = nudged(found, places, sign * _ULPS)
                other = distance(there)
                if other < gap:
                    found, gap = there, other
        return found if gap == 0.0 else None

    def _jumps(self, method: str, low: Rows, high: Rows) -> bool:
        """Tell whether the output jumps between two rows: it still does between neighbours in double precision."""
        first = self._expected(method, low)
        for _ in range(70):
            middle = halfway(low, high)
            if equal_rows(middle, low)[0] or equal_rows(middle, high)[0]:
                break
            if self._far(method, first, self._expected(method, middle))[0][0]:
                high = middle
            else:
                low = middle
        return bool(self._far(method, self._expected(method, low), self._expected(method, high))[0][0])

    def _tied(self, row: Rows) -> bool:
        for name in ("decision_function", "predict_proba"):
            if hasattr(self.est, name):
                scores = np.sort(np.asarray(self._expected(name, row), dtype=np.float64).reshape(1, -1))[0]
                gap = abs(scores[0]) if len(scores) == 1 else scores[-1] - scores[-2]
                scale = self.scales.get(name, np.array([1.0])).max(initial=1.0)
                return bool(gap <= 2 * self.tolerance * scale)
        return False

    def _at_jumps(self, rows: Rows) -> list[Deviation]:
        """Look for jumps between rows; beside each the graph must give what one of its two sides gives."""
        numbers = continuous_columns(rows)
        if not numbers or len(rows) < 2 or True not in self._questions:
            return []
        output = next(iter(self.methods))
        method = self.methods[output]
        pairs = np.random.default_rng(0).integers(0, len(rows), size=(_PAIRS, 2))
        low, high = taken(rows, pairs[:, 0]), taken(rows, pairs[:, 1])
        high = with_numbers_of(low, high, numbers)
        try:
            first = self._expected(method, low)
            for _ in range(1100):
                middle = halfway(low, high)
                done = equal_rows(middle, low) | equal_rows(middle, high)
                if done.all():
                    break
                differs = self._far(method, first, self._expected(method, middle))[0]
                low, high = chosen_rows(differs, low, middle), chosen_rows(differs, middle, high)
            below, above = self._expected(method, low), self._expected(method, high)
        except Exception:
            return []
        jumps = self._far(method, below, above)[0]
        for side in (low, high):
            got = self.runner.run(side)[output]
            self.rows += int(jumps.sum())
            far = self._far(method, below, got)[0] & self._far(method, above, got)[0] & jumps
            other = self._far(method, below if side is low else above, got)[0] & jumps
            self.jumps += int((other & ~far).sum())
            expected = below if side is low else above
            wrong = [
                i for i in np.flatnonzero(far).tolist() if not self._near_jump(method, row_at(side, i), got[i : i + 1])
            ]
            if wrong:
                return [self._deviation(output, method, expected, got, wrong, len(far), True)]
        return []

    def _near_jump(self, method: str, row: Rows, got: np.ndarray) -> bool:
        """Tell whether a neighbour beyond another jump gives this; jumps may lie closer than rounding can tell."""
        if method == "predict" and self._tied(row):
            return True
        return self._nearest(row, numeric_columns(row), method, got) is not None

    def _deviation(
        self, output: str, method: str, expected: Any, got: Any, wrong: list[int], count: int, served: bool
    ) -> Deviation:
        a, b = aligned(expected, got)
        relative = self._far(method, expected, got)[1]
        worst = max(wrong, key=lambda i: relative[i])
        at = int(np.argmax([str(x) != str(y) for x, y in zip(a[worst], b[worst], strict=True)]))
        if a.dtype.kind == "f" and b.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                at = int(np.nanargmax(np.nan_to_num(np.abs(a[worst] - b[worst]), nan=np.inf)))
        how = "as it is served" if served else f"rounded to {'/'.join(self.runner.kinds)} before"
        more = f" ({len(wrong)} of {count} rows differ)" if len(wrong) > 1 else ""
        text = f"output {output!r}, row {how}: {shown(a[worst, at])} → {shown(b[worst, at])}{more}"
        return Deviation(path="", method=method, text=text, relative=float(relative[worst]))
