"""``normlock check``: files in, a finding and an exit code out."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.cli.reading import table
from sklearn_normlock.guards.data.tables import as_table

WINE = load_wine(as_frame=True).data
TRAIN, TEST = WINE.iloc[::2], WINE.iloc[1::2]
WRONG = TEST.assign(proline=TEST.proline * 1000)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    profile = nl.Profile.from_data(TRAIN).to_dict()
    scaler = StandardScaler().fit(TRAIN)
    nl.lock(scaler, TRAIN).save(tmp_path / "lock.json")
    nl.lock(scaler).save(tmp_path / "none.json")
    (tmp_path / "bare.json").write_text(json.dumps(profile))
    return lambda *arguments: main(["check", *arguments])


def save(frame, name):
    {
        "csv": lambda: frame.to_csv(name, index=False),
        "parquet": lambda: pl.DataFrame({c: frame[c].to_numpy() for c in frame}).write_parquet(name),
        "npy": lambda: np.save(name, frame.to_numpy()),
    }[name.rpartition(".")[2]]()
    return name


@pytest.mark.parametrize("kind", ["csv", "parquet", "npy"])
@pytest.mark.parametrize("lock", ["lock.json", "bare.json"])
def test_exit_codes(run, capsys, kind, lock):
    """0 for what was fitted for, 1 for a fault, whose name is printed; from each kind of file."""
    assert run(save(TEST, f"good.{kind}"), "--lock", lock) == 0
    assert capsys.readouterr().out.startswith("No fault found in 89 rows")
    assert run(save(WRONG, f"wrong.{kind}"), "--lock", lock) == 1
    assert capsys.readouterr().out.startswith("unit_changed: column ")


def test_what_can_not_be_checked(run, capsys):
    """2 for a file that can't be read, of another kind or of other columns; 3 without a profile, or without rows."""
    good = save(TEST, "good.csv")
    assert run("missing.csv", "--lock", "lock.json") == 2
    assert run(good, "--lock", "missing.json") == 2
    assert run(good, "--lock", good) == 2
    assert run(save(TEST.iloc[:, :3], "few.csv"), "--lock", "lock.json") == 2
    Path("data.txt").touch()
    assert run("data.txt", "--lock", "lock.json") == 2
    Path("empty.csv").touch()
    assert run("empty.csv", "--lock", "lock.json") == 2
    Path("ragged.csv").write_text("1,2\n3\n")
    assert run("ragged.csv", "--lock", "lock.json") == 2
    assert capsys.readouterr().out == ""
    assert run(good, "--lock", "none.json") == 3
    assert run(save(TEST.iloc[:0], "none.csv"), "--lock", "lock.json") == 3


def test_a_table_with_more_columns(run):
    """Columns that the profile has not (a target, a key) are left aside, whatever their place."""
    assert run(save(TEST[TEST.columns[::-1]].assign(target=1, key="a"), "more.csv"), "--lock", "lock.json") == 0


def _members(n, seed=0):
    rng = np.random.default_rng(seed)
    times = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**9, n), unit="ms"))
    return pd.DataFrame(
        {
            "spent": rng.normal(size=n),
            "member": rng.random(n) < 0.4,
            "apt": rng.choice(["1", "2", "3", "NA", "4b"], n, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
            "seen": times,
            "zoned": times.dt.tz_localize("Asia/Tokyo"),
        }
    ).assign(vip=lambda d: d.member.where(d.index % 5 > 0))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("rows", [slice(None), "digits"])
def test_a_csv_file_has_the_types_of_the_profile(run, capsys, library, rows):
    """Truth values, times and text that is all digits, written as CSV, are what they were in the Parquet file."""
    profile = nl.Profile.from_data(_members(500))
    Path("members.json").write_text(json.dumps(profile.to_dict()))
    batch = _members(200, seed=1)
    batch = batch[~batch.apt.isin(["4b", "NA"])] if rows == "digits" else batch
    frame = pl.DataFrame({name: pl.Series(batch[name].tolist(), strict=False) for name in batch})
    frame.write_parquet("batch.parquet")
    frame.write_csv("batch.csv") if library == "polars" else batch.to_csv("batch.csv", index=False)
    said = []
    for file in ("batch.parquet", "batch.csv"):
        assert run(file, "--lock", "members.json", "--format", "json") == 0, capsys.readouterr()
        said.append(json.loads(capsys.readouterr().out))
    said.append(nl.diagnose(profile, batch).to_dict())
    for each in said:  # polars and pandas may keep times at another resolution, which is told
        del each["types"], each["explanation"]
    assert said[0] == said[1] == said[2]
    Path("odd.csv").write_text(Path("batch.csv").read_text().replace("rue", "aybe"))
    assert run("odd.csv", "--lock", "members.json") == 2
    said = capsys.readouterr().err
    assert said.startswith('could not check: odd.csv: Column "member" holds text; in training it held numbers.')


def test_a_csv_file_and_a_profile_without_names(run):
    """Where the profile has no names, what a column is goes by its place."""
    rows = _members(300)[["spent", "member", "apt"]]
    profile = nl.Profile.from_data(rows.to_numpy(dtype=object))
    Path("places.json").write_text(json.dumps(profile.to_dict()))
    rows.assign(apt="2").to_csv("places.csv", index=False)
    assert run("places.csv", "--lock", "places.json") in (0, 1)  # of one value: a fault, or none, but it is judged


@pytest.mark.parametrize(
    ("arguments", "at"),
    [
        (("good.csv", "--lock", "cut.json"), "cut.json: It can't be read: not JSON"),
        (("good.csv", "--lock", "missing.json"), "There is no file or folder missing.json."),
        (("good.csv", "--lock", "damaged.json"), "damaged.json: n_rows should be a whole number, 1 or more"),
        (("missing.csv", "--lock", "lock.json"), "There is no file or folder missing.csv."),
        (("cut.parquet", "--lock", "lock.json"), "cut.parquet can't be read as .parquet"),
        (("cut.npy", "--lock", "lock.json"), "cut.npy can't be read as .npy"),
        (("good.csv", "--lock", "lock.json", "-o", "none/page"), "none/page was not written: there is no such folder"),
    ],
)
def test_the_file_at_fault_is_named(run, capsys, arguments, at):
    """What can't be read or written is named, be it the data, the lock or the output."""
    save(TEST, "good.csv")
    Path("cut.json").write_text(Path("lock.json").read_text()[:500])
    Path("damaged.json").write_text(json.dumps({**json.loads(Path("bare.json").read_text()), "n_rows": -1}))
    Path("cut.parquet").write_bytes(b"PAR1")
    Path("cut.npy").touch()
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"could not check: {at}") and not printed.out
    assert run(*arguments, "--format", "json") == 2
    said = json.loads(capsys.readouterr().out)
    assert said["message"].startswith(at) and (said["ok"], said["code"]) == (False, 2)
    assert run(*arguments, "--format", "github") == 2
    assert capsys.readouterr().out.startswith("::error title=normlock ")


def test_the_lock_that_is_not_named(run, capsys):
    """Without --lock it is the one lock beside the data, else the one of the current folder; several are a question."""
    good = save(TEST, "good.csv")
    assert run(good, "--lock", "lock.json", "--budget", "3") == 64
    assert "normlock check: budget is 3.0; it must be a number between 0 and 1" in capsys.readouterr().err
    assert run(good) == 64
    assert "there is no lock beside the data or here" in capsys.readouterr().err
    Path("lock.json").rename("model.normlock.json")
    assert run(good) == 0
    Path("data").mkdir()
    assert run(save(WRONG, "data/wrong.csv")) == 1
    Path("data/other.normlock.json").write_bytes(Path("none.json").read_bytes())
    assert run("data/wrong.csv") == 3
    Path("data/third.normlock.json").write_bytes(Path("none.json").read_bytes())
    assert run("data/wrong.csv", "--format", "json") == 64
    assert "there are several locks" in json.loads(capsys.readouterr().out.splitlines()[-1])["message"]


HOSTILE = "d,title=x::pwn\n::add-mask::z \x1b[2J\u202e.csv"


@pytest.mark.parametrize("style", ["text", "github"])
def test_names_that_a_terminal_or_a_workflow_would_obey(run, capsys, style):
    """The name of a file, or of a column, begins no line, is no property of an annotation, and moves no cursor."""
    columns = {"alcohol": "a\n::add-mask::y", "proline": "p\r::add-mask::\x1b\u202e"}
    Path("odd.json").write_text(json.dumps(nl.Profile.from_data(TRAIN.rename(columns=columns)).to_dict()))
    WRONG.rename(columns=columns).to_csv(HOSTILE, index=False, quoting=csv.QUOTE_ALL)
    assert run(HOSTILE, "--lock", "odd.json", "--format", style) == 1
    assert run("missing" + HOSTILE, "--lock", "odd.json", "--format", style) == 2
    said = "".join(capsys.readouterr())
    assert not re.search("^::(?!error )|[\x1b\r\u202e]|,title=x[^:]*::unit|\ntitle", said, re.MULTILINE), said
    assert "p\\r::add-mask" in said or "p%0D" in said


TABLES = {
    "named.csv": "a, b,c\n1,x,0.1\n2,NA,0.30000000000000004\n",
    "numbers.csv": "1,2,3\n4,5,n/a\n",
    "more.csv": "a,b\n1,2,3\n",
    "few.csv": "a,b\n1\n",
    "empty.csv": "",
    "latin.csv": b"a,b\n\xff,1\n",
    "cut.npy": b"\x93NUMPY",
    "objects.npy": None,
    "cut.parquet": b"PAR1",
    "rows.txt": "1,2\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_one_reader_of_tables(run, name):
    """What check reads and what lock, probe and gate read have the same names and values, or the same error."""
    content = TABLES[name]
    if content is None:
        np.save(name, np.array([None, 1], dtype=object), allow_pickle=True)
    else:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    trained = pd.DataFrame({"a": [1.0, 2, 3], "b": list("xyz"), "c": [0.1, 0.2, 0.3]})
    profile = nl.Profile.from_data(np.eye(3) if name == "numbers.csv" else trained)
    got = []
    for compared in (None, profile):
        try:
            got.append(as_table(table(Path(name), compared)))
        except nl.errors.ArtifactReadError as error:
            got.append(str(error))
    if isinstance(got[0], str):
        assert got[0] == got[1] and got[0].startswith(name)
        return
    assert got[0].names == (got[1].names or ("0", "1", "2"))
    np.testing.assert_array_equal(got[0].numbers, got[1].numbers)
    assert all(
        [a for a in one if not pd.isna(a)] == [b for b in other if not pd.isna(b)]
        for one, other in zip(got[0].categories.values(), got[1].categories.values(), strict=True)
    )


def test_json_and_github(run, capsys):
    """--format json is the diagnosis, --format github an annotation in one line."""
    wrong = save(WRONG, "wrong.csv")
    assert run(wrong, "--lock", "lock.json", "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["fault"], found["columns"], found["details"]["factor"]) == ("unit_changed", ["proline"], 1000)
    assert run(wrong, "--lock", "lock.json", "--format", "github") == 1
    assert re.fullmatch(r"::error file=wrong\.csv::unit_changed: .*\n", capsys.readouterr().out)


@pytest.mark.parametrize("rows", [TEST, WRONG, TEST.iloc[:1] * np.nan, TEST.iloc[:0], -TEST])
def test_page(run, rows):
    """--format html writes one page that loads nothing, with every column and a picture of each."""
    run(save(rows, "<b>.csv"), "--lock", "lock.json", "--format", "html", "-o", "page.html")
    page = Path("page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"<script|<link|<img|https?://|@import|url\(", page)
    assert "<b>.csv" not in page and "&lt;b&gt;.csv" in page
    assert all(name in page for name in WINE.columns)
    assert "nan" not in re.sub(r"[a-z_]*nan[a-z_]+|[a-z_]+nan[a-z_]*", "", page)
    assert page.count("<svg") == len(WINE.columns)


def test_page_of_many_columns():
    """Of more columns than fit a page, those that moved most are shown, and the page says how many are not."""
    from sklearn_normlock.guards.reports import SHOWN, page

    X = np.random.default_rng(0).normal(size=(400, 200))
    profile = nl.Profile.from_data(X[:300])
    batch = X[300:].copy()
    batch[:, 150] += 9
    html = page(profile, batch, nl.diagnose(profile, batch))
    assert html.count("<tr") == SHOWN + 1 and ">150</td>" in html and "140 more are not shown" in html


@pytest.mark.parametrize(
    ("spoil", "marked"),
    [
        (lambda rows: rows.assign(proline=rows.proline * 1000), 1),
        (lambda rows: (rows - TRAIN.mean()) / TRAIN.std(ddof=0), len(WINE.columns)),
        (lambda rows: rows, 0),
    ],
    ids=["column", "table", "clean"],
)
def test_a_page_says_what_it_was_compared_with_and_marks_the_columns(spoil, marked):
    """The page has the facts of the lock, and marks the columns that a fault touches: all, if it is of the table."""
    from sklearn_normlock.guards.reports import page

    profile, rows = nl.Profile.from_data(TRAIN), spoil(TEST)
    found = nl.diagnose(profile, rows)
    html = page(profile, rows, found, "rows.csv", {"lock": "<lock>.json", "fingerprint": "nl1-sha256:0"})
    assert html.count('<tr class="named">') == marked
    assert "<dd>&lt;lock&gt;.json</dd>" in html and "<dd>nl1-sha256:0</dd>" in html
    shown = found._repr_html_()
    assert (found.fault or "no fault found") in shown and shown.count("<table>") == 1


def test_the_page_of_a_lock_names_its_fingerprint(run):
    """normlock check tells on its page which lock it read, which object that is of, and when."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(TRAIN)
    lock = nl.lock(scaler, TRAIN)
    lock.save("scaler.normlock.json")
    assert run(save(TEST, "rows.csv"), "--lock", "scaler.normlock.json", "--format", "html", "-o", "page.html") == 0
    html = Path("page.html").read_text("utf-8")
    assert lock.fingerprint in html and "<dd>scaler.normlock.json</dd>" in html and "<dt>time</dt>" in html
