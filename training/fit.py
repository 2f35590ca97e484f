"""A training run, from recipe to the weights to keep, read top to bottom.

The same code trains on the TensorFlow, JAX and PyTorch backends of Keras (`KERAS_BACKEND`).
"""

import dataclasses
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.architectures import build
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training import checkpoint, splits
from training.dataset import Batches, Photos, load_photos, training_side
from training.learner import Learner, learner, predict_averaged, seed_epoch
from training.losses import loss
from training.metrics import CRITERIA, accuracy, balanced_accuracy, cross_entropy, macro_auc
from training.plateau import is_over, learning_rate
from training.recipe import Phase, Recipe

RECIPE, DATA, HISTORY = "recipe.json", "data.json", "history.json"


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


@dataclass(frozen=True)
class Run:
    """A recipe on its way: its data, its folder and how far it is."""

    recipe: Recipe
    data: Data
    folder: Path
    progress: checkpoint.Progress


def fit_stages(
    recipes: tuple[Recipe, ...], data: Data, folder: Path, *, resume: bool = False
) -> None:
    """Nothing; trains the stages one after the other, each from the best weights of the last.

    One recipe trains into `folder` itself, several into a folder each inside it. Raises as `fit`.
    """
    if len(recipes) == 1:
        fit(recipes[0], data, folder, resume=resume)
        return
    if resume and not checkpoint.stages(folder):
        raise BadData("run_missing", folder=folder)
    start = None
    for number, recipe in enumerate(recipes, start=1):
        stage = folder / f"{number}_{recipe.name}"
        begun = (stage / checkpoint.STATE).exists()
        fit(recipe, data, stage, resume=resume and begun, start=start)
        start = stage


def fit(
    recipe: Recipe, data: Data, folder: Path, *, resume: bool = False, start: Path | None = None
) -> None:
    """Nothing; trains into `folder`: state.npz, best.npz, recipe.json, data.json, history.json.

    start: the folder of a run whose best weights are the first ones, instead of the recipe's.
    Raises `BadData` if the folder holds a run and `resume` is off, or holds none and it is on.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    progress, weights, moments = _begin(recipe, data, folder, resume)
    if weights is None and start is not None:
        weights, _ = checkpoint.load_best(start)
    run = Run(recipe, data, folder, progress)
    first_epoch = 0
    for index, phase in enumerate(recipe.phases):
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch and not _is_over(run):
            if progress.phase != index:  # the best of another size says nothing about this one
                progress.phase, progress.best = index, None
            weights, moments = _run_phase(run, phase, weights, moments, last_epoch)
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
    run: Run,
    phase: Phase,
    weights: list[np.ndarray] | None,
    moments: list[np.ndarray] | None,
    last_epoch: int,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    recipe, data = run.recipe, run.data
    kept = phase.side if recipe.published_augment else training_side(phase.side)
    photos = load_photos(data.folder, data.train, kept, skip_broken=data.skip_broken)
    validation = load_photos(data.folder, data.validation, phase.side, skip_broken=data.skip_broken)
    batches = Batches(photos, recipe)
    first = recipe.weights if weights is None else None
    model = build(recipe.backbone, phase.side, weights=first, dropout=recipe.dropout)
    prior = np.bincount(photos.targets, minlength=len(CODES)) / len(photos.targets)
    pupil = learner(recipe, model, kept, len(batches), prior)
    if weights is not None:
        model.set_weights(weights)
    if moments is not None:
        for variable, value in zip(pupil.trained.optimizer.variables, moments, strict=True):
            variable.assign(value)
    while run.progress.epoch < last_epoch and not _is_over(run):
        _run_epoch(run, phase, pupil, batches, validation)
    return model.get_weights(), [np.asarray(v.value) for v in pupil.trained.optimizer.variables]


def _is_over(run: Run) -> bool:
    patience = run.recipe.early_stop
    return patience > 0 and is_over(patience, _objectives(run.progress))


def _objectives(progress: checkpoint.Progress) -> list[float]:
    return [entry["val_objective"] for entry in progress.history]


def _run_epoch(
    run: Run, phase: Phase, pupil: Learner, batches: Batches, validation: Photos
) -> None:
    recipe, progress = run.recipe, run.progress
    print(f"epoch {progress.epoch + 1} of {recipe.epochs}, {phase.side} px", flush=True)
    plateau = recipe.optimizer.plateau
    if plateau is not None:
        rate = learning_rate(recipe.optimizer.peak, plateau, _objectives(progress))
        pupil.trained.optimizer.learning_rate.assign(rate)
    began = time.monotonic()
    batches.begin_epoch(progress.epoch)
    seed_epoch(pupil.trained, recipe.seed, progress.epoch)
    trained = pupil.trained.fit(
        batches,
        epochs=1,
        shuffle=False,
        class_weight=class_weights(recipe, batches.photos.targets),
        verbose=1 if sys.stdout.isatty() else 2,
    )
    seconds = time.monotonic() - began
    averaged, probabilities = predict_averaged(pupil, validation.pixels)
    measures = {
        "epoch": progress.epoch + 1,
        "side": phase.side,
        "loss": float(trained.history["loss"][-1]),
        "val_objective": _objective(recipe, validation.targets, probabilities),
        "val_loss": cross_entropy(validation.targets, probabilities),
        "val_accuracy": accuracy(validation.targets, probabilities),
        "val_balanced_accuracy": balanced_accuracy(validation.targets, probabilities),
        "val_macro_auc": macro_auc(validation.targets, probabilities),
        "seconds": round(seconds, 1),
    }
    shown = (f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in measures.items())
    print("  ".join(shown), flush=True)
    progress.epoch += 1
    progress.history.append(measures)
    score = CRITERIA[recipe.criterion](validation.targets, probabilities)
    if progress.best is None or score > progress.best:
        progress.best = score
        checkpoint.save_best(run.folder, averaged, measures)
    checkpoint.save_state(run.folder, progress, pupil.model, pupil.trained.optimizer)
    (run.folder / HISTORY).write_text(json.dumps(progress.history, indent=1))


def class_weights(recipe: Recipe, targets: np.ndarray) -> dict[int, float] | None:
    """The weight of each class in the loss, by its index, or None for equal ones."""
    if recipe.class_weights:
        return dict(enumerate(recipe.class_weights))
    if not recipe.class_weight_power:
        return None
    counts = np.maximum(np.bincount(targets, minlength=len(CODES)), 1)
    weights = counts**-recipe.class_weight_power
    return dict(enumerate((weights / np.average(weights, weights=counts)).tolist()))


def _objective(recipe: Recipe, targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The recipe's own loss on validation photos, unweighted, for plateaus and early stops."""
    one_hot = np.eye(len(CODES), dtype="float32")[targets]
    logits = np.log(np.clip(probabilities, 1e-12, 1)).astype("float32")
    value = loss(recipe.loss, label_smoothing=recipe.label_smoothing)(one_hot, logits)
    return float(keras.ops.convert_to_numpy(value))
