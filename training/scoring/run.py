"""Scoring of an archive: a folder of photos in, a folder of Parquet parts out, read top to bottom.

A run that was stopped goes on with what is missing.
"""

import itertools
import sys
import time
from collections.abc import Iterator

from model_zoo.errors import ZooError
from training.scoring import apart, lock, manifest, parts
from training.scoring.answers import describe
from training.scoring.engines import ENGINES, LOCAL
from training.scoring.job import Job, absolute
from training.scoring.listing import photos_in, shown
from training.scoring.scorer import load

# Seconds before photos that could not be read are tried once more, and once again.
PAUSES = (2, 10)


def score(job: Job, engine: str = LOCAL) -> dict:
    """The manifest, once every photo of `job.photos` has its row in `job.out`.

    Raises `ZooError` if the folder holds rows of another model, other options or other versions,
    if another run is writing there, and if there is no such folder or no photo in it.
    """
    job = absolute(job)
    if not job.photos.exists():
        raise ZooError("missing_folder", path=job.photos)
    if next(photos_in(job.photos), None) is None:
        raise ZooError("no_photos", path=job.photos)
    manifest.check_folder(job.out)
    answers = describe(job, load(job))
    with lock.only_run(job.out):
        manifest.begin(job, answers)
        apart.remove_marks(job.out, apart.STARTING)
        # What ended a worker then may have been a lack of memory.
        parts.drop(job.out, (*parts.UNREAD, apart.ERROR))
        began = time.monotonic()
        scored, closed = _score_waiting(job, engine, answers)
        for pause in PAUSES:
            if not closed and not parts.errors_in(job.out)[parts.UNREADABLE]:
                break
            time.sleep(pause)
            scored -= parts.drop(job.out)
            more, closed = _score_waiting(job, engine, answers)
            scored += more
        for kind in (apart.BEGUN, apart.STARTING):
            apart.remove_marks(job.out, kind)
        scored -= parts.drop_doubles(job.out)
        seconds = round(time.monotonic() - began, 1)
        run = {"engine": engine, "scored": scored, "seconds": seconds, "closed": closed}
        return manifest.finish(job, run)


def summary(whole: dict, job: Job) -> str:
    """What a person wants to know of a manifest, in two lines or more."""
    counts, run = whole["counts"], whole["runs"][-1]
    codes = ", ".join(f"{code} {count}" for code, count in counts["errors"].items())
    lines = [
        f"{counts['photos']} rows in {job.out}: {counts['answered']} with an answer, "
        f"{counts['refused'] + counts['unread']} with an error{f' ({codes})' if codes else ''}"
    ]
    if counts["unread"]:
        lines.append(
            f"{counts['unread']} of them could not be read: the same command tries them again."
        )
    if run["closed"]:
        lines.append(
            f"{len(run['closed'])} folders could not be listed, their photos have no rows: "
            f"{run['closed'][0]}"
        )
    return "\n".join(
        [*lines, f"scored now: {run['scored']} in {run['seconds']} s. {whole['notice']}"]
    )


def _score_waiting(job: Job, engine: str, answers: dict) -> tuple[int, list[str]]:
    """How many photos without a row now have one, and why folders could not be listed."""
    closed: list[str] = []
    waiting = _waiting(job, parts.paths_in(job.out), closed)
    first = next(waiting, None)
    if first is None:
        return 0, closed
    began, scored = time.monotonic(), 0
    for photos, errors in ENGINES[engine](job, answers, itertools.chain([first], waiting)):
        scored += photos
        rate = scored / (time.monotonic() - began)
        more = f", {errors} of the last {photos} with an error" if errors else ""
        print(f"{scored} photos, {rate:.1f}/s{more}", file=sys.stderr, flush=True)
    return scored, closed


def _waiting(job: Job, done: set[str], closed: list[str]) -> Iterator[list[str]]:
    """What is still to be scored, in parts of the whole list, so that a part keeps its photos.

    closed: gets why folders cannot be listed.
    """
    listed = photos_in(job.photos, lambda fault: closed.append(str(fault)))
    while chunk := list(itertools.islice(listed, job.part)):
        if waiting := [name for name in chunk if shown(name) not in done]:
            yield waiting
