"""The official data set, from a local server that hangs up, forgets and lies."""

import contextlib
import functools
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS
from model_zoo.errors import BadDownload
from training import fetch as fetching
from training import isic2019
from training.__main__ import main
from training.fetch import ARCHIVE, fetch, unpack


class Handler(BaseHTTPRequestHandler):
    """A store with ranges, as S3 answers; `cut` bytes of each answer are sent, then it hangs up."""

    def do_GET(self):
        store, name = self.server.store, self.path.strip("/")
        store.asked.append((name, self.headers.get("Range")))
        if name not in store.files:
            self.send_error(404)
            return
        body, begin, tag = store.files[name], 0, f'"{store.version}"'
        asked = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if asked and self.headers.get("If-Range") == tag and store.ranges:
            begin = int(asked)
        if begin >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", store.kind)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:][: store.cut])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def store(small_isic, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{PHOTOS}/LICENSE.txt", "CC BY-NC 4.0")
        for photo in sorted((small_isic / PHOTOS).iterdir()):
            archive.write(photo, f"{PHOTOS}/{photo.name}")
    files = {name: (small_isic / name).read_bytes() for name in (GROUND_TRUTH, METADATA)}
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    monkeypatch.setattr(fetching, "PIECE", 1000)
    http.store = SimpleNamespace(
        files={**files, ARCHIVE: packed.getvalue()},
        asked=[],
        cut=10**9,
        ranges=True,
        version=1,
        kind="binary/octet-stream",
        address=f"http://127.0.0.1:{http.server_port}",
    )
    thread = threading.Thread(
        target=functools.partial(http.serve_forever, poll_interval=0.01), daemon=True
    )
    thread.start()
    yield http.store
    http.shutdown()
    http.server_close()


def test_the_folder_can_be_trained_on(store, small_isic, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetching, "ADDRESS", store.address)
    assert main(["fetch", "--out", str(tmp_path / "isic")]) == 0
    assert "48 images of 24 lesions" in capsys.readouterr().out
    assert isic2019.check(tmp_path / "isic").cases == isic2019.check(small_isic).cases
    assert not (tmp_path / "isic" / ARCHIVE).exists()
    asked = len(store.asked)
    fetch(tmp_path / "isic", store.address)
    assert len(store.asked) == asked  # all is here already


def test_photos_that_were_lost_are_fetched_again(store, tmp_path):
    fetch(tmp_path, store.address)
    next((tmp_path / PHOTOS).glob("*.jpg")).unlink()
    fetch(tmp_path, store.address)
    assert len(isic2019.check(tmp_path).cases) == 48


def test_a_cut_download_goes_on_where_it_stopped(store, tmp_path):
    store.cut = 5000
    tries = 0
    while not (tmp_path / PHOTOS / ".complete").exists():
        tries += 1
        assert tries < 60
        with contextlib.suppress(BadDownload):
            fetch(tmp_path, store.address)
    begun = [int(r[6:-1]) for name, r in store.asked if name == ARCHIVE and r]
    assert begun == sorted(begun)
    assert len(begun) > 3
    assert len(isic2019.check(tmp_path).cases) == 48


@pytest.mark.parametrize("forgets", ["ranges", "version"])
def test_a_server_that_begins_anew_gives_no_mixture(store, tmp_path, forgets):
    store.cut = 5000
    for _ in range(4):
        with pytest.raises(BadDownload, match="Run the same command again"):
            fetch(tmp_path, store.address)
    setattr(store, forgets, {"ranges": False, "version": 2}[forgets])
    store.cut = 10**9
    fetch(tmp_path, store.address)
    assert len(isic2019.check(tmp_path).cases) == 48


def test_an_archive_that_is_damaged_is_removed(store, tmp_path):
    whole = store.files[ARCHIVE]
    store.files[ARCHIVE] = whole[:3000] + bytes(200) + whole[3200:]
    with pytest.raises(BadDownload) as caught:
        fetch(tmp_path, store.address)
    assert caught.value.code == "archive_damaged"
    assert not (tmp_path / ARCHIVE).exists()
    store.files[ARCHIVE] = whole
    fetch(tmp_path, store.address)
    assert len(isic2019.check(tmp_path).cases) == 48


def test_names_in_the_archive_choose_no_place_outside(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../evil.jpg", b"x")
        archive.writestr("..\\..\\other.jpg", b"y")
    unpack(tmp_path / "a.zip", tmp_path / "deep" / "photos")
    found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.jpg"))
    assert found == ["deep/photos/evil.jpg", "deep/photos/other.jpg"]


def test_web_pages_and_refusals_are_named(store, tmp_path):
    store.kind = "text/html; charset=utf-8"
    with pytest.raises(BadDownload, match="A web page came"):
        fetch(tmp_path, store.address)
    store.files.clear()
    with pytest.raises(BadDownload, match="404"):
        fetch(tmp_path, store.address)
    assert list(tmp_path.glob("*.csv")) == []


def test_a_full_disk_is_named(store, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "_receive", full)
    with pytest.raises(BadDownload, match="the disk is full"):
        fetch(tmp_path, store.address)
