"""The reader of a folder of cases in the ISIC 2019 layout.

<folder>/ISIC_2019_Training_Input/<image>.jpg
<folder>/ISIC_2019_Training_GroundTruth.csv   one-hot: image, MEL, NV, BCC, ..., UNK
<folder>/ISIC_2019_Training_Metadata.csv      image, age_approx, anatom_site_general, lesion_id, sex
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_zoo.errors import BadData
from model_zoo.labels import CODES

PHOTOS = "ISIC_2019_Training_Input"
GROUND_TRUTH = "ISIC_2019_Training_GroundTruth.csv"
METADATA = "ISIC_2019_Training_Metadata.csv"
UNKNOWN = "UNK"  # the challenge's column for its hidden ninth class; 0 everywhere in training

# Image numbers by archive, as published: HAM10000 has the run 24306 to 34320 (Tschandl et al.
# 2018), BCN_20000 everything above it in ISIC 2019, MSK everything below.
HAM_FIRST, HAM_LAST = 24306, 34320


@dataclass(frozen=True)
class Case:
    """One labelled photo: image id, class code, lesion id ("" if none), and what is known of it.

    age: years, rounded to five, or None. sex, site: words of the table, "" if unknown.
    """

    image: str
    label: str
    lesion_id: str = ""
    age: float | None = None
    sex: str = ""
    site: str = ""

    @property
    def source(self) -> str:
        """The archive that the photo came from, told by the image number: HAM, BCN or MSK.

        "other" for an image id that is not of the form ISIC_<number>.
        """
        number = self.image.removeprefix("ISIC_").split("_")[0]
        if not number.isdecimal():
            return "other"
        place = int(number)
        return "HAM" if HAM_FIRST <= place <= HAM_LAST else "BCN" if place > HAM_LAST else "MSK"


def read_cases(folder: Path, faults: list[BadData] | None = None) -> list[Case]:
    """The cases of a folder in the ISIC 2019 layout, in table order; photos are not opened.

    Metadata may be absent. faults: bad rows are collected there and left out; without it, the
    first one is raised as `BadData`, naming file and line. A missing table is always raised.
    """
    metadata = folder / METADATA
    return join_tables(folder / GROUND_TRUTH, metadata if metadata.exists() else None, faults)


def join_tables(
    labels: Path, metadata: Path | None, faults: list[BadData] | None = None
) -> list[Case]:
    """The cases of a ground-truth table, with what a metadata table says of each image."""
    about = {row["image"]: row for _, row in _rows(metadata, {"image"})} if metadata else {}
    cases: dict[str, Case] = {}
    for line, row in _rows(labels, {"image", *CODES}):
        try:
            case = _case(row, about.get(row["image"], {}))
            if case.image in cases:
                raise ValueError(f"{case.image} comes twice")
            cases[case.image] = case
        except ValueError as fault:
            bad = BadData("bad_table", file=labels.name, line=line, problem=str(fault))
            if faults is None:
                raise bad from fault
            faults.append(bad)
    return list(cases.values())


def _case(row: dict[str, str], about: dict[str, str]) -> Case:
    age = about.get("age_approx")
    return Case(
        image=row["image"],
        label=_one_hot(row),
        lesion_id=about.get("lesion_id") or "",
        age=float(age) if age else None,
        sex=about.get("sex") or "",
        site=about.get("anatom_site_general") or "",
    )


def photo_path(folder: Path, image: str) -> Path:
    """Where the layout keeps the photo of an image id."""
    return folder / PHOTOS / f"{image}.jpg"


def _rows(file: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    if not file.is_file():
        raise BadData("missing_table", file=file.name, folder=file.parent)
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        lacking = needed - set(reader.fieldnames or ())
        if lacking:
            problem = f"no column {', '.join(sorted(lacking))}"
            raise BadData("bad_table", file=file.name, line=1, problem=problem)
        for row in reader:
            yield reader.line_num, row


def _one_hot(row: dict[str, str]) -> str:
    marks = {code: float(row.get(code) or 0) for code in (*CODES, UNKNOWN)}
    chosen = [code for code, mark in marks.items() if mark == 1]
    if len(chosen) != 1 or sum(marks.values()) != 1:
        raise ValueError(f"expected a single 1 among the classes, got {marks}")
    if chosen[0] == UNKNOWN:
        raise ValueError("the class is UNK, which no photo of the training data has")
    return chosen[0]
