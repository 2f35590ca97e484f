"""Scoring where disks, files and other runs get in the way."""

import errno
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from model_zoo import predict
from model_zoo.errors import ZooError
from training.__main__ import main
from training.scoring import durable, lock, parts, rows, run
from training.scoring.job import Job
from training.scoring.run import score

SAMPLES = sorted((Path(__file__).parents[2] / "streamlit_app" / "samples").glob("*.jpg"))[:3]
NAMES = {file.name for file in SAMPLES}


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Three drawn samples and a file that is no photo; nobody waits before trying again."""
    monkeypatch.setattr(run, "PAUSES", (0, 0))
    folder = tmp_path / "photos"
    folder.mkdir()
    for file in SAMPLES:
        shutil.copy(file, folder)
    (folder / "text.png").write_bytes(b"no photo at all, only words")
    return folder


@pytest.fixture
def failing(monkeypatch):
    """A function: from now on the storage fails to give the first sample, so many times."""
    real = predict.read_bytes

    def begin(times):
        def read_bytes(file):
            nonlocal times
            if file.name == SAMPLES[0].name and times > 0:
                times -= 1
                with monkeypatch.context() as patch:
                    patch.setattr(predict, "open", broken, raising=False)
                    return real(file)
            return real(file)

        monkeypatch.setattr(rows, "read_bytes", read_bytes)

    return begin


def broken(*_, **__):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def rows_of(folder):
    found = pq.read_table(folder).to_pylist()
    assert len({row["path"] for row in found}) == len(found)
    return {row["path"]: row for row in found}


def test_a_missing_archive_is_named_as_one(tmp_path, capsys):
    gone = tmp_path / "gone"
    assert main(["score", "--photos", str(gone), "--out", str(tmp_path / "out")]) == 1
    assert f"There is no folder {gone}." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_photo_that_the_storage_did_not_give_is_tried_again_at_once(photos, tmp_path, failing):
    failing(2)
    whole = score(Job(photos, tmp_path / "rows", outlines=False, part=2))
    assert whole["counts"]["unread"] == 0
    assert whole["counts"]["refused"] == 1
    assert whole["runs"][-1]["scored"] == 4
    assert rows_of(tmp_path / "rows")[SAMPLES[0].name]["status"] is not None


def test_and_again_in_the_next_run(photos, tmp_path, failing, capsys):
    command = ["score", "--photos", str(photos), "--out", str(tmp_path / "rows"), "--no-outline"]
    failing(1000)
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "3 with an answer" not in said
    assert "1 of them could not be read: the same command tries them again" in said
    found = rows_of(tmp_path / "rows")
    row, refused = found[SAMPLES[0].name], found["text.png"]
    assert row["error"] in parts.UNREAD
    assert row["sha256"] is None
    assert refused["error"] not in parts.UNREAD
    assert refused["sha256"] is not None

    failing(0)
    assert main(command) == 0
    assert "scored now: 1 in" in capsys.readouterr().out
    assert {path for path, row in rows_of(tmp_path / "rows").items() if row["status"]} == NAMES


def test_a_large_file_that_cannot_be_hashed_is_one_that_cannot_be_read(
    photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(rows, "MAX_BYTES", 1000)  # the samples are larger
    monkeypatch.setattr(rows, "sha256_of", broken)
    whole = score(Job(photos, tmp_path / "rows", outlines=False))
    assert whole["counts"]["errors"] == {"text_as_image": 1, "unreadable_file": len(SAMPLES)}
    assert whole["counts"]["unread"] == len(SAMPLES)


def test_a_folder_that_cannot_be_listed_is_told(photos, tmp_path, monkeypatch, capsys):
    (photos / "closed").mkdir()
    real = os.scandir

    def scandir(place):
        return broken() if str(place).endswith("closed") else real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    command = ["score", "--photos", str(photos), "--out", str(tmp_path / "rows"), "--no-outline"]
    assert main(command) == 1
    assert "1 folders could not be listed" in capsys.readouterr().out


def test_a_folder_that_another_run_writes_to_is_refused(photos, tmp_path, capsys):
    out = tmp_path / "rows"
    command = ["score", "--photos", str(photos), "--out", str(out), "--no-outline"]
    with lock.only_run(out):
        assert main(command) == 1
        assert "Another run is writing to" in capsys.readouterr().err
        assert [file.name for file in out.iterdir()] == [lock.NAME]
    assert main(command) == 0  # the file that is left behind is in nobody's way


def test_a_disk_without_locks_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lock.filelock.FileLock, "acquire", broken)
    with lock.only_run(tmp_path):
        pass
    assert "gives no locks" in capsys.readouterr().err


def test_files_reach_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    done = []
    real = os.fsync

    def fsync(number):
        done.append((tmp_path / "whole").exists())
        real(number)

    monkeypatch.setattr(durable.os, "fsync", fsync)
    with durable.written_whole(tmp_path / "whole") as partial:
        partial.write_bytes(b"rows")
    assert done == [False, True]  # the file, then the folder with its name
    assert (tmp_path / "whole").read_bytes() == b"rows"


def test_a_file_that_does_not_reach_the_disk_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(durable.os, "fsync", broken)
    with (
        pytest.raises(ZooError, match="cannot be written"),
        durable.written_whole(tmp_path / "whole") as partial,
    ):
        partial.write_bytes(b"rows")
    assert not list(tmp_path.iterdir())
