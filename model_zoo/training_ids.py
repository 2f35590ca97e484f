"""Which photos and lesions a model was trained on, so that a case it knows can be told apart."""

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass

from model_zoo import registry
from model_zoo.card import Card

# ISIC 2019 names photos of one archive so; the archive itself, and ISIC 2018, without it.
SUFFIX = "_downsampled"


@dataclass(frozen=True)
class TrainingIds:
    """Image ids, without `SUFFIX`, and lesion ids of a training part."""

    images: frozenset[str] = frozenset()
    lesions: frozenset[str] = frozenset()

    def know(self, image: str, lesion_id: str = "") -> bool:
        """Whether the photo, or another one of its lesion, was trained on."""
        plain = image.removesuffix(SUFFIX)
        lesions = {lesion_id} if lesion_id else {image, plain, plain + SUFFIX}
        return plain in self.images or not lesions.isdisjoint(self.lesions)

    def know_any(self, images: Iterable[str]) -> bool:
        """Whether any of the photos was trained on, for archives with lesion ids of their own."""
        return any(self.know(image) for image in images)


def training_ids(card: Card) -> TrainingIds | None:
    """The ids that the model's compressed list names, or None where it has no such list.

    An ensemble without one knows what any of its members knows; None if that of one is unknown.
    Raises `BadModel` where a member is not installed.
    """
    file = card.file("training_ids")
    if file is None and card.members:
        return _union([training_ids(registry.find(name)) for name in card.members])
    if file is None or not file.is_file():
        return None
    text = gzip.decompress(file.read_bytes()).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    return TrainingIds(
        frozenset(row["image"].removesuffix(SUFFIX) for row in rows),
        frozenset(row["lesion_id"] for row in rows),
    )


def _union(known: list[TrainingIds | None]) -> TrainingIds | None:
    if None in known:
        return None
    return TrainingIds(
        frozenset().union(*(ids.images for ids in known)),
        frozenset().union(*(ids.lesions for ids in known)),
    )
