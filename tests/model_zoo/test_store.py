import errno
import gzip
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from model_zoo import store
from model_zoo.errors import BadDownload, BadModel
from model_zoo.store import Source, fetch, learnt_hashes, sha256_of, verify

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
SIGN_IN_PAGE = b"<!doctype html><html><title>Sign in</title><body>Sign in to continue</body></html>"
SCAN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>"
    b'<p class="uc-warning-caption">Google Drive can\'t scan this file for viruses.</p>'
    b'<form id="download-form" action="https://drive.usercontent.google.com/download" '
    b'method="get"><input type="submit" id="uc-download-link" value="Download anyway"/>'
    b'<input type="hidden" name="id" value="FILE"><input type="hidden" name="confirm" value="t">'
    b'<input type="hidden" name="uuid" value="01-ab"></form></body></html>'
)
DRIVE_FILE = {"Content-Disposition": 'attachment; filename="m.keras"'}
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


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.answers, http.asked = {}, []
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    released = threading.Event()
    yield SimpleNamespace(
        address=f"http://127.0.0.1:{http.server_port}",
        answers=http.answers,
        asked=http.asked,
        released=released,
    )
    released.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(store, "TIMEOUTS", (2, 5))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "m.keras"


@pytest.fixture
def drive(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """The local server in place of Google's: host H, path P are answered by `/H/P`."""
    import gdown
    import requests

    # `gdown.download` is the function; its module has the same name.
    module = sys.modules[gdown.download.__module__]
    monkeypatch.setattr(module, "DEFAULT_COOKIES_FILE", str(tmp_path / "cookies.txt"))

    send = requests.adapters.HTTPAdapter.send

    def reroute(self: object, request: object, **options: object) -> object:
        asked = urlsplit(request.url)
        assert asked.hostname.endswith(".google.com"), f"asked for {asked.hostname}"
        there = request.copy()
        there.url = f"{server.address}/{asked.hostname}{asked.path}?{asked.query}"
        options["proxies"] = {}
        reply = send(self, there, **options)
        reply.url, reply.request = request.url, request
        return reply

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", reroute)
    return server


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


# hashes


def test_sha256_is_the_published_one_of_abc(tmp_path: Path) -> None:
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_verify_accepts_the_right_file(tmp_path: Path) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(MODEL)
    verify(file, SHA256, len(MODEL))
    verify(file, SHA256.upper(), len(MODEL))


def test_verify_refuses_another_size_and_another_content(tmp_path: Path) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(OTHER)
    with pytest.raises(BadModel, match=f"{len(OTHER)} bytes; {len(OTHER) + 1} were") as caught:
        verify(file, SHA256, len(OTHER) + 1)
    assert caught.value.code == "wrong_size"
    with pytest.raises(BadModel, match=SHA256[:12]) as caught:
        verify(file, SHA256, len(OTHER))
    assert caught.value.code == "wrong_hash"


def test_verify_reads_a_file_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(MODEL)
    read = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(store, "sha256_of", counted)
    verify(file, SHA256, len(MODEL))
    verify(file, SHA256, len(MODEL))
    assert len(read) == 1
    file.write_bytes(OTHER)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    with pytest.raises(BadModel):
        verify(file, SHA256, len(MODEL))
    assert len(read) == 2


# the right file


@pytest.mark.parametrize("announced", [True, False])
def test_fetch_brings_the_file_and_reports_progress(
    server: SimpleNamespace, target: Path, announced: bool
) -> None:
    server.answers["/m"] = answer(MODEL, length=-1 if announced else None)
    seen = []
    found = fetch(
        Source(server.address + "/m", len(MODEL), SHA256.upper()),
        target,
        lambda done, total: seen.append((done, total)),
    )
    assert found == SHA256
    assert target.read_bytes() == MODEL
    assert left_over(target) == []
    done, totals = [step[0] for step in seen], {step[1] for step in seen}
    assert done == sorted(done)
    assert done[-1] == len(MODEL)
    assert len(done) > 3
    assert totals == {len(MODEL) if announced else None}


def test_fetch_follows_a_redirect(server: SimpleNamespace, target: Path) -> None:
    server.answers["/old"] = answer(b"", 302, headers={"Location": "/new"})
    server.answers["/new"] = answer(MODEL)
    assert fetch(Source(server.address + "/old"), target) == SHA256
    assert target.read_bytes() == MODEL


def test_fetch_replaces_an_old_file_but_keeps_it_on_failure(
    server: SimpleNamespace, target: Path
) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    server.answers["/m"] = answer(b"", 404)
    with pytest.raises(BadDownload):
        fetch(Source(server.address + "/m"), target)
    assert target.read_bytes() == b"old"
    server.answers["/m"] = answer(MODEL)
    fetch(Source(server.address + "/m"), target)
    assert target.read_bytes() == MODEL


def test_two_fetches_at_once_do_not_meet(server: SimpleNamespace, target: Path) -> None:
    together = threading.Barrier(2, timeout=5)

    def both_under_way(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(MODEL)))
        handler.end_headers()
        handler.wfile.write(MODEL[:600_000])
        handler.wfile.flush()
        together.wait()
        handler.wfile.write(MODEL[600_000:])

    server.answers["/m"] = both_under_way
    outcomes: list[object] = []

    def one() -> None:
        try:
            outcomes.append(fetch(Source(server.address + "/m"), target))
        except Exception as fault:
            outcomes.append(fault)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [SHA256, SHA256]
    assert target.read_bytes() == MODEL
    assert left_over(target) == []


def test_an_answer_that_comes_packed_is_unpacked(server: SimpleNamespace, target: Path) -> None:
    encodings = []

    def packed(handler: Handler) -> None:
        encodings.append(handler.headers["Accept-Encoding"])
        answer(gzip.compress(MODEL), headers={"Content-Encoding": "gzip"})(handler)

    server.answers["/m"] = packed
    totals = set()
    fetch(Source(server.address + "/m"), target, lambda _, total: totals.add(total))
    assert target.read_bytes() == MODEL
    assert totals == {None}
    assert encodings == ["identity"]


# what can go wrong on the way

WRONG = {
    "quota page": (answer(QUOTA_PAGE, headers=HTML), "download_quota", "web page"),
    "long quota page": (
        answer(QUOTA_PAGE + b" " * 2 * len(MODEL)),
        "download_quota",
        "web page",
    ),
    "page with a comment first": (answer(b"<!-- -->\n<HTML>"), "download_quota", "web page"),
    "not found": (answer(b"<html>gone</html>", 404), "download_refused", "404 Not Found"),
    "server broken": (answer(b"", 500), "download_refused", "500 Internal Server Error"),
    "cut": (
        answer(MODEL[:700_000], length=len(MODEL)),
        "download_cut",
        f"of {len(MODEL)} bytes",
    ),
    "nothing": (answer(b""), "download_not_model", "first bytes are missing"),
    "wrong bytes": (answer(b"\x89HDF" + MODEL), "download_not_model", "89 48 44 46"),
    "other content": (answer(OTHER), "download_wrong_hash", SHA256[:12]),
    "too short": (
        answer(MODEL[:-1]),
        "download_wrong_size",
        f"{len(MODEL) - 1} bytes, where {len(MODEL)}",
    ),
    "too long": (answer(MODEL + b"!"), "download_wrong_size", f"where {len(MODEL)} were"),
    "endless redirect": (
        answer(b"", 302, headers={"Location": "/m"}),
        "download_refused",
        "302 Found",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_every_failure_has_its_sentence_and_leaves_nothing(
    case: str, server: SimpleNamespace, target: Path
) -> None:
    server.answers["/m"], code, words = WRONG[case]
    source = Source(server.address + "/m", len(MODEL), SHA256)
    fault = failure(source, target)
    assert fault.code == code
    assert words in str(fault)
    assert source.url in str(fault)


def test_a_short_body_is_noticed_where_the_http_library_does_not(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    server.answers["/m"] = answer(MODEL)
    monkeypatch.setattr(requests.Response, "iter_content", lambda *_: iter([MODEL[:9000]]))
    fault = failure(Source(server.address + "/m"), target)
    assert fault.code == "download_cut"
    assert f"after 9000 of {len(MODEL)} bytes" in str(fault)


def test_a_file_of_the_wrong_kind_is_not_read_to_its_end(
    server: SimpleNamespace, target: Path
) -> None:
    def wait_after_the_start(handler: Handler) -> None:
        answer(b"?" * 600_000, length=10**9)(handler)
        handler.wfile.flush()
        server.released.wait(5)

    server.answers["/m"] = wait_after_the_start
    assert failure(Source(server.address + "/m"), target).code == "download_not_model"


def test_a_cut_download_of_unannounced_length_is_no_model(
    server: SimpleNamespace, target: Path
) -> None:
    def break_off(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n" % 300_000 + MODEL[:300_000] + b"\r\n")
        handler.close_connection = True

    server.answers["/m"] = break_off
    fault = failure(Source(server.address + "/m"), target)
    assert fault.code == "download_failed"
    assert "failed after" in str(fault)


@pytest.mark.parametrize(("begun", "code"), [(False, "download_failed"), (True, "download_cut")])
def test_a_silent_server_is_given_up(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch, begun: bool, code: str
) -> None:
    def wait(handler: Handler) -> None:
        if begun:
            answer(MODEL[:500_000], length=len(MODEL))(handler)
            handler.wfile.flush()
        server.released.wait(5)

    server.answers["/m"] = wait
    monkeypatch.setattr(store, "TIMEOUTS", (0.3, 0.3))
    fault = failure(Source(server.address + "/m"), target)
    assert fault.code == code
    assert ("of 1280004 bytes" if begun else "nothing came in time") in str(fault)


@pytest.mark.parametrize("address", ["http://127.0.0.1:{}/m", "ftp://127.0.0.1:{}/m", "m.keras"])
def test_an_address_without_a_server_is_refused(address: str, target: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = address.format(deaf.getsockname()[1])
        fault = failure(Source(url), target)
    assert fault.code == "download_failed"
    assert url in str(fault)
    assert "failed after 0 bytes" in str(fault)


def test_what_progress_raises_ends_the_download(server: SimpleNamespace, target: Path) -> None:
    server.answers["/m"] = answer(MODEL)

    def stop(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(Source(server.address + "/m"), target, stop)
    assert not target.exists()
    assert left_over(target) == []


# no room


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


@pytest.mark.parametrize("method", ["write", "flush", "close"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EIO, "download_not_kept"),
    ],
)
def test_a_disk_that_fails_while_writing(
    server: SimpleNamespace,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    fault: int,
    code: str,
) -> None:
    server.answers["/m"] = answer(MODEL)
    with full_disk(monkeypatch, method, fault):
        caught = failure(Source(server.address + "/m", len(MODEL)), target)
    assert caught.code == code
    assert str(target.parent) in str(caught)
    assert ("1 MB needed" if code == "disk_full" else os.strerror(fault)) in str(caught)
    assert learnt_hashes() == {}


def test_a_disk_that_is_full_when_the_hash_is_learnt(
    server: SimpleNamespace, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server.answers["/m"] = answer(MODEL)
    monkeypatch.setattr(store.os, "replace", full)
    assert failure(Source(server.address + "/m"), target).code == "disk_full"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("published", [True, False])
def test_room_is_looked_for_before_the_download(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    server.answers["/m"] = answer(MODEL)
    free = SimpleNamespace(free=len(MODEL) - 1)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: free)
    source = Source(server.address + "/m", len(MODEL) if published else None)
    seen = []
    assert failure(source, target, progress=lambda *step: seen.append(step)).code == "disk_full"
    assert seen == []
    assert server.asked == ([] if published else ["/m"])
    free.free += 1
    assert fetch(source, target) == SHA256


def test_a_folder_that_cannot_be_written_is_named(server: SimpleNamespace, tmp_path: Path) -> None:
    server.answers["/m"] = answer(MODEL)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadDownload, match="cannot be written") as caught:
        fetch(Source(server.address + "/m"), tmp_path / "file" / "m.keras")
    assert caught.value.code == "download_not_kept"
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadDownload, match="cannot be written"):
        fetch(Source(server.address + "/m"), tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "file", "folder"]


# hashes learnt at first use


def test_an_unpublished_hash_is_learnt_and_then_enforced(
    server: SimpleNamespace, target: Path, tmp_path: Path
) -> None:
    source = Source(server.address + "/m")
    server.answers["/m"] = answer(MODEL)
    fetch(source, target)
    assert json.loads((tmp_path / "cache" / "learnt_hashes.json").read_text()) == {
        source.url: SHA256
    }
    target.unlink()
    server.answers["/m"] = answer(OTHER)
    fault = failure(source, target)
    assert fault.code == "download_changed"
    assert SHA256[:12] in str(fault)
    assert "learnt_hashes.json" in str(fault)
    assert learnt_hashes() == {source.url: SHA256}
    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target) == SHA256
    server.answers["/n"] = answer(OTHER)
    fetch(Source(server.address + "/n"), target)
    assert list(learnt_hashes()) == [source.url, server.address + "/n"]
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["learnt_hashes.json"]


def test_hashes_learnt_at_once_are_all_kept(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)

    def read_together() -> dict[str, str]:
        learnt = learnt_hashes()
        with suppress(threading.BrokenBarrierError):
            together.wait(0.3)
        return learnt

    monkeypatch.setattr(store, "learnt_hashes", read_together)
    urls = [f"{server.address}/{number}" for number in range(2)]
    threads = []
    for number, url in enumerate(urls):
        server.answers[f"/{number}"] = answer(MODEL)
        threads.append(threading.Thread(target=fetch, args=(Source(url), tmp_path / f"{number}")))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert learnt_hashes() == dict.fromkeys(urls, SHA256)


def test_a_published_hash_is_not_learnt_and_comes_first(
    server: SimpleNamespace, target: Path
) -> None:
    url = server.address + "/m"
    server.answers["/m"] = answer(OTHER)
    fetch(Source(url), target)
    server.answers["/m"] = answer(MODEL)
    assert fetch(Source(url, sha256=SHA256), target) == SHA256
    assert learnt_hashes()[url] == hashlib.sha256(OTHER).hexdigest()


def test_a_file_of_the_wrong_kind_is_not_learnt(server: SimpleNamespace, target: Path) -> None:
    server.answers["/m"] = answer(QUOTA_PAGE)
    failure(Source(server.address + "/m"), target)
    assert learnt_hashes() == {}


@pytest.mark.parametrize("text", ["{", "3", '["ab", 1]'])
def test_a_damaged_list_is_not_taken_for_an_empty_one(
    server: SimpleNamespace, target: Path, tmp_path: Path, text: str
) -> None:
    server.answers["/m"] = answer(MODEL)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "learnt_hashes.json").write_text(text)
    assert failure(Source(server.address + "/m"), target).code == "bad_learnt"


# Google Drive

LINKS = [
    "https://drive.google.com/uc?id=FILE",
    "https://drive.google.com/file/d/FILE/view?usp=sharing",
    "https://drive.google.com/open?id=FILE",
]
UC, DOWNLOAD = "/drive.google.com/uc", "/drive.usercontent.google.com/download"


def scan_page_first(handler: Handler) -> None:
    if parse_qs(urlsplit(handler.path).query).get("uuid") == ["01-ab"]:
        answer(MODEL, headers=DRIVE_FILE)(handler)
    else:
        answer(SCAN_PAGE, headers=HTML)(handler)


def to_download(handler: Handler) -> None:
    there = "https://drive.usercontent.google.com/download?id=FILE&export=download"
    answer(b"", 303, headers={"Location": there})(handler)


@pytest.mark.parametrize("url", LINKS)
def test_drive_gives_the_file_behind_the_scan_warning(
    drive: SimpleNamespace, target: Path, url: str, capfd: pytest.CaptureFixture, tmp_path: Path
) -> None:
    drive.answers[UC], drive.answers[DOWNLOAD] = to_download, scan_page_first
    seen = []
    found = fetch(Source(url, len(MODEL)), target, lambda *step: seen.append(step))
    assert found == SHA256
    assert target.read_bytes() == MODEL
    assert learnt_hashes() == {url: SHA256}
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert len(seen) > 2
    assert [urlsplit(path).path for path in drive.asked] == [UC, DOWNLOAD, DOWNLOAD]
    assert left_over(target) == []
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "cookies.txt").exists()


DRIVE_WRONG = {
    "quota": (answer(QUOTA_PAGE, headers=HTML), "download_quota", "too many people"),
    "sign in": (answer(SIGN_IN_PAGE, headers=HTML), "download_not_shared", "some people only"),
    "gone": (answer(b"<html>404</html>", 404, headers=HTML), "download_not_shared", "gone"),
    "forbidden": (
        answer(b"", 403, headers=DRIVE_FILE),
        "download_refused",
        "403 Forbidden",
    ),
    "cut": (
        answer(MODEL[:900_000], length=len(MODEL), headers=DRIVE_FILE),
        "download_cut",
        f"of {len(MODEL)} bytes",
    ),
    "cut early": (
        answer(MODEL[:9000], length=len(MODEL), headers=DRIVE_FILE),
        "download_failed",
        "failed after 0 bytes",
    ),
    "page as a file": (answer(QUOTA_PAGE, headers=DRIVE_FILE), "download_quota", "web page"),
    "other content": (answer(OTHER, headers=DRIVE_FILE), "download_wrong_hash", SHA256[:12]),
    "too long": (answer(MODEL + b"!", headers=DRIVE_FILE), "download_wrong_size", "were expected"),
    "no headers": (
        lambda handler: handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n"),
        "download_failed",
        "failed after 0 bytes",
    ),
}


@pytest.mark.parametrize("case", DRIVE_WRONG)
def test_every_failure_of_drive_has_its_sentence(
    case: str, drive: SimpleNamespace, target: Path, capfd: pytest.CaptureFixture
) -> None:
    drive.answers[UC], code, words = DRIVE_WRONG[case]
    fault = failure(Source(LINKS[0], len(MODEL), SHA256), target)
    assert fault.code == code
    assert words in str(fault)
    assert LINKS[0] in str(fault)
    assert capfd.readouterr() == ("", "")


def test_drive_pages_without_end_are_given_up(
    drive: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.answers[UC] = drive.answers[DOWNLOAD] = answer(SCAN_PAGE, headers=HTML)
    monkeypatch.setattr(store, "PAGES_SECONDS", 0.2)
    fault = failure(Source(LINKS[0]), target)
    assert fault.code == "download_failed"
    assert "nothing came in time" in str(fault)
    assert len(drive.asked) > 2


def test_a_long_download_from_drive_is_not_taken_for_pages_without_end(
    drive: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = threading.Event()

    class Timer(threading.Timer):
        def run(self) -> None:
            super().run()
            passed.set()

    def slow(handler: Handler) -> None:
        answer(MODEL[:1_000_000], length=len(MODEL), headers=DRIVE_FILE)(handler)
        handler.wfile.flush()
        assert passed.wait(5)
        handler.wfile.write(MODEL[1_000_000:])

    drive.answers[UC] = slow
    monkeypatch.setattr(store, "PAGES_SECONDS", 0.5)
    monkeypatch.setattr(store.threading, "Timer", Timer)
    assert fetch(Source(LINKS[0]), target) == SHA256


def test_a_silent_drive_is_given_up(
    drive: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.answers[UC] = lambda _: drive.released.wait(5)
    monkeypatch.setattr(store, "TIMEOUTS", (0.3, 0.3))
    fault = failure(Source(LINKS[0]), target)
    assert fault.code == "download_failed"
    assert "nothing came in time" in str(fault)


def test_a_full_disk_while_drive_sends(
    drive: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.answers[UC] = answer(MODEL, headers=DRIVE_FILE)
    with full_disk(monkeypatch, "write", errno.ENOSPC):
        assert failure(Source(LINKS[0]), target).code == "disk_full"


def test_what_downloads_is_imported_late() -> None:
    code = "import sys, model_zoo.store; sys.exit(bool({'gdown', 'requests'} & set(sys.modules)))"
    root = Path(store.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
