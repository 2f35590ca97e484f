"""A download that breaks off goes on where it was, and never becomes a wrong file."""

import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer

import pytest

from model_zoo import resume
from model_zoo.errors import BadDownload
from model_zoo.resume import fetch_resumably
from model_zoo.store import Source

from .downloads import MODEL, SHA256, Handler

PIECE = 512 * 1024  # what gdown writes at a time: a piece that is not whole is not kept


class Server(ThreadingHTTPServer):
    """Serves `body`, as much of it as `limit` says, from where it is asked for if `ranges`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.limit, self.ranges, self.offsets = MODEL, None, True, []
        self.asked, self.answers = [], {"/best_final_model.keras": self.send}

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/best_final_model.keras"

    def send(self, handler):
        asked = handler.headers.get("Range", "bytes=0-")
        offset = int(asked.removeprefix("bytes=").rstrip("-")) if self.ranges else 0
        self.offsets.append(offset)
        body = self.body[offset:]
        handler.send_response(206 if offset else 200)
        if offset:
            end = offset + len(body)
            handler.send_header("Content-Range", f"bytes {offset}-{end - 1}/{end}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with suppress(ConnectionError):  # the client hangs up as soon as it has seen enough
            handler.wfile.write(body[: self.limit])
        handler.close_connection = True


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(resume, "RETRIES", 0)
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "weights" / "best_final_model.keras"


def broken(server, target, source):
    """What is said of a download that the server breaks off in the middle."""
    server.limit = 700_000
    with pytest.raises(BadDownload) as caught:
        fetch_resumably(source, target)
    server.limit = None
    assert not target.exists()
    return caught.value


def test_it_comes_whole_with_its_progress(server, target):
    told = []
    found = fetch_resumably(
        Source(server.address, sha256=SHA256), target, lambda *n: told.append(n)
    )
    assert (found, target.read_bytes()) == (SHA256, MODEL)
    assert told[-1] == (len(MODEL), len(MODEL))
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_it_goes_on_where_it_broke_off(server, target):
    source = Source(server.address, sha256=SHA256)
    fault = broken(server, target, source)
    assert fault.code == "download_kept"
    assert f"{PIECE} bytes, which are kept" in str(fault)
    assert fetch_resumably(source, target) == SHA256
    assert server.offsets[-1] == PIECE
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_a_server_that_cannot_go_on_sends_it_anew(server, target):
    source = Source(server.address, sha256=SHA256)
    broken(server, target, source)
    server.ranges = False
    assert fetch_resumably(source, target) == SHA256
    assert target.read_bytes() == MODEL


def test_a_file_that_changed_meanwhile_is_thrown_away(server, target):
    source = Source(server.address, sha256=SHA256)
    broken(server, target, source)
    server.body = MODEL[:-9] + b"different"
    with pytest.raises(BadDownload) as caught:
        fetch_resumably(source, target)
    assert caught.value.code == "download_wrong_hash"
    assert list(target.parent.iterdir()) == []


def test_a_web_page_is_no_model_and_leaves_nothing(server, target):
    server.body = b"<!DOCTYPE html><html><body>Too many users</body></html>"
    with pytest.raises(BadDownload) as caught:
        fetch_resumably(Source(server.address), target)
    assert caught.value.code == "download_quota"
    assert list(target.parent.iterdir()) == []


def test_without_a_network_it_says_so(target):
    with pytest.raises(BadDownload, match="did not succeed: connection failed"):
        fetch_resumably(Source("http://127.0.0.1:9/x.keras"), target)


def test_two_files_spliced_together_are_told_without_a_hash(server, target, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("weights", bytes(range(256)) * 5000)
    whole = (tmp_path / "one.zip").read_bytes()
    server.body, source = whole, Source(server.address)
    broken(server, target, source)
    server.body = whole[:600_000] + b"X" * 1000 + whole[601_000:]
    with pytest.raises(BadDownload) as caught:
        fetch_resumably(source, target)
    assert caught.value.code == "download_damaged"
    assert list(target.parent.iterdir()) == []


def test_a_file_without_its_end_is_told_without_a_hash(server, target):
    with pytest.raises(BadDownload) as caught:  # it begins like an archive and is none
        fetch_resumably(Source(server.address), target)
    assert caught.value.code == "download_damaged"
    assert list(target.parent.iterdir()) == []


def test_what_a_crash_left_behind_is_hashed_as_well(server, target):
    target.parent.mkdir(parents=True)
    target.with_name(target.name + resume.DRAFT).write_bytes(MODEL)
    assert fetch_resumably(Source(server.address, sha256=SHA256), target) == SHA256
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_whoever_stops_it_keeps_what_came(server, target):
    stop = threading.Event()
    source = Source(server.address, sha256=SHA256)
    with pytest.raises(BadDownload):
        fetch_resumably(source, target, lambda *_: stop.set(), stop)
    kept = [file for file in target.parent.iterdir() if file.stat().st_size]
    assert kept
    assert fetch_resumably(source, target) == SHA256


def test_a_folder_that_cannot_be_written_gets_its_sentence(server, tmp_path):
    (tmp_path / "weights").write_text("a file, where a folder is needed")
    with pytest.raises(BadDownload, match="cannot be written"):
        fetch_resumably(Source(server.address), tmp_path / "weights" / "x.keras")


def test_the_same_file_is_fetched_by_one_at_a_time(server, target):
    source = Source(server.address, sha256=SHA256)

    def meanwhile(*_):
        with pytest.raises(BadDownload, match="being fetched already"):
            fetch_resumably(source, target)

    assert fetch_resumably(source, target, meanwhile) == SHA256
    assert [file.name for file in target.parent.iterdir()] == [target.name]
