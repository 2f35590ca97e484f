"""What evaluations are worth wherever one decides, which remedies for imbalance mostly move.

    python -m benchmarks.remedies RESULTS...

RESULTS: folders of `python -m training evaluate` on photos of the development list. A remedy makes
rare classes likelier in all answers, so accuracy and balanced accuracy as they come compare where
the leading class changes more than what a network has learnt. Therefore, in five folds of lesions,
each fitted on the other four: the temperature and the power of the prior that give the least loss
(then accuracy, and what the loss is), and the power of the prior to divide by that gives the best
balanced accuracy (post-hoc logit adjustment: Menon et al. 2021, arXiv 2007.07314, section 4.1).
Intervals are of lesions, 95 %.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from model_zoo.engine import softmax
from model_zoo.labels import CODES
from training import metrics, splits

FOLDS = 5
POWERS = np.arange(0, 1.01, 0.05)


@dataclass(frozen=True)
class Evaluation:
    """An evaluation: its images, their lesions, their classes (N,), log probabilities (N, K)."""

    images: list[str]
    lesions: list[str]
    targets: np.ndarray
    logs: np.ndarray


def read(folder: Path, lesions: dict[str, str]) -> Evaluation:
    """The evaluation in a folder. lesions: by image."""
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    logs = np.log(np.clip([[float(row[code]) for code in CODES] for row in rows], 1e-6, 1))
    targets = np.array([CODES.index(row["label"]) for row in rows])
    images = [row["image"] for row in rows]
    return Evaluation(images, [lesions[image] for image in images], targets, logs)


def shifted(logs: np.ndarray, prior: np.ndarray, sharpness: float, power: float) -> np.ndarray:
    """Probabilities (N, K): the answers to a power, times the prior to another one."""
    return softmax(sharpness * logs + power * np.log(prior))


def fit(logs: np.ndarray, targets: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The sharpness (one over the temperature) and the power of the prior with the least loss."""

    def loss(values: np.ndarray) -> float:
        return metrics.cross_entropy(targets, shifted(logs, prior, *values))

    return minimize(loss, (1.0, 0.0), method="Nelder-Mead").x


def best_power(logs: np.ndarray, targets: np.ndarray, prior: np.ndarray) -> float:
    """The power of the prior to divide by for the best balanced accuracy."""
    found = [
        metrics.balanced_accuracy(targets, shifted(logs, prior, 1, -power)) for power in POWERS
    ]
    return float(POWERS[int(np.argmax(found))])


def in_folds(
    logs: np.ndarray, targets: np.ndarray, groups: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, K) shifted for the least loss, and for the best balanced accuracy."""
    names = np.unique(groups)
    order = np.random.default_rng(0).permutation(len(names))
    fold = dict(zip(names, order % FOLDS, strict=True))
    folds = np.array([fold[group] for group in groups])
    likely, balanced = np.empty_like(logs), np.empty_like(logs)
    for number in range(FOLDS):
        here, rest = folds == number, folds != number
        prior = np.bincount(targets[rest], minlength=len(CODES)) / rest.sum()
        likely[here] = shifted(logs[here], prior, *fit(logs[rest], targets[rest], prior))
        power = best_power(logs[rest], targets[rest], prior)
        balanced[here] = shifted(logs[here], prior, 1, -power)
    return likely, balanced


def row(folder: Path, lesions: dict[str, str]) -> str:
    """A line of the table."""
    found = read(folder, lesions)
    logs, targets, groups = found.logs, found.targets, found.lesions
    plain = softmax(logs)
    likely, balanced = in_folds(logs, targets, groups)

    def shown(measure, answers: np.ndarray) -> str:
        low, high = metrics.interval(measure, targets, answers, groups)
        return f"{measure(targets, answers):.3f} ({low:.3f} to {high:.3f})"

    cells = [
        folder.name,
        f"{metrics.cross_entropy(targets, plain):.3f}",
        shown(metrics.macro_auc, plain),
        f"{metrics.accuracy(targets, plain):.3f}",
        f"{metrics.balanced_accuracy(targets, plain):.3f}",
        shown(metrics.cross_entropy, likely),
        shown(metrics.accuracy, likely),
        shown(metrics.balanced_accuracy, balanced),
        f"{metrics.accuracy(targets, balanced):.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path)
    lesions = {row.image: row.lesion_id for row in splits.read_list()}
    print(
        "| | loss | macro AUC | accuracy | balanced accuracy | least loss | accuracy then "
        "| best balanced accuracy | accuracy then |\n|---|---:|---|---:|---:|---|---|---|---:|"
    )
    for folder in parser.parse_args().results:
        print(row(folder, lesions))


if __name__ == "__main__":
    main()
