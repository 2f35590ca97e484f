"""Scoring into a folder that has rows: what is added, and what is refused."""

import json
import shutil

import pytest

from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from training.__main__ import main
from training.scoring import manifest
from training.scoring.job import Job
from training.scoring.run import score

from .archived import SAMPLES, rows_of, settled


def test_nothing_is_scored_twice_but_what_could_not_be_read(archive, scored, tmp_path, capsys):
    out = shutil.copytree(scored, tmp_path / "rows")
    before = settled(out)
    assert len(before) == 3
    assert main(["score", "--photos", str(archive), "--out", str(out), "--part", "4"]) == 0
    assert "scored now: 1 in" in capsys.readouterr().out
    assert before.items() <= settled(out).items()


def test_photos_that_came_later_are_added(archive, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "rows"
    photos.mkdir()
    shutil.copy(SAMPLES[1], photos)
    score(Job(photos, out, outlines=False))
    shutil.copy(SAMPLES[0], photos)
    assert score(Job(photos, out, outlines=False))["runs"][-1]["scored"] == 1
    rows = rows_of(out)
    assert rows.keys() == {SAMPLES[0].name, SAMPLES[1].name}
    assert all(row["outline"] is None and row["blur"] is not None for row in rows.values())


@pytest.mark.parametrize("change", [["--tta"], ["--no-outline"], ["--photos", "elsewhere"]])
def test_another_way_of_scoring_is_refused(archive, scored, tmp_path, capsys, change):
    photos = tmp_path / "elsewhere"
    photos.mkdir()
    shutil.copy(SAMPLES[0], photos)
    given = [str(photos) if part == "elsewhere" else part for part in change]
    assert main(["score", "--photos", str(archive), "--out", str(scored), *given]) == 1
    said = capsys.readouterr().err
    assert "was begun with other models, settings or versions" in said
    assert {"--tta": "views", "--no-outline": "outlines", "--photos": "photos"}[change[0]] in said


def test_another_model_is_refused(archive, scored, tmp_path, capsys):
    served = Classifier.load().engine.file
    shutil.copy(served, tmp_path / "other.tflite")
    labels = ", ".join(f'"{code}"' for code in Classifier.load().card.labels)
    (tmp_path / "other.toml").write_text(
        f'name = "other.v1"\nlabels = [{labels}]\nscaling = "inside"\n', encoding="utf-8"
    )
    model = ["--model", str(tmp_path / "other.tflite")]
    assert main(["score", "--photos", str(archive), "--out", str(scored), *model]) == 1
    assert "model.name (mobilenetv2.isic2019_v1, now other.v1)" in capsys.readouterr().err


def test_other_versions_and_files_are_named(archive, scored, tmp_path, capsys):
    copied = shutil.copytree(scored, tmp_path / "rows")
    file = copied / manifest.NAME
    whole = json.loads(file.read_text())
    whole["answers"]["packages"]["pillow"] = "9.9.9"
    whole["answers"]["outliner"]["sha256"] = "0" * 64
    del whole["answers"]["code"]
    file.write_text(json.dumps(whole))
    assert main(["score", "--photos", str(archive), "--out", str(copied), "--part", "4"]) == 1
    said = capsys.readouterr().err
    assert "packages.pillow (9.9.9, now " in said
    assert "outliner.sha256 (000000000000…, now " in said
    assert "code (none, now " in said
    assert "a new folder with --out" in said


def test_a_damaged_manifest_or_part_is_told(archive, scored, tmp_path):
    copied = shutil.copytree(scored, tmp_path / "rows")
    next(copied.glob("part-*")).write_bytes(b"PAR1")
    with pytest.raises(ZooError, match="Delete it and run"):
        score(Job(archive, copied, part=4))
    (copied / manifest.NAME).write_text("{")
    with pytest.raises(ZooError, match="manifest"):
        score(Job(archive, copied, part=4))
