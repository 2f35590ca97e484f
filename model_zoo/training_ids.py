"""Which photos and lesions a model was trained on, so that a case it knows can be told apart."""

import csv
import gzip
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from model_zoo import registry
from model_zoo.card import Card

# ISIC 2019 names photos of one archive so; the archive itself, and ISIC 2018, without it.
SUFFIX = "_downsampled"
# How names of photos and lesions begin that come from there: the archive's own, and ISIC 2019's.
ISIC_NAMINGS = frozenset({"ISIC", "IL", "HAM", "BCN", "MSK"})
LETTERS = re.compile(r"[^\W\d_]*")


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

    def tell(self, image: str, lesion_id: str) -> bool | None:
        """As `know`, but None where another photo of the lesion may have been trained on.

        That is so without a lesion id. It is also so where the photo or its lesion is named as
        photos of ISIC are, and the list names lesions otherwise, such as HAM_1 and not IL_1.
        """
        if self.know(image, lesion_id):
            return True
        if not lesion_id:
            return None
        comparable = naming(lesion_id) in self._namings
        foreign = ISIC_NAMINGS.isdisjoint({naming(image), naming(lesion_id)})
        return False if comparable or foreign else None

    @cached_property
    def _namings(self) -> frozenset[str]:
        return frozenset(naming(lesion) for lesion in self.lesions if lesion)

    def know_any(self, images: Iterable[str]) -> bool:
        """Whether any of the photos was trained on, for archives with lesion ids of their own."""
        return any(self.know(image) for image in images)


def naming(name: str) -> str:
    """The letters that a name begins with: HAM of HAM_0000118, MSK of MSK4_0012."""
    return LETTERS.match(name).group()


def training_ids(card: Card) -> TrainingIds | None:
    """The ids that the model's list names (see `training_rows`), or None where it has no list."""
    rows = training_rows(card)
    return None if rows is None else ids_of(rows)


def ids_of(rows: Iterable[tuple[str, str]]) -> TrainingIds:
    """The ids of pairs of image and lesion."""
    pairs = list(rows)
    return TrainingIds(
        frozenset(image.removesuffix(SUFFIX) for image, _ in pairs),
        frozenset(lesion for _, lesion in pairs),
    )


def training_rows(card: Card) -> list[tuple[str, str]] | None:
    """Image and lesion of each photo that the model's compressed list names; None without one.

    An ensemble without one has those of its members; None if those of one are not known. Raises
    `BadModel` where a member is not installed.
    """
    file = card.file("training_ids")
    if file is None and card.members:
        known = [training_rows(registry.find(name)) for name in card.members]
        return None if None in known else [row for rows in known for row in rows]
    if file is None or not file.is_file():
        return None
    return read_rows(gzip.decompress(file.read_bytes()).decode("utf-8"))


def read_rows(text: str) -> list[tuple[str, str]]:
    """Image and lesion of each line of a CSV with these columns, `image` and `lesion_id`."""
    return [(row["image"], row["lesion_id"]) for row in csv.DictReader(io.StringIO(text))]


def write_rows(rows: Iterable[tuple[str, str]]) -> str:
    """That CSV, each pair once."""
    return "image,lesion_id\n" + "".join(f"{i},{lesion}\n" for i, lesion in dict.fromkeys(rows))
