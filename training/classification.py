"""What is particular to training a classifier: its photos, its network and its measures."""

import functools

import keras
import numpy as np

from model_zoo.architectures import build
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training import distillation, hosts, splits
from training.augment import augmentation
from training.dataset import Batches, Photos, load_photos, training_side
from training.learner import Data, Learner, Lesson, compiled, freeze, set_statistics
from training.losses import recipe_loss
from training.metrics import CRITERIA, cross_entropy
from training.published_augment import RandomPublished
from training.recipe import Phase, Recipe


def lesson(recipe: Recipe, data: Data, phase: Phase, first: str | None) -> Lesson:
    """The `Lesson` of one phase of a recipe. first: the first weights, None if others will be set.

    Raises `BadData` when there are too few photos, or some that cannot be read.
    """
    kept = phase.side if recipe.published_augment else training_side(phase.side)
    photos = load_photos(data.folder, data.train, kept, skip_broken=data.skip_broken)
    validation = load_photos(data.folder, data.validation, phase.side, skip_broken=data.skip_broken)
    hosts.agree(splits.digest(photos.rows + validation.rows))  # a host's copy may be damaged
    batches = Batches(photos, recipe)
    if not len(batches):
        raise BadData("too_few_to_train", batch=recipe.batch, photos=len(photos.targets))
    model = build(recipe.backbone, phase.side, weights=first, dropout=recipe.dropout)
    teachers = distillation.read_teachers(data.teachers, phase.side)
    pupil = learner(recipe, model, kept, len(batches), batches.prior, teachers)
    return Lesson(
        pupil,
        batches,
        validation.pixels,
        functools.partial(measure, recipe, batches.prior, validation),
        class_weights(recipe, photos.targets),
    )


def learner(
    recipe: Recipe,
    model: keras.Model,
    kept: int,
    steps: int,
    prior: np.ndarray,
    teachers: list[keras.Model] | tuple = (),
) -> Learner:
    """The `Learner` of a recipe around a network. Layers are frozen before it is compiled.

    kept: side of the squares in the batches. steps: batches of one epoch. prior: share of each
    class in training, (K,). teachers: from photos of the network's side to logits.
    """
    freeze(model, recipe.unfrozen)
    set_statistics(model, recipe.statistics_momentum)
    side = model.input_shape[1]
    photos = keras.Input((kept, kept, 3), dtype="uint8", name="photos")
    if recipe.published_augment:
        augmented = RandomPublished(recipe.published_augment, recipe.seed)(photos)
    else:
        augmented = augmentation(recipe.augment, side, recipe.seed)(photos)
    logits = keras.Model(model.input, model.get_layer("logits").output)(augmented)
    if teachers:
        taught = distillation.Distillation(
            teachers, recipe.distillation, recipe.distillation_temperature
        )
        logits = taught(augmented, logits)
    trained = compiled(keras.Model(photos, logits), recipe, steps, recipe_loss(recipe, prior))
    return Learner(model, trained, asked=model)


def measure(
    recipe: Recipe, prior: np.ndarray, validation: Photos, probabilities: np.ndarray
) -> dict[str, float]:
    """What the history holds of one validation; probabilities (N, K)."""
    targets = validation.targets
    return {
        "val_objective": objective(recipe, prior, targets, probabilities),
        "val_loss": cross_entropy(targets, probabilities),
        **{f"val_{name}": value(targets, probabilities) for name, value in CRITERIA.items()},
    }


def class_weights(recipe: Recipe, targets: np.ndarray) -> dict[int, float] | None:
    """The weight of each class in the loss, by its index, or None for equal ones."""
    if recipe.class_weights:
        return dict(enumerate(recipe.class_weights))
    if not recipe.class_weight_power:
        return None
    counts = np.maximum(np.bincount(targets, minlength=len(CODES)), 1)
    weights = counts**-recipe.class_weight_power
    return dict(enumerate((weights / np.average(weights, weights=counts)).tolist()))


def objective(
    recipe: Recipe, prior: np.ndarray, targets: np.ndarray, probabilities: np.ndarray
) -> float:
    """The recipe's own loss on validation photos, unweighted, for plateaus and early stops.

    targets int (N,), probabilities (N, K); prior: share of each class in training, (K,).
    """
    one_hot = np.eye(len(CODES), dtype="float32")[targets]
    logits = np.log(np.clip(probabilities, 1e-12, 1)).astype("float32")
    value = recipe_loss(recipe, prior)(one_hot, logits)
    return float(keras.ops.convert_to_numpy(value))
