"""Finished networks: a run and the model exported from it are one network to go on from."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from model_zoo import registry
from model_zoo.architectures import BACKBONES, build
from model_zoo.errors import BadData, BadModel
from model_zoo.seal import sealed
from model_zoo.training_ids import training_ids
from model_zoo.unet import build_unet
from training import distillation, splits
from training.checkpoint import load_best
from training.export import Place, export
from training.finished import first_weights, read_finished, rows_known
from training.fit import fit, fit_stages
from training.held_out import protocol_of
from training.recipe import Optimizer, Phase, Recipe

from . import outlined

pytestmark = pytest.mark.slow

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
    with pytest.raises(BadData, match="Tiny for classification; the recipe trains Small for"):
        fit(recipe("Small", weights=model), data, tmp_path / "further")


def test_a_network_that_outlines_begins_with_the_backbone_of_a_classifier(
    data, tmp_path, monkeypatch
):
    backbone = outlined.know_tiny_unet(monkeypatch)
    fit(recipe(backbone), data, tmp_path / "run")
    classifier = build(backbone, SIDE, weights=None)
    classifier.set_weights(load_best(tmp_path / "run")[0])
    unet = build_unet(backbone, outlined.SIDE, weights=None)
    unet.set_weights(first_weights(tmp_path / "run", outlined.recipe(backbone, 1)))
    for level in range(5):
        for mine, its in zip(
            unet.get_layer(f"down_{level}").get_weights(),
            classifier.get_layer(f"down_{level}").get_weights(),
            strict=True,
        ):
            assert np.array_equal(mine, its)
    with pytest.raises(BadData, match="Tiny for classification; the recipe trains Other for"):
        first_weights(tmp_path / "run", outlined.recipe("Other", 1))


def elsewhere(data, tmp_path):
    """The same photos, those that validated to train on and the other way round."""
    images = tmp_path / "swapped.csv"
    swap = {splits.TRAIN: splits.VALIDATION, splits.VALIDATION: splits.TRAIN}
    rows = [dataclasses.replace(row, part=swap[row.part]) for row in data.train + data.validation]
    splits.write_list(rows, images)
    parts = (splits.part_of(rows, part) for part in (splits.TRAIN, splits.VALIDATION))
    return dataclasses.replace(
        data, images=images, **dict(zip(("train", "validation"), parts, strict=True))
    )


def test_photos_that_an_origin_knows_do_not_validate(tiny_backbone, model, run, data, tmp_path):
    swapped = elsewhere(data, tmp_path)
    with pytest.raises(BadData, match="lesions of 32 of the photos that are to validate"):
        fit(recipe(tiny_backbone, weights=model), swapped, tmp_path / "a")
    taught = dataclasses.replace(swapped, teachers=(str(run),))
    with pytest.raises(BadData, match="lesions of 32 of the photos that are to validate"):
        fit(recipe(tiny_backbone, distillation=1.0), taught, tmp_path / "b")


def test_a_model_lists_what_its_origins_were_trained_on(tiny_backbone, model, data, tmp_path):
    half = dataclasses.replace(data, train=data.train[:16])
    fit(recipe(tiny_backbone, weights=model), half, tmp_path / "further")
    folder = registry.installed_folder() / "further.v1"
    place = Place("further.v1", folder, folder / "further.v1.toml")
    half_list = tmp_path / "list.csv"  # the run's own, of which it now took half
    splits.write_list([*half.train, *half.validation], half_list)
    export(tmp_path / "further", place, title="Further", default=False)
    known = training_ids(registry.find("further.v1"))
    assert all(known.know(row.image) for row in data.train)
    assert not any(known.know(row.image) for row in data.validation)


def test_a_list_that_changed_since_is_not_exported_from(run, data, tmp_path):
    splits.write_list([*data.train[1:], *data.validation], data.images)
    folder = tmp_path / "out"
    with pytest.raises(BadData, match="now names other photos"):
        export(run, Place(NAME, folder, folder / f"{NAME}.toml"), title=NAME, default=False)
    (run / "trained_on.csv").unlink()
    with pytest.raises(BadData, match="Nobody knows which photos"):
        rows_known(run)


def test_the_development_list_is_known_wherever_it_lies(tmp_path):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(splits.DEV_LIST.read_bytes())
    assert protocol_of(copy, splits.HELD_OUT) == protocol_of(splits.DEV_LIST, splits.HELD_OUT)
    copy.write_text(splits.DEV_LIST.read_text().replace("validation", "held_out", 1))
    assert protocol_of(copy, splits.HELD_OUT) == "copy, part held_out"


def edited(model, tmp_path, before, after):
    """The model under another name, with one line of its card changed."""
    folder = registry.installed_folder()
    shutil.copytree(folder / model, folder / "edited.v1")
    card = folder / "edited.v1" / f"{model}.toml"
    text = card.read_text()
    assert before in text
    text = text.replace(before, after).replace(f'name = "{model}"', 'name = "edited.v1"')
    (folder / "edited.v1" / "edited.v1.toml").write_text(sealed(text))
    card.unlink()
    return "edited.v1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('labels = ["AK", "BCC"', 'labels = ["BCC", "AK"'),
        ('scaling = "inside"', 'scaling = "caffe"'),
        ('backbone = "Tiny"', 'backbone = ""'),
    ],
)
def test_a_network_of_other_labels_or_scaling_neither_teaches_nor_begins(
    model, data, tmp_path, before, after
):
    with pytest.raises(BadData, match="in this order"):
        read_finished(edited(model, tmp_path, before, after))


def test_a_missing_keras_file_is_told(model):
    registry.find(model).file("keras").unlink()
    with pytest.raises(BadData, match=r"best_final_model\.keras"):
        read_finished(model)


def test_a_network_for_another_task_is_told(tiny_backbone, run, data, tmp_path):
    whole = json.loads((run / "recipe.json").read_text())
    (run / "recipe.json").write_text(json.dumps({**whole, "task": "segmentation"}))
    with pytest.raises(BadData, match="Tiny for segmentation; the recipe trains Tiny for class"):
        fit(recipe(tiny_backbone, weights=str(run)), data, tmp_path / "a")
    taught = dataclasses.replace(data, teachers=(str(run),))
    with pytest.raises(BadData, match="has no classes to teach"):
        fit_stages((recipe(tiny_backbone, distillation=1.0),), taught, tmp_path / "b")


def test_an_export_that_is_refused_leaves_what_was_there(run, model):
    place = Place(NAME, folder := registry.installed_folder() / NAME, folder / f"{NAME}.toml")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    (run / "trained_on.csv").unlink()
    with pytest.raises(BadData, match="Nobody knows"):
        export(run, place, title=NAME, default=False)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_card_names_its_origins(tiny_backbone, run, model, data, tmp_path):
    taught = dataclasses.replace(data, teachers=(str(run),))
    pupil = recipe(tiny_backbone, weights=model, distillation=0.5)
    fit_stages((pupil, pupil), taught, tmp_path / "further")
    folder = registry.installed_folder() / "further.v1"
    place = Place("further.v1", folder, folder / "further.v1.toml")
    export(tmp_path / "further", place, title="Further", default=False)
    training = registry.find("further.v1").training
    assert (training["begun_from"], training["taught_by"]) == (NAME, "run")
