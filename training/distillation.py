"""Distillation: a network that is trained learns from finished ones as well as from the labels.

Hinton et al. 2015, arXiv 1503.02531; the teachers see the very same changed photo as the pupil
(Beyer et al. 2022, arXiv 2106.05237, "consistent teaching").
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from model_zoo.architectures import build
from model_zoo.errors import BadData
from training import checkpoint
from training.recipe import Recipe
from training.recipe_file import recipe_from


class Distillation(keras.layers.Layer):
    """The pupil's logits (N, K), unchanged; adds the gap to the teachers' answer to the loss.

    The gap is `weight` times temperature ** 2 times the Kullback-Leibler divergence of the pupil's
    softened probabilities from the mean of the teachers', averaged over the batch, in nats.
    """

    def __init__(self, teachers: Sequence[keras.Model], weight: float, temperature: float) -> None:
        super().__init__(dtype="float32", name="distillation")
        self.teachers, self.weight, self.temperature = teachers, weight, temperature

    def call(
        self, photos: keras.KerasTensor, logits: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        if training:
            softened = ops.log_softmax(ops.cast(logits, "float32") / self.temperature)
            target = self._answer(photos)
            gap = ops.sum(target * (ops.log(ops.clip(target, 1e-7, 1)) - softened), axis=-1)
            self.add_loss(self.weight * self.temperature**2 * ops.mean(gap))
        return logits

    def _answer(self, photos: keras.KerasTensor) -> keras.KerasTensor:
        answers = [
            ops.softmax(ops.cast(teacher(photos, training=False), "float32") / self.temperature)
            for teacher in self.teachers
        ]
        return ops.stop_gradient(sum(answers) / len(answers))


def read_teachers(runs: Sequence[Path], side: int) -> list[keras.Model]:
    """The finished networks of runs, or of their last stages, from photos (N, side, side, 3) to
    logits, not trainable.

    A network that pools over its grid reads any side, though it knows best the one it ended with.
    """
    teachers = []
    for run in map(checkpoint.last_stage, runs):
        recipe = _recipe(run)
        weights, _ = checkpoint.load_best(run)
        whole = build(recipe.backbone, side, weights=None, dropout=recipe.dropout)
        checkpoint.set_weights(whole, weights, run)
        teacher = keras.Model(whole.input, whole.get_layer("logits").output)
        teacher.trainable = False
        teachers.append(teacher)
    return teachers


def digest(runs: Sequence[Path]) -> str:
    """The sha256 of what the teachers know, so that a resumed run asks the same ones."""
    whole = hashlib.sha256()
    for run in map(checkpoint.last_stage, runs):
        weights, _ = checkpoint.load_best(run)
        for array in weights:
            whole.update(array.tobytes())
    return whole.hexdigest() if runs else ""


def check(recipes: tuple[Recipe, ...], runs: Sequence[Path]) -> None:
    """Nothing; raises `BadData` where a recipe wants teachers and has none, or the reverse."""
    wanting = [recipe.name for recipe in recipes if recipe.distillation]
    if wanting and not runs:
        raise BadData("teachers_missing", recipe=wanting[0])
    if runs and not wanting:
        raise BadData("teachers_unused", recipe=recipes[0].name)
    for run in runs:
        _recipe(checkpoint.last_stage(run))


def _recipe(run: Path) -> Recipe:
    if not (run / checkpoint.BEST).is_file() or not (run / checkpoint.RECIPE).is_file():
        raise BadData("teacher_unfinished", folder=run)
    return recipe_from(json.loads((run / checkpoint.RECIPE).read_text(encoding="utf-8")))
