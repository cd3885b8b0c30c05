"""Vectors that aren't what the index was built for are named, with the effect that they really have on a search."""

from __future__ import annotations

import json

import numpy as np
import pytest

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import (
    FingerprintMismatchError,
    GateInputError,
    InputFaultError,
    LockFormatError,
    LockVersionError,
)
from sklearn_normlock.retrieval import Effect, EmbeddingContract, NormDisplay, RetrievalGate, compare_embeddings
from sklearn_normlock.retrieval.comparing import nearest

DIM, WIDE = 64, 96


def embeddings(n, seed, *, model=0, topics=None):
    """Raw vectors of a model: a common mean, topics, and lengths that differ."""
    world = np.random.default_rng(1000 + model)
    mean, axes = world.normal(size=WIDE) * 0.5, world.normal(size=(12, WIDE))
    rng = np.random.default_rng(seed)
    weight = np.ones(12) if topics is None else np.isin(np.arange(12), topics) * 1.0
    V = mean + (rng.normal(size=(n, 12)) * weight) @ axes * 0.5 + rng.normal(size=(n, WIDE)) * 0.4
    return V * rng.lognormal(0.0, 0.3, (n, 1)) * 2


def unit(V):
    return V / np.linalg.norm(V, axis=1, keepdims=True)


RAW = {"index": embeddings(600, 1), "query": embeddings(80, 2)}
HEAD = {side: V[:, :DIM] for side, V in RAW.items()}


def _mixed(V):
    made = unit(V)
    made[3::9] = V[3::9]
    return made


def _column_normalised(V):
    return V / np.linalg.norm(V, axis=0)


def _in_8_bits(V):
    return np.rint(unit(V) / np.abs(unit(V)).max() * 127).astype(np.int8)


def _centred(V):
    return unit(V) - unit(HEAD["index"]).mean(axis=0)


def _broken(V, value):
    made = unit(V)
    made[5] = value
    return made


#: What was done to vectors that should be ``unit(V[:, :DIM])``; each is given the raw ones in their whole width.
FAULTS = {
    "not_normalised": lambda V: V[:, :DIM],
    "mixed": lambda V: _mixed(V[:, :DIM]),
    "scaled": lambda V: unit(V[:, :DIM]) * 20.0,
    "l1_normalised": lambda V: V[:, :DIM] / np.abs(V[:, :DIM]).sum(axis=1, keepdims=True),
    "truncated_not_renormalised": lambda V: unit(V)[:, :DIM],
    "wrong_end": lambda V: unit(V[:, -DIM:]),
    "int8": lambda V: _in_8_bits(V[:, :DIM]),
    "binary": lambda V: unit(np.sign(V[:, :DIM])),
    "float16": lambda V: unit(V[:, :DIM]).astype(np.float16),
    "centred": lambda V: _centred(V[:, :DIM]),
    "wrong_axis": lambda V: _column_normalised(V[:, :DIM]),
    "negated": lambda V: -unit(V[:, :DIM]),
    "reversed": lambda V: unit(V[:, :DIM])[:, ::-1],
    "another_model": lambda V: unit(embeddings(len(V), len(V), model=7)[:, :DIM]),
    "zero": lambda V: _broken(V[:, :DIM], 0.0),
}
EXTRA = {"centred": {"not_normalised"}}  # which a fault may bring with it


def contract_of(metric="ip", **parameters):
    return EmbeddingContract(metric, dim=DIM, **parameters).fit(unit(RAW["index"]))


def _truth(metric, side, fault):
    """Search by brute force before and after: the overlap of ten neighbours, and whether scores moved."""
    good = {each: unit(V[:, :DIM]) for each, V in RAW.items()}
    bad = {**good, side: np.asarray(fault(RAW[side]), float)}
    before = nearest(good["query"], good["index"], metric, 10)
    with np.errstate(all="ignore"):
        after = nearest(bad["query"], bad["index"], metric, 10)
    overlap = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(before[0], after[0], strict=True)])
    return overlap, np.max(np.abs(before[1] - after[1]))


@pytest.mark.parametrize("side", ["index", "query"])
@pytest.mark.parametrize("metric", ["ip", "l2", "cosine"])
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_with_its_effect(name, metric, side):
    """The name is right, and a search by brute force shows the effect that is told."""
    report = contract_of(metric).check(FAULTS[name](RAW[side]), side=side)
    named = {fault.name for fault in report.faults}
    assert name in named and named <= {name, *EXTRA.get(name, ())}, report.explain()
    overlap, moved = _truth(metric, side, FAULTS[name])
    if report.effect is Effect.NOTHING:
        assert overlap == 1.0 and moved < 1e-9
    elif report.effect is Effect.SCORES:
        assert overlap > 0.98 and moved > 1e-6
    elif report.effect is Effect.RANKING:
        assert overlap < 1.0


@pytest.mark.parametrize("metric", ["ip", "l2", "cosine"])
def test_lengths_of_raw_vectors(metric):
    """Where the index holds raw vectors, normalised, scaled and mixed ones are the fault."""
    raw = HEAD["index"] + 0.0
    contract = EmbeddingContract(metric).fit(raw)
    assert not contract.normalized_ and contract.check(HEAD["query"], "query").ok
    for side in ("index", "query"):
        report = contract.check(unit(HEAD["query"]), side)
        assert report.fault == "normalised"
        expected = {"cosine": Effect.NOTHING, "ip": Effect.SCORES if side == "query" else Effect.RANKING}
        assert report.effect is expected.get(metric, Effect.RANKING)
        assert contract.check(HEAD["query"] * 50, side).fault == "scaled"
    mixed = raw.copy()
    mixed[[7, 99]] = unit(mixed[[7, 99]])
    assert contract.check(mixed).rows == (7, 99)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3])
def test_the_rows_of_a_mixed_index_are_exact(share, dtype, tmp_path):
    """Each raw row is found and no other, in memory and memory-mapped."""
    rng = np.random.default_rng(8)
    V = unit(rng.normal(size=(20_000, 48)) + 0.3)
    odd = np.sort(rng.choice(len(V), int(share * len(V)), replace=False))
    clean = V.astype(dtype)
    V[odd] *= rng.uniform(2.0, 9.0, (len(odd), 1))
    contract = EmbeddingContract("l2").fit(clean)
    np.save(tmp_path / "v.npy", V.astype(dtype))
    for given in (V.astype(dtype), np.load(tmp_path / "v.npy", mmap_mode="r")):
        report = contract.check(given)
        assert report.fault == "mixed" and report.rows == tuple(odd.tolist())


def test_clean_vectors_are_a_match():
    """No fault is told of new vectors, few or many, of all topics or of some, in float32 or float64."""
    contracts = [contract_of(metric) for metric in ("ip", "l2", "cosine")]
    contracts.append(EmbeddingContract(normalized=False).fit(HEAD["index"]))
    rng = np.random.default_rng(4)
    for seed in range(60):
        topics = None if seed % 3 else rng.choice(12, 4, replace=False)
        V = embeddings(int(rng.integers(1, 300)), 100 + seed, topics=topics)[:, :DIM]
        V = V.astype(np.float32 if seed % 2 else np.float64)
        for contract in contracts:
            report = contract.check(unit(V) if contract.normalized_ else V, "query" if seed % 2 else "index")
            assert not report.faults, (seed, report.explain())
            assert report.ok == (len(V) >= 32)


@pytest.mark.campaign
def test_false_alarms_of_clean_repeats():
    """Over 600 clean repeats, of structured and of random vectors, no fault is told."""
    rng = np.random.default_rng(5)
    alarms = []
    for repeat in range(600):
        n, dim = int(rng.integers(1, 400)), int(rng.choice([16, 64]))
        if repeat % 2:
            train, V = unit(rng.normal(size=(300, dim))), unit(rng.normal(size=(n, dim)))
        else:
            model = int(rng.integers(50))
            train, V = (unit(embeddings(m, int(rng.integers(1 << 30)), model=model)[:, :dim]) for m in (300, n))
        metric = ("ip", "l2", "cosine")[repeat % 3]
        report = EmbeddingContract(metric).fit(train).check(V.astype(np.float32), "query" if repeat % 2 else "index")
        alarms += [report.explain()] if report.faults else []
    assert not alarms, alarms[:3]


def test_what_could_not_be_seen_is_said():
    """Random vectors have no direction of their own, and few vectors none that could be judged: no match is said."""
    rng = np.random.default_rng(3)
    contract = EmbeddingContract().fit(unit(rng.normal(size=(500, 32))))
    report = contract.check(unit(rng.normal(size=(200, 32))))
    assert report.verdict.value == "undecided"
    assert "everywhere alike" in report.not_judged["another_model, centred, wrong_end"]
    report = contract_of().check(unit(HEAD["query"])[:3], "query")
    assert report.verdict.value == "undecided" and "from 32 vectors on" in report.explain()
    few = EmbeddingContract().fit(unit(HEAD["index"])[:8])
    report = few.check(unit(HEAD["query"]))
    assert report.verdict.value == "undecided" and "learned from 8 vectors" in report.explain()


def test_a_mean_alone_shows_no_model():
    """Vectors of another model that has the same mean are no match: it can't be told whose they are."""
    rng = np.random.default_rng(7)
    index, other = (rng.normal(size=(1000, 12)) @ rng.normal(size=(12, 64)) + 1.0 for _ in range(2))
    contract = EmbeddingContract().fit(unit(index))
    assert contract.check(unit(index[:200]), "query").ok
    report = contract.check(unit(other[:200]), "query")
    assert report.verdict.value == "undecided" and "keep the mean" in report.not_judged["another_model"]


def test_floats_against_quantised_vectors_are_the_third_answer():
    """A contract of int8 vectors says nothing of the precision of floats; vectors of its own dtype are judged."""
    quantised = np.rint(unit(HEAD["index"]) * 127).astype(np.int8)
    contract = EmbeddingContract(normalized=False).fit(quantised)
    assert contract.check(quantised[:100]).ok
    report = contract.check(quantised[:100].astype(np.float32))
    assert report.verdict.value == "undecided" and "int8, and these are float32" in report.explain()


def test_widths():
    """Vectors of another width can't be searched, and the report says what they may be."""
    contract = contract_of()
    V = unit(RAW["query"])
    cases = {
        "not_truncated": V,
        "truncated": V[:, :32],
        "transposed": unit(HEAD["query"]).T,
        "binary": np.packbits(V[:, :DIM] > 0, axis=1),
    }
    for name, given in cases.items():
        report = contract.check(given)
        assert report.fault == name and report.effect is Effect.UNUSABLE
    padded = unit(np.pad(V[:, :40], ((0, 0), (0, DIM - 40))))
    assert contract.check(padded).fault == "truncated"
    assert EmbeddingContract().fit(V[:, :DIM] / np.linalg.norm(V[:, :DIM], axis=1)[:, None]).check(V).fault == (
        "another_width"
    )


def test_rows_that_are_no_vectors():
    """Rows that are not finite are named."""
    V = unit(HEAD["index"])
    V[[4, 40], 3] = np.nan, np.inf
    report = contract_of().check(V)
    assert report.fault == "not_finite" and report.rows == (4, 40)
    assert contract_of().check(np.full((3, DIM), np.nan)).fault == "not_finite"


def test_the_model_can_be_named():
    """Another name is a mismatch, whatever the vectors look like."""
    contract = contract_of(model="minilm-v2")
    assert contract.check(unit(HEAD["query"]), model="minilm-v2").ok
    assert contract.check(unit(HEAD["query"]), model="minilm-v1").fault == "another_model"


@pytest.mark.parametrize(
    ("V", "text"),
    [
        (np.zeros((0, 4)), "is empty"),
        (np.ones(4), "1 dimension"),
        (np.array([["a"]]), "no number"),
        ([[1.0, 2.0], [3.0]], "makes no array"),
        (np.ma.masked_array(np.ones((3, 4)), np.eye(3, 4) > 0), "masked values"),
        (np.array([[1.0, np.nan]] * 3), "not finite"),
        (np.zeros((3, 4)), "are zero"),
        (_mixed(HEAD["index"]), "another length than 1"),
    ],
)
def test_a_contract_is_learned_from_right_vectors(V, text):
    """What is no set of vectors of one kind is refused, and rows are named."""
    with pytest.raises(InputFaultError, match=text):
        EmbeddingContract().fit(V)


def test_parameters_are_checked():
    """Values that mean nothing are refused."""
    for parameters in ({"metric": "dot"}, {"normalized": "yes"}, {"dim": 0}, {"dim": True}, {"model": 3}):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            EmbeddingContract(**parameters).fit(HEAD["index"])
    with pytest.raises(InputFaultError, match="dim is 500"):
        EmbeddingContract(dim=500).fit(HEAD["index"])
    with pytest.raises(ValueError, match="side"):
        contract_of().check(HEAD["index"], side="left")


def test_a_contract_is_sealed_locked_and_saved(tmp_path):
    """A contract has a fingerprint, lies in locks, and is read from a document that is checked."""
    contract = contract_of(model="m")
    lock = nl.lock({"index": contract})
    assert nl.verify({"index": contract_of(model="m")}, lock).ok
    assert not nl.compare({"index": contract_of("l2", model="m")}, lock).ok
    contract.save(tmp_path / "c.json")
    again = EmbeddingContract.load(tmp_path / "c.json")
    assert again.fingerprint_ == contract.fingerprint_
    assert again.check(FAULTS["wrong_end"](RAW["query"])).fault == "wrong_end"
    again.metric = "l2"
    with pytest.raises(FingerprintMismatchError, match="metric"):
        again.check(unit(HEAD["query"]))
    document = json.loads((tmp_path / "c.json").read_text())
    for broken in ({**document, "dim_": 3}, {**document, "digest": "0" * 64}, [], {"lock_version": 1}):
        with pytest.raises(LockFormatError):
            EmbeddingContract.from_dict(broken)
    with pytest.raises(LockVersionError):
        EmbeddingContract.from_dict({**document, "contract_version": 2})


# -- two sets of embeddings --------------------------------------------------------------------------------------------


def _some_others(V):
    made = unit(V)
    made[[2, 11]] = unit(np.random.default_rng(0).normal(size=(2, V.shape[1])))
    return made


ROTATION = np.linalg.qr(np.random.default_rng(2).normal(size=(DIM, DIM)))[0]
PAIRED = {
    None: lambda V: unit(V) * (1 + 1e-7),
    "not_normalised": lambda V: V,
    "scaled": lambda V: unit(V) * 3,
    "mixed": _mixed,
    "centred": lambda V: unit(V) - unit(V).mean(axis=0),
    "negated": lambda V: -unit(V),
    "reversed": lambda V: unit(V)[:, ::-1],
    "wrong_axis": lambda V: _column_normalised(unit(V)),
    "float16": lambda V: unit(V).astype(np.float16),
    "int8": _in_8_bits,
    "rotated": lambda V: unit(V) @ ROTATION,
    "rows_permuted": lambda V: unit(V)[np.random.default_rng(1).permutation(len(V))],
    "some_rows": _some_others,
    "truncated": lambda V: unit(unit(V)[:, :32]),
    "truncated_not_renormalised": lambda V: unit(V)[:, :32],
    "wrong_end": lambda V: unit(V[:, -32:]),
    "other_vectors": lambda V: unit(unit(V) + 0.01 * np.random.default_rng(1).normal(size=V.shape)),
    "not_finite": lambda V: _broken(V, np.nan),
}


@pytest.mark.parametrize("name", PAIRED)
def test_paired_embeddings(name):
    """What was done to embeddings is named; round-off is a match."""
    V = HEAD["index"]
    assert compare_embeddings(PAIRED[name](V), unit(V)).fault == name


def test_cosine_alone_is_blind():
    """Raw embeddings have cosine 1 and other neighbours: the report shows both."""
    report = compare_embeddings(HEAD["index"], unit(HEAD["index"]))
    assert report.measures["least cosine"] > 1 - 1e-12 and report.measures["overlap of 10 neighbours"] < 0.9
    assert report.effect is Effect.RANKING
    assert compare_embeddings(HEAD["index"], unit(HEAD["index"]), metric="cosine").effect is Effect.NOTHING
    assert compare_embeddings(unit(HEAD["index"]), HEAD["index"]).fault == "normalised"
    with pytest.raises(InputFaultError, match="same texts"):
        compare_embeddings(HEAD["index"][:5], HEAD["index"])


# -- searches ----------------------------------------------------------------------------------------------------------


def search_in(V, metric="ip", lose=0.0, seed=0):
    def search(Q, k):
        ids, scores = nearest(np.asarray(Q, float), V, metric, min(k + 5, len(V)))
        if lose:  # an approximate index, which misses some
            rng = np.random.default_rng([seed, *map(abs, np.rint(np.asarray(Q)[0, :3] * 1000).astype(int))])
            keep = rng.random(ids.shape) >= lose
            order = np.argsort(~keep, axis=1, kind="stable")
            ids, scores = np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
        scores = -scores if metric == "l2" else scores
        return ids[:, :k], scores[:, :k]

    return search


@pytest.mark.parametrize("metric", ["ip", "l2", "cosine"])
def test_a_search_is_compared(metric):
    """The same search is a match; a raw index and raw queries are named with their effect."""
    V, Q = unit(HEAD["index"]), unit(HEAD["query"])
    gate = RetrievalGate(Q, relevant=nearest(Q, V, metric, 1)[0], metric=metric).fit(search_in(V, metric))
    assert gate.noise_ == 1.0 and gate.compare(search_in(V, metric)).ok
    report = gate.compare(search_in(V, metric), queries=HEAD["query"])
    if metric == "cosine":
        assert report.ok
        assert gate.compare(search_in(HEAD["index"], metric)).ok
        return
    assert report.fault == "queries_not_normalised" and report.effect is Effect.SCORES
    report = gate.compare(search_in(HEAD["index"], metric), index=HEAD["index"])
    assert report.fault == "index_not_normalised" and report.effect is Effect.RANKING
    assert report.measures["recall"] < 1 and report.intervals["change of overlap"][1] < 0
    assert report.worst[0][1] <= report.worst[-1][1]
    mixed = _mixed(HEAD["index"])
    report = gate.compare(search_in(mixed, metric), index=mixed)
    assert report.fault == "index_mixed" and report.rows[0] == 3


def test_lengths_are_seen_in_inner_products_alone():
    """Without the vectors of the index, its lengths show as one factor of each id."""
    gate = RetrievalGate(unit(HEAD["query"])).fit(search_in(unit(HEAD["index"])))
    assert gate.compare(search_in(HEAD["index"])).fault == "index_lengths"
    other = unit(embeddings(600, 1, model=3)[:, :DIM])
    assert gate.compare(search_in(other)).fault == "unknown"
    swapped = gate.compare(search_in(unit(HEAD["index"])), queries=unit(embeddings(80, 2, model=3)[:, :DIM]))
    assert swapped.fault == "queries_other_vectors"


def test_ties_and_approximate_search_are_no_faults():
    """Ties may come in any order, and what an approximate index loses is measured before anything is judged."""
    V = np.repeat(unit(HEAD["index"])[:60], 4, axis=0)
    order = np.random.default_rng(0).permutation(len(V))

    def shuffled(Q, k):
        ids, scores = search_in(V[order])(Q, k)
        return order[ids], scores

    gate = RetrievalGate(unit(HEAD["query"]), k=6).fit(search_in(V))
    assert gate.compare(shuffled).ok
    V, Q = unit(HEAD["index"]), unit(embeddings(400, 9)[:, :DIM])
    gate = RetrievalGate(Q).fit(search_in(V, lose=0.1), [search_in(V, lose=0.1, seed=seed) for seed in (1, 2)])
    assert gate.noise_ < 1.0
    assert gate.compare(search_in(V, lose=0.1, seed=3)).fault is None
    assert gate.compare(search_in(V, lose=0.4, seed=4)).effect is Effect.RANKING


def test_few_queries_of_a_noisy_index_are_the_third_answer():
    """What the noise hides is not called a match."""
    V, Q = unit(HEAD["index"]), unit(HEAD["query"])[:6]
    gate = RetrievalGate(Q).fit(search_in(V, lose=0.3), [search_in(V, lose=0.3, seed=1)])
    report = gate.compare(search_in(V, lose=0.3, seed=2))
    assert not report.ok and report.verdict.value == "undecided" and "noise" in report.explain()


def test_a_gate_is_asked_properly():
    """Searches that return something else, and queries that don't go together, are refused."""
    Q = unit(HEAD["query"])
    with pytest.raises(GateInputError, match="Call fit"):
        RetrievalGate(Q).compare(search_in(Q))
    with pytest.raises(GateInputError, match="ids and scores"):
        RetrievalGate(Q).fit(lambda Q, k: None)
    with pytest.raises(GateInputError, match="returned ids of shape"):
        RetrievalGate(Q).fit(lambda Q, k: (np.zeros((len(Q), 3)), np.zeros((len(Q), 3))))
    with pytest.raises(GateInputError, match="80 queries and right answers for 1"):
        RetrievalGate(Q, relevant=[[1]])
    with pytest.raises(GateInputError, match="5 queries"):
        RetrievalGate(Q).fit(search_in(Q)).compare(search_in(Q), queries=Q[:5])
    with pytest.raises(GateInputError, match=r"relevant\[0\] is 1"):
        RetrievalGate(Q, relevant=[1] * len(Q))
    for queries in (None, Q[0]):
        with pytest.raises(GateInputError, match="The queries are"):
            RetrievalGate(queries)
    for parameters in ({"k": 0}, {"k": True}, {"metric": "dot"}, {"margin": 2}):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            RetrievalGate(Q, **parameters)


def test_a_search_that_can_not_be_compared_is_refused():
    """NaN in place of scores, ids that only fill up and other names of rows are never a match."""
    Q = unit(HEAD["query"])
    right = search_in(unit(HEAD["index"]))
    wrong = {
        "NaN as a score for query 0": lambda Q, k: (right(Q, k)[0], right(Q, k)[1] * np.nan),
        "ids of type str": lambda Q, k: (right(Q, k)[0].astype(str), right(Q, k)[1]),
    }
    for said, search in wrong.items():
        with pytest.raises(GateInputError, match=said):
            RetrievalGate(Q).fit(right).compare(search)
    with pytest.raises(GateInputError, match="fewer than 10 neighbours of query 0"):
        RetrievalGate(Q).fit(lambda Q, k: (np.where(np.arange(k) < 7, right(Q, k)[0], -1), right(Q, k)[1]))


def test_a_search_that_normalises_its_queries_in_place_changes_no_gate():
    """The gate keeps its own queries: later searches are asked with what they were."""
    right = search_in(unit(HEAD["index"]))

    def in_place(Q, k):
        Q /= np.linalg.norm(Q, axis=1, keepdims=True)
        return right(Q, k)

    Q = HEAD["query"].copy()
    gate = RetrievalGate(Q).fit(in_place)
    assert np.array_equal(gate.queries, HEAD["query"])
    assert gate.compare(right).effect is Effect.SCORES


# -- reports and the command -------------------------------------------------------------------------------------------


def test_reports_in_every_style():
    """A report is told as text, as JSON, as an annotation and as Markdown."""
    report = contract_of().check(_mixed(HEAD["index"]))
    assert json.loads(report.explain("json"))["faults"][0]["n_rows"] == len(report.rows)
    assert report.explain("github").startswith("::error title=normlock::MISMATCH")
    assert report.explain("markdown").startswith("**MISMATCH") and str(report).startswith("MISMATCH")
    with pytest.raises(ValueError, match="style"):
        report.explain("xml")


def test_the_command_checks_vectors(tmp_path, capsys):
    """Exit codes are those of every command: 0, 1, and 2 for what can't be read or can't be told."""
    contract, good, bad = (tmp_path / name for name in ("c.json", "good.npy", "bad.npy"))
    contract_of().save(contract)
    np.save(good, unit(HEAD["query"]).astype("f4"))
    np.save(bad, HEAD["query"])
    command = ["check", "--contract", str(contract), "--side", "query"]
    assert main([*command, str(good)]) == 0
    assert main([*command, str(bad), "--format", "json"]) == 1
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-1])["effect"] == "scores only"
    np.save(tmp_path / "few.npy", unit(HEAD["query"])[:3].astype("f4"))
    assert main([*command, str(tmp_path / "few.npy")]) == 2
    assert main([*command, str(tmp_path / "few.npy"), "-o", str(tmp_path / "few.txt")]) == 2
    assert main([*command, str(tmp_path / "none.npy")]) == 2
    assert main(["check", str(good), "--contract", str(good)]) == 2
    contract.write_text("{}")
    assert main([*command, str(good)]) == 2


def test_the_display_of_lengths():
    """The histogram is drawn, or the package that is missing is named."""
    matplotlib = pytest.importorskip("matplotlib", reason="draws; an extra")
    matplotlib.use("agg")
    display = NormDisplay.from_contract(contract_of(), _mixed(HEAD["index"]))
    assert display.ax_.get_xlabel() == "length"
    import matplotlib.pyplot as plt

    plt.close(display.figure_)
