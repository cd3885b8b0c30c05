"""The benchmark of the guard: does it see a fault, does it name it, does it keep quiet otherwise?

It knows nothing of the detector: it calls ``Profile.from_data``, ``diagnose`` and ``InputGuard`` and reads ``alarm``
and ``fault``. One command prints everything, with what users would pick instead in the same run::

    python benchmarks/guard/run.py                              # hours; --quick for minutes
    python benchmarks/guard/run.py --split development --no-peers --quick
    python benchmarks/guard/run.py --json counts.json           # the counts, line by line
    python benchmarks/guard/run.py --tables counts.json         # the tables again
    python benchmarks/guard/cost.py                             # ratios of time, and sizes

(With ``PYTHONPATH`` at a checkout to measure that one. peers.py says how to install the peers.)

How it is made
    `datasets.py`: data that ships with scikit-learn and generated families, split *by data set* into development and
    held-out; whoever works on the detector looks at the former only. `scenes.py`: where the guard stands (before the
    scaler, after it, after a logarithm, after a Normalizer) and batches that must not alarm (`ranks.py`: how counts
    and zeros drift). `faults.py`, `plans.py`: the
    injectors, and which names count. `measure.py` runs, `report.py` prints. Seeds are fixed.

    A *part* of a data set is a training sample, of which the profile is made, and unseen rows, from which batches are
    drawn without replacement; every cell of a table is pooled over twenty parts (random splits, or new structures of a
    generated family) and the sides.

How to read it
    *detected*: share of faulty batches with an alarm. *rightly named*: share of those alarms whose name is one that
    counts; *by the injected name*: without the second names that `faults.py` accepts where two faults are the same
    numbers. *false alarms*: of clean batches, of batches every column of which moved by 0.3 deviations (columns with
    atoms on their normal scores), of a population that moved (real rows, drawn unevenly). Intervals are
    Clopper-Pearson, 95 %, as if batches were independent: those of one part share a profile (and, of the small data
    sets, a pool), so they are a little too narrow.

    `64 x 1`: 64 requests of one row through `InputGuard(min_rows=64)`. For false alarms: one long stream, counted by
    64 (or 16, at ``min_rows=16``) requests.

    Faults are as large as a shift by one deviation or larger (`Scene.evidence`): in a single column out of many that is
    all the evidence there is. "—": the data set has too few unseen rows.
"""
