"""Columns in another order: who fits in whose place, by its own distribution and by the company it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from .company import AGREES, Company
from .hypotheses import ENOUGH, Hypothesis, Search
from .likelihood import IMPOSSIBLE
from .profiles.statistics import deviation, median, quantiles
from .tests.exact import traded_values
from .tests.reference import Reference
from .tests.ties import run_of

#: Columns that are compared each with each by so many rows; more are compared by their quantiles, and by the company
#: that they keep, which tells for certain there.
_EACH, _ROWS = 80, 64
#: The share of rows that have one value, if a column nearly always has it.
_NEARLY_ALWAYS = 0.8
#: What it is worth that a column stays where it is.
_STAY = 6.0
#: Columns out of which a single swap is looked for.
_MANY = 12
#: Two columns that changed places are all of it if they explain this much of what a longer order does.
_NEARLY_ALL = 0.85


def permutations(search: Search, flagged: Any) -> Iterator[Hypothesis]:
    """Yield the best order of the columns, and the best single swap of those that it moves."""
    fit = search.fit
    d = fit.columns
    company = search.company
    if d < 2:
        return
    if search.side.scaled and search.n >= ENOUGH:
        yield from _before_the_scaler(search, company, flagged)
    alone, places = fits(search), np.arange(d)
    order = assigned(alone)
    if company is not None:
        # In a great table only the right order is better than any: the search starts from a likely one, if it is that.
        order = max([order, *_likely_orders(d)], key=lambda order: _value(alone, company, order))
        for _ in range(8):
            better = assigned(alone + company.gains(order))
            if _value(alone, company, better) <= _value(alone, company, order):
                break
            order = better
        # From the identity, with the unsuspected columns as anchors, a single swap is found that the whole misses.
        anchored = _anchored(alone, company, flagged)
        if _value(alone, company, anchored) > _value(alone, company, order):
            order = anchored
    odd = np.union1d(np.flatnonzero(search.suspect), flagged).astype(np.int64)
    moved = np.flatnonzero(order != places)
    if company is not None and len(moved) > max(3, 1.5 * len(odd)):
        # More columns than are odd: it is not their order, unless a scaler has made them alike, or many go together so;
        # or it is one of the few that are likely.
        if search.side.scaled or (d > _EACH and company.restored_by(order)):
            yield _ordered(search, order, alone, company)
        yield from (_ordered(search, likely, alone, company) for likely in _likely_orders(d))
        order = _anchored(alone, company, odd)
        moved = np.flatnonzero(order != places)
    if not len(moved) or (d > _EACH and company is not None and not company.fits_in(order, moved)):
        return
    longest = _ordered(search, order, alone, company)
    if 2 < len(moved) <= _MANY:
        # Columns that are alike come along at little cost: two that changed places may be all of it.
        swapped = _ordered(search, _swap(combinations(moved, 2), alone, company), alone, company)
        yield swapped
        if swapped.gain.sum() > _NEARLY_ALL * longest.gain.sum():
            return
    yield longest


def swaps(search: Search) -> Iterator[Hypothesis]:
    """Yield the best swap of two columns, one of which does not fit as it is."""
    varied = np.flatnonzero(search.fit.varied).tolist()
    pairs = [(i, j) for i, j in combinations(varied, 2) if search.suspect[i] or search.suspect[j]]
    if not pairs or search.fit.columns > _EACH:
        return
    alone, company = fits(search), search.company
    np.fill_diagonal(alone, np.maximum(np.diag(alone), search.clean))  # drifted as suits it best
    yield _ordered(search, _swap(pairs, alone, company), alone, company)


def traded(search: Search) -> Iterator[Hypothesis]:
    """Yield the two columns that have each other's most frequent value, if two have."""
    moved, log_p = traded_values(search.fit.reference, search.X)
    if not moved:
        return
    order, gain = np.arange(search.fit.columns), np.zeros(search.fit.columns)
    order[list(moved)] = moved[::-1]
    gain[list(moved)] = -0.5 * log_p
    yield moved_to(order, gain, 2.0, in_order(search.X, order))


def exchanged(search: Search) -> Iterator[Hypothesis]:
    """Yield the two columns that go together with the others as each other does, if two do."""
    learned, d = search.fit.reference.profile.dependence, search.fit.columns
    if search.company is None or learned is None or not learned.trust or d > _EACH:
        return
    pair, log_p = learned.exchanged(search.company.R, search.n)
    order, company = np.arange(d), search.company
    order[list(pair)] = pair[::-1]
    if log_p < 0 and company.agreement(order) >= AGREES and all(company.fits_in(order, np.array([j])) for j in pair):
        alone = fits(search)
        gain = alone[np.arange(d), order] - np.diag(alone)
        gain[list(pair)] -= 0.5 * log_p
        yield moved_to(order, gain, 2.0, in_order(search.X, order))


def _ordered(search: Search, order: Any, alone: Any, company: Company | None) -> Hypothesis:
    fit, d = search.fit, search.fit.columns
    places = np.arange(d)
    moved = np.flatnonzero(order != places)
    if d <= _EACH:
        gain = alone[places, order] - np.diag(alone)
    else:
        gain = fit.of(search.X, 0.0, order, places) - search.clean
    if company is not None:
        gain = gain + company.score(order) - company.score(places)
    # A transposition is one of d(d - 1) / 2, and likelier; a permutation of m columns one of about d^m.
    price = np.log(d * (d - 1) / 2) + 2 if len(moved) == 2 else len(moved) * np.log(d) * 0.75 + 6
    if len(moved) > d / 2:
        # Which of the many orders it is, a batch need not tell for certain for its order to be wrong.
        price = min(price, 0.5 * float(np.maximum(gain, 0).sum()) + 10)
    return moved_to(order, gain, float(price), in_order(search.X, order))


def _swap(pairs: Iterable[tuple[int, int]], alone: Any, company: Company | None) -> Any:
    """Return the best order in which two columns, of some pairs, have changed places."""
    best, found = -np.inf, np.arange(len(alone))
    for i, j in pairs:
        order = np.arange(len(alone))
        order[[i, j]] = j, i
        worth = float(alone[np.arange(len(alone)), order].sum())
        if company is not None:
            worth += float(company.score(order).sum())
        if worth > best:
            best, found = worth, order
    return found


def fits(search: Search) -> Any:
    """Return of each column of the batch (rows) how it fits in each place (columns), against where it is."""
    fit, d = search.fit, search.fit.columns
    out = np.empty((d, d))
    if d <= _EACH:
        some = np.linspace(0, search.n - 1, min(search.n, _ROWS)).astype(np.int64)
        rows, counts = search.X[some], fit.counts[some]
        more, middle = search.n / len(rows), np.nan_to_num(median(search.X))
        for k in range(d):
            at = np.full(d, k)
            most = 0.0 if fit.reference.jumps[k] else fit.tolerance[k]
            moved = np.clip(fit.middle[k] - middle, -most, most)
            values = np.maximum(*((counts * fit._values(rows + by, 0.0, at)).sum(axis=0) for by in (0.0, moved))) * more
            values += fit.frequent(search.X, at, np.arange(d)) - fit.missed(search.X, at, np.arange(d))
            # Where training had one value throughout, nothing else fits.
            one = np.nanmax(np.abs(search.X - fit.middle[k]), axis=0, initial=0.0) <= fit.tolerance[k]
            out[:, k] = values * fit.weight[k] if fit.varied[k] else np.where(one, 0.0, search.n * IMPOSSIBLE)
        for run in fit.runs:
            if run.log_p < -7:
                for k in range(d):
                    if fit.varied[k]:
                        charge = -run_of(fit.reference, k, run.value, run.count, n=run.n).log_p
                        out[run.column, k] -= min(charge, 200.0)
        # Of a column that nearly always has one value, now as in training, not even the others have a density: each is
        # as likely in a place as it is there.
        for j in np.flatnonzero(fit.reference.rare):
            column = search.X[~np.isnan(search.X[:, j]), j]
            values, counts = np.unique(column, return_counts=True)
            if len(values) and counts.max() > _NEARLY_ALWAYS * len(column):
                out[j] = [counts @ _log_shares(fit.reference, k, values) for k in range(d)]
        return out
    q = np.linspace(0.1, 0.9, 9)
    mine = np.nan_to_num(quantiles(search.X, q))
    theirs = fit.reference.quantiles(q)[:, :d]
    worth = search.n * float(np.mean(fit.weight)) / 2
    for k in range(d):
        u = np.abs(mine - theirs[:, [k]]) / fit.scale[k]
        out[:, k] = -worth * np.minimum(u, 6.0).mean(axis=0) ** 2
    return out


def _log_shares(reference: Reference, k: int, values: Any) -> Any:
    """Return the log of what share of a column has each value, as far as its rows can tell that it has none."""
    at, mass = reference.steps[k]
    same = np.abs(at - values[:, None]) <= reference.tolerance[k]
    return np.log(np.maximum((same * mass).max(axis=1, initial=0.0), 1 / (reference.rows[k] + 1)))


def _likely_orders(d: int) -> list[Any]:
    """Return reversed columns, and those with one of them moved to the other end."""
    places = np.arange(d)
    return [places[::-1], np.roll(places, 1), np.roll(places, -1)]


def assigned(worth: Any) -> Any:
    """Return of each column of the batch the place that it has in the best order."""
    stay = worth + _STAY * np.eye(len(worth))
    return linear_sum_assignment(stay, maximize=True)[1]


def _value(alone: Any, company: Company, order: Any) -> float:
    d = len(order)
    stay = _STAY * float((order == np.arange(d)).sum())
    return float(alone[np.arange(d), order].sum() + company.score(order).sum()) + stay


def _anchored(alone: Any, company: Company, flagged: Any) -> Any:
    d = len(alone)
    order = np.arange(d)
    anchors = np.setdiff1d(order, flagged)
    if not len(anchors) or len(flagged) < 2:
        return order
    cross = company.R[:, anchors] @ company.P[anchors]
    total = alone + company.worth * (cross - 0.5 * (company.P[anchors] ** 2).sum(axis=0))
    part = total[np.ix_(flagged, flagged)]
    order[flagged] = np.asarray(flagged)[assigned(part)]
    return order


def _before_the_scaler(search: Search, company: Company | None, flagged: Any) -> Iterator[Hypothesis]:
    """Columns that changed places before the scaler: each came to be scaled with another's mean and deviation.

    A column in the place of k has the slope s_k / s_j and the offset (m_k - m_j) / s_j against its own profile.
    Two that are swapped have reciprocal slopes; of more, it is their correlations that tell.
    """
    fit, d = search.fit, search.fit.columns
    places = np.arange(d)
    odd = np.flatnonzero((search.suspect | np.isin(places, flagged)) & fit.varied & search.several)
    if not 2 <= len(odd) or d > 256:
        return
    at = np.zeros((d, len(odd)))
    slope, offset = np.empty((len(odd), len(odd))), np.empty((len(odd), len(odd)))
    spread = _spread(search.X[:, odd])
    usual = fit._quantile(0.84) - fit._quantile(0.16)
    usual = np.where(usual > 0, usual, 2 * fit.reference.std)
    middle = median(search.X[:, odd])
    for b, k in enumerate(odd):
        slope[:, b] = spread / usual[k]
        slope[:, b] = np.where(slope[:, b] > 0, slope[:, b], 1.0)
        offset[:, b] = middle - slope[:, b] * fit.middle[k]
        Y = (search.X[:, odd] - offset[:, b]) / slope[:, b]
        at[odd, b] = fit.of(Y, -np.log(slope[:, b]), np.full(len(odd), k), odd)
    own = at[odd] - search.clean[odd][:, None]
    order = places.copy()
    if len(odd) == 2:
        order[odd] = odd[::-1]
        best = np.array([1, 0])
        # One slope and one offset for both: x_j = a z_k + b, x_k = (z_j - b) / a.
        a, c = slope[0, 1], slope[1, 0]
        b, e = offset[0, 1], offset[1, 0]
        apart = abs(np.log(a * c)) / 0.35 + abs(e + b / a) / (0.35 * (1 + abs(b / a)))
        fits = own[[0, 1], best]
        gain = np.zeros(d)
        gain[odd] = fits + (company.score(order) - company.score(places))[odd] if company is not None else fits
        price = 2 * search.free + float(np.log(d * (d - 1) / 2)) + 1.0 + max(0.0, apart - 1.5) * 15
        yield moved_to(order, gain, price, _rescaled(search.X, order, odd, slope, offset))
        return
    if company is None:
        return
    worth = own + 0.0
    current = places.copy()
    for _ in range(8):
        cross = company.gains(current)[np.ix_(odd, odd)]
        anchored = linear_sum_assignment(worth + cross, maximize=True)[1]
        better = places.copy()
        better[odd] = odd[anchored]
        if (better == current).all():
            break
        current = better
    moved = np.flatnonzero(current != places)
    if len(moved) < 2:
        return
    index = np.searchsorted(odd, current[odd])
    gain = np.zeros(d)
    gain[odd] = own[np.arange(len(odd)), index]
    together = company.score(current) - company.score(places)
    if together.sum() < 6:
        return
    gain = np.maximum(gain, 0) + together
    price = 2 * search.free * (len(moved) - 1) + len(moved) * np.log(d) * 0.5
    yield moved_to(current, gain, float(price), _rescaled(search.X, current, odd, slope, offset))


def _spread(X: Any) -> Any:
    upper, lower = quantiles(X, (0.84, 0.16))
    return np.where(upper > lower, upper - lower, 2 * deviation(X))


def _rescaled(X: Any, order: Any, odd: Any, slope: Any, offset: Any) -> Any:
    """Return the batch with its odd columns in their places, by the slopes and offsets of those places."""
    Y = X.copy()
    for a, j in enumerate(odd):
        b = int(np.searchsorted(odd, order[j]))
        Y[:, order[j]] = X[:, j] if order[j] == j else (X[:, j] - offset[a, b]) / slope[a, b]
    return Y


def in_order(X: Any, order: Any) -> Any:
    """Return the batch with each column where it belongs."""
    Y = np.empty_like(X)
    Y[:, order] = X
    return Y


def moved_to(order: Any, gain: Any, price: float, undone: Any) -> Hypothesis:
    """Return that each column holds the one that ``order`` says, by its fault's name."""
    moved = np.flatnonzero(order != np.arange(len(order)))
    fault = "columns_swapped" if len(moved) == 2 else "columns_reordered"
    shown = {int(j): {"holds": int(order[j])} for j in moved}
    details = {"order": np.argsort(order).tolist()}
    return Hypothesis(fault, gain, price, True, details, of_columns=shown, undone=undone, touched=moved)
