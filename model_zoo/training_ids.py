"""Which photos and lesions a model was trained on, so that a case it knows can be told apart."""

import csv
import gzip
import io
from dataclasses import dataclass

from model_zoo.card import Card


@dataclass(frozen=True)
class TrainingIds:
    """Image ids and lesion ids of a training part."""

    images: frozenset[str] = frozenset()
    lesions: frozenset[str] = frozenset()

    def know(self, image: str, lesion_id: str = "") -> bool:
        """Whether the photo, or another one of its lesion, was trained on."""
        return image in self.images or (lesion_id or image) in self.lesions


def training_ids(card: Card) -> TrainingIds | None:
    """The ids that the model's compressed list names, or None where it has no such list."""
    file = card.file("training_ids")
    if file is None or not file.is_file():
        return None
    text = gzip.decompress(file.read_bytes()).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    return TrainingIds(
        frozenset(row["image"] for row in rows), frozenset(row["lesion_id"] for row in rows)
    )
