"""Measures of predictions, with intervals by resampling lesions."""

from collections.abc import Callable

import numpy as np


def balanced_accuracy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean recall over the classes that occur; targets int (N,), probabilities (N, K)."""
    hits = probabilities.argmax(axis=1) == targets
    return float(np.mean([hits[targets == label].mean() for label in np.unique(targets)]))


def accuracy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of photos whose most probable class is the true one."""
    return float((probabilities.argmax(axis=1) == targets).mean())


def macro_f1(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean F1 over the classes that occur."""
    from sklearn.metrics import f1_score

    chosen = probabilities.argmax(axis=1)
    return float(f1_score(targets, chosen, labels=np.unique(targets), average="macro"))


def macro_auc(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over the occurring classes of the one-against-rest area under the ROC curve."""
    labels = np.unique(targets)
    return float(np.mean([auc(targets == label, probabilities[:, label]) for label in labels]))


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve of one score; positive bool (N,). NaN with one class only."""
    from scipy.stats import rankdata

    ups = int(positive.sum())
    downs = len(positive) - ups
    if not ups or not downs:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def cross_entropy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean negative log probability of the true class, in nats."""
    true = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(np.clip(true, 1e-12, 1)).mean())


CRITERIA: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "macro_auc": macro_auc,
}


def interval(
    measure: Callable[[np.ndarray, np.ndarray], float],
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: list[str],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % percentile-bootstrap interval of a measure, drawing lesions with replacement.

    groups: the lesion of each photo; photos of one lesion are drawn together, because they
    are not independent (cluster bootstrap, Field & Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x).
    """
    _, inverse = np.unique(groups, return_inverse=True)
    by_group = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = random.integers(0, len(by_group), len(by_group))
        index = np.concatenate([by_group[group] for group in drawn])
        values.append(measure(targets[index], probabilities[index]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
