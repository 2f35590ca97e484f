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


def confusion(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Counts int (K, K): rows true, columns most probable."""
    classes = probabilities.shape[1]
    cells = targets * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def macro_f1(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean F1 over the classes that occur."""
    counts = confusion(targets, probabilities)
    return float(f1_by_class(counts)[counts.sum(axis=1) > 0].mean())


def weighted_f1(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean F1 over the classes, weighted by how often they occur."""
    counts = confusion(targets, probabilities)
    return float(np.average(f1_by_class(counts), weights=counts.sum(axis=1)))


def f1_by_class(counts: np.ndarray) -> np.ndarray:
    """The F1 of each class, (K,), of confusion counts (K, K); 0 where it has no photo."""
    hits = np.diag(counts)
    return 2 * hits / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)


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


def log_likelihood(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean log probability of the true class, in nats, at most 0: the loss turned round."""
    return -cross_entropy(targets, probabilities)


def brier(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over photos of the squared distance of the probabilities from the truth, 0 to 2."""
    truth = np.eye(probabilities.shape[1])[targets]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def expected_calibration_error(
    targets: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> float:
    """The mean gap between top probability and accuracy, bins of equal count (top-label ECE)."""
    top = probabilities.max(axis=1)
    hits = probabilities.argmax(axis=1) == targets
    parts = np.array_split(np.argsort(top, kind="stable"), bins)
    gaps = [abs(top[part].mean() - hits[part].mean()) * len(part) for part in parts if len(part)]
    return float(sum(gaps) / len(top))


def roc_points(positive: np.ndarray, score: np.ndarray, points: int = 41) -> list[list[float]]:
    """Sensitivity at evenly spaced 1 - specificity, as pairs: enough to draw a ROC curve.

    positive bool (N,). Empty with one class only.
    """
    ups, downs = np.sort(score[positive]), np.sort(score[~positive])
    if not len(ups) or not len(downs):
        return []
    pairs = []
    for rate in np.linspace(0, 1, points):
        # The lowest threshold that no more than this share of the others reach.
        allowed = int(rate * len(downs) + 1e-9)
        limit = downs[len(downs) - allowed - 1] if allowed < len(downs) else -np.inf
        pairs.append([round(float(rate), 4), round(float((ups > limit).mean()), 4)])
    return pairs


def reliability_bins(
    targets: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> list[list[float]]:
    """For bins of equal count: mean top probability, share that was right, number of photos."""
    top = probabilities.max(axis=1)
    hits = probabilities.argmax(axis=1) == targets
    parts = np.array_split(np.argsort(top, kind="stable"), bins)
    return [
        [round(float(top[part].mean()), 4), round(float(hits[part].mean()), 4), len(part)]
        for part in parts
        if len(part)
    ]


CRITERIA: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "macro_auc": macro_auc,
    "log_likelihood": log_likelihood,
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
    """The 95 % bootstrap interval of a measure (percentiles), drawing lesions with replacement.

    groups: the lesion of each photo; photos of one lesion are drawn together, because they
    are not independent (cluster bootstrap: Field and Welsh 2007,
    doi 10.1111/j.1467-9868.2007.00593.x). The calibration error is too high in expectation, and
    every draw adds as much again, so its interval is the basic one, 2 value - high to
    2 value - low, at least 0 (Davison and Hinkley 1997, section 5.2).
    """
    _, inverse = np.unique(groups, return_inverse=True)
    by_group = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = random.integers(0, len(by_group), len(by_group))
        index = np.concatenate([by_group[group] for group in drawn])
        values.append(measure(targets[index], probabilities[index]))
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    if measure is expected_calibration_error:
        value = measure(targets, probabilities)
        low, high = max(0.0, 2 * value - high), 2 * value - low
    return float(low), float(high)
