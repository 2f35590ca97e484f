"""A training run, from recipe to the weights to keep, read top to bottom.

The same code trains on the TensorFlow, JAX and PyTorch backends of Keras (`KERAS_BACKEND`).
"""

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.architectures import build
from model_zoo.errors import BadData
from training import checkpoint, splits
from training.augment import augmentation
from training.dataset import Batches, Photos, load_photos, training_side
from training.metrics import CRITERIA, accuracy, balanced_accuracy, cross_entropy, macro_auc
from training.recipe import Phase, Recipe

# Inference needs no gradients, so larger batches than in training fit and are a little faster.
VALIDATION_BATCH = 64
RECIPE, DATA = "recipe.json", "data.json"


@dataclass(frozen=True)
class Data:
    """Where the photos are, the list that was read, and which photos train and validate.

    limit: how many photos of each part were taken, None for all.
    """

    folder: Path
    images: Path
    train: list[splits.Row]
    validation: list[splits.Row]
    skip_broken: bool = False
    limit: int | None = None


def fit(recipe: Recipe, data: Data, run: Path, *, resume: bool = False) -> None:
    """Nothing; trains into the folder `run`: state.npz, best.npz, recipe.json, history.json.

    Raises `BadData` if the folder holds a run and `resume` is off, or holds none and it is on.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    progress, weights, moments = _begin(recipe, data, run, resume)
    first_epoch = 0
    for index, phase in enumerate(recipe.phases):
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch:
            if progress.phase != index:  # the best of another size says nothing about this one
                progress.phase, progress.best = index, None
            weights, moments = _run_phase(
                recipe, phase, data, run, progress, weights, moments, last_epoch
            )
        first_epoch = last_epoch


def _begin(recipe: Recipe, data: Data, run: Path, resume: bool):
    about = {
        RECIPE: json.loads(json.dumps(dataclasses.asdict(recipe))),
        DATA: {
            "folder": str(data.folder.resolve()),
            "images": str(data.images.resolve()),
            "limit": data.limit,
            "train": len(data.train),
            "validation": len(data.validation),
        },
    }
    if resume:
        state = checkpoint.load_state(run)
        for name, asked in about.items():
            _require_same(json.loads((run / name).read_text()), asked, run / name)
        return state
    if (run / checkpoint.STATE).exists():
        raise BadData("run_exists", folder=run)
    run.mkdir(parents=True, exist_ok=True)
    for name, content in about.items():
        (run / name).write_text(json.dumps(content, indent=1))
    return checkpoint.Progress(), None, None


def _require_same(begun: dict, asked: dict, file: Path) -> None:
    """Nothing; raises `BadData` that names the first setting in which a resumed run differs."""
    for key in asked:
        # The folder may have moved: the list decides which photos are read. A setting that is newer
        # than the run was at its default then.
        if key != "folder" and key in begun and begun[key] != asked[key]:
            raise BadData("run_differs", file=file, key=key, begun=begun[key], asked=asked[key])


def _run_phase(
    recipe: Recipe,
    phase: Phase,
    data: Data,
    run: Path,
    progress: checkpoint.Progress,
    weights: list[np.ndarray] | None,
    moments: list[np.ndarray] | None,
    last_epoch: int,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    photos = load_photos(
        data.folder, data.train, training_side(phase.side), skip_broken=data.skip_broken
    )
    validation = load_photos(data.folder, data.validation, phase.side, skip_broken=data.skip_broken)
    batches = Batches(photos, recipe.batch, seed=recipe.seed, sampling_power=recipe.sampling_power)
    start = recipe.weights if weights is None else None
    model = build(recipe.backbone, phase.side, weights=start, dropout=recipe.dropout)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = recipe.statistics_momentum
    learner = _learner(recipe, phase, model, photos.pixels.shape[1], len(batches))
    if weights is not None:
        model.set_weights(weights)
        for variable, value in zip(learner.optimizer.variables, moments, strict=True):
            variable.assign(value)
    while progress.epoch < last_epoch:
        _run_epoch(recipe, phase, learner, model, batches, validation, run, progress)
    return model.get_weights(), [np.asarray(v.value) for v in learner.optimizer.variables]


def _run_epoch(
    recipe: Recipe,
    phase: Phase,
    learner: keras.Model,
    model: keras.Model,
    batches: Batches,
    validation: Photos,
    run: Path,
    progress: checkpoint.Progress,
) -> None:
    print(f"epoch {progress.epoch + 1} of {recipe.epochs}, {phase.side} px", flush=True)
    began = time.monotonic()
    batches.begin_epoch(progress.epoch)
    _seed(learner, recipe.seed, progress.epoch)
    trained = learner.fit(batches, epochs=1, shuffle=False, verbose=2 if _quiet() else 1)
    seconds = time.monotonic() - began
    averaged, probabilities = _predict_averaged(learner, model, validation)
    measures = {
        "epoch": progress.epoch + 1,
        "side": phase.side,
        "loss": float(trained.history["loss"][-1]),
        "val_loss": cross_entropy(validation.targets, probabilities),
        "val_accuracy": accuracy(validation.targets, probabilities),
        "val_balanced_accuracy": balanced_accuracy(validation.targets, probabilities),
        "val_macro_auc": macro_auc(validation.targets, probabilities),
        "seconds": round(seconds, 1),
    }
    print(
        "  ".join(
            f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in measures.items()
        ),
        flush=True,
    )
    progress.epoch += 1
    progress.history.append(measures)
    score = CRITERIA[recipe.criterion](validation.targets, probabilities)
    if progress.best is None or score > progress.best:
        progress.best = score
        checkpoint.save_best(run, averaged, measures)
    checkpoint.save_state(run, progress, model, learner.optimizer)
    (run / "history.json").write_text(json.dumps(progress.history, indent=1))


def _quiet() -> bool:
    import sys

    return not sys.stdout.isatty()


def _learner(
    recipe: Recipe, phase: Phase, model: keras.Model, kept_side: int, steps: int
) -> keras.Model:
    """The model with augmentation before it and logits behind, compiled; shares its weights."""
    photos = keras.Input((kept_side, kept_side, 3), dtype="uint8", name="photos")
    augmented = augmentation(recipe.augment, phase.side, recipe.seed)(photos)
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    learner = keras.Model(photos, to_logits(augmented))
    learner.compile(
        optimizer=_optimizer(recipe, steps),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        jit_compile=keras.config.backend() == "jax",  # on a CPU, oneDNN beats XLA's convolutions
    )
    learner.optimizer.build(learner.trainable_variables)
    return learner


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    settings = recipe.optimizer
    warmup = round(settings.warmup_epochs * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.peak / 100,
        decay_steps=max(1, recipe.epochs * steps - warmup),
        alpha=settings.final,
        warmup_target=settings.peak,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=settings.weight_decay,
        use_ema=settings.ema > 0,
        ema_momentum=settings.ema or 0.99,
    )
    # Decay pulls on kernels only; biases and the scales of normalization are left alone.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _seed(learner: keras.Model, seed: int, epoch: int) -> None:
    """Nothing; seeds every generator by epoch, so that a resumed run draws as it would have."""
    for index, layer in enumerate(learner._flatten_layers()):
        for name in ("generator", "seed_generator"):
            generator = getattr(layer, name, None)
            if generator is not None:
                generator.state.assign([seed * 1000 + index, epoch])


def _predict_averaged(
    learner: keras.Model, model: keras.Model, photos: Photos
) -> tuple[list[np.ndarray], np.ndarray]:
    """The averaged weights and their probabilities; afterwards the model has its own ones back."""
    swap = (
        keras.callbacks.SwapEMAWeights()
        if learner.optimizer.use_ema
        else keras.callbacks.Callback()
    )
    swap.set_model(learner)
    swap.on_predict_begin()
    averaged = model.get_weights()
    probabilities = model.predict(photos.pixels, batch_size=VALIDATION_BATCH, verbose=0)
    swap.on_predict_end()
    return averaged, np.asarray(probabilities, dtype=np.float64)
