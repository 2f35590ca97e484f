"""The worker of both engines: loads the model once, then turns lists of photos into parts."""

import contextlib
import ctypes
import os
import queue
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import threadpoolctl

from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier, Prepared
from model_zoo.errors import BadImage, ZooError
from model_zoo.segmentation import Outliner
from training.scoring import apart, parts
from training.scoring.answers import describe, differences, named
from training.scoring.job import Job
from training.scoring.listing import shown
from training.scoring.rows import read, with_answer, without_answer

# Threads for each core: while one waits for a disk or for Python, another keeps the core busy.
THREADS = 2
# Of glibc: memory is kept for the next photo, not given back to the system after each. No more than
# this may stay unmapped.
TRIM_THRESHOLD, MMAP_THRESHOLD, LARGEST, KEPT = -1, -3, 2**25, 2**30


def load(job: Job) -> Classifier:
    """The classifier of a job, with its outliner, on one thread. Raises `BadModel`."""
    outliner = Outliner.load(threads=1)
    return Classifier.load(job.model, tta=job.tta, outliner=outliner, threads=1)


def _has_entries(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entries)
    except OSError:
        return False


class Scorer:
    """A worker. Called with photos, it writes their rows as one part and says how many they are.

    Each of its threads takes batches of photos from file to rows on a single core; it has the
    networks only while it asks them, so that no core waits for a disk. At most a batch a thread is
    in memory. It may be called from several threads. cores: to work on, each with networks of its
    own.
    answers: what the rows are to depend on (see `answers.describe`). Raises `BadModel`, and
    `ZooError` where it has other models, settings or versions, or does not see the photos.
    """

    def __init__(self, job: Job, answers: dict, cores: int = 1) -> None:
        # Threads of OpenCV and of NumPy's matrix products would fight with the ones here: they
        # wait for work in a loop, which took half of all processor time.
        cv2.setNumThreads(1)
        threadpoolctl.threadpool_limits(1, "blas")
        _keep_memory()
        self.job, self._answers = job, answers
        if not _has_entries(job.photos):  # a host without that disk would find every photo missing
            raise ZooError("score_no_photos_here", folder=job.photos, host=socket.gethostname())
        self._idle: queue.SimpleQueue[Classifier] = queue.SimpleQueue()
        with apart.starting(job.out):
            loaded = [self._load() for _ in range(cores)]
        self._reader = loaded[0]
        for classifier in loaded:
            self._idle.put(classifier)
        self._pool = ThreadPoolExecutor(THREADS * cores)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Counts, int (n,) each, `photos` and `errors`, of the n parts that are now written.

        batch: `names`, bytes (n,), the paths in the archive of a part each, joined by zero bytes.
        """
        counts = [self._write_part(joined) for joined in batch["names"]]
        photos, errors = np.array(counts).T
        return {"photos": photos, "errors": errors}

    def rows(self, names: list[str]) -> list[dict]:
        """The rows of photos, by their paths in the archive, in order."""
        size = self.job.batch
        batches = [names[at : at + size] for at in range(0, len(names), size)]
        return [row for done in self._pool.map(self._rows_of_batch, batches) for row in done]

    def read(self, name: str) -> tuple[str | None, Prepared | BadImage]:
        """The sha256 and the photo of one file (see `rows.read`)."""
        return read(self.job.photos / name, self._reader)

    def _load(self) -> Classifier:
        classifier = load(self.job)
        if differing := differences(self._answers, describe(self.job, classifier)):
            raise ZooError("score_worker_differs", what=named(differing))
        return classifier

    def _write_part(self, joined: bytes) -> tuple[int, int]:
        names = [os.fsdecode(name) for name in joined.split(b"\0")]
        out: Path = self.job.out
        key = parts.key_of([shown(name) for name in names])
        with apart.attempt(key, out) as cut_off:
            # Ray asks again for what a host wrote that was lost since.
            if (codes := parts.codes_in(key, out)) is None or len(codes) != len(names):
                kind = self._kind()
                rows = (
                    apart.rows_apart(kind, self.job, self._answers, names)
                    if cut_off
                    else self.rows(names)
                )
                parts.write(rows, out)
                codes = [row["error"] for row in rows]
        return len(codes), sum(code is not None for code in codes)

    def _kind(self) -> type:
        # Ray puts a class of its own around this one, which no other process could import.
        return next(kind for kind in type(self).__mro__ if not kind.__module__.startswith("ray."))

    def _rows_of_batch(self, names: list[str]) -> list[dict]:
        try:
            return self._rows_at_once(names)
        except ZooError:
            raise
        except Exception:  # of a decoder or a measure: one photo must not end the run
            if len(names) > 1:
                return [row for name in names for row in self._rows_of_batch([name])]
            traceback.print_exc()
            digest = apart.sha256_in(self.job, names[0])
            return [without_answer(names[0], digest, apart.ERROR)]

    def _rows_at_once(self, names: list[str]) -> list[dict]:
        found = [self.read(name) for name in names]
        good = [entry for _, entry in found if isinstance(entry, Prepared)]
        answered, rows = iter(self._analyses(good) if good else []), []
        for name, (digest, entry) in zip(names, found, strict=True):
            if isinstance(entry, BadImage):
                rows.append(without_answer(name, digest, entry.code))
            else:
                rows.append(with_answer(name, digest, next(answered)))
        return rows

    def _analyses(self, photos: list[Prepared]) -> list[Analysis]:
        classifier = self._idle.get()
        try:
            return classifier.analyse_prepared(photos, outlines=self.job.outlines)
        finally:
            self._idle.put(classifier)


def _keep_memory() -> None:
    """Nothing; has the C library keep what photos take, for the whole process, where it can.

    Masks and photos are large enough to be mapped and unmapped each time, with a fault for every
    page: up to 1,249 a photo.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        if library.mallopt(MMAP_THRESHOLD, LARGEST) == 1:  # else the other alone would do harm
            library.mallopt(TRIM_THRESHOLD, KEPT)
