"""Downloads that go on where an earlier one broke off, for those that somebody watches."""

import contextlib
import hashlib
import threading
import zipfile
import zlib
from pathlib import Path

import requests
from filelock import FileLock, Timeout

from model_zoo.store import (
    HEAD_BYTES,
    TIMEOUTS,
    ZIP_MAGIC,
    Partial,
    Progress,
    Source,
    cache_folder,
    network_error,
)

RETRIES = 3  # within one call, while the connection comes and goes
DRAFT = ".resumable"


def fetch_resumably(
    source: Source,
    target: Path,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> str:
    """The sha256 (hex) of the file that now lies at `target`, as `store.fetch`.

    What came before a break is kept beside the target, and the next call goes on from there; what
    turns out to be no model is thrown away. cancel: set by another thread to break off. Raises
    `BadDownload`, also while another process or thread fetches the same file.
    """
    partial = Partial(source, target, progress)
    partial.path = target.with_name(target.name + DRAFT)
    with partial.writing():
        target.parent.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]
    with partial.writing():
        lock = cache_folder("locks") / f"{name}.lock"
    try:
        with FileLock(lock, timeout=0):
            return _fetch(partial, cancel)
    except Timeout as fault:
        raise partial.error("download_under_way") from fault


def _fetch(partial: Partial, cancel: threading.Event | None) -> str:
    partial.check_room()
    try:
        _come(partial, cancel)
    except _NotResumable:
        _throw_away(partial.path)
        _come(partial, cancel)
    try:
        return _settled(partial)
    finally:
        _throw_away(partial.path)  # nothing is left there once it has taken its place


class _NotResumable(Exception):
    """What was kept cannot be gone on from: the server does not go along, or has another file."""


def _come(partial: Partial, cancel: threading.Event | None) -> None:
    """Nothing; the whole file lies at `partial.path`, whatever it may hold."""
    import gdown

    went_on = bool(_kept(partial.path))

    def report(count: int, total: int | None) -> None:
        partial.count = count
        partial.report(count, total)

    options = {"quiet": True, "use_cookies": False, "timeout": TIMEOUTS, "cancel": cancel}
    options |= {"resume": True, "retries": RETRIES, "progress": report}
    try:
        gdown.download(partial.source.url, str(partial.path), **options)
    except gdown.FileURLRetrievalError as fault:
        quota = "too many users" in " ".join(str(fault).lower().split())
        raise partial.error("download_quota" if quota else "download_not_shared") from fault
    except (requests.RequestException, KeyError, gdown.DownloadError) as fault:
        answered = getattr(fault, "response", None) is not None
        if went_on and (answered or "byte range" in str(fault)):
            raise _NotResumable from fault
        raise _error(fault, partial) from fault
    except gdown.DownloadCancelled as fault:
        raise _error(fault, partial) from fault
    except OSError:  # after RequestException, which is one as well
        with partial.writing():
            raise


def _error(fault: Exception, partial: Partial) -> Exception:
    kept = sum(part.stat().st_size for part in _kept(partial.path))
    if kept and getattr(fault, "response", None) is None:
        return partial.error("download_kept", found=kept)
    return network_error(fault, partial)


def _settled(partial: Partial) -> str:
    with partial.writing():
        partial.stream = partial.path.open("r+b")
    with partial.stream:
        # Read anew: what an earlier call left has gone through no hash of this one.
        partial.hasher = hashlib.file_digest(partial.stream, "sha256")
        partial.stream.seek(0)
        partial.head = partial.stream.read(HEAD_BYTES)
        partial.count = partial.path.stat().st_size
        unknown = partial.source.sha256 is None
        if unknown and partial.head.startswith(ZIP_MAGIC) and not _is_whole(partial.path):
            raise partial.error("download_damaged")
        return partial.settle()


def _is_whole(archive: Path) -> bool:
    """Whether every part matches its own checksum; without a hash nothing else tells a splice."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False


def _kept(draft: Path) -> list[Path]:
    """What earlier calls left, under the names that gdown gives."""
    return [part for part in draft.parent.glob(f"{draft.name}*.part") if part.stat().st_size]


def _throw_away(draft: Path) -> None:
    for file in (draft, *draft.parent.glob(f"{draft.name}*.part")):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
