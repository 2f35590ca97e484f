"""A file as a server has it, and the answers of a server that misbehaves."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from model_zoo.errors import BadDownload
from model_zoo.store import Source, fetch

MODEL = b"PK\x03\x04" + bytes(range(256)) * 5000
OTHER = MODEL[:-1] + b"!"
SHA256 = hashlib.sha256(MODEL).hexdigest()
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
        self.server.answers[urlsplit(self.path).path](self)

    def log_message(self, *_: object) -> None:
        pass


def answer(
    body: bytes, status: int = 200, length: int | None = -1, headers: dict[str, str] | None = None
) -> Answer:
    """An answer with this body; length: None says nothing, -1 the truth."""

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


def failure(source: Source, target: Path, **options: object) -> BadDownload:
    """The error of a fetch that must fail and leave nothing behind."""
    with pytest.raises(BadDownload) as caught:
        fetch(source, target, **options)
    assert not target.exists()
    assert left_over(target) == []
    return caught.value


def left_over(target: Path) -> list[str]:
    folder = target.parent
    return [file.name for file in folder.iterdir() if file != target] if folder.is_dir() else []


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, method: str, fault: int) -> Iterator[None]:
    """Partial files whose `method` fails as the system's would."""
    open_really = Path.open

    def open_full(path: Path, mode: str = "r", **options: object) -> object:
        stream = open_really(path, mode, **options)
        if mode == "xb":

            def fail(*_: object) -> None:
                if method == "close":
                    stream.close()
                raise OSError(fault, os.strerror(fault))

            names = ("write", "flush", "fileno", "close")
            parts = {name: getattr(stream, name) for name in names}
            return SimpleNamespace(**{**parts, method: fail})
        return stream

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_full)
        yield
