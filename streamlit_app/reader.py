"""What read a photo: a model and how it was asked, as pages and CSV files name it."""

from dataclasses import dataclass

from model_zoo.trust import SINGLE, TTA

# How many views of a photo are averaged, by how the model is asked.
VIEWS = {SINGLE: 1, TTA: 8}


@dataclass(frozen=True)
class Reader:
    """What reads photos: a model's name, the sha256 of what runs, how it is asked (see `trust`)."""

    model: str
    digest: str
    mode: str

    def cells(self) -> dict[str, object]:
        """Its columns in a row of a CSV file."""
        return {"model": self.model, "model_sha256": self.digest, "views": VIEWS[self.mode]}
