"""Checks of a folder in the ISIC 2019 layout, before anything is trained on it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from model_zoo.cases import Case, photo_path, read_cases
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from model_zoo.store import sha256_of


@dataclass(frozen=True)
class Report:
    """What a folder holds: counts by class and archive, lesions, and what is wrong with it.

    faults: rows that cannot be used. missing: images without a photo. equal: images whose file
    is byte for byte that of an earlier one, None where files were not compared.
    """

    cases: list[Case]
    faults: list[BadData]
    missing: list[str]
    equal: int | None
    by_label: dict[str, int]
    by_source: dict[str, int]
    lesions: int
    without_lesion_id: int

    def __str__(self) -> str:
        labels = "  ".join(f"{code} {self.by_label.get(code, 0)}" for code in CODES)
        sources = "  ".join(f"{name} {count}" for name, count in sorted(self.by_source.items()))
        lines = [
            f"{len(self.cases)} images of {self.lesions} lesions "
            f"({self.without_lesion_id} images without a lesion id)",
            f"by class: {labels}",
            f"by archive: {sources}",
            f"without a photo: {len(self.missing)} {' '.join(self.missing[:3])}",
            f"equal to an earlier photo: {'not compared' if self.equal is None else self.equal}",
            f"bad rows: {len(self.faults)}",
        ]
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults[:10])])


def check(folder: Path, *, skip_missing: bool = False) -> Report:
    """A report on the folder, whose cases can all be trained on.

    Raises `BadData` for a bad row, or for images without a photo unless `skip_missing`.
    """
    report = inspect(folder)
    if report.faults:
        raise report.faults[0]
    if report.missing and not skip_missing:
        count, first = len(report.missing), report.missing[0]
        raise BadData("missing_images", count=count, folder=folder, first=first)
    return report


def inspect(folder: Path, *, compare: bool = False) -> Report:
    """A report on all that is wrong with a folder. compare: read every photo to find equal ones.

    Raises `BadData` only when there is no table.
    """
    faults: list[BadData] = []
    cases = read_cases(folder, faults)
    missing = [case.image for case in cases if not photo_path(folder, case.image).is_file()]
    absent = set(missing)
    kept = [case for case in cases if case.image not in absent]
    lesion_ids = {case.lesion_id for case in kept} - {""}
    different = {sha256_of(photo_path(folder, case.image)) for case in kept} if compare else None
    return Report(
        cases=kept,
        faults=faults,
        missing=missing,
        equal=None if different is None else len(kept) - len(different),
        by_label=dict(Counter(case.label for case in kept)),
        by_source=dict(Counter(case.source for case in kept)),
        lesions=len(lesion_ids) + sum(not case.lesion_id for case in kept),
        without_lesion_id=sum(not case.lesion_id for case in kept),
    )
