"""A rehearsal of the published chain: three stages by the commands, small, up to a served model."""

import json

import keras
import numpy as np
import pytest

from model_zoo import architectures, registry
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from training import checkpoint, splits
from training.__main__ import main
from training.dataset import load_photos

pytestmark = pytest.mark.slow

SIDE = 32
LIMIT = 24
BLOCKS = 14  # of four layers
SMALL = """base = "resnet50_stage{number}"
backbone = "Deep"
batch = 8
precision = "float32"
phases = [{{ side = 32, epochs = 20 }}]
"""


def make_deep(include_top, weights, input_tensor):
    """As many layers as stages 2 and 3 tell apart: the last 20, the last 50, and some before."""
    start = keras.initializers.VarianceScaling(0.01)  # pixels reach 150 here
    step = keras.initializers.Constant(0.2)
    # Not 8 channels: pooled, these would look like the answer for eight classes.
    x = keras.layers.Conv2D(16, 3, 4, padding="same", kernel_initializer=start)(input_tensor)
    for _ in range(BLOCKS):
        y = keras.layers.Conv2D(16, 3, padding="same")(x)
        y = keras.layers.BatchNormalization(gamma_initializer=step)(y)
        y = keras.layers.Activation("relu")(y)
        x = keras.layers.Add()([x, y])
    return keras.Model(keras.utils.get_source_inputs(x)[0], x)


@pytest.fixture
def chain(small_isic, data, tmp_path, monkeypatch):
    """The folder of a run of all three stages, two epochs each, installed as chain.v1."""
    deep = architectures.Backbone(make_deep, "caffe", SIDE)
    monkeypatch.setitem(architectures.BACKBONES, "Deep", deep)
    names = [f"stage{number}" for number in (1, 2, 3)]
    for number, name in enumerate(names, start=1):
        (tmp_path / f"{name}.toml").write_text(SMALL.format(number=number))
    (tmp_path / "chain.toml").write_text(f"stages = {json.dumps(names)}\n")
    asked = ["--recipe", str(tmp_path / "chain.toml"), "--weights", "none"]
    asked += ["--limit", str(LIMIT), "--epochs", "2", "--images", str(data.images)]
    run = tmp_path / "run"
    assert main(["fit", *asked, "--data", str(small_isic), "--out", str(run)]) == 0
    assert main(["export", str(run), "--install", "chain.v1"]) == 0
    return run


def first_best(history):
    scores = [entry["val_accuracy"] for entry in history]
    return history[scores.index(max(scores))]


def trained_layers(before, after, model):
    """Numbers of the convolutions whose kernel is another one."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    paths = [weight.path for weight in model.weights]
    places = [paths.index(layer.kernel.path) for layer in layers]
    return [i for i, place in enumerate(places) if not np.array_equal(before[place], after[place])]


def test_the_published_stages_from_photos_to_a_served_model(chain, data, small_isic):
    stages = checkpoint.stages(chain)
    recipes = [checkpoint.read_json(stage / checkpoint.RECIPE) for stage in stages]
    assert [recipe["loss"] for recipe in recipes] == ["cross_entropy"] * 2 + [
        "binary_focal_over_softmax"
    ]
    assert recipes[2]["published_augment"]["fill"] == "reflect"
    assert recipes[2]["published_augment"]["brightness"] == [0.8, 1.2]
    assert recipes[2]["oversample"] == ["DF", "VASC", "SCC", "AK"]
    assert all(len(recipe["class_weights"]) == len(CODES) for recipe in recipes)

    photos = load_photos(small_isic, splits.part_of(data.validation, splits.VALIDATION), SIDE)
    model = architectures.build("Deep", SIDE, weights=None)
    kept = []
    for stage in stages:
        history = checkpoint.read_json(stage / checkpoint.HISTORY)
        assert len(history) == 2
        weights, about = checkpoint.load_best(stage)
        assert about == first_best(history)
        model.set_weights(weights)
        answer = model.predict(photos.pixels, verbose=0)
        right = float((answer.argmax(axis=1) == photos.targets).mean())
        assert right == pytest.approx(about["val_accuracy"], abs=1e-6)
        kept.append(weights)
    assert trained_layers(kept[0], kept[1], model) == list(range(10, 15))
    assert trained_layers(kept[1], kept[2], model) == list(range(3, 15))

    classifier = Classifier.load("chain.v1")
    served = classifier.probabilities(np.asarray(photos.pixels))
    assert (served.argmax(axis=1) == answer.argmax(axis=1)).all()
    training = registry.find("chain.v1").training
    assert (training["recipe"], training["epochs"]) == ("stage1, then stage2, then stage3", 6)
    assert training["epoch"] == 4 + about["epoch"]
