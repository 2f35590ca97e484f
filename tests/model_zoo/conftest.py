"""A server of our own for the download tests, and what they need around them."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import download
from model_zoo.store import Source

# The checks in the helpers must say what they found, as those in the tests do.
pytest.register_assert_rewrite(f"{__package__}.downloads", f"{__package__}.pictures")

from .downloads import SHA256, Handler  # noqa: E402


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.answers, http.asked, http.ranges = {}, [], []
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    released = threading.Event()
    yield SimpleNamespace(
        address=f"http://127.0.0.1:{http.server_port}",
        answers=http.answers,
        asked=http.asked,
        ranges=http.ranges,
        released=released,
    )
    released.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(download, "TIMEOUTS", (2, 5))
    monkeypatch.setattr(download, "RETRIES", 0)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "m.keras"


@pytest.fixture
def source(server: SimpleNamespace) -> Source:
    return Source(server.address + "/m", sha256=SHA256)
