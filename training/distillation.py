"""Distillation: a network that is trained learns from finished ones as well as from the labels.

Hinton et al. 2015, arXiv 1503.02531; the teachers see the very same changed photo as the pupil
(Beyer et al. 2022, arXiv 2106.05237, "consistent teaching").
"""

import hashlib
from collections.abc import Sequence

import keras
from keras import ops

from model_zoo.architectures import build
from model_zoo.card import CLASSIFICATION
from model_zoo.errors import BadData
from training import checkpoint
from training.finished import read_finished
from training.recipe import Recipe


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


def read_teachers(sources: Sequence[str], side: int) -> list[keras.Model]:
    """Finished networks (see `finished`), from photos (N, side, side, 3) to logits, not trainable.

    A network that pools over its grid reads any side, though it knows best the one it ended with.
    They answer in float32 whatever the pupil trains in, but for what oneDNN may round (see
    `commands.fit`): closer to what is served, and on a CPU the faster one for MobileNetV2.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return [_teacher(source, side) for source in sources]
    finally:
        keras.config.set_dtype_policy(policy)


def _teacher(source: str, side: int) -> keras.Model:
    finished = read_finished(source)
    whole = build(finished.backbone, side, weights=None)
    checkpoint.set_weights(whole, finished.weights, source)
    teacher = keras.Model(whole.input, whole.get_layer("logits").output)
    teacher.trainable = False
    return teacher


def digest(sources: Sequence[str]) -> str:
    """The sha256 of what the teachers know, so that a resumed run asks the same ones."""
    whole = hashlib.sha256()
    for source in sources:
        for array in read_finished(source).weights:
            whole.update(array.tobytes())
    return whole.hexdigest() if sources else ""


def check(recipes: tuple[Recipe, ...], sources: Sequence[str]) -> None:
    """Nothing; raises `BadData` where a recipe wants teachers and has none, or the reverse."""
    wanting = [recipe.name for recipe in recipes if recipe.distillation]
    if wanting and not sources:
        raise BadData("teachers_missing", recipe=wanting[0])
    if sources and not wanting:
        raise BadData("teachers_unused", recipe=recipes[0].name)
    for source in sources:
        finished = read_finished(source)
        if finished.task != CLASSIFICATION:
            raise BadData("teacher_other", source=source, task=finished.task)
