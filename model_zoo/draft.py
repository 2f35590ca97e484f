"""A download under way: the files beside its target, and what they must hold to take its place."""

import contextlib
import errno
import glob
import json
import os
import secrets
import shutil
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from model_zoo.errors import BadDownload
from model_zoo.store import LEARNT, Source, cache_folder, learnt_hashes, sha256_of

HEAD_BYTES = 512  # a web page may start with comments or blank lines
ZIP_MAGIC = b"PK\x03\x04"
DRAFT = ".resumable"
ASIDE = "aside-"  # before the name of what is set aside

_learning = threading.Lock()


class WrongContent(BadDownload):
    """What came is not the file that was asked for, so nothing of it is kept."""


class Draft:
    """A download under way; `path` is where it lies once it is whole, before it is put in place."""

    def __init__(self, source: Source, target: Path) -> None:
        self.source, self.target = source, target
        # gdown adds to the name until it is whole.
        self.path = target.with_name(target.name + DRAFT)
        self.total: int | None = None

    def files(self, before: str = "") -> list[Path]:
        """What lies here of this download, whole or in part. before: `ASIDE`, what is set aside."""
        return list(self.target.parent.glob(glob.escape(before + self.path.name) + "*"))

    def kept(self, before: str = "") -> int:
        return sum(file.stat().st_size for file in self.files(before))

    def throw_away(self, before: str = "") -> None:
        for file in self.files(before):
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Nothing; what is kept waits until what comes anew has shown itself to be a model."""
        for file in self.files():
            os.replace(file, file.with_name(ASIDE + file.name))

    def put_back(self) -> bool:
        """Whether something was set aside, which is back in the place of what came anew."""
        if waiting := self.files(ASIDE):
            self.throw_away()
        for file in waiting:
            with contextlib.suppress(OSError):
                os.replace(file, file.with_name(file.name.removeprefix(ASIDE)))
        return bool(waiting)

    def take_whole_part(self) -> None:
        """Nothing; a part that lacks nothing is at `path`: no server has more of it to give."""
        parts, size = self.files(), self.source.size_bytes
        if len(parts) != 1 or size not in (None, parts[0].stat().st_size):
            return
        known = self.source.sha256 or learnt_hashes().get(self.source.url)
        if known:
            whole = sha256_of(parts[0]) == known.lower()
        else:
            whole = size is not None and _is_sound(parts[0])
        if whole:
            os.replace(parts[0], self.path)

    def check(self, count: int, total: int | None) -> None:
        """Nothing where what came so far can be the start of the file; else `BadDownload`."""
        self.total = total
        for part in self.files():  # so that no gigabyte of something else is waited for
            self._check_content(part, max(count, total or 0), whole=False)
        if self.kept() >= HEAD_BYTES:  # before the look for room: what was set aside takes some
            self.throw_away(ASIDE)
        self.check_room()

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
        self.throw_away(ASIDE)
        return digest

    def _check_content(self, file: Path, count: int, whole: bool) -> None:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if not whole and len(head) < HEAD_BYTES:
            return
        if not head.startswith(ZIP_MAGIC):
            page = any(mark in head.lower() for mark in (b"<!doctype html", b"<html"))
            code = "download_quota" if page else "download_not_model"
            raise self.error(code, WrongContent, head=head[:8].hex(" ") or "missing")
        size = self.source.size_bytes or count
        if count > size or (count < size and (whole or self.total is not None)):
            raise self.error("download_wrong_size", WrongContent, expected=size, found=count)
        if whole and self.source.sha256 is None and not _is_sound(file):
            raise self.error("download_damaged", WrongContent)

    def _check_hash(self, found: str) -> None:
        known = self.source.sha256
        with _learning:
            learnt = learnt_hashes() if known is None else {}
            expected = (known or learnt.get(self.source.url, found)).lower()
            if found != expected:
                code = "download_wrong_hash" if known else "download_changed"
                hashes = {"expected": expected, "found": found, "learnt": LEARNT}
                raise self.error(code, WrongContent, **hashes)
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
