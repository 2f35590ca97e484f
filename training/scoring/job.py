"""What is to be scored, and how."""

from dataclasses import dataclass, replace
from pathlib import Path

from model_zoo.interpreters import BATCH

# Photos in one Parquet file: what a worker that is killed has to do again.
PART = 1024


@dataclass(frozen=True)
class Job:
    """An archive and the way to score it.

    photos: folder of photos, at any depth. out: folder of the rows. model: a card's name or a
    model file, None for the default. tta: mean of eight flips and quarter turns. outlines: whether
    each lesion's outline is traced and measured. part: photos in one Parquet file. batch: photos
    that the networks are given at once.
    """

    photos: Path
    out: Path
    model: str | None = None
    tta: bool = False
    outlines: bool = True
    part: int = PART
    batch: int = BATCH


def absolute(job: Job) -> Job:
    """The same job for workers, which run in folders of their own."""
    model = job.model
    if model is not None and Path(model).is_file():
        model = str(Path(model).resolve())
    return replace(job, photos=job.photos.resolve(), out=job.out.resolve(), model=model)
