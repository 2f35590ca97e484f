"""Scoring of photos from files: a stream of analyses, in order, few photos in memory."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier, Prepared
from model_zoo.cores import reading_threads
from model_zoo.errors import BadImage
from model_zoo.images import MAX_BYTES, SUFFIXES, decode_rgb
from model_zoo.interpreters import BATCH


@dataclass(frozen=True)
class Scored:
    """A file with its analysis, or with the fault that it could not be read for."""

    file: Path
    analysis: Analysis | None
    fault: BadImage | None

    def record(self, notice: str) -> dict:
        """The JSON object of this file (see analysis.schema.json)."""
        if self.analysis is not None:
            return {**self.analysis.record(str(self.file)), "notice": notice}
        error = {"code": self.fault.code, "message": str(self.fault)}
        return {"file": str(self.file), "error": error, "notice": notice}


def photos_in(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and the photos in the folders named, each folder in order of names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()
            )
        else:
            yield path


def score(
    classifier: Classifier, files: Iterable[Path], *, zoomed: bool = False
) -> Iterator[Scored]:
    """One `Scored` a file, in order; a photo that cannot be read does not stop the others.

    zoomed: the classifier sees the square around the outline, where there is one.
    """
    remaining = iter(files)
    with ThreadPoolExecutor(reading_threads()) as pool:
        while chunk := list(islice(remaining, BATCH)):
            read = list(pool.map(lambda file: _read(file, classifier), chunk))
            good = [entry for entry in read if not isinstance(entry, BadImage)]
            analyses = iter(_analyse(classifier, good, zoomed=zoomed) if good else [])
            for file, entry in zip(chunk, read, strict=True):
                if isinstance(entry, BadImage):
                    yield Scored(file, None, entry)
                else:
                    yield Scored(file, next(analyses), None)


def _analyse(classifier: Classifier, photos: list[Prepared], *, zoomed: bool) -> list[Analysis]:
    analyses = classifier.analyse_prepared(photos)
    outlined = [i for i, analysis in enumerate(analyses) if analysis.outline] if zoomed else []
    if outlined:
        boxes = (analyses[i].outline.square(analyses[i].size) for i in outlined)
        within = [
            classifier.prepare(photos[i].rgb, box) for i, box in zip(outlined, boxes, strict=True)
        ]
        for i, analysis in zip(outlined, classifier.analyse_prepared(within), strict=True):
            analyses[i] = analysis
    return analyses


def read_bytes(file: Path) -> bytes:
    """The content of a file, of one that is too large its beginning. Raises `BadImage`."""
    try:
        with open(file, "rb", opener=_opened_at_once) as stream:
            # No more than is needed to see that it is too much.
            return stream.read(MAX_BYTES + 1) or b""
    except FileNotFoundError as fault:
        raise BadImage("missing_file", path=file) from fault
    except OSError as fault:
        raise BadImage("unreadable_file", path=file, problem=fault.strerror) from fault


def _opened_at_once(path: str, flags: int) -> int:
    """A file descriptor; a pipe among the photos, which nobody writes to, is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(file: Path, classifier: Classifier) -> Prepared | BadImage:
    try:
        rgb = decode_rgb(read_bytes(file))
    except BadImage as fault:
        return fault
    return classifier.prepare(rgb)
