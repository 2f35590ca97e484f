"""Two ways to split the whole of ISIC 2019, and how much of a test part training has seen.

reference: by image, as the published ResNet50 was trained; it leaks. lesion: by lesion.
"""

import csv
import json
from collections import Counter
from pathlib import Path

from model_zoo.cases import Case
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training.splits import grouped_folds, lesion_groups

TRAIN, VAL, TEST = "train", "val", "test"
REFERENCE, LESION = "reference", "lesion"
REFERENCE_SEED = 42
ABOUT = "split.json"
# 20 folds of 5 %: 3 to test, 3 to validate, 14 to train on = 15, 15 and 70 %.
FOLDS, FOLDS_PER_PART = 20, 3

Parts = dict[str, list[Case]]


def split(
    cases: list[Case], protocol: str, seed: int | None = None, folder: Path | None = None
) -> Parts:
    """The cases of each part, 70 % to train, 15 % to validate, 15 % to test.

    folder: of the photos; by lesion, photos that are equal byte for byte then stay together too.
    """
    seed = REFERENCE_SEED if seed is None else seed
    return by_image(cases, seed) if protocol == REFERENCE else by_lesion(cases, seed, folder)


def by_image(cases: list[Case], seed: int) -> Parts:
    """The published split: scikit-learn's `train_test_split`, 30 % off, then halved.

    Rows in table order, stratified by class; with seed 42 it equals the published lists id for id.
    """
    from sklearn.model_selection import train_test_split

    def halve(of: list[Case], share: float) -> tuple[list[Case], list[Case]]:
        labels = [case.label for case in of]
        return train_test_split(of, test_size=share, stratify=labels, random_state=seed)

    try:
        train, rest = halve(cases, 0.3)
        val, test = halve(rest, 0.5)
    except ValueError as fault:  # a class with too few images to be in each part
        raise BadData("too_few_to_stratify", problem=fault) from fault
    return {TRAIN: train, VAL: val, TEST: test}


def by_lesion(cases: list[Case], seed: int, folder: Path | None = None) -> Parts:
    """A split in which no lesion has photos in two parts, stratified by class and archive."""
    parts: Parts = {TRAIN: [], VAL: [], TEST: []}
    folds = grouped_folds(cases, lesion_groups(cases, folder), FOLDS, seed)
    for case, fold in zip(cases, folds, strict=True):
        part = TEST if fold < FOLDS_PER_PART else VAL if fold < 2 * FOLDS_PER_PART else TRAIN
        parts[part].append(case)
    return parts


def seen_in_training(parts: Parts) -> dict[str, int] | None:
    """Test images by class of whose lesion a photo is in the training part.

    None where no photo has a lesion id, so that nobody can tell.
    """
    if not any(case.lesion_id for cases in parts.values() for case in cases):
        return None
    known = {case.lesion_id for case in parts[TRAIN]} - {""}
    counts = Counter(case.label for case in parts[TEST] if case.lesion_id in known)
    return {code: counts[code] for code in CODES}


def write(parts: Parts, out: Path, protocol: str, seed: int | None) -> dict:
    """What `ABOUT` says, which is written beside train.csv, val.csv and test.csv.

    Columns: image, label, lesion_id.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, cases in parts.items():
        with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("image", "label", "lesion_id"))
            writer.writerows((case.image, case.label, case.lesion_id) for case in cases)
    seen = seen_in_training(parts)
    about = {
        "protocol": protocol,
        "seed": REFERENCE_SEED if seed is None else seed,
        "images": {name: len(cases) for name, cases in parts.items()},
        "test_by_class": {code: sum(case.label == code for case in parts[TEST]) for code in CODES},
        "test_images_of_training_lesions": None if seen is None else sum(seen.values()),
        "test_images_of_training_lesions_by_class": seen,
    }
    (out / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return about
