"""How fast a large checkpoint is fingerprinted, relative to raw SHA-256 on as many threads, and in how much memory.

Run with ``python benchmarks/weights_hashing.py [MIB]`` (default 4096). The file is sparse.
Memory is what the process holds for itself (``RssAnon`` of Linux); pages of the mapped file belong to the system.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import sklearn_normlock as nl

BLOCK = 1 << 20
TENSORS = 32


def anonymous() -> int:
    """Return the bytes that this process holds for itself."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0


def raw(path: Path, threads: int) -> float:
    """Return how long SHA-256 of every block takes, with nothing around it."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        start = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda at: hashlib.sha256(view[at : at + BLOCK]).digest(), range(0, len(view), BLOCK)))
        taken = time.perf_counter() - start
        view.release()
    return taken


def main() -> None:
    """Write the file, and compare."""
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    each = mib // TENSORS * BLOCK
    header = {
        f"layer{i}.weight": {"dtype": "F32", "shape": [each // 4], "data_offsets": [i * each, (i + 1) * each]}
        for i in range(TENSORS)
    }
    text = json.dumps(header).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + TENSORS * each)
        nl.fingerprint({"warm": np.ones(3)})
        threads = min(os.cpu_count() or 1, 8)
        before, peak, done = anonymous(), [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                peak[0] = max(peak[0], anonymous())

        watcher = threading.Thread(target=watch)
        watcher.start()
        ours = []
        theirs = []
        for _ in range(3):
            start = time.perf_counter()
            nl.fingerprint(path)
            ours.append(time.perf_counter() - start)
            theirs.append(raw(path, threads))
        done.set()
        watcher.join()
    size = TENSORS * each / 1e9
    print(f"{size:.2f} GB, {threads} threads: {size / min(ours):.2f} GB/s, raw SHA-256 {size / min(theirs):.2f} GB/s")
    print(f"{min(theirs) / min(ours):.0%} of raw; further memory {(peak[0] - before) / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
