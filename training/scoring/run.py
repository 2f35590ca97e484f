"""Scoring of an archive: a folder of photos in, a folder of Parquet parts out, read top to bottom.

A run that was stopped goes on with what is missing.
"""

import itertools
import sys
import time
from collections.abc import Iterator

from model_zoo.errors import ZooError
from training.scoring import manifest, parts
from training.scoring.engines import ENGINES, LOCAL
from training.scoring.job import Job, absolute
from training.scoring.listing import photos_in, shown


def score(job: Job, engine: str = LOCAL) -> dict:
    """The manifest, once every photo of `job.photos` has its row in `job.out`.

    Raises `ZooError` if the folder holds rows of another model or other options, and if there is
    no photo.
    """
    job = absolute(job)
    if next(photos_in(job.photos), None) is None:
        raise ZooError("no_photos", path=job.photos)
    answers = manifest.describe(job)
    manifest.begin(job, answers)
    waiting = _waiting(job, parts.paths_in(job.out))
    first = next(waiting, None)
    began, scored = time.monotonic(), 0
    if first is not None:
        digest = answers["model"]["sha256"]
        for photos, errors in ENGINES[engine](job, digest, itertools.chain([first], waiting)):
            scored += photos
            rate = scored / (time.monotonic() - began)
            more = f", {errors} of the last {photos} with an error" if errors else ""
            print(f"{scored} photos, {rate:.1f}/s{more}", file=sys.stderr, flush=True)
    return manifest.finish(job, engine, scored, time.monotonic() - began)


def summary(whole: dict, job: Job) -> str:
    """What a person wants to know of a manifest, in two lines."""
    counts, run = whole["counts"], whole["runs"][-1]
    broken = ", ".join(f"{code} {count}" for code, count in counts["errors"].items())
    return (
        f"{counts['photos']} rows in {job.out}: {counts['answered']} with an answer, "
        f"{sum(counts['errors'].values())} with an error{f' ({broken})' if broken else ''}\n"
        f"scored now: {run['scored']} in {run['seconds']} s. {whole['notice']}"
    )


def _waiting(job: Job, done: set[str]) -> Iterator[list[str]]:
    """What is still to be scored, in parts of the whole list, so that a part keeps its photos."""
    listed = photos_in(job.photos)
    while chunk := list(itertools.islice(listed, job.part)):
        if waiting := [name for name in chunk if shown(name) not in done]:
            yield waiting
