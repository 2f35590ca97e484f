"""Folders to score and to write to: links, pipes, odd names, and what is there already."""

import json
import os
import shutil
from pathlib import Path

import pytest

from model_zoo.errors import ZooError
from training.__main__ import main
from training.scoring import lock, manifest, parts
from training.scoring.answers import describe
from training.scoring.job import Job
from training.scoring.listing import photos_in, shown
from training.scoring.run import score
from training.scoring.scorer import Scorer, load

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "blue.jpg"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(SAMPLE, folder)
    return folder


def test_a_folder_of_other_things_is_left_alone(photos, tmp_path, capsys):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    assert main(["score", "--photos", str(photos), "--out", str(out)]) == 1
    assert "no manifest" in capsys.readouterr().err
    assert [file.name for file in out.iterdir()] == ["mine.txt"]


def test_a_folder_without_photos_is_told(tmp_path, capsys):
    out = tmp_path / "rows"
    assert main(["score", "--photos", str(tmp_path), "--out", str(out)]) == 1
    assert "no photo" in capsys.readouterr().err
    assert not out.exists()


def test_a_run_killed_before_it_had_a_manifest_begins_anew(photos, tmp_path):
    out = tmp_path / "rows"
    out.mkdir()
    for left in (lock.NAME, f".{manifest.NAME}.0123abcd{parts.PARTIAL}"):
        (out / left).touch()
    assert score(Job(photos, out, outlines=False))["counts"]["answered"] == 1


def test_a_photo_that_ended_workers_is_tried_again_by_the_next_run(photos, tmp_path):
    job = Job(photos, tmp_path / "rows", outlines=False)
    score(job)
    row = {"path": SAMPLE.name, "sha256": None, "error": "photo_ends_worker"}
    parts.write([row], job.out)
    whole = score(job)
    assert whole["runs"][-1]["scored"] == 1
    assert whole["counts"]["errors"] == {}


@pytest.mark.parametrize("there", [True, False])
def test_a_host_that_does_not_see_the_photos_writes_no_rows(photos, tmp_path, there):
    job = Job(photos, tmp_path, outlines=False)
    answers = describe(job, load(job))
    (photos / SAMPLE.name).unlink()
    if not there:
        photos.rmdir()
    with pytest.raises(ZooError, match="sees no photos in"):
        Scorer(job, answers)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_among_the_photos_holds_nobody_up(photos, tmp_path):
    os.mkfifo(photos / "pipe.jpg")
    whole = score(Job(photos, tmp_path / "rows", outlines=False))
    assert whole["counts"]["answered"] == 1
    assert whole["counts"]["errors"] == {"empty_file": 1}


def test_names_that_are_no_text_and_links_in_a_circle(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / "b").mkdir()
    for place in (tmp_path / name, tmp_path / "b" / "a.PNG", tmp_path / "b" / "notes.md"):
        place.write_bytes(b"")
    (tmp_path / "b" / "again").symlink_to(tmp_path)
    assert list(photos_in(tmp_path)) == [name, os.path.join("b", "a.PNG")]
    assert shown(name) == "caf\\xe9.jpg"
    assert shown("caf\\xe9.jpg") == "caf\\\\xe9.jpg"  # a file of that very name is another one
    assert json.dumps(shown("b/ä.jpg"), ensure_ascii=False) == '"b/ä.jpg"'


def test_links_that_lead_to_one_another_have_an_end(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.jpg").touch()
        (tmp_path / name / "over").symlink_to(tmp_path / other)
    found = list(photos_in(tmp_path))
    assert found == [
        os.path.join(*way)
        for way in (
            ("a", "a.jpg"),
            ("a", "over", "b.jpg"),
            ("b", "b.jpg"),
            ("b", "over", "a.jpg"),
        )
    ]
