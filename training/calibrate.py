"""What makes an answer mean what it says: all of trust, fitted on validation lesions in one go.

For one view and for the mean of eight: temperature, prediction sets, operating points; and once
for a model, the novelty of a photo. What each of them does on held-out lesions stands beside it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit

from model_zoo import novelty
from model_zoo.card import Card
from model_zoo.classifier import Classifier
from model_zoo.engine import Engine, softmax
from model_zoo.labels import CODES
from model_zoo.novelty import Novelty
from model_zoo.seal import sealed
from model_zoo.store import sha256_of
from model_zoo.trust import GROUPS, TTA, group_probability, in_set
from training import evaluate, metrics, splits, trust_fits
from training.dataset import Photos, load_photos

COVERAGE = 0.9  # the share of each class's lesions whose class a prediction set is to hold
SENSITIVITIES = (0.9, 0.95)  # for which operating points are fitted
KEPT = 0.95  # the share of validation photos that are not refused as strange
NOVELTY_FILE = "novelty.npz"


@dataclass(frozen=True)
class Measured:
    """Answers to photos whose classes are known: logits float (N, K) in the order of `CODES`."""

    targets: np.ndarray
    logits: np.ndarray
    groups: list[str]


def calibrate(
    classifier: Classifier,
    folder: Path,
    validation: list[splits.Row],
    held_out: list[splits.Row],
    *,
    skip_broken: bool = False,
) -> dict:
    """The card's table for the way in which the classifier is asked: fits, and what they do.

    Temperature: Guo et al. 2017, arXiv 1706.04599, section 4.2. For sets and operating points see
    `trust_fits`. Measures are on held-out lesions: value, low, high (95 % interval).
    """
    known, unseen = (
        _measured(classifier, load_photos(folder, rows, classifier.side, skip_broken=skip_broken))
        for rows in (validation, held_out)
    )
    temperature = round(fit_temperature(known.logits, known.targets), 4)
    fitted, new = (softmax(part.logits / temperature) for part in (known, unseen))
    thresholds = trust_fits.set_thresholds(known.targets, fitted, known.groups, COVERAGE)
    sets = in_set(CODES, new, thresholds)
    covered = sets[np.arange(len(sets)), unseen.targets]
    return {
        "temperature": temperature,
        "fitted_on": len(known.targets),
        "measured_on": len(unseen.targets),
        "ece_before": _ece(unseen, softmax(unseen.logits)),
        "ece": _ece(unseen, new),
        "set_thresholds": thresholds,
        "coverage": COVERAGE,
        "covered": _spread(covered, unseen.groups),
        "set_size": _spread(sets.sum(axis=1), unseen.groups),
        "covered_by_class": {
            code: _spread(covered, unseen.groups, unseen.targets == label)
            for label, code in enumerate(CODES)
            if (unseen.targets == label).any()
        },
        "operating_points": [
            _operating_point(group, target, known, fitted, unseen, new)
            for group in GROUPS
            if _both_occur(known, group) and _both_occur(unseen, group)
            for target in SENSITIVITIES
        ],
    }


def fit_novelty(
    classifier: Classifier,
    folder: Path,
    train: list[splits.Row],
    validation: list[splits.Row],
    *,
    directions: int | None = None,
    unit: bool | None = None,
    skip_broken: bool = False,
) -> tuple[Novelty | None, float] | None:
    """What to remember of training photos, and the strangeness that `KEPT` of validation ones keep.

    Of an ensemble, for which there are no training photos, only the latter, if several of its
    members remember theirs; else None. directions, unit: see `novelty.fit`. Where not given, those
    of what the model remembers by now, or if that is nothing or of an older layout, the defaults.
    """
    if not train and len(classifier.guards) < 2:
        return None

    def pooled(rows: list[splits.Row]) -> list[np.ndarray | None]:
        photos = load_photos(folder, rows, classifier.side, skip_broken=skip_broken)
        return _pooled(classifier.engines, photos)

    unseen = pooled(validation)
    if not train:
        values = novelty.strangeness(classifier.guards, unseen)
        return None, float(np.quantile(values, KEPT))
    before = classifier.guards[0].novelty if classifier.guards else None
    if before is not None and before.power == novelty.POWER:
        directions = before.basis.shape[1] if directions is None else directions
        unit = before.unit if unit is None else unit
    directions = directions or novelty.DIRECTIONS
    found = novelty.as_kept(novelty.fit(pooled(train)[0], directions, unit=bool(unit)))
    return found, float(np.quantile(found.distance(unseen[0]), KEPT))


def novelty_summary(found: Novelty | None, limit: float) -> str:
    """What was fitted for novelty, as a line of text; found: None where members remember."""
    if found is None:
        return f"novelty: strange above {limit:.4g} of what each member allows, on average"
    lengths = "without" if found.unit else "with"
    directions = found.basis.shape[1]
    return f"novelty: {directions} directions, {lengths} lengths; strange above {limit:.4g}"


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature, 0.05 to 20, with the least cross-entropy; logits (N, K), targets (N,)."""
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        return metrics.cross_entropy(targets, softmax(logits / np.exp(log_temperature)))

    bounds = (np.log(0.05), np.log(20))
    return float(np.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x))


def write(
    card: Card, tables: dict[str, dict], remembered: tuple[Novelty | None, float] | None
) -> None:
    """Nothing; puts the tables, one for each way of asking, into the card, keeping all else.

    remembered: what was fitted for novelty and its limit; of an ensemble None and the limit.
    """
    document = tomlkit.parse(card.path.read_text(encoding="utf-8"))
    document.pop("temperature", None)
    document.get("training", {}).pop("calibration", None)  # of an older layout
    kept = document.get("trust", {})
    for mode, table in tables.items():
        kept[mode] = table
    found, limit = remembered or (None, None)
    if limit is not None:
        kept["novelty"] = {"threshold": limit, "kept": KEPT}
    if found is not None:
        file = card.folder / NOVELTY_FILE
        novelty.save(found, file)
        files = document.setdefault("files", {})
        size = file.stat().st_size
        files["novelty"] = {"file": file.name, "sha256": sha256_of(file), "size_bytes": size}
    document["trust"] = kept
    card.path.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def summary(mode: str, table: dict) -> str:
    """The table of one way of asking as lines of text."""

    def shown(entry: list[float]) -> str:
        return f"{entry[0]:.3f} ({entry[1]:.3f} to {entry[2]:.3f})"

    lines = [
        f"{'eight views' if mode == TTA else 'one view'}: fitted on {table['fitted_on']} "
        f"validation photos, measured on {table['measured_on']} held-out ones",
        f"  temperature {table['temperature']:.3f}: ECE {shown(table['ece_before'])} before, "
        f"{shown(table['ece'])} after",
        f"  sets hold the class of {shown(table['covered'])} of lesions, "
        f"{shown(table['set_size'])} classes each",
    ]
    lines += [f"    {code:5}{shown(entry)}" for code, entry in table["covered_by_class"].items()]
    lines += [
        f"  {point['group']} at {point['target']:.0%} sensitivity: threshold "
        f"{point['threshold']:.3f}, sensitivity {shown(point['sensitivity'])}, "
        f"specificity {shown(point['specificity'])}"
        for point in table["operating_points"]
    ]
    return "\n".join(lines)


def _measured(classifier: Classifier, photos: Photos) -> Measured:
    logits = evaluate.in_chunks(classifier.logits, classifier, photos)
    return Measured(photos.targets, logits, [row.lesion_id for row in photos.rows])


def _pooled(engines: list[Engine], photos: Photos) -> list[np.ndarray | None]:
    """The features of photos, (N, C), by network; None of one that gives probabilities alone."""
    starts = range(0, len(photos.pixels), evaluate.CHUNK)
    chunks = (np.asarray(photos.pixels[at : at + evaluate.CHUNK]) for at in starts)
    parts = [[engine.run(chunk).pooled for engine in engines] for chunk in chunks]
    return [
        None if of_engine[0] is None else np.concatenate(of_engine)
        for of_engine in zip(*parts, strict=True)
    ]


def _operating_point(
    group: str,
    target: float,
    known: Measured,
    fitted: np.ndarray,
    unseen: Measured,
    new: np.ndarray,
) -> dict:
    members = [CODES.index(code) for code in GROUPS[group]]
    scores, positive = group_probability(CODES, fitted, group), np.isin(known.targets, members)
    threshold = trust_fits.threshold_for(scores, positive, known.groups, target)
    called = group_probability(CODES, new, group) >= threshold
    ill = np.isin(unseen.targets, members)
    return {
        "group": group,
        "target": target,
        "threshold": threshold,
        "sensitivity": _spread(called, unseen.groups, ill),
        "specificity": _spread(~called, unseen.groups, ~ill),
    }


def _both_occur(part: Measured, group: str) -> bool:
    """Whether there are photos of the group and others, without which nothing can be fitted."""
    members = np.isin(part.targets, [CODES.index(code) for code in GROUPS[group]])
    return bool(members.any() and not members.all())


def _spread(values: np.ndarray, groups: list[str], chosen: np.ndarray | None = None) -> list[float]:
    if chosen is not None:
        values, groups = values[chosen], [groups[index] for index in np.flatnonzero(chosen)]
    return [round(number, 4) for number in trust_fits.weighted_mean(values, groups)]


def _ece(unseen: Measured, probabilities: np.ndarray) -> list[float]:
    measure = metrics.expected_calibration_error
    low, high = metrics.interval(measure, unseen.targets, probabilities, unseen.groups)
    return [round(v, 4) for v in (measure(unseen.targets, probabilities), low, high)]
