"""The benchmark of the guard: does it see a fault, does it name it rightly, does it keep quiet otherwise?

It knows nothing of the detector: it calls ``Profile.from_data`` and ``diagnose`` and reads ``alarm``, ``fault`` and
``details``. Families, faults and changes come from a seed::

    python benchmarks/guard/names.py --seed S                   # a seed never used before; the whole
    python benchmarks/guard/names.py --seed S --quick --wrong   # minutes; what was named wrongly, by kind
    python benchmarks/guard/names.py --seed S --part clean      # one of: faults, outside, clean, series
    python benchmarks/guard/cost.py                             # ratios of time, and sizes
    python benchmarks/guard/bad_input.py                        # input that is no batch
    python benchmarks/guard/ablation.py --seed S                # what each test alone detects; this one looks inside

How it is made
    `families.py` draws tables and vectors, `scenes.py` looks at them before or behind a scaler, `faults.py` injects the
    faults of the catalogue and holds the one table of equivalent names. `outside.py` has changes that are not in the
    catalogue, and `series.py` real series out of installed packages. `scoring.py` judges, `report.py` prints.

How to read it
    *detected*: share of faulty batches with an alarm. Faults are as large as a shift by one deviation or larger
    (`Scene.evidence`): in a single column out of many that is all the evidence there is. *rightly named*: share of the
    alarms whose name is the fault's or an equivalent of the table, with factors within 2 % (`rescaled`: an interval
    that holds the factor). *unknown*: alarms without a name. *wrong*: another name, or another factor. Outside of the
    catalogue every name is wrong but those that `outside.py` allows. Intervals are Clopper-Pearson, 95 %, as if batches
    were independent: those of one family share a profile, so they are a little too narrow.
"""
