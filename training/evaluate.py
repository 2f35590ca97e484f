"""Measures of a served model on a list of photos, with intervals, as one dictionary."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.cases import Case, photo_path
from model_zoo.classifier import Classifier
from model_zoo.images import decode_rgb
from model_zoo.labels import CODES
from model_zoo.trust import TTA
from training import figures, metrics, splits
from training.dataset import Photos, load_photos
from training.metrics import interval

CHUNK = 64
UNDER_18, UNDER_40, UNDER_60 = "under 18", "18 to 39", "40 to 59"

MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "macro_f1": metrics.macro_f1,
    "weighted_f1": metrics.weighted_f1,
    "macro_auc": metrics.macro_auc,
    "mel_auc": lambda t, p: metrics.auc(t == CODES.index("MEL"), p[:, CODES.index("MEL")]),
    "ece": metrics.expected_calibration_error,
    "brier": metrics.brier,
}


@dataclass(frozen=True)
class Measured:
    """An evaluation: its measures, and the photos, classes (N,) and probabilities (N, K) behind.

    Columns of the probabilities follow `CODES`.
    """

    result: dict
    rows: list[splits.Row]
    targets: np.ndarray
    probabilities: np.ndarray


def evaluate(
    classifier: Classifier,
    folder: Path,
    rows: list[splits.Row],
    cases: dict[str, Case],
    *,
    protocol: str,
    resolution: int | None = None,
    skip_broken: bool = False,
) -> Measured:
    """The measures of the served file on these photos.

    resolution: bring every photo to this many pixels first; without it, the measures are also by
    the status with which a photo is answered. 95 % intervals are from 1,000 draws of lesions.
    """
    photos = load_photos(folder, rows, classifier.side, at=resolution, skip_broken=skip_broken)
    names: list[str] = []
    if resolution is None:
        probabilities, names = analysed(classifier, folder, photos.rows)
    else:
        probabilities = predict(classifier, photos)
    targets, groups = photos.targets, [row.lesion_id for row in photos.rows]
    result = {
        "model": classifier.card.name,
        "weights_sha256": classifier.digest(),
        "protocol": protocol,
        "resolution": resolution or "native",
        "tta": classifier.mode == TTA,
        "n": len(targets),
        "lesions": len(set(groups)),
        "labels": list(CODES),
    }
    for name, measure in MEASURES.items():
        result[name] = with_interval(measure, targets, probabilities, groups)
    result["per_class"] = {
        code: _per_class(label, targets, probabilities, groups) for label, code in enumerate(CODES)
    }
    result["roc"] = {
        code: metrics.roc_points(targets == label, probabilities[:, label])
        for label, code in enumerate(CODES)
    }
    result["reliability"] = metrics.reliability_bins(targets, probabilities)
    result["confusion_matrix"] = metrics.confusion(targets, probabilities).tolist()
    if names:
        result["by_status"] = _by_group(names, targets, probabilities, groups)
    for name, key in SUBGROUPS.items():
        names = [key(cases[row.image]) for row in photos.rows]
        result[name] = _by_group(names, targets, probabilities, groups)
    return Measured(result, photos.rows, targets, probabilities)


def predict(classifier: Classifier, photos: Photos) -> np.ndarray:
    """The calibrated probabilities (N, K) of squares, columns in the order of `CODES`."""
    return in_chunks(classifier.probabilities, classifier, photos)


def in_chunks(
    answer: Callable[[np.ndarray], np.ndarray], classifier: Classifier, photos: Photos
) -> np.ndarray:
    """What `answer` says of the squares, (N, K), a few at a time, columns in order of `CODES`."""
    columns = [classifier.card.labels.index(code) for code in CODES]
    starts = range(0, len(photos.pixels), CHUNK)
    parts = [answer(np.asarray(photos.pixels[at : at + CHUNK])) for at in starts]
    return np.concatenate(parts)[:, columns]


def with_interval(
    measure: Callable[[np.ndarray, np.ndarray], float],
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: list[str],
) -> dict:
    """A measure as value, low and high (95 % interval), None where it is not defined."""
    low, high = interval(measure, targets, probabilities, groups)
    return _rounded(float(measure(targets, probabilities)), low, high)


def write(measured: Measured, history: list[dict], out: Path) -> None:
    """Nothing; writes metrics.json, predictions.csv (image, label, one column a class), figures.

    history: one entry an epoch of the training, empty where it is not known.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(measured.result, indent=1), encoding="utf-8")
    with (out / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("image", "label", *CODES))
        for row, values in zip(measured.rows, measured.probabilities, strict=True):
            writer.writerow((row.image, row.label, *(f"{value:.6f}" for value in values)))
    figures.draw(measured.result, measured.targets, measured.probabilities, history, out)


def summary(result: dict) -> str:
    """The measures as lines of text: value and 95 % interval, then one line a class."""

    def shown(entry: dict) -> str:
        numbers = [entry["value"], entry["low"], entry["high"]]
        texts = ["   –  " if number is None else f"{number:.3f}" for number in numbers]
        return f"{texts[0]} ({texts[1]} to {texts[2]})"

    n = result["n"]
    lines = [
        f"{result['model']}, {result['protocol']}: {result['n']} photos of "
        f"{result['lesions']} lesions, resolution {result['resolution']}"
    ]
    lines += [f"{name:20}{shown(result[name])}" for name in MEASURES]
    lines += [
        f"{code:6}{entry['support']:5}  recall {shown(entry['recall'])}  "
        f"precision {shown(entry['precision'])}  auc {shown(entry['auc'])}  "
        f"mean probability {entry['mean_probability']:.3f}, share {entry['support'] / n:.3f}"
        for code, entry in result["per_class"].items()
    ]
    lines += [
        f"{name:6}{entry['n']:5}  accuracy {shown(entry['accuracy'])}  "
        f"balanced {shown(entry['balanced_accuracy'])}"
        for name, entry in result["by_source"].items()
    ]
    return "\n".join(lines)


def analysed(
    classifier: Classifier, folder: Path, rows: list[splits.Row]
) -> tuple[np.ndarray, list[str]]:
    """What the app says of each photo: probabilities (N, K) by `CODES`, and its status.

    By the status it can be told what an answer that is shown is worth.
    """
    probabilities, found = [], []
    for row in rows:
        photo = classifier.prepare(decode_rgb(photo_path(folder, row.image).read_bytes()))
        (analysis,) = classifier.analyse_prepared([photo], outlines=False)
        probabilities.append([analysis.probability(code) for code in CODES])
        found.append(analysis.status)
    return np.array(probabilities), found


def _per_class(
    label: int, targets: np.ndarray, probabilities: np.ndarray, groups: list[str]
) -> dict:
    def recall(t: np.ndarray, p: np.ndarray) -> float:
        of_class = t == label
        return (p.argmax(axis=1)[of_class] == label).mean() if of_class.any() else np.nan

    def precision(t: np.ndarray, p: np.ndarray) -> float:
        called = p.argmax(axis=1) == label
        return (t[called] == label).mean() if called.any() else np.nan

    def f1(t: np.ndarray, p: np.ndarray) -> float:
        counts = metrics.confusion(t, p)
        return float(metrics.f1_by_class(counts)[label]) if counts[label].any() else np.nan

    def area(t: np.ndarray, p: np.ndarray) -> float:
        return metrics.auc(t == label, p[:, label])

    measures = {"precision": precision, "recall": recall, "f1": f1, "auc": area}
    result: dict = {
        "support": int((targets == label).sum()),
        "mean_probability": round(float(probabilities[:, label].mean()), 4),
    }
    for name, measure in measures.items():
        result[name] = with_interval(measure, targets, probabilities, groups)
    return result


def _by_group(
    names: list[str], targets: np.ndarray, probabilities: np.ndarray, groups: list[str]
) -> dict:
    result = {}
    for name in sorted(set(names)):
        chosen = np.array([other == name for other in names])
        lesions = [group for group, inside in zip(groups, chosen, strict=True) if inside]
        entry: dict = {"n": int(chosen.sum())}
        for key in ("accuracy", "balanced_accuracy"):
            measure = MEASURES[key]
            entry[key] = with_interval(measure, targets[chosen], probabilities[chosen], lesions)
        result[name] = entry
    return result


def _age_band(case: Case) -> str:
    if case.age is None:
        return "unknown"
    bands = ((18, UNDER_18), (40, UNDER_40), (60, UNDER_60))
    return next((name for limit, name in bands if case.age < limit), "60 and over")


SUBGROUPS: dict[str, Callable[[Case], str]] = {
    "by_source": lambda case: case.source,
    "by_sex": lambda case: case.sex or "unknown",
    "by_age": _age_band,
    "by_site": lambda case: case.site or "unknown",
}


def _rounded(value: float, low: float, high: float) -> dict:
    # More digits than are shown anywhere: a number that is rounded twice may end beside itself.
    return {
        key: None if np.isnan(number) else round(float(number), 6)
        for key, number in (("value", value), ("low", low), ("high", high))
    }
