"""No room on the disk, or no way to write there."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import store
from model_zoo.errors import BadDownload
from model_zoo.store import Source, fetch, learnt_hashes

from .downloads import (
    MODEL,
    SHA256,
    answer,
    failure,
    full_disk,
)

pytestmark = pytest.mark.usefixtures("surroundings")


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
