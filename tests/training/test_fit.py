"""A run from folder to served file, on a tiny network."""

import dataclasses
import json

import numpy as np
import pytest

from model_zoo.architectures import build
from model_zoo.cases import read_cases
from model_zoo.classifier import Classifier
from model_zoo.errors import BadData
from model_zoo.registry import installed_folder
from training import checkpoint, metrics
from training.classification import learner
from training.evaluate import evaluate
from training.export import Place, export
from training.fit import fit
from training.learner import seed_epoch
from training.recipe import Augment, Optimizer, Phase, Recipe

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(tiny_backbone):
    return Recipe(
        name="tiny",
        backbone=tiny_backbone,
        weights="none",
        phases=(Phase(24, 2), Phase(32, 2)),
        batch=8,
        precision="float32",
        dropout=0.2,
        optimizer=Optimizer(peak=0.01, ema=0.5),
        augment=Augment(hue=0.0, brightness=0.05, sides=(16,)),
    )


def arrays(run):
    _, weights, moments = checkpoint.load_state(run)
    return [*weights, *moments]


def test_a_resumed_run_is_the_uninterrupted_run(recipe, data, tmp_path, monkeypatch):
    fit(recipe, data, tmp_path / "whole")
    real, saved = checkpoint.save_state, []

    def killed(*arguments):
        real(*arguments)
        saved.append(1)
        if len(saved) == 3:  # in the middle of the second phase
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_state", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, data, tmp_path / "cut")
    monkeypatch.setattr(checkpoint, "save_state", real)
    fit(recipe, data, tmp_path / "cut", resume=True)
    for one, other in zip(arrays(tmp_path / "whole"), arrays(tmp_path / "cut"), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
    history = json.loads((tmp_path / "cut" / "history.json").read_text())
    assert [entry["side"] for entry in history] == [24, 24, 32, 32]


def test_the_average_is_kept_and_not_walked_from(recipe, data, tmp_path):
    """Averaging changes what is kept; where the weights go is the same with it and without."""
    plain = dataclasses.replace(recipe, optimizer=Optimizer(peak=0.01, ema=0.0))
    fit(recipe, data, tmp_path / "averaged")
    fit(plain, data, tmp_path / "plain")
    _, ends, _ = checkpoint.load_state(tmp_path / "averaged")
    _, plain_ends, _ = checkpoint.load_state(tmp_path / "plain")
    for one, other in zip(ends, plain_ends, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
    kept, _ = checkpoint.load_best(tmp_path / "averaged")
    assert max(float(np.abs(a - b).max()) for a, b in zip(kept, ends, strict=True)) > 1e-3


def test_loss_falls_and_the_best_epoch_is_of_the_last_phase(recipe, data, tmp_path):
    longer = Recipe(**{**vars(recipe), "phases": (Phase(24, 6), Phase(32, 2))})
    fit(longer, data, tmp_path)
    history = json.loads((tmp_path / "history.json").read_text())
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    _, about = checkpoint.load_best(tmp_path)
    assert about["side"] == 32


def test_a_run_is_not_overwritten_and_not_resumed_from_nothing(recipe, data, tmp_path):
    tmp_path = tmp_path / "run"
    tmp_path.mkdir()
    with pytest.raises(BadData, match="There is no run in"):
        fit(recipe, data, tmp_path, resume=True)
    (tmp_path / checkpoint.STATE).write_bytes(b"")
    with pytest.raises(BadData, match="holds a run already"):
        fit(recipe, data, tmp_path)
    with pytest.raises(BadData, match="damaged"):
        fit(recipe, data, tmp_path, resume=True)


def test_damaged_weights_to_keep_are_told_before_more_is_trained(recipe, data, tmp_path):
    fit(dataclasses.replace(recipe, phases=(Phase(24, 1),)), data, tmp_path)
    (tmp_path / checkpoint.BEST).write_bytes(b"cut off")
    with pytest.raises(BadData, match="damaged"):
        fit(dataclasses.replace(recipe, phases=(Phase(24, 1),)), data, tmp_path, resume=True)


def test_stages_are_counted_beyond_nine(tmp_path):
    for number in (10, 2, 9):
        (tmp_path / f"{number}_stage").mkdir()
        (tmp_path / f"{number}_stage" / checkpoint.STATE).touch()
    assert checkpoint.last_stage(tmp_path).name == "10_stage"


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    checkpoint.save_best(tmp_path, [np.ones(3)], {"epoch": 1})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(BadData, match="No space left"):
        checkpoint.save_best(tmp_path, [np.zeros(3)], {"epoch": 2})
    weights, about = checkpoint.load_best(tmp_path)
    assert about == {"epoch": 1}
    assert weights[0].sum() == 3
    assert [file.name for file in tmp_path.iterdir()] == [checkpoint.BEST]
    with pytest.raises(BadData, match="history"):
        checkpoint.write_json(tmp_path / "none" / "history.json", [])


def test_from_run_to_installed_model(recipe, data, tmp_path):
    """An installed model appears under its name, and is measured through its served file."""
    fit(recipe, data, tmp_path / "run")
    folder = installed_folder() / "tiny.v1"
    place = Place("tiny.v1", folder, folder / "tiny.v1.toml")
    export(tmp_path / "run", place, title="Tiny", default=False)
    classifier = Classifier.load("tiny.v1")
    assert classifier.card.grid == 8
    cases = {case.image: case for case in read_cases(data.folder)}
    measured = evaluate(classifier, data.folder, data.validation, cases, protocol="test")
    result = measured.result
    assert measured.probabilities.shape == (16, 8)
    assert result["n"] == 16
    _, about = checkpoint.load_best(tmp_path / "run")
    assert result["accuracy"]["value"] == pytest.approx(about["val_accuracy"], abs=0.13)
    low, high = result["accuracy"]["low"], result["accuracy"]["high"]
    assert low <= result["accuracy"]["value"] <= high


@pytest.mark.parametrize(
    "change", [{"batch": 4}, {"phases": (Phase(24, 3),)}, {"mixup": 0.4}, {"limit": 20}]
)
def test_a_run_is_not_resumed_as_another_one(recipe, data, tmp_path, change):
    short = dataclasses.replace(recipe, phases=(Phase(24, 1),))
    fit(short, data, tmp_path)
    if "limit" in change:
        other, of = short, dataclasses.replace(data, limit=20)
    else:
        other, of = dataclasses.replace(short, **change), data
    with pytest.raises(BadData, match=next(iter(change))):
        fit(other, of, tmp_path, resume=True)


def test_a_run_from_before_a_setting_existed_is_resumed(recipe, data, tmp_path):
    fit(dataclasses.replace(recipe, phases=(Phase(24, 1),)), data, tmp_path)
    file = tmp_path / checkpoint.RECIPE
    begun = json.loads(file.read_text())
    del begun["mixup"], begun["optimizer"]["plateau"], begun["published_augment"]
    file.write_text(json.dumps(begun))
    short = dataclasses.replace(recipe, phases=(Phase(24, 1),))
    fit(short, data, tmp_path, resume=True)
    with pytest.raises(BadData, match="mixup"):
        fit(dataclasses.replace(short, mixup=0.4), data, tmp_path, resume=True)


def test_photos_that_do_not_fill_a_batch_are_refused(recipe, data, tmp_path):
    with pytest.raises(BadData, match="do not fill one batch"):
        fit(dataclasses.replace(recipe, batch=48), data, tmp_path)


def test_no_two_epochs_draw_alike(recipe, data):
    """Keras counts up a seed at each draw: epochs must not begin a draw apart."""
    model = build(recipe.backbone, 24, weights=None)
    pupil = learner(recipe, model, 30, 4, np.full(8, 1 / 8))
    generator = pupil.trained.get_layer("augmentation").layers[0].generator
    seen = set()
    for epoch in range(3):
        seed_epoch(pupil.trained, recipe.seed, epoch)
        for _ in range(20):
            seen.add(tuple(np.asarray(generator.next()).tolist()))
    assert len(seen) == 60


def test_a_damaged_checkpoint_costs_one_epoch(recipe, data, tmp_path):
    fit(recipe, data, tmp_path / "whole")
    fit(recipe, data, tmp_path / "run")
    state = tmp_path / "run" / checkpoint.STATE
    state.write_bytes(state.read_bytes()[:-2000])
    with pytest.raises(BadData, match="delete it to go on from the epoch before"):
        fit(recipe, data, tmp_path / "run", resume=True)
    state.unlink()
    assert checkpoint.load_state(tmp_path / "run")[0].epoch == 3
    fit(recipe, data, tmp_path / "run", resume=True)
    for one, other in zip(arrays(tmp_path / "whole"), arrays(tmp_path / "run"), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_damaged_weights_to_keep_cost_one_epoch(recipe, data, tmp_path):
    fit(recipe, data, tmp_path)
    best = tmp_path / checkpoint.BEST
    best.write_bytes(best.read_bytes()[:-2000])
    with pytest.raises(BadData, match=r"delete it and state\.npz, and --resume trains the last"):
        checkpoint.load_best(tmp_path)
    best.unlink()
    (tmp_path / checkpoint.STATE).unlink()
    fit(recipe, data, tmp_path, resume=True)
    assert checkpoint.load_best(tmp_path)[1]["epoch"] == 4


def test_a_disk_that_fills_up_costs_one_epoch(recipe, data, tmp_path, monkeypatch):
    fit(recipe, data, tmp_path / "whole")
    real, written = np.savez, []

    def full(*arguments, **arrays):
        written.append(1)
        if len(written) == 4:  # the third state, or the weights to keep beside it
            arguments[0].write(b"a beginning")
            raise OSError(28, "No space left on device")
        return real(*arguments, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(BadData, match="No space left"):
        fit(recipe, data, tmp_path / "cut")
    monkeypatch.setattr(np, "savez", real)
    epochs = checkpoint.load_state(tmp_path / "cut")[0].epoch
    assert 1 <= epochs < 4
    fit(recipe, data, tmp_path / "cut", resume=True)
    for one, other in zip(arrays(tmp_path / "whole"), arrays(tmp_path / "cut"), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
    history = json.loads((tmp_path / "cut" / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]


def test_a_history_that_was_cut_is_told_or_renewed(recipe, data, tmp_path):
    fit(recipe, data, tmp_path)
    history = tmp_path / checkpoint.HISTORY
    whole = history.read_text()
    history.write_text(whole[:50])
    place = Place("tiny.v2", tmp_path / "model", tmp_path / "model" / "tiny.v2.toml")
    with pytest.raises(BadData, match="missing or damaged"):
        export(tmp_path, place, title="Tiny", default=False)
    fit(recipe, data, tmp_path, resume=True)
    assert history.read_text() == whole


def test_a_run_without_a_single_score_says_so(recipe, data, tmp_path, monkeypatch):
    monkeypatch.setitem(metrics.CRITERIA, "balanced_accuracy", lambda *_: float("nan"))
    with pytest.raises(BadData, match="no weights to keep"):
        fit(recipe, data, tmp_path)
