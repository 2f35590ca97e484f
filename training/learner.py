"""What a run trains, whatever it is for: a network, what comes before it, loss and optimizer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from training import hosts
from training.recipe import Recipe
from training.splits import Row

# Inference needs no gradients, so larger batches than in training fit and are a little faster.
VALIDATION_BATCH = 64


@dataclass(frozen=True)
class Data:
    """Where the photos are, the list that was read, and which photos train and validate.

    limit: how many photos of each part were taken, None for all. teachers: finished networks, for
    a recipe with distillation (see `finished`).
    """

    folder: Path
    images: Path
    train: list[Row]
    validation: list[Row]
    skip_broken: bool = False
    limit: int | None = None
    teachers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learner:
    """`model`, the network as it is kept, and others that share its weights.

    trained: from photos as they are kept, uint8, to logits, compiled. asked: what validation
    measures the answer of; it has one output.
    """

    model: keras.Model
    trained: keras.Model
    asked: keras.Model


@dataclass(frozen=True)
class Lesson:
    """One phase of a run, ready to be trained.

    batches: with `begin_epoch`. validation: uint8 (N, S, S, 3). measure: from the network's answer
    to them to what the history holds, the recipe's criterion as `val_<criterion>` among it.
    """

    learner: Learner
    batches: keras.utils.PyDataset
    validation: np.ndarray
    measure: Callable[[np.ndarray], dict[str, float]]
    class_weight: dict[int, float] | None = None


def compiled(
    trained: keras.Model,
    recipe: Recipe,
    steps: int,
    loss: keras.losses.Loss | list[keras.losses.Loss],
    loss_weights: list[float] | None = None,
) -> keras.Model:
    """The model, ready to fit by the recipe's optimizer; steps: batches of one epoch.

    loss: one for each output, loss_weights: what each counts for.
    """
    trained.compile(
        optimizer=_optimizer(recipe, steps),
        loss=loss,
        loss_weights=loss_weights,
        jit_compile=keras.config.backend() == "jax",  # on a CPU, oneDNN beats XLA's convolutions
    )
    trained.optimizer.build(trained.trainable_variables)
    return trained


def set_statistics(model: keras.Model, momentum: float) -> None:
    """Nothing; sets how long batch normalization remembers its running mean and variance."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum


def freeze(model: keras.Model, unfrozen: int) -> None:
    """Nothing; leaves the backbone's last `unfrozen` layers trainable, all of them if it is -1.

    Layers are counted as `keras.applications` lists them. A frozen batch normalization keeps its
    statistics; one that is trained uses those of the batch. The head is always trained.
    """
    if unfrozen < 0:
        return
    names = [layer.name for layer in model.layers]
    backbone = model.layers[: names.index("features")]
    for layer in backbone[: max(0, len(backbone) - unfrozen)]:
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
        return _onward(keras.optimizers.Adam(rate, **average))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, **average)
    # Decay pulls on kernels only; biases and the scales of normalization are left alone.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return _onward(optimizer)


def _onward(optimizer: keras.Optimizer) -> keras.Optimizer:
    """The optimizer, which now leaves the weights as they are when a `fit` ends.

    Keras would put their average in their place; as every epoch here is a `fit`, each would begin
    half an epoch back. The average is to be read, not to be walked from. No class of its own: on
    PyTorch, Keras takes its fast path for exactly its own.
    """
    optimizer.finalize_variable_values = lambda variables: None
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
    own = learner.model.get_weights()
    optimizer = learner.trained.optimizer
    _put_average(getattr(optimizer, "inner_optimizer", optimizer))  # float16 wraps it
    averaged = learner.model.get_weights()
    probabilities = hosts.predict(learner.asked, pixels, VALIDATION_BATCH)
    learner.model.set_weights(own)
    return averaged, np.asarray(probabilities, dtype=np.float64)


def _put_average(optimizer: keras.Optimizer) -> None:
    """Nothing; puts the running average, if there is one, in the place of the weights."""
    if not optimizer.use_ema:
        return
    averages = optimizer._model_variables_moving_average
    for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
        # A copy: JAX would take the average's own memory for the next step's.
        variable.assign(keras.ops.convert_to_numpy(average))
