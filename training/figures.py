"""Figures of an evaluation, as PNG files: what a paper would print, drawn from the same numbers."""

import itertools
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from model_zoo import NOTICE
from model_zoo.labels import CODES
from training.metrics import reliability_bins

matplotlib.use("Agg")
INK, PALE, ACCENT = "#22272b", "#b9c2c0", "#0f6b6b"


def draw(
    result: dict, targets: np.ndarray, probabilities: np.ndarray, history: list[dict], out: Path
) -> None:
    """Nothing; writes the figures into `out`.

    targets int (N,), probabilities (N, K) in the order of `CODES`; history: one entry an epoch.
    """
    title = f"{result['model']}\n{result['protocol']}, {result['n']} photos"
    _save(
        confusion(np.array(result["confusion_matrix"]), title), out / "final_confusion_matrix.png"
    )
    _save(curves(targets, probabilities, title, roc=True), out / "roc.png")
    _save(curves(targets, probabilities, title, roc=False), out / "precision_recall.png")
    _save(reliability(targets, probabilities, result["ece"], title), out / "reliability.png")
    if history:
        _save(training_history(history, result["model"]), out / "training_history.png")


def confusion(counts: np.ndarray, title: str) -> Figure:
    """The confusion matrix, rows true: counts as text, share of the row as shade."""
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="GnBu", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.6 else INK
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(CODES)), CODES)
    axes.set_yticks(range(len(CODES)), CODES)
    axes.set(xlabel="most probable class", ylabel="true class")
    axes.set_title(title, fontsize=9)
    return figure


def curves(targets: np.ndarray, probabilities: np.ndarray, title: str, *, roc: bool) -> Figure:
    """One curve a class against the rest: ROC, or precision over recall."""
    from sklearn.metrics import (
        average_precision_score,
        precision_recall_curve,
        roc_auc_score,
        roc_curve,
    )

    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    axes = figure.subplots()
    for label, code in enumerate(CODES):
        positive, score = targets == label, probabilities[:, label]
        if positive.all() or not positive.any():
            continue
        if roc:
            x, y, _ = roc_curve(positive, score)
            value = roc_auc_score(positive, score)
        else:
            y, x, _ = precision_recall_curve(positive, score)
            value = average_precision_score(positive, score)
        axes.plot(x, y, label=f"{code} {value:.3f} ({positive.sum()})", linewidth=1.4)
    if roc:
        axes.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    else:
        axes.set(xlabel="recall (sensitivity)", ylabel="precision")
    if axes.get_legend_handles_labels()[0]:  # none where all photos are of one class
        axes.legend(title="AUC (photos)" if roc else "average precision (photos)", fontsize=8)
    axes.set_title(title, fontsize=9)
    return figure


def reliability(targets: np.ndarray, probabilities: np.ndarray, ece: dict, title: str) -> Figure:
    """How often the most probable class was right, against how probable it was said to be."""
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    axes = figure.subplots()
    said, true, _ = zip(*reliability_bins(targets, probabilities), strict=True)
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    axes.plot(said, true, "o-", color=ACCENT, linewidth=1.4)
    axes.set(xlabel="probability of the leading class", ylabel="share that was right")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"{title}\nECE {ece['value']:.3f}, {len(said)} bins of equal count", fontsize=9)
    return figure


def training_history(history: list[dict], model: str) -> Figure:
    """Losses and validation measures by epoch; a line where the stage or the side changes.

    Beside the training loss stands the same loss on validation photos, without class weights, or
    the cross-entropy where a history holds no other.
    """
    figure = Figure(figsize=(8.4, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [entry["epoch"] for entry in history]
    validated = "val_objective" if all("val_objective" in e for e in history) else "val_loss"
    for axes, names in (
        (left, ("loss", validated)),
        (right, ("val_accuracy", "val_balanced_accuracy")),
    ):
        for name, colour in zip(names, (INK, ACCENT), strict=True):
            values = [entry[name] for entry in history]
            axes.plot(epochs, values, color=colour, label=name.replace("_", " "))
        for before, after in itertools.pairwise(history):
            if any(before.get(key) != after.get(key) for key in ("stage", "side")):
                axes.axvline(after["epoch"] - 0.5, color=PALE, linewidth=1)
        axes.set_xlabel("epoch")
        axes.legend(fontsize=8)
    figure.suptitle(f"{model}: training", fontsize=9)
    return figure


def _save(figure: Figure, file: Path) -> None:
    figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))  # room for the notice
    figure.text(0.005, 0.005, NOTICE, fontsize=5, color=INK)
    # No date and no version inside: the same numbers give the same file.
    figure.savefig(file, dpi=130, metadata={"Software": None, "Description": NOTICE})
