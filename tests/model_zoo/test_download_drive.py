"""Google Drive, played by the local server."""

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from model_zoo import download
from model_zoo.download import fetch
from model_zoo.store import Source, learnt_hashes

from .downloads import (
    GDOWN,
    HTML,
    MODEL,
    OTHER,
    PIECE,
    QUOTA_PAGE,
    SHA256,
    Handler,
    answer,
    cut,
    failure,
    left_over,
    resumable,
)

pytestmark = pytest.mark.usefixtures("surroundings")

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
LINKS = [
    "https://drive.google.com/uc?id=FILE",
    "https://drive.google.com/file/d/FILE/view?usp=sharing",
    "https://drive.google.com/open?id=FILE",
]
UC, DOWNLOAD = "/drive.google.com/uc", "/drive.usercontent.google.com/download"


@pytest.fixture
def drive(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """The local server in place of Google's: host H, path P are answered by `/H/P`."""
    monkeypatch.setattr(GDOWN, "DEFAULT_COOKIES_FILE", str(tmp_path / "cookies.txt"))

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


def scan_page_first(handler: Handler) -> None:
    if parse_qs(urlsplit(handler.path).query).get("uuid") == ["01-ab"]:
        resumable(MODEL, DRIVE_FILE)(handler)
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
    "cut early": (
        answer(MODEL[:9000], length=len(MODEL), headers=DRIVE_FILE),
        "download_failed",
        "the connection failed",
    ),
    "page as a file": (answer(QUOTA_PAGE, headers=DRIVE_FILE), "download_quota", "web page"),
    "other content": (answer(OTHER, headers=DRIVE_FILE), "download_wrong_hash", SHA256[:12]),
    "too long": (answer(MODEL + b"!", headers=DRIVE_FILE), "download_wrong_size", "were expected"),
    "no headers": (
        lambda handler: handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n"),
        "download_failed",
        "the connection failed",
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


@pytest.mark.parametrize("code", ["download_quota", "download_not_shared", "download_refused"])
def test_a_refusal_of_drive_in_between_loses_nothing(
    code: str, drive: SimpleNamespace, target: Path
) -> None:
    source = Source(LINKS[0], len(MODEL), SHA256)
    drive.answers[UC] = cut(MODEL, DRIVE_FILE)
    assert failure(source, target, kept=PIECE).code == "download_kept"
    refusals = {wrong[1]: wrong[0] for wrong in list(DRIVE_WRONG.values())[:4]}
    drive.answers[UC] = refusals[code]
    assert failure(source, target, kept=PIECE).code == code
    drive.answers[UC], drive.answers[DOWNLOAD] = to_download, scan_page_first
    assert fetch(source, target) == SHA256
    assert drive.ranges[-1] == f"bytes={PIECE}-"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time that a download goes by."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(download, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def test_drive_pages_without_end_are_given_up(
    drive: SimpleNamespace, target: Path, clock: SimpleNamespace
) -> None:
    def page(handler: Handler) -> None:
        clock.seconds += download.PAGES_SECONDS / 4
        answer(SCAN_PAGE if len(drive.asked) < 20 else b"", headers=HTML)(handler)

    drive.answers[UC] = drive.answers[DOWNLOAD] = page
    fault = failure(Source(LINKS[0]), target)
    assert fault.code == "download_failed"
    assert "nothing came in time" in str(fault)
    assert len(drive.asked) == 5


def test_a_long_download_from_drive_is_not_taken_for_pages_without_end(
    drive: SimpleNamespace, target: Path, clock: SimpleNamespace
) -> None:
    def later(*_: object) -> None:
        clock.seconds += 2 * download.PAGES_SECONDS

    drive.answers[UC] = answer(MODEL, headers=DRIVE_FILE)
    assert fetch(Source(LINKS[0]), target, later) == SHA256


def test_a_silent_drive_is_given_up(
    drive: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.answers[UC] = lambda _: drive.released.wait(5)
    monkeypatch.setattr(download, "TIMEOUTS", (0.3, 0.3))
    fault = failure(Source(LINKS[0]), target)
    assert fault.code == "download_failed"
    assert "nothing came in time" in str(fault)
