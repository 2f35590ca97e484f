"""What is particular to training the network that outlines lesions."""

import functools

import keras
import numpy as np

from model_zoo.errors import BadData
from model_zoo.unet import build_unet
from training import hosts, splits
from training.augment import RandomColour, RandomResolution
from training.dataset import training_side
from training.learner import Data, Learner, Lesson, compiled, set_statistics
from training.losses import LOSSES
from training.outlines import OutlineBatches, load_outlined
from training.recipe import Phase, Recipe

SMOOTH = 1e-7
ARTEFACTS_WEIGHT = 0.2  # of their cross-entropy, beside the loss of the mask


def lesson(recipe: Recipe, data: Data, phase: Phase, first: str | None) -> Lesson:
    """The `Lesson` of one phase of a recipe. first: the first weights, None if others will be set.

    Raises `BadData` when there are too few photos, or some that cannot be read.
    """
    skip = data.skip_broken
    photos = load_outlined(data.folder, data.train, training_side(phase.side), skip_broken=skip)
    validation = load_outlined(data.folder, data.validation, phase.side, skip_broken=skip)
    hosts.agree(splits.digest(photos.rows + validation.rows))  # a host's copy may be damaged
    batches = OutlineBatches(photos, recipe, phase.side)
    if not len(batches):
        raise BadData("too_few_to_train", batch=recipe.batch, photos=len(photos.pixels))
    model = build_unet(recipe.backbone, phase.side, weights=first, dropout=recipe.dropout)
    masks = validation.pixels[..., 3] > 127
    pixels = np.ascontiguousarray(validation.pixels[..., :3])
    pupil = learner(recipe, model, len(batches))
    return Lesson(pupil, batches, pixels, functools.partial(measure, masks))


def learner(recipe: Recipe, model: keras.Model, steps: int) -> Learner:
    """The `Learner` of a recipe around a U-Net; steps: batches of one epoch.

    Geometry and artefacts are drawn with the masks, in `outlines`; colour and resolution here.
    """
    set_statistics(model, recipe.statistics_momentum)
    side, settings = model.input_shape[1], recipe.augment
    photos = keras.Input((side, side, 3), dtype="uint8", name="photos")
    changed = keras.layers.Rescaling(1.0, dtype="float32")(photos)
    changed = RandomColour(settings, seed=recipe.seed + 1)(changed)
    changed = RandomResolution(settings.sides, settings.sides_share, recipe.seed + 2)(changed)
    names = ("mask_logits", "artefact_logits")
    logits = keras.Model(model.input, [model.get_layer(name).output for name in names])(changed)
    trained = keras.Model(photos, logits)
    losses = [LOSSES[recipe.loss](0.0), keras.losses.BinaryCrossentropy(from_logits=True)]
    compiled(trained, recipe, steps, losses, [1.0, ARTEFACTS_WEIGHT])
    return Learner(model, trained, asked=keras.Model(model.input, model.outputs[0]))


def measure(masks: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """What the history holds of one validation: masks bool (N, S, S), answer (N, S, S, 1)."""
    found = answer[..., 0] > 0.5
    dice, iou = overlap(masks, found)
    loss = 1 - float(dice.mean())
    return {"val_objective": loss, "val_dice": 1 - loss, "val_iou": float(iou.mean())}


def overlap(masks: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Dice and the intersection over union of each photo, (N,); masks bool (N, H, W).

    Both are 1 where there is no lesion and none was found.
    """
    both = (masks & found).sum(axis=(1, 2))
    sizes = masks.sum(axis=(1, 2)) + found.sum(axis=(1, 2))
    dice = (2 * both + SMOOTH) / (sizes + SMOOTH)
    return dice, (both + SMOOTH) / (sizes - both + SMOOTH)
