"""How every test runs: one thread of BLAS and OpenMP a process.

pytest-xdist runs a process for each core. The threads of those processes would wait for each other, and a fit of
milliseconds would take seconds. Processes that a test starts inherit the setting.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
