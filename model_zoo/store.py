"""Files of the zoo: where they lie, what is in them, and whether they are the right ones."""

import functools
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from model_zoo.errors import BadDownload, BadModel

LEARNT = "learnt_hashes.json"


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


def learnt_hashes() -> dict[str, str]:
    """The sha256 (hex) of each address at its first use. Raises `BadDownload` if damaged."""
    file = cache_folder() / LEARNT
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as fault:
        raise BadDownload("bad_learnt", file=file) from fault
