"""Fits of trust on validation lesions: prediction sets and operating points, and what they cost.

Every lesion counts once, however many photos it has: its photos share a weight of one.
"""

import numpy as np

from model_zoo.labels import CODES
from training.metrics import interval


def lesion_weights(groups: list[str]) -> np.ndarray:
    """The weight of each photo, (N,): one over the number of photos of its lesion."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / counts[inverse]


def set_thresholds(
    targets: np.ndarray, probabilities: np.ndarray, groups: list[str], coverage: float
) -> dict[str, float]:
    """The thresholds, by class code, of sets that hold `coverage` of each class's unseen lesions.

    Split conformal prediction class by class (Vovk et al. 2005; Angelopoulos and Bates 2021, arXiv
    2107.07511, section 4.2): of the true class's probabilities on the n lesions of a class, the
    one that (n + 1) coverage / n of them reach; 0 where there are too few lesions for that, which
    leaves the class in every set. targets int (N,), probabilities (N, K) in the order of `CODES`.
    """
    return {
        code: _reached_by(
            probabilities[targets == label, label],
            [group for group, target in zip(groups, targets, strict=True) if target == label],
            coverage,
        )
        for label, code in enumerate(CODES)
    }


def _reached_by(probabilities: np.ndarray, groups: list[str], coverage: float) -> float:
    weights = lesion_weights(groups)
    lesions = weights.sum()
    if coverage * (lesions + 1) > lesions:
        return 0.0
    order = np.argsort(-probabilities, kind="stable")
    reached = weights[order].cumsum()
    place = np.searchsorted(reached, coverage * (lesions + 1) - 1e-9)
    return float(probabilities[order][min(place, len(order) - 1)])


def weighted_mean(values: np.ndarray, groups: list[str]) -> tuple[float, float, float]:
    """The mean over lesions with its 95 % interval; values (N,), one a photo."""
    weights = lesion_weights(groups)

    def mean(weight: np.ndarray, value: np.ndarray) -> float:
        return float(np.average(value, weights=weight)) if len(weight) else float("nan")

    return mean(weights, values), *interval(mean, weights, values.astype(float), groups)


def threshold_for(
    scores: np.ndarray, positive: np.ndarray, groups: list[str], target: float
) -> float:
    """The highest threshold at which `target` of the positive lesions score at least that.

    scores (N,), positive bool (N,), at least one of them.
    """
    chosen = np.flatnonzero(positive)
    weights = lesion_weights([groups[index] for index in chosen])
    order = np.argsort(-scores[chosen], kind="stable")
    reached = weights[order].cumsum() / weights.sum()
    place = min(int(np.searchsorted(reached, target - 1e-9)), len(order) - 1)
    return float(scores[chosen][order[place]])
