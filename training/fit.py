"""A training run, from recipe to the weights to keep, read top to bottom.

The same code trains on the TensorFlow, JAX and PyTorch backends of Keras (`KERAS_BACKEND`).
"""

import dataclasses
import hashlib
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
from training import checkpoint, distillation, splits
from training.dataset import Batches, Photos, load_photos, training_side
from training.learner import Learner, learner, predict_averaged, seed_epoch
from training.losses import recipe_loss
from training.metrics import CRITERIA, accuracy, balanced_accuracy, cross_entropy, macro_auc
from training.plateau import is_over, learning_rate
from training.recipe import Phase, Recipe
from training.recipe_file import recipe_from


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
    """A recipe on its way: its data, its folder, how far it is, and the runs that teach it."""

    recipe: Recipe
    data: Data
    folder: Path
    progress: checkpoint.Progress
    teachers: tuple[Path, ...] = ()


def fit_stages(
    recipes: tuple[Recipe, ...],
    data: Data,
    folder: Path,
    *,
    resume: bool = False,
    teachers: tuple[Path, ...] = (),
) -> None:
    """Nothing; trains the stages one after the other, each from the best weights of the last.

    One recipe trains into `folder` itself, several into a folder each inside it. teachers: folders
    of finished runs, for stages with `distillation`. Raises as `fit`.
    """
    distillation.check(recipes, teachers)
    if len(recipes) == 1:
        fit(recipes[0], data, folder, resume=resume, teachers=teachers)
        return
    if resume and not checkpoint.stages(folder):
        raise BadData("run_missing", folder=folder)
    start = None
    for number, recipe in enumerate(recipes, start=1):
        stage = folder / f"{number}_{recipe.name}"
        again = resume and checkpoint.begun(stage)
        fit(recipe, data, stage, resume=again, start=start, teachers=teachers)
        start = stage


def fit(
    recipe: Recipe,
    data: Data,
    folder: Path,
    *,
    resume: bool = False,
    start: Path | None = None,
    teachers: tuple[Path, ...] = (),
) -> None:
    """Nothing; trains into `folder`: state.npz, best.npz, recipe.json, data.json, history.json.

    start: the folder of a run whose best weights are the first ones, instead of the recipe's.
    Raises `BadData` if the folder holds a run and `resume` is off, or holds none and it is on.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    teachers = teachers if recipe.distillation else ()
    progress, weights, moments = _begin(recipe, data, folder, resume, teachers)
    if weights is None and start is not None:
        weights, _ = checkpoint.load_best(start)
    run = Run(recipe, data, folder, progress, teachers)
    first_epoch = 0
    for index, phase in enumerate(recipe.phases):
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch and not _is_over(run):
            if progress.phase != index:  # the best of another size says nothing about this one
                progress.phase, progress.best = index, None
            weights, moments = _run_phase(run, phase, weights, moments, last_epoch)
        first_epoch = last_epoch


def _begin(
    recipe: Recipe, data: Data, run: Path, resume: bool, teachers: tuple[Path, ...]
) -> tuple[checkpoint.Progress, list[np.ndarray] | None, list[np.ndarray] | None]:
    about = {
        "folder": str(data.folder.resolve()),
        "images": str(data.images.resolve()),
        "photos_sha256": _digest(data),
        "train": len(data.train),
        "validation": len(data.validation),
        "limit": data.limit,
        "skip_broken": data.skip_broken,
        "teachers_sha256": distillation.digest(teachers),
    }
    if resume:
        state = checkpoint.load_state(run)
        recipe_file, data_file = run / checkpoint.RECIPE, run / checkpoint.DATA
        begun = recipe_from(json.loads(recipe_file.read_text()))
        _require_same(dataclasses.asdict(begun), dataclasses.asdict(recipe), recipe_file)
        _require_same(json.loads(data_file.read_text()), about, data_file)
        return state
    if checkpoint.begun(run):
        raise BadData("run_exists", folder=run)
    run.mkdir(parents=True, exist_ok=True)
    checkpoint.write_json(run / checkpoint.RECIPE, dataclasses.asdict(recipe))
    checkpoint.write_json(run / checkpoint.DATA, about)
    return checkpoint.Progress(), None, None


def _digest(data: Data) -> str:
    """The sha256 of which photos train and validate, wherever their list and folder lie."""
    rows = "".join(f"{row.image} {row.label} {row.part}\n" for row in data.train + data.validation)
    return hashlib.sha256(rows.encode()).hexdigest()


def _require_same(begun: dict, asked: dict, file: Path) -> None:
    """Nothing; raises `BadData` that names the first setting in which a resumed run differs."""
    for key, value in asked.items():
        # Folder and list may have moved: the digest tells whether the photos are the same.
        if key not in ("folder", "images") and key in begun and begun[key] != value:
            raise BadData("run_differs", file=file, key=key, begun=begun[key], asked=value)


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
    if not len(batches):
        raise BadData("too_few_to_train", batch=recipe.batch, photos=len(photos.targets))
    first = recipe.weights if weights is None else None
    model = build(recipe.backbone, phase.side, weights=first, dropout=recipe.dropout)
    teachers = distillation.read_teachers(run.teachers, phase.side)
    pupil = learner(recipe, model, kept, len(batches), batches.prior, teachers)
    if weights is not None:
        model.set_weights(weights)
    if moments is not None:
        for variable, value in zip(pupil.trained.optimizer.variables, moments, strict=True):
            variable.assign(value)
    while run.progress.epoch < last_epoch and not _is_over(run):
        _run_epoch(run, phase, pupil, batches, validation)
    return model.get_weights(), checkpoint.values(pupil.trained.optimizer.variables)


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
        # After the last step; within an epoch it may change.
        "learning_rate": float(pupil.trained.optimizer.learning_rate),
        "loss": float(trained.history["loss"][-1]),
        "val_objective": objective(recipe, batches.prior, validation.targets, probabilities),
        **_measure(validation.targets, probabilities),
        "seconds": round(seconds, 1),
    }
    _keep(run, pupil, measures, averaged, validation.targets, probabilities)


def _measure(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    return {
        "val_loss": cross_entropy(targets, probabilities),
        "val_accuracy": accuracy(targets, probabilities),
        "val_balanced_accuracy": balanced_accuracy(targets, probabilities),
        "val_macro_auc": macro_auc(targets, probabilities),
    }


def _keep(
    run: Run,
    pupil: Learner,
    measures: dict,
    averaged: list[np.ndarray],
    targets: np.ndarray,
    probabilities: np.ndarray,
) -> None:
    """Nothing; prints and writes what an epoch ended with, and its weights if they are the best."""
    shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in measures.items())
    print("  ".join(shown), flush=True)
    progress = run.progress
    progress.epoch += 1
    progress.history.append(measures)
    score = CRITERIA[run.recipe.criterion](targets, probabilities)
    if progress.best is None or score > progress.best:
        progress.best = score
        checkpoint.save_best(run.folder, averaged, measures)
    checkpoint.save_state(run.folder, progress, pupil.model, pupil.trained.optimizer)
    checkpoint.write_json(run.folder / checkpoint.HISTORY, progress.history)


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
