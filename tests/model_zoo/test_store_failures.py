"""What can go wrong on the way from a web server."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import store
from model_zoo.store import Source, fetch

from .downloads import HTML, MODEL, OTHER, QUOTA_PAGE, SHA256, Handler, answer, failure, left_over

pytestmark = pytest.mark.usefixtures("surroundings")

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
