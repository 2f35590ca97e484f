"""Files of the zoo: where they lie, whether they are the right ones, and how they are fetched."""

import contextlib
import errno
import functools
import hashlib
import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from model_zoo.errors import BadDownload, BadModel

TIMEOUTS = (10, 30)  # seconds to connect, and between two pieces
# Drive may answer with page after page, which gdown follows without end.
PAGES_SECONDS = 120
HEAD_BYTES = 512  # a web page may start with comments or blank lines
ZIP_MAGIC = b"PK\x03\x04"
LEARNT = "learnt_hashes.json"
DRIVE_HOSTS = ("drive.google.com", "docs.google.com")

Progress = Callable[[int, int | None], None]

log = logging.getLogger(__name__)
_learning = threading.Lock()


@dataclass(frozen=True)
class Source:
    """A `.keras` file's http(s) address or Drive share link; size and sha256 (hex) if published."""

    url: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Content:
    """What one reading of a file gave: all of its bytes, and the sha256 (hex) of these bytes."""

    file: Path
    data: bytes = field(repr=False)
    sha256: str


def cache_folder(*parts: str) -> Path:
    """The writable folder for what is made at run time, created if absent.

    `LESIONLENS_CACHE`, or else the platform's cache folder of this user.
    """
    root = os.environ.get("LESIONLENS_CACHE") or platformdirs.user_cache_dir("lesionlens")
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sha256_of(file: Path) -> str:
    """The sha256 of a file's content as 64 lower-case hex digits, read piece by piece."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read(file: Path) -> Content:
    """The content of a file of a model. Raises `BadModel` where it cannot be read."""
    try:
        data = file.read_bytes()
    except OSError as fault:
        raise BadModel("unreadable_file", path=file, problem=fault.strerror or fault) from fault
    return Content(file, data, hashlib.sha256(data).hexdigest())


def verify(found: Path | Content, sha256: str, size_bytes: int) -> None:
    """Nothing if a file, or what was read of one, has this hash (hex) and size (bytes).

    A file that has not changed since is not read again. Raises `BadModel`.
    """
    held = isinstance(found, Content)
    file = found.file if held else found
    size = len(found.data) if held else found.stat().st_size
    if size != size_bytes:
        raise BadModel("wrong_size", file=file.name, expected=size_bytes, found=size)
    digest = found.sha256 if held else remembered_sha256(file)
    if digest != sha256.lower():
        raise BadModel("wrong_hash", file=file.name, expected=sha256.lower(), found=digest)


def remembered_sha256(file: Path) -> str:
    """The sha256 (hex) of a file, which is not read again as long as it has not changed."""
    state = file.stat()
    return _remembered_sha256(file.resolve(), state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _remembered_sha256(file: Path, size: int, mtime_ns: int) -> str:
    return sha256_of(file)


def fetch(source: Source, target: Path, progress: Progress | None = None) -> str:
    """The sha256 (hex) of the file that now lies at `target`, downloaded whole and checked.

    progress: called with bytes so far and bytes in all (None if unknown); what it raises ends the
    download. A source without a hash must give the same bytes as at its first use. On any failure
    the folder is left as it was. Raises `BadDownload`.
    """
    log.info("fetching %s", source.url)
    with Partial(source, target, progress) as partial:
        (_from_drive if urlsplit(source.url).hostname in DRIVE_HOSTS else _from_web)(partial)
        return partial.settle()


def learnt_hashes() -> dict[str, str]:
    """The sha256 (hex) of each address at its first use. Raises `BadDownload` if damaged."""
    file = cache_folder() / LEARNT
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as fault:
        raise BadDownload("bad_learnt", file=file) from fault


class Partial:
    """A download under way: a file beside the target, which takes its place once it is right."""

    def __init__(self, source: Source, target: Path, progress: Progress | None) -> None:
        self.source, self.target = source, target
        self.progress = progress or (lambda count, total: None)
        self.path = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
        self.count, self.total, self.head, self.hasher = 0, None, b"", hashlib.sha256()

    def __enter__(self) -> "Partial":
        with self.writing():
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.check_room()
            self.stream = self.path.open("xb")
        self.flush = self.stream.flush  # gdown asks for `write` and `flush`
        return self

    def __exit__(self, *_: object) -> None:
        # Closing writes what is buffered, which fails again on a full disk.
        with contextlib.suppress(OSError):
            self.stream.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        with self.writing():
            self.stream.write(chunk)
        self.hasher.update(chunk)
        self.count += len(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[:HEAD_BYTES]
        if len(self.head) >= HEAD_BYTES:
            self._check_content(whole=False)

    def report(self, count: int, total: int | None) -> None:
        self.total = total
        self.check_room()
        self.progress(count, total)

    def settle(self) -> str:
        if self.total is not None and self.count < self.total:
            raise self.error("download_cut", expected=self.total, found=self.count)
        self._check_content(whole=True)
        with self.writing():
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            self._check_hash(self.hasher.hexdigest())
            os.replace(self.path, self.target)
        return self.hasher.hexdigest()

    def error(self, code: str, **parameters: object) -> BadDownload:
        megabytes = (self.source.size_bytes or self.total or self.count) / 2**20
        where = {"url": self.source.url, "file": self.target.name, "folder": self.target.parent}
        return BadDownload(code, needed_megabytes=megabytes, **where, **parameters)

    def check_room(self) -> None:
        """Nothing where the rest of the file has room on the disk; else raises `BadDownload`."""
        needed = (self.source.size_bytes or self.total or 0) - self.count
        if needed > shutil.disk_usage(self.target.parent).free:
            raise self.error("disk_full")

    def _check_content(self, whole: bool) -> None:
        if not self.head.startswith(ZIP_MAGIC):
            page = any(mark in self.head.lower() for mark in (b"<!doctype html", b"<html"))
            code = "download_quota" if page else "download_not_model"
            raise self.error(code, head=self.head[:8].hex(" ") or "missing")
        size = self.source.size_bytes or self.count
        if self.count > size or (whole and self.count < size):
            raise self.error("download_wrong_size", expected=size, found=self.count)

    def _check_hash(self, found: str) -> None:
        known = self.source.sha256
        with _learning:
            learnt = learnt_hashes() if known is None else {}
            expected = (known or learnt.get(self.source.url, found)).lower()
            if found != expected:
                code = "download_wrong_hash" if known else "download_changed"
                raise self.error(code, expected=expected, found=found, learnt=LEARNT)
            if known is None:
                draft = cache_folder() / f"{LEARNT}.{secrets.token_hex(4)}.partial"
                try:
                    draft.write_text(json.dumps({**learnt, self.source.url: found}, indent=1))
                    os.replace(draft, draft.with_name(LEARNT))
                finally:
                    draft.unlink(missing_ok=True)

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


def _from_web(partial: Partial) -> None:
    import requests

    # Unencoded, so that Content-Length counts the bytes of the file.
    options = {"headers": {"Accept-Encoding": "identity"}, "timeout": TIMEOUTS, "stream": True}
    try:
        with requests.get(partial.source.url, **options) as answer:
            answer.raise_for_status()
            encoded = "Content-Encoding" in answer.headers
            length = "" if encoded else answer.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            partial.report(0, total)
            for chunk in answer.iter_content(2**18):
                partial.write(chunk)
                partial.report(partial.count, total)
    except requests.RequestException as fault:
        raise network_error(fault, partial) from fault


def _from_drive(partial: Partial) -> None:
    import gdown

    stop = threading.Event()
    pages = threading.Timer(PAGES_SECONDS, lambda: partial.count or stop.set())
    pages.daemon = True
    options = {"quiet": True, "use_cookies": False, "timeout": TIMEOUTS, "cancel": stop}
    pages.start()
    try:
        gdown.download(partial.source.url, partial, progress=partial.report, **options)
    except gdown.FileURLRetrievalError as fault:
        quota = "too many users" in " ".join(str(fault).lower().split())
        raise partial.error("download_quota" if quota else "download_not_shared") from fault
    # gdown takes the Content-Type of an answer for granted: KeyError.
    except (OSError, KeyError, gdown.DownloadError, gdown.DownloadCancelled) as fault:
        raise network_error(fault, partial) from fault
    finally:
        pages.cancel()


def network_error(fault: Exception, partial: Partial) -> BadDownload:
    """What to say of a connection that failed, or of an answer that is none."""
    answer = getattr(fault, "response", None)
    if answer is not None:
        return partial.error("download_refused", status=f"{answer.status_code} {answer.reason}")
    if partial.total is not None:
        return partial.error("download_cut", expected=partial.total, found=partial.count)
    slow = "timed out" in str(fault) or "cancelled" in str(fault)
    problem = "nothing came in time" if slow else f"connection failed after {partial.count} bytes"
    return partial.error("download_failed", problem=problem)
