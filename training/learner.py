"""What is trained: the network with augmentation before it, its loss and its optimizer."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from training.augment import augmentation
from training.distillation import Distillation
from training.losses import recipe_loss
from training.published_augment import RandomPublished
from training.recipe import Recipe

# Inference needs no gradients, so larger batches than in training fit and are a little faster.
VALIDATION_BATCH = 64


@dataclass(frozen=True)
class Learner:
    """`model`, the network as it is kept, and `trained`, which shares its weights.

    trained: from kept squares, uint8 (N, kept, kept, 3), to logits, compiled.
    """

    model: keras.Model
    trained: keras.Model


def learner(
    recipe: Recipe,
    model: keras.Model,
    kept: int,
    steps: int,
    prior: np.ndarray,
    teachers: Sequence[keras.Model] = (),
) -> Learner:
    """The `Learner` of a recipe around a network. Layers are frozen before it is compiled.

    kept: side of the squares in the batches. steps: batches of one epoch. prior: share of each
    class in training, (K,). teachers: from photos of the network's side to logits.
    """
    freeze(model, recipe.unfrozen)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = recipe.statistics_momentum
    side = model.input_shape[1]
    photos = keras.Input((kept, kept, 3), dtype="uint8", name="photos")
    if recipe.published_augment:
        augmented = RandomPublished(recipe.published_augment, recipe.seed)(photos)
    else:
        augmented = augmentation(recipe.augment, side, recipe.seed)(photos)
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    logits = to_logits(augmented)
    if teachers:
        taught = Distillation(teachers, recipe.distillation, recipe.distillation_temperature)
        logits = taught(augmented, logits)
    trained = keras.Model(photos, logits)
    trained.compile(
        optimizer=_optimizer(recipe, steps),
        loss=recipe_loss(recipe, prior),
        jit_compile=keras.config.backend() == "jax",  # on a CPU, oneDNN beats XLA's convolutions
    )
    trained.optimizer.build(trained.trainable_variables)
    return Learner(model, trained)


def freeze(model: keras.Model, unfrozen: int) -> None:
    """Nothing; leaves the backbone's last `unfrozen` layers trainable, all of them if it is -1.

    Layers are counted as `keras.applications` lists them. A frozen batch normalization keeps its
    statistics; one that is trained uses those of the batch. The head is always trained.
    """
    if unfrozen < 0:
        return
    names = [layer.name for layer in model.layers]
    backbone = model.layers[: names.index("features")]
    for layer in backbone[: len(backbone) - unfrozen]:
        layer.trainable = False


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    settings = recipe.optimizer
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.peak
    if settings.plateau is None:
        warmup = round(settings.warmup_epochs * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=settings.peak / 100,
            decay_steps=max(1, recipe.epochs * steps - warmup),
            alpha=settings.final,
            warmup_target=settings.peak,
            warmup_steps=warmup,
        )
    average = {"use_ema": settings.ema > 0, "ema_momentum": settings.ema or 0.99}
    if settings.name == "adam":
        return keras.optimizers.Adam(rate, **average)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, **average)
    # Decay pulls on kernels only; biases and the scales of normalization are left alone.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def seed_epoch(trained: keras.Model, seed: int, epoch: int) -> None:
    """Nothing; seeds every generator by epoch, so that a resumed run draws as it would have."""
    for index, layer in enumerate(trained._flatten_layers()):
        for name in ("generator", "seed_generator"):
            generator = getattr(layer, name, None)
            if generator is not None:
                # Each draw adds one to the second number: far apart, no two epochs draw alike.
                generator.state.assign([seed * 1000 + index, epoch << 20])


def predict_averaged(learner: Learner, pixels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The averaged weights and their probabilities, float64 (N, K), of squares.

    Afterwards the model has its own weights back.
    """
    optimizer = learner.trained.optimizer  # float16 wraps it, to scale the loss
    averages = getattr(optimizer, "inner_optimizer", optimizer).use_ema
    swap = keras.callbacks.SwapEMAWeights() if averages else keras.callbacks.Callback()
    swap.set_model(learner.trained)
    swap.on_predict_begin()
    averaged = learner.model.get_weights()
    probabilities = learner.model.predict(pixels, batch_size=VALIDATION_BATCH, verbose=0)
    swap.on_predict_end()
    return averaged, np.asarray(probabilities, dtype=np.float64)
