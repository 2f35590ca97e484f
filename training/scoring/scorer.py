"""The worker of both engines: loads the model once, then turns lists of photos into parts."""

import os
import queue
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import threadpoolctl

from model_zoo.classifier import Classifier, Prepared
from model_zoo.errors import BadImage, ZooError
from model_zoo.segmentation import Outliner
from training.scoring import apart, parts
from training.scoring.answers import describe, differences, named
from training.scoring.job import Job
from training.scoring.listing import shown
from training.scoring.rows import read, with_answer, without_answer

# Threads of a worker: while one waits for a disk or for Python, another keeps the core busy.
THREADS = 2


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

    Each of its threads takes batches of photos from file to rows on a single core, with networks
    of its own: cores wait for one another nowhere. At most a batch a thread is in memory. It may
    be called from several threads.
    answers: what the rows are to depend on (see `answers.describe`). Raises `BadModel`, and
    `ZooError` where it has other models, settings or versions, or does not see the photos.
    """

    def __init__(self, job: Job, answers: dict, threads: int = THREADS) -> None:
        # Threads of OpenCV and of NumPy's matrix products would fight with the ones here: they
        # wait for work in a loop, which took half of all processor time.
        cv2.setNumThreads(1)
        threadpoolctl.threadpool_limits(1, "blas")
        self.job, self._answers = job, answers
        if not _has_entries(job.photos):  # a host without that disk would find every photo missing
            raise ZooError("score_no_photos_here", folder=job.photos, host=socket.gethostname())
        self._idle: queue.SimpleQueue[Classifier] = queue.SimpleQueue()
        with apart.starting(job.out):
            for _ in range(threads):
                self._idle.put(self._load())
        self._pool = ThreadPoolExecutor(threads)

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

    def read(self, name: str, classifier: Classifier) -> tuple[str | None, Prepared | BadImage]:
        """The sha256 and the photo of one file (see `rows.read`)."""
        return read(self.job.photos / name, classifier)

    def _load(self) -> Classifier:
        classifier = load(self.job)
        if differing := differences(self._answers, describe(self.job, classifier)):
            raise ZooError("score_worker_differs", what=named(differing))
        return classifier

    def _write_part(self, joined: bytes) -> tuple[int, int]:
        names = [os.fsdecode(name) for name in joined.split(b"\0")]
        out: Path = self.job.out
        with apart.attempt(parts.key_of([shown(name) for name in names]), out) as cut_off:
            if cut_off:
                rows = apart.rows_apart(self._kind(), self.job, self._answers, names)
            else:
                rows = self.rows(names)
            parts.write(rows, out)
        return len(rows), sum(row["error"] is not None for row in rows)

    def _kind(self) -> type:
        # Ray puts a class of its own around this one, which no other process could import.
        return next(kind for kind in type(self).__mro__ if not kind.__module__.startswith("ray."))

    def _rows_of_batch(self, names: list[str]) -> list[dict]:
        classifier = self._idle.get()
        try:
            found = [self.read(name, classifier) for name in names]
            good = [entry for _, entry in found if isinstance(entry, Prepared)]
            outlines = self.job.outlines
            analyses = classifier.analyse_prepared(good, outlines=outlines) if good else []
        finally:
            self._idle.put(classifier)
        answered, rows = iter(analyses), []
        for name, (digest, entry) in zip(names, found, strict=True):
            if isinstance(entry, BadImage):
                rows.append(without_answer(name, digest, entry.code))
            else:
                rows.append(with_answer(name, digest, next(answered)))
        return rows
