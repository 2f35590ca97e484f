"""A server that does not go on with what is kept, and what needs no more of a server."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import draft
from model_zoo.download import fetch
from model_zoo.store import Source

from .downloads import (
    HTML,
    MODEL,
    PIECE,
    QUOTA_PAGE,
    SHA256,
    Answer,
    Handler,
    answer,
    break_off,
    failure,
    left_over,
    resumable,
)

pytestmark = pytest.mark.usefixtures("surroundings")


def test_a_server_that_cannot_go_on_sends_it_anew(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    break_off(server, source, target)
    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target) == SHA256
    assert target.read_bytes() == MODEL


def in_turn(*answers: Answer) -> Answer:
    """An answer after the other, and the last one from then on."""
    left = list(answers)

    def send(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return send


ANEW = {
    "refused": (answer(b"", 503), "download_refused"),
    "too often": (answer(b"", 429), "download_refused"),
    "quota page": (answer(QUOTA_PAGE, headers=HTML), "download_quota"),
    "long quota page": (answer(QUOTA_PAGE + b" " * PIECE, headers=HTML), "download_quota"),
    "cut before the first piece": (answer(MODEL[:300], length=len(MODEL)), "download_kept"),
}


@pytest.mark.parametrize("case", ANEW)
def test_what_is_kept_outlives_a_refusal_to_go_on(
    server: SimpleNamespace, source: Source, target: Path, case: str
) -> None:
    break_off(server, source, target)
    refused, code = ANEW[case]
    server.answers["/m"] = in_turn(resumable(MODEL), refused)  # as soon as a range is asked for
    fault = failure(source, target, kept=PIECE)
    assert server.ranges[1:] == [None, f"bytes={PIECE}-", None]
    assert fault.code == code
    server.answers["/m"] = resumable(MODEL)
    assert fetch(source, target) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"


def test_what_is_kept_makes_room_for_what_comes_anew(
    server: SimpleNamespace, source: Source, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(server, source, target)
    server.answers["/m"] = answer(MODEL)

    def disk_usage(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=len(MODEL) - sum(file.stat().st_size for file in files(folder)))

    monkeypatch.setattr(draft.shutil, "disk_usage", disk_usage)
    assert fetch(source, target) == SHA256
    assert left_over(target) == []


def files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()]


def test_what_a_killed_process_had_set_aside_is_gone_on_with(
    server: SimpleNamespace, source: Source, target: Path
) -> None:
    break_off(server, source, target)
    (part,) = left_over(target)
    part.rename(part.with_name(draft.ASIDE + part.name))
    part.with_name(target.name + draft.DRAFT + "ijklmnop.part").write_bytes(b"<html>")
    server.answers["/m"] = resumable(MODEL)
    assert fetch(source, target) == SHA256
    assert server.ranges[-1] == f"bytes={PIECE}-"
    assert left_over(target) == []


KNOWN = {
    "size": {"size_bytes": len(MODEL)},
    "hash": {"sha256": SHA256},
    "both": {"size_bytes": len(MODEL), "sha256": SHA256.upper()},
    "learnt": {},
}


@pytest.mark.parametrize("known", KNOWN)
def test_one_that_is_stopped_at_its_last_piece_is_whole(
    server: SimpleNamespace, source: Source, target: Path, known: str
) -> None:
    source = Source(source.url, **KNOWN[known])
    server.answers["/m"] = resumable(MODEL)
    if known == "learnt":
        fetch(source, target)
        target.unlink()
        server.ranges.clear()
    stop = threading.Event()

    def at_the_end(count: int, _: int | None) -> None:
        if count == len(MODEL):
            stop.set()

    failure(source, target, kept=len(MODEL), progress=at_the_end, cancel=stop)
    assert fetch(source, target) == SHA256
    assert server.ranges == [None]
    assert left_over(target) == []


@pytest.mark.parametrize("known", ["size", "both"])
def test_a_part_of_the_right_size_is_not_taken_unseen(
    server: SimpleNamespace, source: Source, target: Path, known: str
) -> None:
    target.parent.mkdir(parents=True)
    damaged = MODEL.replace(bytes(range(256)), bytes(256), 1)
    target.with_name(target.name + draft.DRAFT + "abcdefgh.part").write_bytes(damaged)
    source = Source(source.url, **KNOWN[known])
    server.answers["/m"] = past_the_end
    assert fetch(source, target) == SHA256


def past_the_end(handler: Handler) -> None:
    """As servers answer who asks for more than there is."""
    (answer(b"", 416) if handler.headers.get("Range") else answer(MODEL))(handler)
