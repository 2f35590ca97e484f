"""Many photos, one after the other: what is taken, what is left out and why, a row for each.

No Streamlit here. A photo is decoded only when its turn comes and forgotten after it; a thumbnail
and a row are all that stays.
"""

import io
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier
from model_zoo.errors import BadImage, ZooError
from model_zoo.images import MAX_BYTES, SUFFIXES, decode_rgb
from streamlit_app.admission import turns
from streamlit_app.log import log_fault
from streamlit_app.thumbnails import thumbnail

MOST_PHOTOS = 500
MOST_BYTES = 200 * 2**20  # of all photos of a batch, unpacked
# More entries than this, folders and other files included, is no folder of photos any more.
MOST_ENTRIES = 5000
# A zip's list of what it holds; one of 200 MB could name four million entries.
MOST_DIRECTORY = 2**20
# LZMA and bzip2 may ask for gigabytes to unpack a few bytes.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DRIVE = re.compile(r"^[A-Za-z]:")
# Photos are compressed already: what shrinks more than this in a zip was made to exhaust memory.
MOST_RATIO = 100
# A tab that is closed for longer than this does not come back: its photos are let go.
ABSENT_SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """One photo's outcome: its analysis in short, or the fault why there is none.

    thumbnail: a JPEG, b"" without one. probabilities: by class code. malignant: of the malignant
    group, None where the model knows no class of it. failed: codes of the checks
    that the photo did not pass. readable: whether its answer means anything.
    """

    name: str
    status: str
    label: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    malignant: float | None = None
    prediction_set: tuple[str, ...] = ()
    thumbnail: bytes = b""
    fault: ZooError | None = None
    failed: tuple[str, ...] = ()
    readable: bool = True

    @property
    def problem(self) -> str:
        """The English sentence of the fault, "" without one."""
        return "" if self.fault is None else str(self.fault)


@dataclass(frozen=True)
class Waiting:
    """A photo in the queue: its name, where it lies (an upload, or a member of one), its size."""

    name: str
    upload: bytes
    member: zipfile.ZipInfo | None
    size: int


@dataclass(frozen=True)
class Queue:
    """The photos to be read, and the names left out, each with the fault why."""

    photos: tuple[Waiting, ...]
    left_out: tuple[tuple[str, ZooError], ...]


def queue(uploads: list[tuple[str, bytes]]) -> Queue:
    """What of the uploads, photos and zips of photos, will be read within the limits; in order."""
    found: list[Waiting] = []
    left: list[tuple[str, ZooError]] = []
    total = 0
    for name, data in uploads:
        try:
            entries = list(_entries(name, data))
        except ZooError as fault:
            left.append((name, fault))
            continue
        for waiting, refusal in entries:
            problem = refusal or _over_limit(len(found), total + waiting.size)
            if problem is None:
                total += waiting.size
                found.append(waiting)
            else:
                left.append((waiting.name, problem))
    return Queue(tuple(found), tuple(left))


def _over_limit(photos: int, total: int) -> ZooError | None:
    """Why no more is taken after so many photos, up to so many bytes with this one; or None."""
    if photos >= MOST_PHOTOS:
        return ZooError("batch_too_many", limit=MOST_PHOTOS)
    if total > MOST_BYTES:
        return ZooError("batch_too_large", limit_megabytes=MOST_BYTES >> 20)
    return None


class _Bytes(io.BytesIO):
    """The bytes of a zip, whose list of contents, read at once, may not be of any length."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise ZooError("batch_long_list", limit_megabytes=MOST_DIRECTORY >> 20)
        return super().read(size)


def _entries(name: str, data: bytes) -> Iterator[tuple[Waiting, ZooError | None]]:
    if not name.lower().endswith(".zip"):
        yield Waiting(name, data, None, len(data)), None
        return
    try:
        with zipfile.ZipFile(_Bytes(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as fault:
        raise ZooError("batch_bad_zip") from fault
    if len(members) > MOST_ENTRIES:
        raise ZooError("batch_many_entries", limit=MOST_ENTRIES)
    for member in members:
        if not member.is_dir() and not _is_litter(member.filename):
            shown = f"{name}: {_inside(member.filename)}"
            yield Waiting(shown, data, member, member.file_size), _refusal(member)


def _parts(name: str) -> tuple[str, ...]:
    """The parts of an entry's path, however the system that made the zip joins them."""
    return PurePosixPath(name.replace("\\", "/")).parts or (name,)


def _inside(name: str) -> str:
    """An entry's path as it is shown: below the zip, whatever it points to."""
    parts = (DRIVE.sub("", part) for part in _parts(name))
    return "/".join(part for part in parts if part.strip("/") not in ("", ".."))


def _is_litter(name: str) -> bool:
    """Whether an entry is what systems add on their own: of macOS, hidden files, Windows."""
    parts = _parts(name)
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1].lower() == "thumbs.db"


def _refusal(member: zipfile.ZipInfo) -> ZooError | None:
    """Why a member of a zip is not read, judged by its header alone; None if it is."""
    parts = _parts(member.filename)
    if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return ZooError("batch_path")  # nothing is ever unpacked to a disk, but why ask for it
    if not member.filename.lower().endswith(SUFFIXES):
        return ZooError("batch_no_photo")
    if member.flag_bits & 1:
        return ZooError("batch_encrypted")
    if member.compress_type not in METHODS:
        return ZooError("batch_packed")
    if member.file_size > MAX_BYTES:
        megabytes, limit = member.file_size / 2**20, MAX_BYTES >> 20
        return BadImage("too_many_bytes", megabytes=round(megabytes), limit_megabytes=limit)
    if member.file_size > MOST_RATIO * max(1, member.compress_size):
        return ZooError("batch_bomb")
    return None


def read(waiting: Waiting) -> bytes:
    """The bytes of a photo in the queue, never more than its header says. Raises `ZooError`."""
    if waiting.member is None:
        return waiting.upload
    try:
        with (
            zipfile.ZipFile(io.BytesIO(waiting.upload)) as archive,
            archive.open(waiting.member) as stream,
        ):
            data = stream.read(waiting.size + 1)
    except Exception as fault:  # damaged members raise nearly anything, from zlib.error to KeyError
        raise ZooError("batch_bad_member") from fault
    if len(data) > waiting.size:  # its header lied
        raise ZooError("batch_bomb")
    return data


def analyse(classifier: Classifier, waiting: Waiting) -> Row:
    """The row of one photo; a fault of the photo stands in it."""
    try:
        rgb = decode_rgb(read(waiting))
        with turns.turn(patient=True):
            analysis = classifier.analyse(rgb)
        return _row(waiting.name, analysis, rgb)
    except ZooError as fault:
        return Row(waiting.name, "unreadable", fault=fault)


def _row(name: str, analysis: Analysis, rgb: np.ndarray) -> Row:
    return Row(
        name,
        analysis.status,
        analysis.label,
        dict(analysis.ranked()),
        analysis.malignant_probability,
        analysis.prediction_set or (),
        thumbnail(rgb),
        failed=tuple(code for code, check in analysis.checks.items() if not check.ok),
        readable=analysis.readable,
    )


class Job:
    """The photos of a queue being read in a thread of their own, so that no page waits for them.

    names: of all photos. rows: of those that are done, in order. `stop` ends it after the photo at
    hand, and so does a visitor's absence for `ABSENT_SECONDS`, which `abandoned` tells afterwards;
    present: tells whether the visitor is there.
    """

    def __init__(
        self,
        classifier: Classifier,
        photos: tuple[Waiting, ...],
        present: Callable[[], bool] = lambda: True,
    ) -> None:
        self.total = len(photos)
        self.abandoned = False
        self.names = tuple(waiting.name for waiting in photos)
        self.rows: list[Row] = []
        self.began = time.monotonic()
        self._stopped = threading.Event()
        self._present, self._last_present = present, self.began
        self._thread = threading.Thread(
            target=self._work, args=(classifier, photos), name="batch", daemon=True
        )
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether photos are still being read."""
        return self._thread.is_alive()

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of the photos that were not read, or not yet."""
        return self.names[len(self.rows) :]

    @property
    def seconds_left(self) -> float | None:
        """The time that the rest will take at the pace so far; None before the first photo."""
        done = len(self.rows)
        if not done:
            return None
        return (time.monotonic() - self.began) / done * (self.total - done)

    def stop(self) -> None:
        """Nothing; the job ends after the photo at hand. What is done stays."""
        self._stopped.set()

    def wait(self, seconds: float | None = None) -> None:
        """Nothing; returns when the job has ended, or after so many seconds."""
        self._thread.join(seconds)

    def _work(self, classifier: Classifier, photos: tuple[Waiting, ...]) -> None:
        for waiting in photos:
            if self._stopped.is_set():
                return
            if self._is_abandoned():
                self.abandoned = True
                return
            try:
                self.rows.append(analyse(classifier, waiting))
            except Exception as fault:  # one photo's row, whatever it was; the others go on
                log_fault(fault)
                self.rows.append(Row(waiting.name, "unreadable", fault=ZooError("batch_fault")))

    def _is_abandoned(self) -> bool:
        now = time.monotonic()
        if self._present():
            self._last_present = now
        return now - self._last_present > ABSENT_SECONDS


def worth_drawing(drawn: int, done: int) -> bool:
    """Whether a table of `drawn` rows is to be drawn anew, now that so many are done.

    The more rows, the more that costs: each time a fifth more must have come, so that a batch of
    any length sends each of its rows a few times, and not every second.
    """
    return done > drawn + drawn // 5
