"""A download that breaks off goes on where it was, and never becomes a wrong file."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import download
from model_zoo.download import fetch
from model_zoo.errors import BadDownload
from model_zoo.store import Source

from .downloads import (
    GDOWN,
    MODEL,
    OTHER,
    PIECE,
    SHA256,
    Handler,
    answer,
    cut,
    failure,
    left_over,
    resumable,
)

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def source(server: SimpleNamespace) -> Source:
    return Source(server.address + "/m", sha256=SHA256)


def break_off(server: SimpleNamespace, source: Source, target: Path) -> BadDownload:
    """What is said of a download that the server breaks off in the middle."""
    server.answers["/m"] = cut(MODEL)
    return failure(source, target, kept=PIECE)


def test_it_goes_on_where_it_broke_off(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    fault = break_off(server, source, target)
    assert fault.code == "download_kept"
    assert f"{PIECE} bytes, which are kept" in str(fault)
    server.answers["/m"] = resumable(MODEL)
    told = []
    assert fetch(source, target, lambda *step: told.append(step)) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"
    assert told[0][0] > PIECE
    assert told[-1] == (len(MODEL), len(MODEL))
    assert left_over(target) == []


def test_a_connection_that_comes_and_goes_is_borne(
    server: SimpleNamespace, source: Source, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_first(handler: Handler) -> None:
        server.answers["/m"] = resumable(MODEL)
        cut(MODEL)(handler)

    server.answers["/m"] = at_first
    monkeypatch.setattr(download, "RETRIES", 1)
    monkeypatch.setattr(GDOWN.random, "uniform", lambda *_: 0)
    assert fetch(source, target) == SHA256
    assert server.ranges == [None, f"bytes={PIECE}-"]


def test_a_server_that_cannot_go_on_sends_it_anew(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    break_off(server, source, target)
    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target) == SHA256
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_in_between_loses_nothing(
    server: SimpleNamespace, source: Source, target: Path, status: int
) -> None:
    break_off(server, source, target)
    server.answers["/m"] = answer(b"", status)
    assert failure(source, target, kept=PIECE).code == "download_refused"
    server.answers["/m"] = resumable(MODEL)
    assert fetch(source, target) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"


@pytest.mark.parametrize(
    ("published", "code"), [(True, "download_wrong_hash"), (False, "download_damaged")]
)
def test_a_file_that_changed_meanwhile_is_thrown_away(
    server: SimpleNamespace, source: Source, target: Path, published: bool, code: str
) -> None:
    source = source if published else Source(source.url)
    break_off(server, source, target)
    server.answers["/m"] = resumable(OTHER)
    assert failure(source, target).code == code


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_crash_left_behind_is_hashed_as_well(
    server: SimpleNamespace, source: Source, target: Path, whole: bool
) -> None:
    target.parent.mkdir(parents=True)
    left = MODEL if whole else b"PK\x03\x04" + bytes(PIECE)
    name = target.name + download.DRAFT + ("" if whole else "abcd1234.part")
    target.with_name(name).write_bytes(left)
    server.answers["/m"] = resumable(MODEL)
    if whole:
        assert fetch(source, target) == SHA256
        assert server.asked == []
    else:
        assert failure(source, target).code == "download_wrong_hash"


def test_whoever_stops_it_keeps_what_came(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    server.answers["/m"] = resumable(MODEL)
    stop = threading.Event()
    fault = failure(source, target, PIECE, progress=lambda *_: stop.set(), cancel=stop)
    assert fault.code == "download_kept"
    assert fetch(source, target, cancel=threading.Event()) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"


def test_one_that_is_stopped_before_anything_came_says_so(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    stop = threading.Event()

    def hang(_: Handler) -> None:
        stop.set()
        server.released.wait(5)

    server.answers["/m"] = hang
    fault = failure(source, target, cancel=stop)
    assert fault.code == "download_failed"
    assert "it was stopped" in str(fault)


def test_what_progress_raises_ends_the_download(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    server.answers["/m"] = resumable(MODEL)
    with pytest.raises(KeyboardInterrupt):
        fetch(source, target, stop)
    assert not target.exists()
    assert fetch(source, target) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"


def test_the_same_file_is_fetched_by_one_at_a_time(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    def meanwhile(*_: object) -> None:
        with pytest.raises(BadDownload, match="being fetched already"):
            fetch(source, target)

    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target, meanwhile) == SHA256
    assert left_over(target) == []
