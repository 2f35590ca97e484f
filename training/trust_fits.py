"""Fits of trust on validation lesions: prediction sets and operating points, and what they cost.

Every lesion counts once, however many photos it has: its photos share a weight of one.
"""

import numpy as np

from model_zoo.trust import set_scores
from training.metrics import interval


def lesion_weights(groups: list[str]) -> np.ndarray:
    """The weight of each photo, (N,): one over the number of photos of its lesion."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / counts[inverse]


def set_threshold(
    targets: np.ndarray, probabilities: np.ndarray, groups: list[str], coverage: float
) -> float:
    """The threshold of prediction sets that hold the class of `coverage` of unseen lesions.

    Split conformal prediction (Vovk et al. 2005; Angelopoulos and Bates 2021, arXiv 2107.07511,
    section 1): the quantile of the scores of the true classes at (n + 1) coverage / n of n
    lesions. targets int (N,), probabilities (N, K).
    """
    scores = set_scores(probabilities)[np.arange(len(targets)), targets]
    weights = lesion_weights(groups)
    lesions = weights.sum()
    order = np.argsort(scores, kind="stable")
    reached = weights[order].cumsum() / lesions
    level = min(1.0, coverage * (lesions + 1) / lesions)
    return float(scores[order][min(np.searchsorted(reached, level), len(order) - 1)])


def in_sets(targets: np.ndarray, probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Whether the set of each photo holds its true class, bool (N,)."""
    scores = set_scores(probabilities)[np.arange(len(targets)), targets]
    return (scores <= threshold) | (probabilities.argmax(axis=1) == targets)


def set_sizes(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """How many classes the set of each photo has, int (N,); at least one."""
    return np.maximum((set_scores(probabilities) <= threshold).sum(axis=1), 1)


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
