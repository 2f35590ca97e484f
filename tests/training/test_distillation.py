"""Distillation: the added loss is the softened divergence, and a run asks the same teachers."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from model_zoo.errors import BadData
from training import distillation
from training.classification import learner
from training.fit import fit, fit_stages
from training.recipe import Augment, Phase, Recipe

SIDE = 24
STILL = Augment(False, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, (), 0)


def with_teachers(data, *runs):
    return dataclasses.replace(data, teachers=tuple(map(str, runs)))


def recipe(backbone, **changes):
    settings = {"weights": "none", "dropout": 0.0, "batch": 8, "precision": "float32"}
    settings |= {"augment": STILL} | changes
    return Recipe("pupil", backbone, (Phase(SIDE, 1),), **settings)


@pytest.fixture
def teacher(tiny_backbone, data, tmp_path):
    fit(recipe(tiny_backbone), data, tmp_path / "teacher")
    return tmp_path / "teacher"


def test_loss_is_the_divergence_of_softened_answers_from_the_mean_of_the_teachers():
    random = np.random.default_rng(0)
    logits, first, second = (random.normal(0, 3, (5, 8)).astype("float32") for _ in range(3))
    layer = distillation.Distillation([lambda *_, **__: first, lambda *_, **__: second], 0.5, 2.0)
    passed = layer(np.zeros((5, 1)), logits, training=True)

    def soft(values):
        shifted = np.exp(values.astype("float64") / 2)
        return shifted / shifted.sum(axis=1, keepdims=True)

    target = (soft(first) + soft(second)) / 2
    expected = 0.5 * 4 * (target * np.log(target / soft(logits))).sum(axis=1).mean()
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(keras.ops.convert_to_numpy(passed), logits)


def test_a_pupil_equal_to_its_teacher_has_nothing_to_learn_from_it(tiny_backbone, teacher):
    [taught] = distillation.read_teachers([teacher], SIDE)
    plain = recipe(tiny_backbone, distillation=1.0)
    from model_zoo.architectures import build
    from training.checkpoint import load_best

    model = build(tiny_backbone, SIDE, weights=None, dropout=0.0)
    model.set_weights(load_best(teacher)[0])
    for layer in model.layers:
        layer.trainable = False  # batch normalization with the statistics that the teacher uses
    pupil = learner(plain, model, SIDE, 4, np.full(8, 1 / 8), [taught])
    pixels = np.random.default_rng(1).integers(0, 255, (8, SIDE, SIDE, 3), "uint8")
    model.trainable = False
    pupil.trained(pixels, training=True)
    assert float(pupil.trained.losses[0]) == pytest.approx(0, abs=1e-5)


def test_teachers_answer_in_float32_whatever_the_pupil_trains_in(teacher):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        [taught] = distillation.read_teachers([teacher], SIDE)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in taught.layers} == {"float32"}


def test_only_the_pupil_is_trained(tiny_backbone, teacher, data, tmp_path):
    taught = recipe(tiny_backbone, distillation=1.0)
    before = distillation.digest([teacher])
    fit_stages((taught,), with_teachers(data, teacher), tmp_path / "pupil")
    alone = recipe(tiny_backbone)
    fit(alone, data, tmp_path / "alone")
    losses = [
        json.loads((tmp_path / name / "history.json").read_text())[0]["loss"]
        for name in ("pupil", "alone")
    ]
    assert losses[0] > losses[1]  # the gap to the teacher counts
    assert distillation.digest([teacher]) == before
    assert len(np.load(tmp_path / "pupil" / "best.npz").files) == len(
        np.load(tmp_path / "alone" / "best.npz").files
    )


def test_other_teachers_on_resume_are_refused(tiny_backbone, teacher, data, tmp_path):
    taught = recipe(tiny_backbone, distillation=1.0)
    fit(taught, with_teachers(data, teacher), tmp_path / "pupil")
    with pytest.raises(BadData, match="teachers_sha256"):
        fit(taught, with_teachers(data, teacher, teacher), tmp_path / "pupil", resume=True)


def test_missing_needless_and_unfinished_teachers_are_named(tiny_backbone, data, tmp_path):
    with pytest.raises(BadData, match="Name at least one with --teacher"):
        fit_stages((recipe(tiny_backbone, distillation=1.0),), data, tmp_path / "run")
    with pytest.raises(BadData, match="has no distillation"):
        fit_stages((recipe(tiny_backbone),), with_teachers(data, tmp_path), tmp_path / "run")
    with pytest.raises(BadData, match="no finished run"):
        fit_stages(
            (recipe(tiny_backbone, distillation=1.0),),
            with_teachers(data, tmp_path),
            tmp_path / "run",
        )
