"""What is read of a run to export it: its list, wherever it is now, and the epochs that ran."""

import dataclasses
import json

import pytest

from model_zoo import registry
from model_zoo.errors import BadData
from training import checkpoint, splits
from training.__main__ import main
from training.fit import fit_stages
from training.outcome import read_run
from training.recipe import Optimizer, Phase, Recipe

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(tiny_backbone):
    return Recipe(
        "tiny", tiny_backbone, (Phase(24, 2),), weights="none", batch=8, precision="float32"
    )


@pytest.fixture
def run(recipe, data, tmp_path):
    """A run whose list is no longer where it was."""
    fit_stages((recipe,), data, tmp_path / "run")
    data.images.rename(tmp_path / "moved.csv")
    return tmp_path / "run"


def forget_folder(run, tmp_path):
    file = run / checkpoint.DATA
    places = checkpoint.read_json(file)
    file.write_text(json.dumps({**places, "folder": str(tmp_path / "gone")}))


@pytest.mark.parametrize("photos", [True, False])
def test_a_list_that_moved_is_given(run, data, tmp_path, photos):
    if not photos:
        forget_folder(run, tmp_path)
    with pytest.raises(BadData, match=r"list\.csv of the run in .* is gone.*--images"):
        read_run(run, None, None)
    found = read_run(run, None, tmp_path / "moved.csv")
    assert (found.train, found.validation) == (data.train, data.validation)
    splits.write_list([*data.train[1:], *data.validation], tmp_path / "other.csv")
    with pytest.raises(BadData, match=r"other\.csv now names other photos"):
        read_run(run, None, tmp_path / "other.csv")


def test_a_list_of_photos_that_the_folder_does_not_know_is_refused(run, tmp_path):
    (tmp_path / "foreign.csv").write_text("image,part\nISIC_9999999,train\n")
    with pytest.raises(BadData, match="ISIC_9999999"):
        read_run(run, None, tmp_path / "foreign.csv")


@pytest.mark.parametrize("photos", [True, False])
def test_a_list_that_is_gone_may_be_the_projects_own(run, data, tmp_path, monkeypatch, photos):
    if not photos:
        forget_folder(run, tmp_path)
    monkeypatch.setattr(splits, "DEV_LIST", tmp_path / "moved.csv")
    found = read_run(run, None, None)
    assert found.images == tmp_path / "moved.csv"
    assert (found.train, found.validation) == (data.train, data.validation)
    splits.write_list([*data.train[1:], *data.validation], tmp_path / "moved.csv")
    with pytest.raises(BadData, match="is gone"):
        read_run(run, None, None)


def test_the_card_of_a_run_that_ended_early(recipe, run, data, tmp_path):
    """Of its epochs those that ran, their losses, and the list that was read."""
    data = dataclasses.replace(data, images=tmp_path / "moved.csv")
    idle = dataclasses.replace(
        recipe,
        phases=(Phase(24, 20),),
        early_stop=1,
        criterion="accuracy",
        optimizer=Optimizer(peak=1e-25, weight_decay=0.0, ema=0.0),
    )
    fit_stages((recipe, idle), data, tmp_path / "stages")
    data.images.rename(tmp_path / "again.csv")
    given = ["--images", str(tmp_path / "again.csv"), "--install", "early.v1"]
    assert main(["export", str(tmp_path / "stages"), *given]) == 0
    training = registry.find("early.v1").training
    assert training["list"] == "again.csv"
    assert training["epochs"] == len(training["history"]) == 4
    last = checkpoint.read_json(checkpoint.last_stage(tmp_path / "stages") / checkpoint.HISTORY)
    assert training["history"][-1]["val_objective"] == last[-1]["val_objective"]
