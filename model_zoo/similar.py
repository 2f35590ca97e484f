"""Similar cases: an index of confirmed ones by the features of a model, and the nearest in it.

`python -m model_zoo index FOLDER` makes it from a folder in the ISIC 2019 layout. It holds features
and names, no photo; photos stay where they are and are read when they are shown.
"""

import csv
import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.cases import Case, photo_path, read_cases
from model_zoo.classifier import Classifier
from model_zoo.cores import reading_threads
from model_zoo.errors import BadData, BadImage, ZooError
from model_zoo.images import decode_rgb, square
from model_zoo.interpreters import BATCH
from model_zoo.store import cache_folder, sha256_of
from model_zoo.training_ids import TrainingIds, training_ids

VECTORS, CASES, ABOUT = "features.usearch", "cases.csv", "about.json"


@dataclass(frozen=True)
class SimilarCase:
    """A confirmed case near to a photo.

    known: whether the model was trained on its lesion, None where nobody can tell.

    distance: cosine distance of the features, 0 (the same) to 2. photo: its file.
    """

    image: str
    label: str
    known: bool | None
    distance: float
    photo: Path


def build(
    classifier: Classifier, folder: Path, progress: Callable[[int, int], None] | None = None
) -> tuple[int, list[str]]:
    """How many cases the index of this model now holds, and the images that could not be read.

    It replaces an older one. Of an ensemble it holds the features of the first member alone, as
    they are in `Analysis.pooled`. Raises `BadData` for a folder of another layout, `ZooError` where
    the library is missing.
    """
    index = _usearch().Index(ndim=_width(classifier), metric="cos", dtype="f16")
    cases = read_cases(folder)
    kept, broken = [], []
    with ThreadPoolExecutor(reading_threads()) as pool:
        for start in range(0, len(cases), BATCH):
            chunk = cases[start : start + BATCH]
            read = list(pool.map(lambda case: _read(folder, case, classifier.side), chunk))
            good = [(c, p) for c, p in zip(chunk, read, strict=True) if p is not None]
            broken += [c.image for c, p in zip(chunk, read, strict=True) if p is None]
            if good:
                pooled = classifier.engine.run(np.stack([pixels for _, pixels in good])).pooled
                index.add(np.arange(len(kept), len(kept) + len(good)), pooled)
                kept += [case for case, _ in good]
            if progress is not None:
                progress(start + len(chunk), len(cases))
    if not kept:
        raise BadData("nothing_to_index", folder=folder)
    _write(classifier, folder, index, kept)
    return len(kept), broken


class SimilarCases:
    """The index of a model. `find` may be called from many threads."""

    def __init__(self, index, cases: list[Case], folder: Path, known: TrainingIds | None) -> None:
        self._index, self._cases, self._folder = index, cases, folder
        self._known = known

    def __len__(self) -> int:
        return len(self._cases)

    @classmethod
    def load(cls, classifier: Classifier) -> "SimilarCases | None":
        """The index of this very model, None where none was made.

        Raises `ZooError` where a file of it is not, byte for byte, what was written.
        """
        place = _place(classifier, create=False)
        if not (place / ABOUT).is_file():
            return None
        library = _usearch()
        try:
            about = json.loads((place / ABOUT).read_text(encoding="utf-8"))
            if any(sha256_of(place / name) != about["sha256"][name] for name in (VECTORS, CASES)):
                raise ZooError("bad_index", folder=place)
            folder = Path(about["folder"])
            with (place / CASES).open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise ZooError("bad_index", folder=place) from fault
        index = library.Index.restore(str(place / VECTORS))
        cases = [Case(row["image"], row["label"], row["lesion_id"]) for row in rows]
        return cls(index, cases, folder, training_ids(classifier.card))

    def find(self, pooled: np.ndarray, count: int = 5) -> list[SimilarCase]:
        """The nearest cases to a photo's features, (C,), one of each lesion, the nearest first."""
        asked = min(4 * count, len(self))
        while True:
            matches = self._index.search(pooled, asked, exact=True)
            nearest: dict[str, tuple[Case, float]] = {}
            for key, distance in zip(matches.keys, matches.distances, strict=True):
                case = self._cases[int(key)]
                nearest.setdefault(case.lesion_id or case.image, (case, float(distance)))
            if len(nearest) >= count or asked == len(self):
                return [self._similar(*one) for one in list(nearest.values())[:count]]
            asked = min(4 * asked, len(self))  # many photos of few lesions came first

    def _similar(self, case: Case, distance: float) -> SimilarCase:
        known = self._known and self._known.tell(case.image, case.lesion_id)
        file = photo_path(self._folder, case.image)
        return SimilarCase(case.image, case.label, known, distance, file)


def _usearch():
    try:
        from usearch import index
    except ImportError as fault:
        raise ZooError("no_usearch") from fault
    return index


def _width(classifier: Classifier) -> int:
    side = classifier.side
    pooled = classifier.engine.run(np.zeros((1, side, side, 3), np.uint8)).pooled
    if pooled is None:
        raise ZooError("no_features", name=classifier.card.name)
    return pooled.shape[1]


def _read(folder: Path, case: Case, side: int) -> np.ndarray | None:
    try:
        return square(decode_rgb(photo_path(folder, case.image).read_bytes()), side).pixels
    except (OSError, BadImage):
        return None


def written(classifier: Classifier) -> int | None:
    """When the index of a model was finished, in nanoseconds; None where there is none."""
    try:
        return (_place(classifier, create=False) / ABOUT).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _place(classifier: Classifier, *, create: bool) -> Path:
    """The folder of a model's index: by content, since another network has other features."""
    root = cache_folder("index") if create else cache_folder() / "index"
    return root / classifier.digest()[:16]


def _write(classifier: Classifier, folder: Path, index, cases: list[Case]) -> None:
    place = _place(classifier, create=True)
    place.mkdir(exist_ok=True)
    (place / ABOUT).unlink(missing_ok=True)  # written last: without it there is no index
    index.save(str(place / VECTORS))
    with (place / CASES).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["image", "label", "lesion_id"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(case) for case in cases)
    about = {
        "model": classifier.card.name,
        "folder": str(folder.resolve()),
        "cases": len(cases),
        "sha256": {name: sha256_of(place / name) for name in (VECTORS, CASES)},
    }
    (place / ABOUT).write_text(json.dumps(about), encoding="utf-8")
