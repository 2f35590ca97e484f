"""The three stages of the published recipe: what each trains, and that they follow one another."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from model_zoo.architectures import build
from model_zoo.card import read_card
from model_zoo.cases import join_tables
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training import checkpoint, protocols
from training.checkpoint import read_json
from training.classification import class_weights, learner
from training.dataset import Batches, Photos
from training.export import Place, export
from training.fit import fit_stages
from training.learner import freeze
from training.recipe import Augment, Optimizer, Phase, Plateau, PublishedAugment, Recipe
from training.recipe_file import read_recipes

pytestmark = pytest.mark.slow

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
    with pytest.raises(BadData, match="There is no run in"):
        fit_stages((still, then), data, tmp_path / "none", resume=True)
    fit_stages((still, then), data, tmp_path)
    first, second = checkpoint.stages(tmp_path)
    assert [folder.name for folder in (first, second)] == ["1_first", "2_second"]
    begin, _ = checkpoint.load_best(first)
    end, _ = checkpoint.load_best(second)
    names = [w.path for w in build(tiny_backbone, 24, weights=None).weights]
    moved = [not np.array_equal(a, b) for a, b in zip(begin, end, strict=True)]
    where = {name.split("/")[0]: moved[index] for index, name in enumerate(names)}
    first_convolution, *_, last = where
    assert (where[first_convolution], where["dense_512"], where[last]) == (False, True, True)
    (second / checkpoint.STATE).unlink()  # the file of the epoch before is gone on with
    assert checkpoint.stages(tmp_path) == [first, second]
    fit_stages((still, then), data, tmp_path, resume=True)
    again, _ = checkpoint.load_best(second)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(end, again, strict=True))
    place = Place("staged.v1", tmp_path / "model", tmp_path / "model" / "staged.v1.toml")
    export(tmp_path, place, title="Staged", default=False)
    training = read_card(place.card, place.folder).training
    assert training["recipe"] == "first, then second"
    assert [(entry["stage"], entry["epoch"]) for entry in training["history"]] == [
        (1, 1),
        (1, 2),
        (2, 3),
        (2, 4),
    ]
    assert training["epoch"] in (3, 4)
    assert training["epochs"] == 4


def test_stages_draw_apart(data, tiny_backbone, tmp_path):
    stage = Recipe("one", tiny_backbone, (Phase(24, 1),), weights="none", batch=8)
    fit_stages((stage, dataclasses.replace(stage, name="two")), data, tmp_path)
    seeds = [
        read_json(folder / checkpoint.RECIPE)["seed"] for folder in checkpoint.stages(tmp_path)
    ]
    assert seeds == [1, 2]


def test_layers_are_frozen_before_the_optimizer_is_made(tiny_backbone):
    """It holds moments for what is trained alone: the head and the last of four layers."""
    recipe = Recipe("one", tiny_backbone, (Phase(24, 1),), unfrozen=1, precision="float32")
    model = build(tiny_backbone, 24, weights=None)
    pupil = learner(recipe, model, 30, 4, np.full(8, 1 / 8))
    assert len(pupil.trained.optimizer._trainable_variables) == 6
    assert len(model.trainable_variables) == 6


def test_the_stages_are_the_published_ones():
    """To the digit: the table of the published project, and its notebooks."""
    weights = (3.652, 0.953, 1.207, 13.248, 0.700, 0.246, 5.042, 12.515)
    for stage in STAGES:
        assert (stage.backbone, stage.batch, stage.dropout) == ("ResNet50", 16, 0.5)
        assert stage.phases == (Phase(224, 20),)
        assert stage.class_weights == weights
        assert (stage.criterion, stage.label_smoothing, stage.mixup) == ("accuracy", 0, 0)
        assert (stage.optimizer.name, stage.optimizer.ema) == ("adam", 0)
        assert stage.sampling_power == 1
    rows = [
        (s.unfrozen, s.optimizer.peak, s.loss, s.early_stop, s.optimizer.plateau) for s in STAGES
    ]
    assert rows == [
        (0, 1e-3, "cross_entropy", 5, Plateau(0.2, 3, 1e-6)),
        (20, 1e-5, "cross_entropy", 7, Plateau(0.5, 3, 1e-7)),
        (50, 5e-6, "binary_focal_over_softmax", 7, Plateau(0.5, 3, 1e-7)),
    ]
    gentle = PublishedAugment(20, 0.2, 0, 0.2, True, False, (1.0, 1.0), "nearest")
    strong = PublishedAugment(40, 0.3, 0.2, 0.3, True, True, (0.8, 1.2), "reflect")
    assert [stage.published_augment for stage in STAGES] == [gentle, gentle, strong]
    assert STAGES[2].oversample == ("DF", "VASC", "SCC", "AK")
    assert (STAGES[0].oversample, STAGES[1].oversample, STAGES[2].oversample_copies) == ((), (), 3)


def test_a_run_ends_early_and_its_rate_falls(data, tiny_backbone, tmp_path):
    """With a rate of nothing the loss never falls: the run ends after `early_stop` epochs."""
    (stage,) = read_recipes("mobilenetv2_stage1", weights="none")
    plateau = Plateau(0.2, 2, 1e-40)
    idle = dataclasses.replace(
        stage,
        backbone=tiny_backbone,
        precision="float32",
        batch=8,
        phases=(Phase(24, 20),),
        early_stop=5,
        optimizer=dataclasses.replace(stage.optimizer, peak=1e-25, plateau=plateau),
    )
    fit_stages((idle,), data, tmp_path)
    history = json.loads((tmp_path / "history.json").read_text())
    rates = [entry["learning_rate"] for entry in history]
    assert rates == pytest.approx([1e-25, 1e-25, 1e-25, 2e-26, 2e-26, 4e-27])
    assert keras.config.dtype_policy().name == "float32"
