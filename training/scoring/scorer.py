"""The worker of both engines: loads the model once, then turns lists of photos into parts."""

import hashlib
import os
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import threadpoolctl

from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier, Prepared
from model_zoo.errors import BadImage, ZooError
from model_zoo.images import MAX_BYTES, decode_rgb
from model_zoo.predict import read_bytes
from model_zoo.segmentation import Outliner
from model_zoo.store import sha256_of
from training.scoring import parts
from training.scoring.job import Job
from training.scoring.listing import shown

# Threads of a worker: while one waits for a disk or for Python, another keeps the core busy.
THREADS = 2


def load(job: Job) -> Classifier:
    """The classifier of a job, with its outliner, on one thread. Raises `BadModel`."""
    outliner = Outliner.load(threads=1)
    return Classifier.load(job.model, tta=job.tta, outliner=outliner, threads=1)


class Scorer:
    """A worker. Called with photos, it writes their rows as one part and says how many they are.

    Each of its threads takes batches of photos from file to rows on a single core, with networks
    of its own: cores wait for one another nowhere. At most a batch a thread is in memory.
    digest: of the model that is meant. Raises `BadModel`, and `ZooError` for another model.
    """

    def __init__(self, job: Job, digest: str, threads: int = THREADS) -> None:
        # Threads of OpenCV and of NumPy's matrix products would fight with the ones here: they
        # wait for work in a loop, which took half of all processor time.
        cv2.setNumThreads(1)
        threadpoolctl.threadpool_limits(1, "blas")
        self.job = job
        self._idle: queue.SimpleQueue[Classifier] = queue.SimpleQueue()
        for _ in range(threads):
            classifier = load(job)
            if (found := classifier.digest()) != digest:
                name = classifier.card.name
                raise ZooError("score_other_model", name=name, expected=digest, found=found)
            self._idle.put(classifier)
        self._pool = ThreadPoolExecutor(threads)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Counts, int (n,) each, `photos` and `errors`, of the n parts that are now written.

        batch: `names`, bytes (n,), the paths in the archive of a part each, joined by zero bytes.
        """
        counts = [self._write_part(joined) for joined in batch["names"]]
        photos, errors = np.array(counts).T
        return {"photos": photos, "errors": errors}

    def _write_part(self, joined: bytes) -> tuple[int, int]:
        names = [os.fsdecode(name) for name in joined.split(b"\0")]
        size = self.job.batch
        batches = [names[at : at + size] for at in range(0, len(names), size)]
        rows = [row for done in self._pool.map(self._rows, batches) for row in done]
        parts.write(rows, self.job.out)
        return len(rows), sum(row["error"] is not None for row in rows)

    def _rows(self, names: list[str]) -> list[dict]:
        classifier = self._idle.get()
        try:
            read = [_read(self.job.photos / name, classifier) for name in names]
            good = [entry for _, entry in read if isinstance(entry, Prepared)]
            analyses = iter(self._analyse(classifier, good))
        finally:
            self._idle.put(classifier)
        rows = []
        for name, (digest, entry) in zip(names, read, strict=True):
            row = {"path": shown(name), "sha256": digest, "error": None}
            if isinstance(entry, BadImage):
                rows.append({**row, "error": entry.code})
            else:
                rows.append(row | columns(next(analyses)))
        return rows

    def _analyse(self, classifier: Classifier, photos: list[Prepared]) -> Iterator[Analysis]:
        if not photos:
            return []
        return classifier.analyse_prepared(photos, outlines=self.job.outlines)


def columns(analysis: Analysis) -> dict:
    """The columns of `parts.SCHEMA` that an analysis fills."""
    filled = {
        "malignant_probability": analysis.malignant_probability,
        "prediction_set": analysis.prediction_set,
        "status": analysis.status,
        "outline": analysis.record("")["segmentation"],
    }
    raw = analysis.answers.mean(axis=0)
    for index, code in enumerate(analysis.labels):
        filled[f"raw_{code}"] = float(raw[index])
        filled[f"calibrated_{code}"] = float(analysis.probabilities[index])
    for code, check in analysis.checks.items():
        filled |= {code: check.value, f"{code}_ok": check.ok}
    return filled


def _read(file: Path, classifier: Classifier) -> tuple[str | None, Prepared | BadImage]:
    """The sha256 of a file, None where it cannot be read, and its photo or what is wrong."""
    digest = None
    try:
        data = read_bytes(file)
        whole = len(data) <= MAX_BYTES
        digest = hashlib.sha256(data).hexdigest() if whole else _sha256_of_large(file)
        return digest, classifier.prepare(decode_rgb(data))
    except BadImage as fault:
        return digest, fault


def _sha256_of_large(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as fault:  # it was there a moment ago: one row must not end the run
        raise BadImage("unreadable_file", path=file, problem=fault.strerror) from fault
