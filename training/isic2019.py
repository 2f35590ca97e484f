"""Checks of a folder in the ISIC 2019 layout, before anything is trained on it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from model_zoo.cases import Case, photo_path, read_cases
from model_zoo.errors import BadData
from model_zoo.labels import CODES


@dataclass(frozen=True)
class Report:
    """What a folder holds: counts by class and archive, lesions, and images without a photo."""

    cases: list[Case]
    missing: list[str]
    by_label: dict[str, int]
    by_source: dict[str, int]
    lesions: int
    without_lesion_id: int

    def __str__(self) -> str:
        labels = "  ".join(f"{code} {self.by_label.get(code, 0)}" for code in CODES)
        sources = "  ".join(f"{name} {count}" for name, count in sorted(self.by_source.items()))
        return (
            f"{len(self.cases)} images of {self.lesions} lesions "
            f"({self.without_lesion_id} images without a lesion id)\n"
            f"by class: {labels}\nby archive: {sources}\nwithout a photo: {len(self.missing)}"
        )


def check(folder: Path, *, skip_missing: bool = False) -> Report:
    """A report on the folder; rows are checked as one-hot and unique while they are read.

    Raises `BadData` for a bad table, or for images without a photo unless `skip_missing`.
    """
    cases = read_cases(folder)
    missing = [case.image for case in cases if not photo_path(folder, case.image).is_file()]
    if missing and not skip_missing:
        raise BadData("missing_images", count=len(missing), folder=folder, first=missing[0])
    absent = set(missing)
    kept = [case for case in cases if case.image not in absent]
    lesion_ids = {case.lesion_id for case in kept} - {""}
    return Report(
        cases=kept,
        missing=missing,
        by_label=dict(Counter(case.label for case in kept)),
        by_source=dict(Counter(case.source for case in kept)),
        lesions=len(lesion_ids) + sum(not case.lesion_id for case in kept),
        without_lesion_id=sum(not case.lesion_id for case in kept),
    )
