"""Every number that the guard was calibrated with: its value, its unit, and where it is from.

A source is a derivation, a citation, a convention, or "development": chosen on generated data while the guard was
built, on no family that a figure in the documentation is measured on. No script is kept that repeats such a choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _constant(value: Any, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class Calibration:
    """Constants, each with its unit and its source in the field's metadata."""

    # -- what a profile keeps ------------------------------------------------------------------------------------------
    #: Numbers that are worked on at a time.
    cells: int = _constant(4_000_000, "numbers", "convention: 32 MB")
    #: The greatest size of a value.
    largest: float = _constant(1e150, "value", "derived: the squares of a few million larger ones are not finite")
    #: More rows than these, or fewer where they have more numbers, are looked at through a sample; and texts.
    rows_of_sketch: int = _constant(20_000, "rows", "convention: a share is then known to 0.004")
    numbers_sorted: int = _constant(8_000_000, "numbers", "convention: half a second to sort")
    texts_measured: int = _constant(5_000, "rows", "convention: a share is then known to 0.007")
    #: Values of a column of text that are kept, and words of free text.
    values_kept: int = _constant(64, "values", "convention: more is free text")
    words_kept: int = _constant(256, "words", "convention: kilobytes")
    #: Up to so many rows, a sketch is the rows' own distribution function.
    rows_kept: int = _constant(40, "rows", "convention: about as many points as a sketch of many rows has")
    #: A value that this share of the rows has is a jump of its own.
    jump: float = _constant(0.01, "share", "convention: at most a hundred jumps a column")
    #: A norm is 1 if it is no farther from it than this.
    unit_slack: float = _constant(2e-6, "length", "derived: float32, after a sum of some hundred terms")
    #: No single value counts for more in a row's distance.
    cap: float = _constant(6.0, "deviations", "development: one outlier must not make a row odd")
    #: Numbers are known to this part of the greatest.
    rounding: float = _constant(1.2e-7, "share", "derived: float32 rounds so")
    #: A value so near to a multiple, as a part of a step, is one.
    near_step: float = _constant(0.02, "step", "derived: what float32 makes of two decimals, scaled")
    #: A step that can be divided by.
    smallest_step: float = _constant(1e-300, "value", "derived: the least normal number is 2e-308")
    #: Log p-value, below which all points of a sketch are not multiples of a step by chance.
    log_step_by_chance: float = _constant(-20.0, "nats", "convention: one in 5e8, over all columns ever seen")
    #: Pairs of rows for each multiple. With fewer, values without a tie are ranks.
    pairs_of_ranks: float = _constant(6.0, "pairs", "derived: twice ln 20, a twentieth of columns without a tie")
    kolmogorov: float = _constant(1.63, "1/√rows", "Kolmogorov's bound at one in a hundred")
    #: Share of the ranks 1 to m that must be there.
    most_ranked: float = _constant(0.9, "share", "convention: a part of the rows may lack the first and last ranks")
    #: Parts of a whole have the same step if it and the offsets differ by no more than this part of it.
    same_step: float = _constant(1e-6, "step", "derived: rounding of some hundred multiples")
    #: Rows that must ascend, and blocks of which this share must, before a column is one that grows.
    rows_in_order: int = _constant(32, "rows", "derived: by chance once in 32!")
    least_blocks: int = _constant(4, "blocks", "derived: of five, four that ascend are chance once in 120")
    blocks_in_order: float = _constant(0.9, "share", "convention: a meter may be exchanged once")
    #: Directions of the correlation that are kept; rows from which on it is told at all.
    rank: int = _constant(48, "directions", "convention: 100 bytes a column")
    rows_of_ranks: int = _constant(64, "rows", "derived: half of them tell a correlation to 0.18")
    #: Squared correlations of a column with the others that say anything, beside twice what chance gives.
    least_strength: float = _constant(0.05, "squared correlation", "convention: one correlation of 0.22")
    #: In few rows, slopes of columns on the others spread more, and below more than above, than the formula says.
    wider_in_few: float = _constant(1.2, "factor", "development: slopes of 16 and 64 rows out of generated tables")
    #: Learning from blocks: profiles of the blocks so far, windows of later blocks for each, and rows of a window.
    profiles_of_blocks: int = _constant(8, "profiles", "convention: eight times the cost of fit")
    windows_of_blocks: int = _constant(6, "windows", "convention: 48 clean windows in all")
    out_of_reach: float = _constant(1e6, "ranges", "convention: if rows so far off don't alarm, no rows do")
    rows_of_allowance: int = _constant(64, "rows", "the default of a guard")
    #: How many times the oddest clean block a batch may be as odd, in nats.
    margin_of_blocks: float = _constant(2.0, "factor", "development: chosen before the real series were seen")
    oddest_block: float = _constant(1e6, "nats", "derived: fits in a float32, and no fault is odder")

    # -- what the tests ask --------------------------------------------------------------------------------------------
    #: Rows of a batch that are looked at; for values; and for dependence, which costs more.
    most_rows: int = _constant(2048, "rows", "convention: a millisecond for 30 columns")
    rows_of_values: int = _constant(256, "rows", "convention: new values show in few")
    rows_of_dependence: int = _constant(256, "rows", "convention: ranks take half of the time of a check")
    #: In fewer rows only single values tell.
    few: int = _constant(16, "rows", "development: detection of 8 and of 16 rows")
    #: Thresholds beyond which rows are counted; the last is the greatest value of all.
    tails: tuple[float, ...] = _constant((0.75, 0.9, 0.98, 1.0), "shares", "development")
    #: Shares of the rows outside of each region about the middle in which rows are counted.
    near: tuple[float, ...] = _constant((0.05, 0.25, 0.5), "shares", "development: half, and all but tails")
    #: The deviation of the training rows is itself an estimate.
    slack_of_deviation: float = _constant(1.05, "factor", "derived: two standard errors of 800 rows")
    #: Error of a share, when it is read from the points of a sketch.
    coarseness: float = _constant(0.003, "share", "development")
    #: Distance between the mean distance of rows and the one that the columns' sketches give.
    of_its_mean: float = _constant(0.04, "share", "development: sketches are coarse")
    #: A column of which so many rows share one value has too few others to rank.
    nearly_all: float = _constant(0.8, "share", "convention")
    #: A column with so few rows of another value than the usual: these are measured by what a scaler learned from them.
    alone: float = _constant(3.5, "rows", "development: rare categories behind a scaler")
    #: A column takes few values if so many rows have repeated ones; so many of a batch may show how far all have moved.
    few_values: float = _constant(0.9, "share", "convention")
    usual_values: int = _constant(5, "values", "convention: one of them is one of training's, moved")
    #: Rows from which on a tail, or a single value, is judged; and Hill's index where it isn't known.
    rows_of_a_tail: int = _constant(30, "rows", "derived: three of them are in the outer tenth")
    rows_of_single_values: int = _constant(60, "rows", "derived: six of them are in the outer tenth")
    index_unknown: float = _constant(2.0, "1/power", "convention: a tail without a mean")
    index_margin: float = _constant(0.1, "1/power", "development: log-normal columns of σ = 2.5")
    #: Log p-value, below which rows of a kind that training lacked are too many.
    log_unseen: float = _constant(-6.9, "nats", "the default budget, one in a thousand")
    #: A row this far from the mean gains no more by a drift.
    far: float = _constant(5.0, "deviations", "convention: a single outlier would be made most of the population")
    #: Fewer equal values are no evidence.
    least_run: int = _constant(3, "rows", "convention: two equal rows are a coincidence")
    #: Above this log p-value no kinder drift need be looked for.
    log_not_odd: float = _constant(-3.0, "nats", "derived: no share of a budget is as large")
    #: An infinity where there never was one.
    log_infinite: float = _constant(-100.0, "nats", "convention: certain, as scikit-learn refuses it")
    #: The slope must fall by so much; and tails of means of products of ranks are heavier than the normal ones by this.
    least_drop: float = _constant(0.4, "slope", "convention: populations differ a little, a fault ends or turns it")
    heavier: float = _constant(1.3, "factor", "development: p-values of clean batches")
    #: A moment, and a bound, to so many digits are those that a scaler gives.
    exact: float = _constant(1e-6, "deviations", "derived: float32 after a sum")
    rounded: float = _constant(1e-9, "value", "derived: float64 after a division")
    #: The rows that have such moments, and the least log p-value of a column, and of a zero in it.
    rows_of_moments: int = _constant(4, "rows", "convention: two or three have few free numbers")
    log_sure: float = _constant(-12.0, "nats", "convention: less than half of 2 ln 1e-6")
    log_sure_of_zero: float = _constant(-6.0, "nats", "convention: a zero is one number, moments are two")
    #: Values on a lattice meet such sums by chance so many times as often as pairs are tied.
    hits_of_sums: float = _constant(4.0, "factor", "derived: the local limit theorem gives 1.4; nearly three times it")
    #: Share of rows of unit length, from which on it is expected of others; and how far a length may be off.
    usual_norm: float = _constant(0.99, "share", "convention: some rows are empty")
    off_norm: float = _constant(0.01, "length", "derived: coarser numbers, as of float16, make less")
    #: A column may be among those with another order from here on, once there is an alarm.
    log_leaning: float = _constant(-5.0, "nats", "convention: a seventh of the default budget")

    # -- how a name is earned ------------------------------------------------------------------------------------------
    #: Rows from which on rank correlations are compared.
    least_rows_of_correlations: int = _constant(16, "rows", "below, the correlation of ranks is mostly noise (1/√n)")
    #: Estimated parameters must leave distributions at least this probable.
    log_fit: float = _constant(-5.0, "nats", "convention: less than one in a hundred of 2 D² n - log 2")
    #: Log p-value that known ones must have at least, after a drift within the tolerance.
    log_drifted: float = _constant(-7.0, "nats", "the default budget, one in a thousand")
    #: Names that are about as simple are told as equals.
    as_good: float = _constant(1.5, "nats", "a factor of 4.5: less is no evidence between two names")
    #: Distance between an estimate and a value of training, as a part of the distance between two such values.
    missed: float = _constant(0.1, "share", "convention: farther off, the value of training is not the one meant")
    errors: float = _constant(3.0, "standard errors", "convention: estimates lie farther off once in 370")
    #: The price of a value that is one of few usual ones: a fill value, a precision, a width of a type.
    usual_value: float = _constant(2.0, "nats", "about seven values, the usual ones likelier")
    #: The share of training from which on one value is a column's usual one, by which a shift is told.
    usual: float = _constant(0.03, "share", "convention: two rows of 64 have it")
    #: A column's density is at most so many times its mean one; steps of a part of the greatest value are not seen.
    most_dense: float = _constant(20.0, "factor", "convention: beyond, it is a value that many share")
    lost: float = _constant(2e-5, "share", "derived: rounding over near_step, and three times as much")
    #: The price of a name, beside its columns and parameters.
    kind: float = _constant(2.0, "nats", "about ten kinds of faults, the usual ones likelier")
    #: The prior of each power of ten, of each other unit, and of a factor of no known unit.
    power: float = _constant(0.1, "probability", "prefixes and per cent are the commonest changes of unit")
    unit: float = _constant(0.02, "probability", "so that all units together have about the weight of the powers")
    close_unit: float = _constant(
        0.01, "probability", "half of a unit's: rarer, and told from others only by exact ratios"
    )
    any_factor: float = _constant(0.05, "per nat", "one tenth, spread evenly over factors from 1/e to e and beyond")
    any_shift: float = _constant(0.1, "per deviation", "spread evenly over ten deviations")
    #: A unit's name is told if it is so probable among all factors.
    sure_of_unit: float = _constant(0.8, "probability", "four to one against every other factor")
    #: A drift that the factor of a known unit is forgiven.
    forgiven: float = _constant(0.1, "deviations", "a third of the default tolerance")
    #: The share of the columns from which on a change is one of the whole table.
    many: float = _constant(0.4, "share", "derived: a scaler touches every column, of which some don't show it")
    #: Log p-value, below which a batch does not have the moments or bounds of a scaler by chance.
    log_certain: float = _constant(-10.0, "nats", "one in twenty thousand: nothing is undone and tested again")
    #: Columns between which an order is looked for; rounds of the assignment, and the likeliest pairs tried one by one.
    most_ordered: int = _constant(1024, "columns", "the assignment takes the cube of them: a second")
    rounds_of_order: int = _constant(12, "rounds", "convention: it converges in three or four")
    pairs_of_order: int = _constant(12, "pairs", "convention: each is tested")
    #: Columns up to which coverage tries every pair of them.
    most_swapped: int = _constant(64, "columns", "convention: 2,016 pairs, judged 32 at once")
    #: How much less a column may fit in a place.
    most_misplaced: float = _constant(60.0, "nats", "convention: no column outvotes ten others")
    #: Half the width of an interval of an estimate; and the distance between the quartiles of a normal variable.
    interval: float = _constant(2.0, "standard errors", "convention: 95 %")
    between_quartiles: float = _constant(1.349, "deviations", "derived, for a normal variable")
    #: The errors of a log slope by quantiles, and of a factor by the steps of values.
    error_of_slope: float = _constant(0.8, "1 / √rows", "derived: 0.71 for a normal variable, by its deviation")
    error_of_steps: float = _constant(1e-5, "nats", "derived: single precision, over a hundred steps")
    #: Half the width of a window in which a density is counted.
    density_width: float = _constant(0.1, "deviations", "convention: a hundredth of training and more")
    #: Two units in one column are told apart if they differ by more.
    apart: float = _constant(3.0, "factor", "convention: less is within the spread of most columns")
    #: The standard error of a mean between the quartiles.
    error_of_middle: float = _constant(1.2, "deviations / √rows", "derived, for a normal variable")
    #: Distance between the moments, or bounds, of training and those that a scaler gives.
    scaled: float = _constant(1e-3, "deviations", "convention: a split after the scaler moves them more")
    bounded: float = _constant(1e-6, "value", "derived: float32 after a division")
    #: By so much may the sketch of a profile miss the numbers of a scaler.
    sketched: float = _constant(0.1, "share", "convention: quantiles of a hundred points")
    #: A scaler fitted on other data: how much it stretches a column, and moves it; the deviation of a normal prior.
    stretch_of_population: float = _constant(0.5, "log factor", "convention: two in three within 0.6 to 1.6 times")
    shift_of_population: float = _constant(2.0, "deviations", "convention: a population may be two deviations away")
    #: Raw numbers: the deviation of the log of theirs, and of their means the share above 0 and the mean size.
    stretch_of_units: float = _constant(4.0, "log factor", "convention: two in three of a deviation of 0.02 to 55")
    above_zero: float = _constant(0.9, "probability", "convention: measured values are seldom negative")
    mean_of_units: float = _constant(3.0, "deviations", "convention: measured values spread by a part of their size")
    #: Rows have one length if it differs by no more; squared correlations of a column, on average, that tell a model.
    same_length: float = _constant(1e-3, "share", "derived: half precision")
    least_told: float = _constant(0.1, "squared correlation", "convention: a tenth of what a column could share")
    #: Columns that are in their places agree with training's correlations by this at least, their error aside.
    in_place: float = _constant(0.8, "slope", "development: of true orders 0.9 and more, of other models 0.8 and less")
    #: Another model's mean points so much elsewhere; correlations that agree with training's by less are unrelated.
    elsewhere: float = _constant(0.5, "cosine", "convention: 60 degrees")
    unrelated: float = _constant(0.2, "correlation", "convention: a fine-tuned model agrees more")
    #: Codes that an exchange is looked for among; and what a code that could stay is worth.
    most_codes: int = _constant(64, "codes", "convention: an assignment of so many takes a millisecond")
    same_code: float = _constant(1e-3, "nats", "derived: breaks ties, and nothing else")
    #: Columns from which on vectors are told to be another model's.
    least_width: int = _constant(8, "columns", "convention: fewer are no embedding")
    #: Which of four scalers a table went through.
    scaler_of_four: float = _constant(1.386, "nats", "derived: log 4")
    #: Logarithms of values up to this are taken back by faults that are done to data.
    largest_log: float = _constant(300.0, "nats", "derived: larger ones overflow")
    #: Faults as they are done to data, to see whether they are found.
    injected_unit: float = _constant(2.54, "factor", "centimetres and inches")
    injected_factor: tuple[float, float] = _constant((3.0, 9.0), "factor", "convention")
    injected_step: float = _constant(0.5, "deviations", "convention")
    injected_lengths: float = _constant(0.4, "log length", "convention")
    injected_scales: tuple[float, float] = _constant((3.0, 30.0), "deviation", "convention: raw numbers")
    injected_means: tuple[float, float] = _constant((20.0, 100.0), "value", "convention: raw numbers")
    injected_stretch: tuple[float, float] = _constant((0.67, 1.5), "factor", "convention: another population's")
    #: Rows that an undoing is tested on; combinations of two faults are tried among so many.
    rows_undone: int = _constant(1024, "rows", "convention: a check of them takes a millisecond")
    parts_together: int = _constant(5, "candidates", "convention: ten pairs")


CALIBRATION = Calibration()
