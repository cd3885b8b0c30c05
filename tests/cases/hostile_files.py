"""Damage checkpoints and settings many times over and read them, while an audit hook watches what is opened and run.

Run as a script, in a process of its own (a hook can't be taken off): ``hostile_files.py SOURCE WORK COUNT``. It prints
how many were read, refused, ended in a foreign error, and did something that they must not.
"""

import random
import sys
from pathlib import Path

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError

FORBIDDEN = {"exec", "os.system", "subprocess.Popen", "os.exec", "socket.connect", "pickle.find_class", "os.remove"}
PATHS = [b"/etc/passwd.", b"../secret.bn", b"..\\x.bin....", b"C:\\x.bin....", b"x/../../y.b "]
DEEP = [b"[", b'{"a":', b"(", b"]"]
SETTINGS = '{"layer_norm_eps": 1e-12, "size": {"height": 224}, "labels": [1, 2.5, null], "name": "a model"}'


def damaged(data, rng):
    """Return a file with one to three things wrong."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        kind = rng.choice(["flip", "cut", "insert", "large", "zero", "path", "deep", "repeat"])
        if kind == "flip":
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del data[at : at + rng.randint(1, 200)]
        elif kind == "insert":
            data[at:at] = rng.randbytes(rng.randint(1, 40))
        elif kind == "large":
            data[at : at + 8] = b"\xff" * 8
        elif kind == "zero":
            data[at : at + 16] = bytes(16)
        elif kind == "path":
            data = data.replace(b"external.bin", rng.choice(PATHS))
        elif kind == "deep":
            data[at:at] = rng.choice(DEEP) * 3000
        else:
            data[at:at] = bytes(data[at : at + 300]) * rng.randint(1, 20)
        data = data or bytearray(b"x")
    return bytes(data)


def main():
    """Read the files of a folder, damaged; print the counts, and what went wrong."""
    source, work, count = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3])
    originals = {path.name: path.read_bytes() for path in sorted(source.iterdir()) if path.is_file()}
    originals["config.json"] = SETTINGS.encode()
    for name, data in originals.items():
        (work / name).write_bytes(data)
    names = [name for name in originals if name != "external.bin"]
    for name in names:  # what is imported late is imported now
        nl.fingerprint(work / name)
    seen, foreign, refused = [], [], 0

    def hook(event, arguments):
        if event in FORBIDDEN or (event == "open" and isinstance(arguments[0], (str, bytes))):
            if event != "open" or work not in Path(str(arguments[0])).resolve().parents:
                seen.append((event, str(arguments)[:100]))

    rng = random.Random(7)
    sys.addaudithook(hook)
    for i in range(count):
        path = work / names[i % len(names)]
        path.write_bytes(damaged(bytearray(originals[path.name]), rng))
        try:
            nl.fingerprint(path)
        except NormLockError:
            refused += 1
        except BaseException as error:
            foreign.append((i, path.name, repr(error)))
    print(count, refused, len(foreign), len(seen))
    print(foreign[:5], seen[:5])


if __name__ == "__main__":
    main()
