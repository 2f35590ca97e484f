"""A file as a server has it, and the answers of a server that misbehaves."""

import hashlib
import io
import sys
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import gdown
import pytest

from model_zoo.download import fetch
from model_zoo.errors import BadDownload
from model_zoo.store import Source


def archive(content: bytes) -> bytes:
    """A zip archive as a `.keras` file is one, the same at every call."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr(zipfile.ZipInfo("weights"), content)
    return stream.getvalue()


MODEL = archive(bytes(range(256)) * 5000)
OTHER = archive(bytes(range(255, -1, -1)) * 5000)
SHA256 = hashlib.sha256(MODEL).hexdigest()
PIECE = 512 * 1024  # what gdown writes at a time: a piece that is not whole is not kept
GDOWN = sys.modules[gdown.download.__module__]  # `gdown.download` itself is the function
QUOTA_PAGE = (
    b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>"
    b'<div class="uc-main"><p class="uc-error-caption">Sorry, you can\'t view or download this '
    b'file at this time.</p><p class="uc-error-subcaption">Too many users have viewed or '
    b"downloaded this file recently. Please try accessing the file again later.</p></div>"
    b"</body></html>"
)
HTML = {"Content-Type": "text/html; charset=utf-8"}

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.ranges.append(self.headers.get("Range"))
        self.server.answers[urlsplit(self.path).path](self)

    def log_message(self, *_: object) -> None:
        pass


def answer(
    body: bytes, status: int = 200, length: int | None = -1, headers: dict[str, str] | None = None
) -> Answer:
    """An answer with all of this body; length: None says nothing, -1 the truth."""

    def send(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/octet-stream", **(headers or {})}.items():
            handler.send_header(name, value)
        if length is not None:
            handler.send_header("Content-Length", str(len(body) if length == -1 else length))
        handler.end_headers()
        # The client hangs up as soon as it has seen enough.
        try:
            handler.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    return send


def resumable(body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """An answer with the part of this body that is asked for."""

    def send(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        if asked is None:
            answer(body, headers=headers)(handler)
            return
        offset = int(asked.removeprefix("bytes=").removesuffix("-"))
        part = {"Content-Range": f"bytes {offset}-{len(body) - 1}/{len(body)}", **(headers or {})}
        answer(body[offset:], 206, headers=part)(handler)

    return send


def cut(body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """An answer that breaks off after its first piece."""
    return answer(body[:700_000], length=len(body), headers=headers)


def failure(source: Source, target: Path, kept: int = 0, **options: object) -> BadDownload:
    """The error of a fetch that must fail and leave nothing, but so many bytes to go on from."""
    with pytest.raises(BadDownload) as caught:
        fetch(source, target, **options)
    assert not target.exists()
    assert [file.stat().st_size for file in left_over(target)] == [kept] * bool(kept)
    return caught.value


def break_off(server: SimpleNamespace, source: Source, target: Path) -> BadDownload:
    """What is said of a download that the server breaks off in the middle."""
    server.answers["/m"] = cut(MODEL)
    return failure(source, target, kept=PIECE)


def left_over(target: Path) -> list[Path]:
    folder = target.parent
    return [file for file in folder.iterdir() if file != target] if folder.is_dir() else []
