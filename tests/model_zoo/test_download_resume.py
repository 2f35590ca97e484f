"""A download that breaks off goes on where it was, and never becomes a wrong file."""

import errno
import io
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from model_zoo import download, draft
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
    break_off,
    cut,
    failure,
    left_over,
    resumable,
)

pytestmark = pytest.mark.usefixtures("surroundings")


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
    name = target.name + draft.DRAFT + ("" if whole else "abcd1234.part")
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


RAISED = [KeyboardInterrupt, KeyError, BrokenPipeError, TimeoutError, requests.ConnectionError]


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("closes", [True, False])
def test_what_progress_raises_ends_the_download(
    server: SimpleNamespace,
    source: Source,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: type[BaseException],
    closes: bool,
) -> None:
    fault = raised("of progress")

    def stop(*_: object) -> None:
        raise fault

    server.answers["/m"] = resumable(MODEL)
    with monkeypatch.context() as patch:
        if not closes:
            patch.setattr(GDOWN, "open", opened_for_good, raising=False)
        with pytest.raises(raised, match="of progress") as caught:
            fetch(source, target, stop)
    assert caught.value is fault
    assert not target.exists()
    assert fetch(source, target) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"


def opened_for_good(name: str, mode: str) -> SimpleNamespace:
    """A file whose end the disk does not bear."""
    stream = io.FileIO(name, mode)

    def close() -> None:
        stream.close()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    return SimpleNamespace(write=stream.write, close=close, tell=stream.tell, flush=stream.flush)


def test_the_same_file_is_fetched_by_one_at_a_time(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    def meanwhile(*_: object) -> None:
        with pytest.raises(BadDownload, match="being fetched already"):
            fetch(source, target)

    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target, meanwhile) == SHA256
    assert left_over(target) == []
