"""Losses by the name that a recipe gives them; targets (N, K), one-hot or mixed, logits (N, K)."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from training.recipe import Recipe

GAMMA, ALPHA = 2.0, 0.25  # of both focal losses: those of the published recipe and of Lin et al.


class BinaryFocalOverSoftmax(keras.losses.Loss):
    """The focal loss of the published ResNet50: one binary problem per softmax output.

    Mean over photos and classes of -alpha (1 - pt)^gamma log pt with pt = y p + (1 - y)(1 - p).
    It differs from `keras.losses.CategoricalFocalCrossentropy`, which looks at the true class
    alone: -alpha (1 - p_true)^gamma log p_true. Here the K - 1 wrong classes count as well, alpha
    weighs right and wrong alike, so it is only a scale, and the mean over K makes it smaller.

    One number for the whole batch, as published: class weights then scale it by their mean over
    the batch, and weigh no photo against another one.
    """

    def call(self, targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        p = ops.clip(ops.softmax(ops.cast(logits, "float32")), 1e-7, 1 - 1e-7)
        pt = targets * p + (1 - targets) * (1 - p)
        return ops.mean(-ALPHA * (1 - pt) ** GAMMA * ops.log(pt))


class LogitAdjusted(keras.losses.Loss):
    """Cross-entropy of logits + strength * log prior, so that plain logits are for equal priors.

    prior: share of each class in training, (K,). Menon et al. 2021, arXiv 2007.07314, eq. 10.
    """

    def __init__(self, prior: np.ndarray, strength: float, label_smoothing: float) -> None:
        super().__init__(name="logit_adjusted")
        self.shift = (strength * np.log(np.maximum(prior, 1e-6))).astype("float32")
        self.label_smoothing = label_smoothing

    def call(self, targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        return keras.losses.categorical_crossentropy(
            targets,
            ops.cast(logits, "float32") + self.shift,
            from_logits=True,
            label_smoothing=self.label_smoothing,
        )


class CrossEntropyDice(keras.losses.Loss):
    """Of masks: the mean cross-entropy of the pixels plus 1 - the soft Dice of each photo.

    targets, logits (N, S, S, 1). Dice is smoothed by one pixel, so that a photo without a lesion
    that gets no mask loses nothing (Milletari et al. 2016, arXiv 1606.04797).
    """

    def call(self, targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        targets, logits = ops.cast(targets, "float32"), ops.cast(logits, "float32")
        p, axes = ops.sigmoid(logits), (1, 2, 3)
        both = ops.sum(targets * p, axis=axes)
        dice = (2 * both + 1) / (ops.sum(targets, axis=axes) + ops.sum(p, axis=axes) + 1)
        # log(1 + e^-|x|) + max(x, 0) - x y, which no logit can make overflow
        pixels = ops.maximum(logits, 0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
        return ops.mean(pixels, axis=axes) + 1 - dice


def _cross_entropy(smoothing: float) -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)


def _categorical_focal(smoothing: float) -> keras.losses.Loss:
    return keras.losses.CategoricalFocalCrossentropy(
        alpha=ALPHA, gamma=GAMMA, from_logits=True, label_smoothing=smoothing
    )


LOSSES: dict[str, Callable[[float], keras.losses.Loss]] = {
    "cross_entropy": _cross_entropy,
    "categorical_focal": _categorical_focal,
    # Label smoothing is no part of the published loss.
    "binary_focal_over_softmax": lambda _: BinaryFocalOverSoftmax(),
    "cross_entropy_dice": lambda _: CrossEntropyDice(),
}


def recipe_loss(recipe: Recipe, prior: np.ndarray) -> keras.losses.Loss:
    """The loss of a recipe; prior: share of each class in training, (K,), for logit adjustment."""
    if recipe.logit_adjustment:
        return LogitAdjusted(prior, recipe.logit_adjustment, recipe.label_smoothing)
    return LOSSES[recipe.loss](recipe.label_smoothing)
