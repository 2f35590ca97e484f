"""The three stages of the published recipe: what each trains, and that they follow one another."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from model_zoo.architectures import build
from model_zoo.cases import join_tables
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training import checkpoint, protocols
from training.dataset import Batches, Photos
from training.export import Place, export
from training.fit import class_weights, fit_stages
from training.learner import freeze
from training.recipe import Augment, Optimizer, Phase, Recipe, read_recipes

STAGES = read_recipes("resnet50_reference")


@pytest.fixture(scope="module")
def resnet50():
    return build("ResNet50", 224, weights="none")


@pytest.mark.parametrize(
    ("stage", "first", "layers", "millions"),
    # First trained layer of the backbone, trained layers with weights, and parameters with the
    # head, as published; batch normalization's scale and offset count, its statistics do not.
    [
        (0, None, 0, 1.05),
        (1, "conv5_block2_1_conv", 12, 9.98),
        (2, "conv4_block5_1_relu", 30, 18.0),
    ],
)
def test_each_stage_trains_the_published_layers(resnet50, stage, first, layers, millions):
    for layer in resnet50.layers:
        layer.trainable = True
    freeze(resnet50, STAGES[stage].unfrozen)
    names = [layer.name for layer in resnet50.layers]
    backbone = resnet50.layers[: names.index("features")]
    trained = [layer for layer in backbone if layer.trainable]
    assert (trained[0].name if trained else None) == first
    assert sum(bool(layer.trainable_weights) for layer in trained) == layers
    parameters = sum(int(np.prod(w.shape)) for w in resnet50.trainable_weights)
    assert parameters / 1e6 == pytest.approx(millions, abs=0.01)


def test_a_frozen_normalization_keeps_its_statistics_and_a_trained_one_does_not(resnet50):
    for layer in resnet50.layers:
        layer.trainable = True
    freeze(resnet50, 20)
    photos = np.random.default_rng(0).uniform(0, 255, (2, 224, 224, 3)).astype("float32")
    frozen, trained = (
        resnet50.get_layer(name) for name in ("conv5_block1_3_bn", "conv5_block3_3_bn")
    )
    before = [np.asarray(layer.moving_mean) for layer in (frozen, trained)]
    resnet50(photos, training=True)
    after = [np.asarray(layer.moving_mean) for layer in (frozen, trained)]
    assert (before[0] == after[0]).all()
    assert (before[1] != after[1]).any()


def photos_of(targets):
    return Photos(np.zeros((len(targets), 2, 2, 3), np.uint8), np.asarray(targets), [])


@pytest.mark.photos
def test_the_published_amounts(photos_folder):
    """17,731 images become 21,904 by oversampling; class weights are n / (8 n_c) of all."""
    labels = photos_folder / "full_labels" / "ISIC_2019_Training_GroundTruth.csv"
    cases = join_tables(labels, None)
    train = protocols.split(cases, "reference")["train"]
    photos = photos_of([CODES.index(case.label) for case in train])
    assert len(Batches(photos, STAGES[1]).pool) == 17731
    batches = Batches(photos, STAGES[2])
    assert len(batches.pool) == 21904
    added = np.bincount(photos.targets[batches.pool], minlength=8) - np.bincount(photos.targets)
    assert added[CODES.index("DF")] == 3 * 167
    assert added[CODES.index("NV")] == 0
    every = np.array([CODES.index(case.label) for case in cases])
    balanced = class_weights(Recipe("b", "x", (Phase(1, 1),), class_weight_power=1.0), every)
    published = class_weights(STAGES[0], every)
    assert [round(balanced[i], 3) for i in range(8)] == pytest.approx(list(published.values()))


def test_stages_follow_one_another_and_are_resumed(data, tiny_backbone, tmp_path):
    still = Recipe(
        "first",
        tiny_backbone,
        (Phase(24, 2),),
        weights="none",
        batch=8,
        precision="float32",
        unfrozen=0,
        optimizer=Optimizer(peak=0.01, ema=0),
        augment=Augment(hue=0.0),
    )
    then = dataclasses.replace(still, name="second", unfrozen=2)
    with pytest.raises(BadData, match="no run to go on with"):
        fit_stages((still, then), data, tmp_path / "none", resume=True)
    fit_stages((still, then), data, tmp_path)
    first, second = checkpoint.stages(tmp_path)
    assert [folder.name for folder in (first, second)] == ["1_first", "2_second"]
    begin, _ = checkpoint.load_best(first)
    end, _ = checkpoint.load_best(second)
    names = [w.path for w in build(tiny_backbone, 24, weights=None).weights]
    moved = [name for name, a, b in zip(names, begin, end, strict=True) if not np.array_equal(a, b)]
    assert any("dense_512" in name for name in moved)
    assert not any(name.startswith("conv2d/") or "/conv2d/" in name for name in moved)
    (second / checkpoint.STATE).unlink()
    (second / checkpoint.PREVIOUS).unlink()
    fit_stages((still, then), data, tmp_path, resume=True)
    again, _ = checkpoint.load_best(second)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(end, again, strict=True))
    place = Place("staged.v1", tmp_path / "model", tmp_path / "model" / "staged.v1.toml")
    export(tmp_path, place, title="Staged", default=False)
    assert 'recipe = "second"' in place.card.read_text()


def test_a_run_ends_early_and_its_rate_falls(data, tiny_backbone, tmp_path):
    """With a rate of nothing the loss never falls: the run ends after `early_stop` epochs."""
    (stage,) = read_recipes("mobilenetv2_stage1", weights="none")
    idle = dataclasses.replace(
        stage,
        backbone=tiny_backbone,
        precision="float32",
        batch=8,
        phases=(Phase(24, 20),),
        early_stop=2,
        optimizer=dataclasses.replace(stage.optimizer, peak=1e-30),
    )
    fit_stages((idle,), data, tmp_path)
    history = json.loads((tmp_path / "history.json").read_text())
    assert len(history) == 3
    assert keras.config.dtype_policy().name == "float32"
