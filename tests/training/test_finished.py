"""Finished networks: a run and the model exported from it are one network to go on from."""

import dataclasses

import keras
import numpy as np
import pytest

from model_zoo import registry
from model_zoo.architectures import BACKBONES, build
from model_zoo.errors import BadData, BadModel
from training import distillation
from training.checkpoint import load_best
from training.export import Place, export
from training.finished import read_finished
from training.fit import fit
from training.recipe import Optimizer, Phase, Recipe

SIDE = 24
NAME = "tiny.v1"


def recipe(backbone, **changes):
    settings = {"weights": "none", "dropout": 0.0, "batch": 8, "precision": "float32"}
    return Recipe("tiny", backbone, (Phase(SIDE, 1),), **(settings | changes))


@pytest.fixture
def run(tiny_backbone, data, tmp_path):
    fit(recipe(tiny_backbone), data, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def model(run, data):
    folder = registry.installed_folder() / NAME
    export(run, Place(NAME, folder, folder / f"{NAME}.toml"), title=NAME, default=False)
    return NAME


def test_a_run_and_the_model_exported_from_it_are_one_network(run, model):
    of_run, of_model = read_finished(run), read_finished(model)
    assert of_run.backbone == of_model.backbone == "Tiny"
    for one, other in zip(of_run.weights, of_model.weights, strict=True):
        assert np.allclose(one, other, rtol=1e-3, atol=1e-7)  # kernels are kept as float16


def test_a_run_begins_with_all_weights_of_a_model(tiny_backbone, model, data, tmp_path):
    still = Optimizer(peak=1e-12, warmup_epochs=0.0, weight_decay=0.0, ema=0.0)
    begun = recipe(tiny_backbone, weights=model, optimizer=still)
    fit(begun, data, tmp_path / "further")
    network = build(tiny_backbone, SIDE, weights=None)
    for weight, kept, first in zip(
        network.weights,
        load_best(tmp_path / "further")[0],
        read_finished(model).weights,
        strict=True,
    ):
        if "moving" not in weight.path:  # batch normalization counts on
            assert np.allclose(kept, first, atol=1e-6), weight.path


def test_a_model_teaches_as_its_run_does(run, model):
    pixels = np.random.default_rng(0).integers(0, 255, (4, 40, 40, 3)).astype("float32")
    answers = [
        keras.ops.convert_to_numpy(teacher(pixels, training=False))
        for teacher in distillation.read_teachers([str(run), model], 40)
    ]
    assert np.allclose(*answers, atol=2e-2)
    assert distillation.digest([str(run)]) != distillation.digest([model])


def test_what_is_no_network_to_begin_with_is_named(tiny_backbone, data, tmp_path):
    with pytest.raises(BadData, match="no finished run in"):
        read_finished(tmp_path)
    with pytest.raises(BadModel, match="nothing_of_it"):
        fit(recipe(tiny_backbone, weights="nothing_of_it"), data, tmp_path / "a")
    served = tmp_path / "served_alone.tflite"
    served.write_bytes(b"a network")
    card = 'name = "served_alone"\nlabels = ["AK", "BCC"]\nscaling = "inside"\n'
    served.with_suffix(".toml").write_text(card)
    with pytest.raises(BadData, match="that takes a"):
        read_finished(served)


def test_a_run_does_not_begin_with_another_backbone(
    tiny_backbone, model, data, tmp_path, monkeypatch
):
    monkeypatch.setitem(BACKBONES, "Small", dataclasses.replace(BACKBONES["Tiny"]))
    with pytest.raises(BadData, match="is a Tiny, the recipe trains a Small"):
        fit(recipe("Small", weights=model), data, tmp_path / "further")
