"""The tables of ``peers.py`` as pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from _peers_seal import SIZES

matplotlib.use("svg")
import matplotlib.pyplot as plt

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "normlock", "font.size": 9, "axes.grid": True})
plt.rcParams.update({"grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False})


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(Path(folder) / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def lines(axes, curves, xlabel, ylabel):
    for label, points in curves.items():
        xs = [x for x, _ in points]
        ys = [one.ratio for _, one in points]
        low, high = zip(*(one.spread for _, one in points), strict=True)
        (line,) = axes.plot(xs, ys, marker="o", markersize=3, label=label)
        axes.fill_between(xs, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=7, frameon=False)


def draw(found, folder):
    """Draw what was measured into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    if "transform" in found:
        curves = {}
        for (name, rows), ways in found["transform"].items():
            curves.setdefault(name, []).append((rows, ways["locked"]))
        figure, axes = plt.subplots(figsize=(6, 4))
        lines(axes, curves, "rows of 30 columns", "time of transform, locked / stock")
        save(figure, folder, "speed-transform")
        figure, both = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
        for axes, title in zip(both, dict.fromkeys(name for name, _ in found["predict_proba"]), strict=True):
            curves = {}
            for (name, rows), ways in found["predict_proba"].items():
                for way, one in ways.items():
                    if name == title and way != "stock":
                        curves.setdefault(way, []).append((rows, one))
            lines(axes, curves, "rows of 30 columns", "time of predict_proba / stock")
            axes.set_title(title, fontsize=9)
        save(figure, folder, "speed-predict")
    if "fit" in found:
        figure, axes = plt.subplots(figsize=(6, 3.2))
        cases = list(found["fit"].items())
        ratios = [ways["locked"].ratio for _, ways in cases]
        spreads = [ways["locked"].spread for _, ways in cases]
        low = [max(0, r - s[0]) for r, s in zip(ratios, spreads, strict=True)]
        high = [max(0, s[1] - r) for r, s in zip(ratios, spreads, strict=True)]
        axes.barh([name for name, _ in cases], ratios, xerr=[low, high], height=0.6)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.invert_yaxis()
        axes.set_xlabel("time of fit, locked / stock")
        save(figure, folder, "cost-fit")
        sizes = SIZES
        curves = {}
        for label, ways in found["digest"].items():
            for way, one in ways.items():
                if way not in ("raw SHA-256", "verify"):
                    curves.setdefault(way, []).append((sizes[label], one))
        figure, axes = plt.subplots(figsize=(6, 4))
        lines(axes, curves, "bytes of state", "time of a digest / raw SHA-256, one thread")
        save(figure, folder, "cost-fingerprint")
        curves = {}
        for label, ways in found["load"].items():
            size = label.removeprefix("scaler of ")
            if size in sizes:
                for way in ("locked", "stock"):
                    curves.setdefault(f"{way}, pickle.loads", []).append((sizes[size], ways[way]))
        if curves:
            figure, axes = plt.subplots(figsize=(6, 3.2))
            lines(axes, curves, "bytes of state", "time / (plain load + raw SHA-256)")
            save(figure, folder, "cost-load")
