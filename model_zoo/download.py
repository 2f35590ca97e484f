"""Files of the zoo from the web or Google Drive: how they come, whole, checked and resumable."""

import contextlib
import errno
import glob
import hashlib
import json
import logging
import math
import os
import secrets
import shutil
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock, Timeout

from model_zoo.errors import BadDownload
from model_zoo.store import LEARNT, Source, cache_folder, learnt_hashes, sha256_of

TIMEOUTS = (10, 30)  # seconds to connect, and between two pieces
RETRIES = 3  # within one call, while the connection comes and goes
# Drive may answer with page after page, which gdown follows without end.
PAGES_SECONDS = 120
HEAD_BYTES = 512  # a web page may start with comments or blank lines
ZIP_MAGIC = b"PK\x03\x04"
DRAFT = ".resumable"
DRIVE_HOSTS = ("drive.google.com", "docs.google.com")

Progress = Callable[[int, int | None], None]

log = logging.getLogger(__name__)
_learning = threading.Lock()


def fetch(
    source: Source,
    target: Path,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> str:
    """The sha256 (hex) of the file that now lies at `target`, downloaded whole and checked.

    What came before a break is kept beside the target, and the next call goes on from there; what
    turns out to be another file is thrown away. progress: called with bytes so far and bytes in all
    (None if unknown); what it raises ends the download. cancel: set by another thread to break off.
    A source without a hash must give the same bytes as at its first use. Raises `BadDownload`, also
    while another process or thread fetches the same file.
    """
    log.info("fetching %s", source.url)
    draft = _Draft(source, target, progress)
    with draft.writing():
        target.parent.mkdir(parents=True, exist_ok=True)
        held = _locked(draft)
    with held:
        try:
            draft.check_room()
            _come(draft, cancel)
            return draft.settle()
        except BaseException as fault:
            if isinstance(fault, _WrongContent) or not draft.kept():
                draft.throw_away()
            raise


def _locked(draft: "_Draft") -> contextlib.AbstractContextManager:
    name = hashlib.sha256(str(draft.target.resolve()).encode()).hexdigest()[:16]
    try:
        return FileLock(cache_folder("locks") / f"{name}.lock").acquire(timeout=0)
    except Timeout as fault:
        raise draft.error("download_under_way") from fault


class _WrongContent(BadDownload):
    """What came is not the file that was asked for, so nothing of it is kept."""


class _NotResumable(Exception):
    """What was kept cannot be gone on from: the server does not go along, or has another file."""


class _Draft:
    """A download under way: files beside the target, where it is put once it is right."""

    def __init__(self, source: Source, target: Path, progress: Progress | None) -> None:
        self.source, self.target = source, target
        self.progress = progress or (lambda count, total: None)
        # gdown adds to the name until it is whole.
        self.path = target.with_name(target.name + DRAFT)
        self.total: int | None = None

    def files(self) -> list[Path]:
        """What lies here of this download, whole or in part."""
        return list(self.target.parent.glob(glob.escape(self.path.name) + "*"))

    def kept(self) -> int:
        return sum(file.stat().st_size for file in self.files())

    def throw_away(self) -> None:
        for file in self.files():
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)

    def report(self, count: int, total: int | None) -> None:
        self.total = total
        self.check_room()
        for part in self.files():  # so that no gigabyte of something else is waited for
            self._check_content(part, max(count, total or 0), whole=False)
        self.progress(count, total)

    def check_room(self) -> None:
        """Nothing where the rest of the file has room on the disk; else raises `BadDownload`."""
        needed = (self.source.size_bytes or self.total or 0) - self.kept()
        if needed > shutil.disk_usage(self.target.parent).free:
            raise self.error("disk_full")

    def settle(self) -> str:
        """The sha256 of what came, which has taken its place."""
        with self.writing():
            with self.path.open("r+b") as stream:
                os.fsync(stream.fileno())
            self._check_content(self.path, self.path.stat().st_size, whole=True)
            # Read anew: what an earlier call left has gone through no hash of this one.
            digest = sha256_of(self.path)
            self._check_hash(digest)
            os.replace(self.path, self.target)
        return digest

    def _check_content(self, file: Path, count: int, whole: bool) -> None:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if not whole and len(head) < HEAD_BYTES:
            return
        if not head.startswith(ZIP_MAGIC):
            page = any(mark in head.lower() for mark in (b"<!doctype html", b"<html"))
            code = "download_quota" if page else "download_not_model"
            raise self.error(code, _WrongContent, head=head[:8].hex(" ") or "missing")
        size = self.source.size_bytes or count
        if count > size or (count < size and (whole or self.total is not None)):
            raise self.error("download_wrong_size", _WrongContent, expected=size, found=count)
        if whole and self.source.sha256 is None and not _is_sound(file):
            raise self.error("download_damaged", _WrongContent)

    def _check_hash(self, found: str) -> None:
        known = self.source.sha256
        with _learning:
            learnt = learnt_hashes() if known is None else {}
            expected = (known or learnt.get(self.source.url, found)).lower()
            if found != expected:
                code = "download_wrong_hash" if known else "download_changed"
                hashes = {"expected": expected, "found": found, "learnt": LEARNT}
                raise self.error(code, _WrongContent, **hashes)
            if known is None:
                _write_learnt({**learnt, self.source.url: found})

    def error(
        self, code: str, kind: type[BadDownload] = BadDownload, **parameters: object
    ) -> BadDownload:
        megabytes = (self.source.size_bytes or self.total or self.kept()) / 2**20
        where = {"url": self.source.url, "file": self.target.name, "folder": self.target.parent}
        return kind(code, needed_megabytes=megabytes, **where, **parameters)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Nothing; a fault of the disk within becomes a `BadDownload`."""
        try:
            yield
        except OSError as fault:
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self.error("disk_full") from fault
            problem = f"{fault.strerror or fault} ({fault.filename or self.path.name})"
            raise self.error("download_not_kept", problem=problem) from fault


class _Stop(threading.Event):
    """Set when `cancel` is, and when Drive has led from page to page for too long."""

    def __init__(self, draft: _Draft, cancel: threading.Event | None) -> None:
        super().__init__()
        self.cancel = cancel or threading.Event()
        drive = urlsplit(draft.source.url).hostname in DRIVE_HOSTS
        self.latest = time.monotonic() + PAGES_SECONDS if drive else math.inf

    def is_set(self) -> bool:
        return self.cancel.is_set() or time.monotonic() > self.latest

    def wait(self, timeout: float | None = None) -> bool:
        return self.cancel.wait(timeout)


def _come(draft: _Draft, cancel: threading.Event | None) -> None:
    """Nothing; the whole file lies at `draft.path`, whatever it may hold."""
    if draft.path.is_file():
        return  # an earlier call got so far, and could not put it in its place
    try:
        _receive(draft, cancel)
    except _NotResumable:
        draft.throw_away()
        _receive(draft, cancel)


def _receive(draft: _Draft, cancel: threading.Event | None) -> None:
    import gdown

    went_on, stop = draft.kept() > 0, _Stop(draft, cancel)

    def report(count: int, total: int | None) -> None:
        stop.latest = math.inf  # the file itself comes
        draft.report(count, total)

    options = {"quiet": True, "use_cookies": False, "timeout": TIMEOUTS, "cancel": stop}
    options |= {"resume": True, "retries": RETRIES, "progress": report}
    try:
        gdown.download(draft.source.url, str(draft.path), **options)
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


def _broken_off(draft: _Draft, fault: Exception, problem: str) -> BadDownload:
    answer = getattr(fault, "response", None)
    if answer is not None:
        return draft.error("download_refused", status=f"{answer.status_code} {answer.reason}")
    if kept := draft.kept():
        return draft.error("download_kept", found=kept)
    return draft.error("download_failed", problem=problem)


def _is_sound(archive: Path) -> bool:
    """Whether every part matches its own checksum; without a hash nothing else tells a splice."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.testzip() is None
    # RuntimeError: encrypted, or packed in a way that no model is.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
        return False


def _write_learnt(hashes: dict[str, str]) -> None:
    draft = cache_folder() / f"{LEARNT}.{secrets.token_hex(4)}.partial"
    try:
        draft.write_text(json.dumps(hashes, indent=1))
        os.replace(draft, draft.with_name(LEARNT))
    finally:
        draft.unlink(missing_ok=True)
