"""Save locked objects of a release for its successors to verify: ``python tests/archive/make_locks.py 0.1.0``.

Run once for each release, and once for each scikit-learn that it is to be remembered under; what is there is never
written again. In ``<release>/locks/<scikit-learn>/`` it leaves what ``upgrade.worker`` writes: pickles, locks, and
the outputs by which a lock's verdict is judged under any later version.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import sklearn

FOLDER = Path(__file__).resolve().parent
NAMES = (
    "StandardScaler on gaps",
    "OneHotEncoder ignore on strings",
    "SimpleImputer on gaps",
    "scaler, SVC",
    "scaler, LogisticRegression liblinear",
    "tfidf, MultinomialNB",
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", help="the release, such as 0.1.0")
    target = FOLDER / parser.parse_args().version / "locks" / sklearn.__version__
    if target.exists():
        sys.exit(f"{target} is there already, and is kept as it is.")
    sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "cases")]
    from upgrade import worker

    index = worker.write(target, names=NAMES)
    files = sorted(target.iterdir())
    print(
        f"{target}: {len(files)} files, {sum(file.stat().st_size for file in files) / 1000:.0f} kB, {index['errors']}"
    )
