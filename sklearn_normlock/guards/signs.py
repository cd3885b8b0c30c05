"""Negated columns: by their own distributions and by the company they keep."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .company import AGREES
from .hypotheses import Hypothesis, Search


def flips(search: Search) -> Iterator[Hypothesis]:
    """Yield the columns that gain by being negated: by their own distributions and by their correlations."""
    fit, d = search.fit, search.fit.columns
    company = search.company
    if company is None:
        flipped, Y = search.negated()
        yield Hypothesis("sign_flipped", flipped, 3.0, undone=Y)
        return
    own, undone = search.negated(whole=True)
    own = np.where(fit.varied, own, 0.0)
    if company.agreement(np.arange(d)) >= AGREES:  # all of them: their correlations are what they were
        every, Y = search.affine(-1.0, 0.0, whole=True)
        yield Hypothesis("sign_flipped", np.where(fit.varied, every, 0.0), 4.0, True, undone=Y)
    products = company.R * company.P
    # Columns whose own distribution shows it first, then one at a time, for as long as one gains.
    # What correlations gain by chance alone, a column pays that shows nothing by itself; and which of many it is.
    by_chance = 2.0 * company.worth * np.sqrt((company.P**2).sum(axis=1) / search.n)
    price = max(3.0, float(np.log(d))) + np.where(own > 10.0, 0.0, by_chance)
    signs = np.where((own > 10.0) & (not search.side.scaled), -1.0, 1.0)
    for _ in range(2 * d):
        change = signs * (own - price) - 4.0 * company.worth * signs * (products @ signs)
        j = int(np.argmax(np.where(fit.varied, change, -np.inf)))
        if change[j] <= 0:
            break
        signs[j] = -signs[j]
    flipped = np.flatnonzero(signs < 0)
    if not len(flipped):
        return
    # Signs can always be chosen so that correlations agree a little: if they are right, it is about what was learned.
    together, usual = (products @ signs) * signs, (company.P**2).sum(axis=1)
    by_company = company.turned(signs) - company.turned(np.ones(d))
    told = flipped[usual[flipped] > 0.05]
    agrees = len(told) and np.median(together[told] / usual[told]) >= AGREES
    if by_company.sum() > own[flipped].sum() and not agrees:
        return
    gain = np.where(signs < 0, own, 0.0) + by_company
    yield Hypothesis("sign_flipped", gain, 2.0 + float(price[flipped].sum()), True, undone=undone, touched=flipped)
