"""Temperature scaling: one number that makes probabilities mean what they say."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit

from model_zoo.classifier import Classifier
from model_zoo.engine import softmax
from training import evaluate, metrics, splits
from training.dataset import load_photos


@dataclass(frozen=True)
class Calibration:
    """A temperature fitted on validation photos, and what it does to held-out ones.

    before, after: top-label ECE on held-out lesions, each value, low and high (95 % interval).
    """

    temperature: float
    fitted_on: int
    measured_on: int
    before: dict
    after: dict

    def __str__(self) -> str:
        before, after = (
            f"{e['value']:.3f} ({e['low']:.3f} to {e['high']:.3f})"
            for e in (self.before, self.after)
        )
        return (
            f"temperature {self.temperature:.3f}, fitted on {self.fitted_on} validation photos\n"
            f"ECE on {self.measured_on} held-out photos: {before} before, {after} after"
        )


def calibrate(
    classifier: Classifier,
    folder: Path,
    validation: list[splits.Row],
    held_out: list[splits.Row],
    *,
    skip_broken: bool = False,
) -> Calibration:
    """The temperature with the least cross-entropy on validation photos.

    Guo et al. 2017, arXiv 1706.04599, section 4.2.
    """
    logits, targets, _ = _logits(classifier, folder, validation, skip_broken)
    fitted_on = len(targets)
    temperature = fit_temperature(logits, targets)
    logits, targets, groups = _logits(classifier, folder, held_out, skip_broken)
    measure = metrics.expected_calibration_error
    errors = []
    for scale in (1.0, temperature):
        p = softmax(logits / scale)
        errors.append(evaluate.with_interval(measure, targets, p, groups))
    return Calibration(round(temperature, 4), fitted_on, len(targets), *errors)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature, 0.05 to 20, with the least cross-entropy; logits (N, K), targets (N,)."""
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        return metrics.cross_entropy(targets, softmax(logits / np.exp(log_temperature)))

    found = minimize_scalar(cross_entropy, bounds=np.log([0.05, 20]), method="bounded")
    return float(np.exp(found.x))


def write(path: Path, found: Calibration) -> None:
    """Nothing; puts the temperature into the card at `path`, keeping all else."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document["temperature"] = found.temperature
    document.setdefault("training", {})["calibration"] = {
        "fitted_on": found.fitted_on,
        "measured_on": found.measured_on,
        "ece_before": found.before,
        "ece_after": found.after,
    }
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _logits(
    classifier: Classifier, folder: Path, rows: list[splits.Row], skip_broken: bool
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    photos = load_photos(folder, rows, classifier.engine.side, skip_broken=skip_broken)
    logits = evaluate.in_chunks(classifier.logits, classifier, photos)
    return logits.astype(np.float64), photos.targets, [row.lesion_id for row in photos.rows]
