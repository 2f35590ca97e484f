"""No room on the disk, or no way to write there: what came so far is gone on with."""

import errno
import io
import itertools
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import draft
from model_zoo.download import fetch
from model_zoo.errors import BadDownload
from model_zoo.store import Source, learnt_hashes

from .downloads import GDOWN, MODEL, PIECE, SHA256, answer, failure, left_over, resumable

pytestmark = pytest.mark.usefixtures("surroundings")

FAULTS = [
    (errno.ENOSPC, "disk_full"),
    (errno.EDQUOT, "disk_full"),
    (errno.EIO, "download_not_kept"),
]
# Where the disk fails, and what has come by then.
PLACES = {"first write": 0, "second write": PIECE, "close": len(MODEL), "fsync": len(MODEL)}


def fail_at(place: str, fault: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing; from now on the disk fails there as the system's would."""

    def fail(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    def begun(name: str, mode: str) -> SimpleNamespace:
        """What gdown writes to."""
        stream, pieces = io.FileIO(name, mode), itertools.count()

        def write(piece: bytes) -> None:
            if place == ("second write" if next(pieces) else "first write"):
                fail()
            stream.write(piece)

        def close() -> None:
            stream.close()
            if place == "close":
                fail()

        return SimpleNamespace(write=write, close=close, tell=stream.tell, flush=stream.flush)

    if place == "fsync":
        monkeypatch.setattr(draft.os, "fsync", fail)
    else:
        monkeypatch.setattr(GDOWN, "open", begun, raising=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("fault", "code"), FAULTS)
def test_a_disk_that_fails_while_writing(
    server: SimpleNamespace,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    fault: int,
    code: str,
) -> None:
    server.answers["/m"] = resumable(MODEL)
    source = Source(server.address + "/m", len(MODEL))
    with monkeypatch.context() as patch:
        fail_at(place, fault, patch)
        caught = failure(source, target, kept=PLACES[place])
    assert caught.code == code
    assert str(target.parent) in str(caught)
    assert ("1 MB needed" if code == "disk_full" else os.strerror(fault)) in str(caught)
    assert learnt_hashes() == {}
    assert fetch(source, target) == SHA256
    assert left_over(target) == []
    # gdown asks without a range before it asks with one; of what is whole nothing is asked.
    again = {0: [None], PIECE: [None, f"bytes={PIECE}-"], len(MODEL): []}
    assert server.ranges == [None, *again[PLACES[place]]]


def test_a_disk_that_is_full_when_the_hash_is_learnt(
    server: SimpleNamespace, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server.answers["/m"] = answer(MODEL)
    source = Source(server.address + "/m")
    with monkeypatch.context() as patch:
        patch.setattr(draft.os, "replace", full)
        assert failure(source, target, kept=len(MODEL)).code == "disk_full"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["locks"]
    assert fetch(source, target) == SHA256
    assert server.asked == ["/m"]  # once: it had come


@pytest.mark.parametrize("published", [True, False])
def test_room_is_looked_for_before_the_download(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    server.answers["/m"] = resumable(MODEL)
    came = 0 if published else PIECE
    free = SimpleNamespace(free=len(MODEL) - came - 1)
    monkeypatch.setattr(draft.shutil, "disk_usage", lambda _: free)
    source = Source(server.address + "/m", len(MODEL) if published else None)
    seen = []
    fault = failure(source, target, came, progress=lambda *step: seen.append(step))
    assert fault.code == "disk_full"
    assert seen == []
    assert server.asked == ([] if published else ["/m"])
    free.free += 1
    assert fetch(source, target) == SHA256


def test_what_has_come_needs_no_more_room(
    server: SimpleNamespace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/m"] = resumable(MODEL)
    source = Source(server.address + "/m", len(MODEL))
    with monkeypatch.context() as patch:
        fail_at("second write", errno.EIO, patch)
        failure(source, target, kept=PIECE)
    free = SimpleNamespace(free=len(MODEL) - PIECE)
    monkeypatch.setattr(draft.shutil, "disk_usage", lambda _: free)
    assert fetch(source, target) == SHA256


def test_a_folder_that_cannot_be_written_is_named(server: SimpleNamespace, tmp_path: Path) -> None:
    server.answers["/m"] = answer(MODEL)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadDownload, match="cannot be written") as caught:
        fetch(Source(server.address + "/m"), tmp_path / "file" / "m.keras")
    assert caught.value.code == "download_not_kept"
    assert server.asked == []
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadDownload, match="cannot be written"):
        fetch(Source(server.address + "/m"), tmp_path / "folder")
    (tmp_path / "folder").rmdir()
    assert fetch(Source(server.address + "/m"), tmp_path / "folder") == SHA256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "file", "folder"]
