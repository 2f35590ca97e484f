"""Honest splits: all photos of one lesion fall into one part."""

import csv
import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from model_zoo.cases import Case, photo_path
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from model_zoo.store import sha256_of

TRAIN, VALIDATION, HELD_OUT = "train", "validation", "held_out"
PARTS = (TRAIN, VALIDATION, HELD_OUT)
SPLIT_FILES = {TRAIN: "train.csv", VALIDATION: "val.csv", HELD_OUT: "test.csv"}
DEV_LIST = Path(__file__).with_name("splits") / "isic2019_dev.csv"
DEV_SEED = 2019
# 25 folds of 4 %: 3 held out, 3 for validation, 19 to train on = 12, 12 and 76 %.
FOLDS, FOLDS_PER_PART = 25, 3


@dataclass(frozen=True)
class Row:
    """One line of a split list: image id, class code, lesion group and part."""

    image: str
    label: str
    lesion_id: str
    part: str


def is_development(images: Path) -> bool:
    """Whether a list is the development list, wherever it lies."""
    return images.is_file() and sha256_of(images) == sha256_of(DEV_LIST)


def lesion_groups(cases: list[Case], folder: Path | None = None) -> list[str]:
    """The group of each case: its lesion id, or its own image id where there is none.

    With `folder`, photos that are equal byte for byte join one group too (ISIC 2019 holds some
    under two ids, a few with two lesion ids).
    """
    group = [case.lesion_id or case.image for case in cases]
    if folder is None:
        return group
    leader: dict[str, str] = {}
    first_with: dict[str, str] = {}
    for case, name in zip(cases, group, strict=True):
        digest = sha256_of(photo_path(folder, case.image))
        other = first_with.setdefault(digest, name)
        if _root(leader, other) != _root(leader, name):
            leader[_root(leader, name)] = _root(leader, other)
    return [_root(leader, name) for name in group]


def _root(leader: dict[str, str], name: str) -> str:
    while name in leader:
        name = leader[name]
    return name


def development_list(cases: list[Case], groups: list[str], seed: int = DEV_SEED) -> list[Row]:
    """The 76/12/12 list: grouped by lesion, stratified by class and archive."""
    rows = []
    folds = grouped_folds(cases, groups, FOLDS, seed)
    for case, group, fold in zip(cases, groups, folds, strict=True):
        validates = fold < 2 * FOLDS_PER_PART
        part = HELD_OUT if fold < FOLDS_PER_PART else VALIDATION if validates else TRAIN
        rows.append(Row(case.image, case.label, group, part))
    return rows


def grouped_folds(cases: list[Case], groups: list[str], folds: int, seed: int) -> list[int]:
    """The fold of each case, 0 to folds - 1: groups whole, stratified by class and archive.

    Raises `BadData` when no class has as many images as there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    strata = [f"{case.label} {case.source}" for case in cases]
    most = max(Counter(case.label for case in cases).values(), default=0)
    if most < folds:
        raise BadData("too_few_to_split", needed=folds, most=most)
    # A stratum with fewer photos than there are folds is stratified by class alone.
    counts = Counter(strata)
    strata = [name if counts[name] >= folds else name.split()[0] for name in strata]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold_of = [0] * len(cases)
    for fold, (_, members) in enumerate(splitter.split(cases, strata, groups)):
        for index in members:
            fold_of[index] = fold
    return fold_of


def write_list(rows: list[Row], file: Path) -> None:
    """Nothing; writes the list as CSV: image, label, lesion_id, part."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("image", "label", "lesion_id", "part"))
        writer.writerows((row.image, row.label, row.lesion_id, row.part) for row in rows)


def read_list(source: Path = DEV_LIST) -> list[Row]:
    """The rows of a split list: a CSV, or a folder with train.csv, val.csv and test.csv.

    A CSV without a column part gives rows of no part, one without labels rows without labels.
    Raises `BadData` when it is not one.
    """
    if source.is_dir():
        return [
            dataclasses.replace(row, part=part)
            for part, name in SPLIT_FILES.items()
            if (source / name).is_file() or part == TRAIN
            for row in read_list(source / name)
        ]
    if not source.is_file():
        raise BadData("missing_table", file=source.name, folder=source.parent)
    with source.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        names = [field.name for field in dataclasses.fields(Row)]
        rows = [Row(*(line.get(name) or "" for name in names)) for line in reader]
    parted = "part" in (reader.fieldnames or ())
    for line, row in enumerate(rows, start=2):
        problem = ""
        if not row.image or (parted and row.part not in PARTS):
            problem = f"expected an image and a part of {', '.join(PARTS)}, got {row}"
        elif row.label and row.label not in CODES:
            problem = f"expected a class of {', '.join(CODES)}, got {row.label}"
        if problem:
            raise BadData("bad_table", file=source.name, line=line, problem=problem)
    if not rows:
        raise BadData("bad_table", file=source.name, line=1, problem="no column image, or no rows")
    return rows


def part_of(rows: list[Row], part: str, limit: int | None = None) -> list[Row]:
    """The rows of one part, in list order; with `limit`, that many spread over the list."""
    chosen = [row for row in rows if row.part == part]
    if limit is None or limit >= len(chosen):
        return chosen
    return [chosen[index * len(chosen) // limit] for index in range(limit)]


def complete(rows: list[Row], cases: dict[str, Case]) -> list[Row]:
    """The rows, with label and lesion of the tables where the list has none.

    A photo without a lesion id is a lesion of its own.
    """
    return [
        Row(
            row.image,
            row.label or cases[row.image].label,
            row.lesion_id or cases[row.image].lesion_id or row.image,
            row.part,
        )
        for row in rows
    ]


def digest(rows: list[Row]) -> str:
    """The sha256 of which photos of which class train and validate, wherever their list lies."""
    lines = "".join(f"{row.image} {row.label} {row.part}\n" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()


def require(rows: list[Row], present: set[str], file: Path) -> None:
    """Nothing; raises `BadData` when the list names images that the folder does not hold."""
    absent = [row.image for row in rows if row.image not in present]
    if absent:
        raise BadData("unknown_images", count=len(absent), file=file.name, first=absent[0])
