"""What can go wrong on the way from a web server."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import download
from model_zoo.store import Source

from .downloads import HTML, MODEL, OTHER, PIECE, QUOTA_PAGE, SHA256, Handler, answer, cut, failure

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
    "cut early": (
        answer(MODEL[:9000], length=len(MODEL)),
        "download_failed",
        "the connection failed",
    ),
    "nothing": (answer(b""), "download_not_model", "first bytes are missing"),
    "wrong bytes": (answer(b"\x89HDF" + MODEL), "download_not_model", "89 48 44 46"),
    "other content": (answer(OTHER), "download_wrong_hash", SHA256[:12]),
    "too short": (
        answer(MODEL[:-1]),
        "download_wrong_size",
        f"{len(MODEL) - 1} bytes, where {len(MODEL)}",
    ),
    "too short, unannounced": (
        answer(MODEL[:-1], length=None),
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


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (b"?" * 600_000, 10**9, "download_not_model"),
        (QUOTA_PAGE + b" " * 600_000, 10**9, "download_quota"),
        (MODEL[:600_000], 10**9, "download_wrong_size"),
        (MODEL[:600_000], 700_000, "download_wrong_size"),
        (MODEL + MODEL, None, "download_wrong_size"),
    ],
)
def test_a_file_of_the_wrong_kind_is_not_read_to_its_end(
    server: SimpleNamespace, target: Path, body: bytes, length: int | None, code: str
) -> None:
    def wait_after_the_start(handler: Handler) -> None:
        answer(body, length=length)(handler)
        handler.wfile.flush()
        server.released.wait(10)  # whoever waits for more says that it broke off

    server.answers["/m"] = wait_after_the_start
    assert failure(Source(server.address + "/m", len(MODEL)), target).code == code


FLAGS = MODEL.rindex(b"PK\x01\x02") + 8  # in the list of contents; 1: encrypted
UNSOUND = {
    "cut": MODEL[:-9],
    "another content": MODEL.replace(bytes(range(256)), bytes(256), 1),
    "encrypted": MODEL[:FLAGS] + b"\x01" + MODEL[FLAGS + 1 :],
}


@pytest.mark.parametrize("case", UNSOUND)
def test_without_a_hash_or_a_size_every_checksum_inside_has_to_match(
    server: SimpleNamespace, target: Path, case: str
) -> None:
    server.answers["/m"] = answer(UNSOUND[case], length=None)
    assert failure(Source(server.address + "/m"), target).code == "download_damaged"


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
    fault = failure(Source(server.address + "/m"), target, kept=300_000)
    assert fault.code == "download_kept"
    assert "after 300000 bytes" in str(fault)


@pytest.mark.parametrize(("begun", "code"), [(False, "download_failed"), (True, "download_kept")])
def test_a_silent_server_is_given_up(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch, begun: bool, code: str
) -> None:
    def wait(handler: Handler) -> None:
        if begun:
            cut(MODEL)(handler)
            handler.wfile.flush()
        server.released.wait(5)

    server.answers["/m"] = wait
    monkeypatch.setattr(download, "TIMEOUTS", (2, 2) if begun else (0.3, 0.3))
    fault = failure(Source(server.address + "/m"), target, kept=PIECE * begun)
    assert fault.code == code
    assert (f"after {PIECE} bytes" if begun else "nothing came in time") in str(fault)


@pytest.mark.parametrize("address", ["http://127.0.0.1:{}/m", "ftp://127.0.0.1:{}/m", "m.keras"])
def test_an_address_without_a_server_is_refused(address: str, target: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = address.format(deaf.getsockname()[1])
        fault = failure(Source(url), target)
    assert fault.code == "download_failed"
    assert url in str(fault)
    assert "the connection failed" in str(fault)
