"""Photos of a part that ended a worker before, in a process of their own that they may end.

A decoder that crashes takes its process with it, and no Python sees it. So every part leaves a mark
while it is worked on; who finds the mark of an attempt that never came to its end goes about the
part carefully.
"""

import collections
import contextlib
import multiprocessing
import os
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from model_zoo.cores import usable_cores
from model_zoo.errors import ZooError
from model_zoo.store import sha256_of
from training.scoring.job import Job
from training.scoring.rows import without_answer

TRIES = 2  # for each photo: a process may also end for another reason, such as too little memory
ERROR = "photo_ends_worker"
# Attempts at a part before the run is given up: the second is careful already, so what ends a
# worker after that is no photo, but a host that is taken away or has too little memory.
ATTEMPTS = 5
# Workers on a host that may end as they begin, one after another, beside one a core that begin
# together.
STARTS = 10
BEGUN, STARTING = ".begun-", ".starting-"

_kept: list = []  # in the process apart: its worker


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[None]:
    """Nothing; marks that a worker begins. Ray replaces one that ends as it begins, for ever.

    Raises `ZooError` where many on this host did not come through since one did, and where no mark
    can be written: nobody would count them then, and rows could not be written either.
    """
    host = socket.gethostname()
    if len(_begun_on(host, folder)) >= usable_cores() + STARTS:
        raise ZooError("score_worker_ends", host=host)
    mark = folder / f"{STARTING}{host}-{os.getpid()}"
    try:
        mark.touch()
    except OSError as fault:
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault
    done = [mark]
    try:
        yield
        # Those that begin at this moment go uncounted: no more of them than there are cores.
        done += _begun_on(host, folder)
    finally:  # not where the process was ended
        for ended in done:
            with contextlib.suppress(OSError):
                ended.unlink(missing_ok=True)


def _begun_on(host: str, folder: Path) -> list[Path]:
    """The marks of workers on this host, and not of those on one whose name begins like it."""
    name = re.compile(re.escape(f"{STARTING}{host}-") + r"\d+")
    return [mark for mark in folder.glob(f"{STARTING}*") if name.fullmatch(mark.name)]


@contextlib.contextmanager
def attempt(key: str, folder: Path) -> Iterator[bool]:
    """Whether an attempt at the part of this key was cut off before; marks this one meanwhile.

    Raises `ZooError` after too many, and where nothing can be written.
    """
    mark = folder / f"{BEGUN}{key}"
    try:
        with mark.open("ab") as stream:  # a byte an attempt
            cut_off = stream.tell()
            stream.write(b".")
    except OSError as fault:
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault
    try:
        if cut_off >= ATTEMPTS:
            raise ZooError("score_part_fails", attempts=cut_off)
        yield cut_off > 0
    finally:  # not where the process was ended
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)


def remove_marks(folder: Path, kind: str) -> None:
    """Nothing; removes the marks that were left. kind: `BEGUN` (of parts), `STARTING` (of workers).

    Those of parts mean something until a run has come to its end.
    """
    for mark in folder.glob(f"{kind}*"):
        mark.unlink(missing_ok=True)


def rows_apart(make_worker: Callable, job: Job, answers: dict, names: list[str]) -> list[dict]:
    """The rows of photos, one by one; one that ends its process every time gets `ERROR`.

    make_worker: the class of the worker (see `scorer.Scorer`). Raises `ZooError`.
    """
    waiting, rows, deaths = collections.deque(names), [], 0
    while waiting:
        try:
            with _process_with_worker(make_worker, job, answers) as process:
                while waiting:
                    rows += process.submit(_rows, waiting[0]).result()
                    waiting.popleft()
                    deaths = 0
        except BrokenProcessPool:
            deaths += 1
            if deaths == TRIES:
                name, deaths = waiting.popleft(), 0
                rows.append(without_answer(name, sha256_in(job, name), ERROR))
    return rows


@contextlib.contextmanager
def _process_with_worker(*made_of: object) -> Iterator[ProcessPoolExecutor]:
    # Begun afresh, not forked: a fork would inherit locks that other threads hold.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        try:
            pool.submit(_begin, *made_of).result()
        except BrokenProcessPool as fault:  # no photo's fault
            raise ZooError("score_worker_failed", problem=str(fault)) from fault
        yield pool


def _begin(make_worker: Callable, job: Job, answers: dict) -> None:
    _kept.append(make_worker(job, answers))


def _rows(name: str) -> list[dict]:
    return _kept[0].rows([name])


def sha256_in(job: Job, name: str) -> str | None:
    """The sha256 in hex of a photo of the archive, None where it cannot be read."""
    try:
        return sha256_of(job.photos / name)
    except OSError:
        return None
