"""Files of the zoo from the web or Google Drive: how they come, whole, checked and resumable."""

import contextlib
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock, Timeout

from model_zoo.draft import ASIDE, Draft, WrongContent
from model_zoo.errors import BadDownload
from model_zoo.store import Source, cache_folder

TIMEOUTS = (10, 30)  # seconds to connect, and between two pieces
RETRIES = 3  # within one call, while the connection comes and goes
# Drive may answer with page after page, which gdown follows without end.
PAGES_SECONDS = 120
DRIVE_HOSTS = ("drive.google.com", "docs.google.com")

Progress = Callable[[int, int | None], None]

log = logging.getLogger(__name__)


def fetch(
    source: Source,
    target: Path,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> str:
    """The sha256 (hex) of the file that now lies at `target`, downloaded whole and checked.

    What came before a break is kept beside the target, and the next call goes on from there; what
    turns out to be another file is thrown away. progress: called with bytes so far and bytes in all
    (None if unknown); what it raises ends the download and is raised here as it is. cancel: set by
    another thread to break off. A source without a hash must give the same bytes as at its first
    use. Raises `BadDownload`, also while another process or thread fetches the same file.
    """
    log.info("fetching %s", source.url)
    draft = Draft(source, target)
    with draft.writing():
        target.parent.mkdir(parents=True, exist_ok=True)
        held = _locked(draft)
    with held:
        try:
            draft.put_back()  # where a process was killed
            draft.check_room()
            _come(draft, progress or (lambda count, total: None), cancel)
            return draft.settle()
        except BaseException as fault:
            if not draft.put_back() and (isinstance(fault, WrongContent) or not draft.kept()):
                draft.throw_away()
            raise


def _locked(draft: Draft) -> contextlib.AbstractContextManager:
    name = hashlib.sha256(str(draft.target.resolve()).encode()).hexdigest()[:16]
    try:
        return FileLock(cache_folder("locks") / f"{name}.lock").acquire(timeout=0)
    except Timeout as fault:
        raise draft.error("download_under_way") from fault


class _NotResumable(Exception):
    """What was kept cannot be gone on from: the server does not go along, or has another file."""


class _Stop(threading.Event):
    """Set when `cancel` is, and when Drive has led from page to page for too long."""

    def __init__(self, draft: Draft, cancel: threading.Event | None) -> None:
        super().__init__()
        self.cancel = cancel or threading.Event()
        drive = urlsplit(draft.source.url).hostname in DRIVE_HOSTS
        self.latest = time.monotonic() + PAGES_SECONDS if drive else math.inf

    def is_set(self) -> bool:
        return self.cancel.is_set() or time.monotonic() > self.latest

    def wait(self, timeout: float | None = None) -> bool:
        return self.cancel.wait(timeout)


def _come(draft: Draft, progress: Progress, cancel: threading.Event | None) -> None:
    """Nothing; the whole file lies at `draft.path`, whatever it may hold."""
    with draft.writing():
        if not draft.path.is_file():
            draft.take_whole_part()
    if draft.path.is_file():
        return  # an earlier call got so far, and could not put it in its place
    try:
        _receive(draft, progress, cancel)
    except _NotResumable:
        with draft.writing():
            draft.set_aside()
        _receive(draft, progress, cancel)


def _receive(draft: Draft, progress: Progress, cancel: threading.Event | None) -> None:
    import gdown

    stop, ended = _Stop(draft, cancel), []

    def report(count: int, total: int | None) -> None:
        stop.latest = math.inf  # the file itself comes
        draft.check(count, total)
        try:
            progress(count, total)
        except BaseException as fault:
            ended.append(fault)
            raise

    options = {"quiet": True, "use_cookies": False, "timeout": TIMEOUTS, "cancel": stop}
    options |= {"resume": True, "retries": RETRIES, "progress": report}
    try:
        with _told(draft, stop):
            gdown.download(draft.source.url, str(draft.path), **options)
    except BaseException:
        if not ended:
            raise
    if ended:  # whatever it is, it is no fault of the network or the disk
        raise ended[0]


@contextlib.contextmanager
def _told(draft: Draft, stop: _Stop) -> Iterator[None]:
    """Nothing; what gdown raises within becomes a `BadDownload`, or `_NotResumable`."""
    import gdown

    went_on = draft.kept() > 0
    try:
        yield
    except gdown.FileURLRetrievalError as fault:
        quota = "too many users" in " ".join(str(fault).lower().split())
        raise draft.error("download_quota" if quota else "download_not_shared") from fault
    # gdown takes the Content-Type of an answer of Drive for granted: KeyError.
    except (requests.RequestException, KeyError, gdown.DownloadError) as fault:
        if went_on and "byte range" in str(fault):
            raise _NotResumable from fault
        slow = "timed out" in str(fault)
        problem = "nothing came in time" if slow else "the connection failed"
        raise _broken_off(draft, fault, problem) from fault
    except gdown.DownloadCancelled as fault:
        problem = "it was stopped" if stop.cancel.is_set() else "nothing came in time"
        raise _broken_off(draft, fault, problem) from fault
    except OSError:  # after RequestException, which is one as well
        with draft.writing():
            raise


def _broken_off(draft: Draft, fault: Exception, problem: str) -> BadDownload:
    answer = getattr(fault, "response", None)
    if answer is not None:
        return draft.error("download_refused", status=f"{answer.status_code} {answer.reason}")
    if kept := draft.kept(ASIDE) or draft.kept():
        return draft.error("download_kept", found=kept)
    return draft.error("download_failed", problem=problem)
