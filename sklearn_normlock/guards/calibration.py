"""Every number that the guard was calibrated with: its value, its unit, and where it is from.

A source is a derivation, a citation, a convention, or "development": chosen on generated data while the guard was
built, on no family that a figure in the documentation is measured on. No script is kept that repeats such a choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _is(value: Any, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class Calibration:
    """Constants, each with its unit and its source in the field's metadata; the source reads on from the unit."""

    # -- how much is read and kept: of numbers, of rows, and of text
    cells: int = _is(4_000_000, "numbers", "worked on at a time; convention: 32 MB")
    rows_of_sketch: int = _is(20_000, "rows", "more are sampled; convention: a share is then known to 0.004")
    numbers_sorted: int = _is(8_000_000, "numbers", "more are sampled; convention: half a second to sort")
    texts_measured: int = _is(5_000, "rows", "more are sampled; convention: a share is then known to 0.007")
    values_kept: int = _is(64, "values", "of a column of text; convention: more is free text")
    words_kept: int = _is(256, "words", "of free text; convention: kilobytes")
    rows_kept: int = _is(40, "rows", "up to so many, a sketch has each; convention: about its points of many rows")
    # -- numbers, steps, and how exact they are
    largest: float = _is(1e150, "value", "derived: the squares of a few million larger ones are not finite")
    smallest_step: float = _is(1e-300, "value", "can be divided by; derived: the least normal number is 2e-308")
    rounding: float = _is(1.2e-7, "share", "of the greatest number; derived: float32 rounds so")
    exact: float = _is(1e-6, "deviations", "of a moment that a scaler gives; derived: float32 after a sum")
    rounded: float = _is(1e-9, "value", "of a bound that a scaler gives; derived: float64 after a division")
    unit_slack: float = _is(2e-6, "length", "of a norm of 1; derived: float32, after a sum of some hundred terms")
    off_norm: float = _is(0.01, "length", "farther off is not 1; derived: coarser numbers, as of float16, make less")
    cap: float = _is(6.0, "deviations", "of a value in a row's distance; development: no one outlier makes it odd")
    near_step: float = _is(0.02, "step", "off a multiple of it; derived: what float32 makes of two decimals, scaled")
    same_step: float = _is(1e-6, "step", "by which two may differ; derived: rounding of some hundred multiples")
    log_step_by_chance: float = _is(-20.0, "nats", "of a sketch's points; convention: one in 5e8, over all columns")
    # -- ranks, columns that grow, and correlations that are kept
    pairs_of_ranks: float = _is(6.0, "pairs of rows for each multiple", "derived: 2 ln 20, a twentieth have no tie")
    kolmogorov: float = _is(1.63, "1/√rows", "Kolmogorov's bound at one in a hundred")
    most_ranked: float = _is(0.9, "share of 1 to m", "convention: a part of the rows may lack first and last ranks")
    rows_in_order: int = _is(32, "rows", "must ascend; derived: by chance once in 32!")
    least_blocks: int = _is(4, "blocks", "must ascend; derived: of five, four that ascend are chance once in 120")
    blocks_in_order: float = _is(0.9, "share", "must ascend; convention: a meter may be exchanged once")
    rank: int = _is(48, "directions", "convention: 100 bytes a column")
    rows_of_ranks: int = _is(64, "rows", "derived: half of them tell a correlation to 0.18")
    least_strength: float = _is(0.05, "squared correlation", "with twice chance's; convention: a correlation of 0.22")
    wider_in_few: float = _is(1.2, "factor", "of the formula's spread of slopes; development: slopes of 16 and 64 rows")
    # -- what is learned from blocks
    profiles_of_blocks: int = _is(8, "profiles", "of the blocks so far; convention: eight times the cost of fit")
    windows_of_blocks: int = _is(6, "windows", "of later blocks, for each; convention: 48 clean windows in all")
    rows_of_allowance: int = _is(64, "rows", "of a window; the default of a guard")
    margin_of_blocks: float = _is(2.0, "factor", "of the oddest clean block; development: before real series were seen")
    oddest_block: float = _is(1e6, "nats", "derived: fits in a float32, and no fault is odder")
    out_of_reach: float = _is(1e6, "deviations", "convention: if rows so far off don't alarm, no rows do")

    # -- rows of a batch that a test looks at, or needs
    most_rows: int = _is(2048, "rows", "convention: a millisecond for 30 columns")
    rows_of_values: int = _is(256, "rows", "convention: new values show in few")
    rows_of_dependence: int = _is(256, "rows", "convention: ranks take half of the time of a check")
    few: int = _is(16, "rows", "in fewer only single values tell; development: detection of 8 and of 16 rows")
    rows_of_single_values: int = _is(60, "rows of training", "derived: six of them are in the outer tenth")
    rows_of_moments: int = _is(4, "rows", "for a scaler's; convention: two or three have few free numbers")
    least_run: int = _is(3, "rows", "of one value; convention: two equal rows are a coincidence")
    # -- where rows are counted, and how far numbers of a profile may be off
    tails: tuple[float, ...] = _is((0.75, 0.9, 0.98, 1.0), "shares below", "development; the last is the greatest")
    near: tuple[float, ...] = _is((0.05, 0.25, 0.5), "shares outside, about the middle", "development: all but tails")
    slack_of_deviation: float = _is(1.05, "factor", "of training's; derived: two standard errors of 800 rows")
    coarseness: float = _is(0.003, "share", "by which a sketch's is off; development")
    of_its_mean: float = _is(0.04, "share", "by which sketches miss the mean distance of rows; development")
    index_margin: float = _is(0.1, "1/power", "development: log-normal columns of σ = 2.5")
    far: float = _is(5.0, "deviations", "no more gain by a drift; convention: or one outlier would be most of the rows")
    # -- columns of few values
    jump: float = _is(0.01, "share", "of rows with one value; convention: at most a hundred jumps a column")
    nearly_all: float = _is(0.8, "share", "of rows with one value; convention: too few others are left to rank")
    alone: float = _is(3.5, "rows", "of other values, measured by a scaler; development: rare categories behind one")
    few_values: float = _is(0.9, "share", "of rows with repeated values; convention")
    usual_values: int = _is(5, "values", "tried as moved; convention: one of them is one of training's")
    usual: float = _is(0.03, "share", "of a value that tells a shift; convention: two rows of 64 have it")
    usual_norm: float = _is(0.99, "share", "of rows of unit length, if all shall be; convention: some rows are empty")
    # -- log p-values
    log_unseen: float = _is(-6.9, "nats", "of rows such as training lacked; the default budget, one in a thousand")
    log_not_odd: float = _is(-3.0, "nats", "no kinder drift is looked for; derived: no share of a budget is as large")
    log_infinite: float = _is(-100.0, "nats", "the first infinity; convention: certain, as scikit-learn refuses it")
    index_unknown: float = _is(2.0, "1/power", "where a tail has none; convention: a tail without a mean")
    log_sure: float = _is(-12.0, "nats", "at least, of a column's moments; convention: less than half of 2 ln 1e-6")
    log_sure_of_zero: float = _is(-4.0, "nats", "of a zero in a row of zeros; convention: three of them are certain")
    log_leaning: float = _is(-5.0, "nats", "of columns beside an alarm; convention: a seventh of the default budget")
    hits_of_sums: float = _is(4.0, "times tied pairs", "by chance; derived: nearly thrice the local limit theorem's")
    least_drop: float = _is(0.4, "slope", "convention: populations differ a little, a fault ends or turns it")
    heavier: float = _is(1.3, "factor", "of tails of mean products of ranks; development: p-values of clean batches")

    # -- how a name is earned
    least_rows_of_correlations: int = _is(16, "rows", "below, the correlation of ranks is mostly noise (1/√n)")
    log_fit: float = _is(-5.0, "nats", "of estimates; convention: less than one in a hundred of 2 D² n - log 2")
    log_drifted: float = _is(-7.0, "nats", "of known numbers, after a drift; the default budget, one in a thousand")
    log_certain: float = _is(-10.0, "nats", "of a scaler's moments; one in 20,000: nothing is undone and tested again")
    as_good: float = _is(1.5, "nats", "between equals; a factor of 4.5: less is no evidence between two names")
    missed: float = _is(0.1, "share", "of the gap to the next value; convention: farther off, another value is meant")
    errors: float = _is(3.0, "standard errors", "convention: estimates lie farther off once in 370")
    interval: float = _is(2.0, "standard errors", "convention: 95 %")
    many: float = _is(0.4, "share", "of columns: the whole table; derived: some that a scaler touched don't show it")
    parts_together: int = _is(5, "candidates", "tried in pairs; convention: ten pairs")
    # -- priors, and prices of names
    kind: float = _is(2.0, "nats", "about ten kinds of faults, the usual ones likelier")
    usual_value: float = _is(2.0, "nats", "a fill value, a precision, a width: about seven, the usual ones likelier")
    scaler_of_four: float = _is(1.386, "nats", "derived: log 4")
    power: float = _is(0.1, "probability", "prefixes and per cent are the commonest changes of unit")
    unit: float = _is(0.02, "probability", "so that all units together have about the weight of the powers")
    close_unit: float = _is(0.01, "probability", "half of a unit's: rarer, and told from others only by exact ratios")
    any_factor: float = _is(0.05, "per nat", "one tenth, spread evenly over factors from 1/e to e and beyond")
    any_shift: float = _is(0.1, "per deviation", "spread evenly over ten deviations")
    sure_of_unit: float = _is(0.8, "probability", "four to one against every other factor")
    forgiven: float = _is(0.1, "deviations", "of drift beside a unit's factor; a third of the default tolerance")
    # -- errors of estimates
    error_of_middle: float = _is(1.2, "deviations / √rows", "of a mean between quartiles; derived, if normal")
    coarser: float = _is(1.5, "factor", "of a slope's error by twenty quantiles; development: thirteen shapes of rows")
    error_of_steps: float = _is(1e-5, "nats", "of a factor; derived: single precision, over a hundred steps")
    density_width: float = _is(0.1, "deviations", "to either side; convention: a hundredth of training and more")
    most_dense: float = _is(20.0, "factor", "of the mean density; convention: beyond, it is a value that many share")
    lost: float = _is(2e-5, "share", "of the greatest value; derived: rounding over near_step, and three times as much")
    apart: float = _is(3.0, "factor", "between two units; convention: less is within the spread of most columns")
    # -- orders, codes and models
    most_ordered: int = _is(1024, "columns", "the assignment takes the cube of them: a second")
    rounds_of_order: int = _is(12, "rounds", "convention: it converges in three or four")
    pairs_of_order: int = _is(12, "pairs", "the likeliest; convention: each is tested")
    most_misplaced: float = _is(60.0, "nats", "of a column in a place; convention: no column outvotes ten others")
    in_place: float = _is(0.8, "slope", "development: of true orders 0.9 and more, of other models 0.8 and less")
    most_codes: int = _is(64, "codes", "convention: an assignment of so many takes a millisecond")
    same_code: float = _is(1e-3, "nats", "for staying; derived: breaks ties, and nothing else")
    least_width: int = _is(8, "columns", "of another model; convention: fewer are no embedding")
    elsewhere: float = _is(0.5, "cosine", "to another model's mean; convention: 60 degrees")
    unrelated: float = _is(0.2, "correlation", "convention: a fine-tuned model agrees more")
    least_told: float = _is(0.1, "squared correlation", "on average; convention: a tenth of what a column could share")
    same_length: float = _is(1e-3, "share", "between rows; derived: half precision")
    most_swapped: int = _is(64, "columns", "for coverage; convention: 2,016 pairs, judged 32 at once")
    # -- scalers and raw numbers
    scaled: float = _is(1e-3, "deviations", "from a scaler's moments; convention: a split after it moves them more")
    bounded: float = _is(1e-6, "value", "from a scaler's bounds; derived: float32 after a division")
    sketched: float = _is(
        0.25, "share", "of a robust scaler's numbers, a fifth in the middle; convention: coarse quantiles"
    )
    stretch_of_population: float = _is(0.5, "log factor", "another's; convention: two in three within 0.6 to 1.6 times")
    shift_of_population: float = _is(2.0, "deviations", "convention: another may be two deviations away")
    stretch_of_units: float = _is(4.0, "log factor", "convention: two in three of a deviation of 0.02 to 55")
    above_zero: float = _is(0.9, "probability", "convention: measured values are seldom negative")
    mean_of_units: float = _is(3.0, "deviations", "convention: measured values spread by a part of their size")
    # -- faults as they are done to data, to see whether they are found
    largest_log: float = _is(300.0, "nats", "derived: larger ones overflow")
    injected_unit: float = _is(2.54, "factor", "centimetres and inches")
    injected_factor: tuple[float, float] = _is((3.0, 9.0), "factor", "convention")
    injected_step: float = _is(0.5, "deviations", "convention")
    injected_lengths: float = _is(0.4, "log length", "convention")
    injected_scales: tuple[float, float] = _is((3.0, 30.0), "deviation", "convention: raw numbers")
    injected_means: tuple[float, float] = _is((20.0, 100.0), "value", "convention: raw numbers")
    injected_stretch: tuple[float, float] = _is((0.67, 1.5), "factor", "convention: another population's")


CALIBRATION = Calibration()
