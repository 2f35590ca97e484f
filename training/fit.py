"""A training run, from recipe to the weights to keep, read top to bottom.

The same code trains on the TensorFlow, JAX and PyTorch backends of Keras (`KERAS_BACKEND`), and in
one process or several (`hosts`), of which the first alone prints and writes.
"""

import dataclasses
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.errors import BadData
from model_zoo.training_ids import ids_of, write_rows
from training import checkpoint, classification, distillation, hosts, segmentation, splits
from training.finished import first_weights, is_named, rows_known
from training.learner import Data, Learner, Lesson, predict_averaged, seed_epoch
from training.plateau import is_over, learning_rate
from training.recipe import Phase, Recipe
from training.recipe_file import recipe_from

LESSONS: dict[str, Callable[[Recipe, Data, Phase, str | None], Lesson]] = {
    "classification": classification.lesson,
    "segmentation": segmentation.lesson,
}


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

    One recipe trains into `folder` itself, several into a folder each inside it. Each stage has the
    seed after the last one's, or it would draw the same photos and changes again. Raises as `fit`.
    """
    distillation.check(recipes, data.teachers)
    if len(recipes) == 1:
        fit(recipes[0], data, folder, resume=resume)
        return
    if resume and not checkpoint.stages(folder):
        raise BadData("run_missing", folder=folder)
    start = None
    for number, recipe in enumerate(recipes, start=1):
        stage = folder / f"{number}_{recipe.name}"
        seeded = dataclasses.replace(recipe, seed=recipe.seed + number - 1)
        fit(seeded, data, stage, resume=resume and checkpoint.begun(stage), start=start)
        start = stage


def fit(
    recipe: Recipe, data: Data, folder: Path, *, resume: bool = False, start: Path | None = None
) -> None:
    """Nothing; trains into `folder`: state.npz, best.npz, recipe.json, data.json, history.json.

    start: the folder of a run whose best weights are the first ones, instead of the recipe's, which
    may be those of a finished network (see `finished`).
    Raises `BadData` if the folder holds a run and `resume` is off, or holds none and it is on.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    if not recipe.distillation:
        data = dataclasses.replace(data, teachers=())
    about = _about(recipe, data, start)
    if resume:
        progress, weights, moments = _gone_on_with(recipe, about, folder)
    else:
        _begin(recipe, data, about, folder, start)
        progress, weights, moments = checkpoint.Progress(), None, None
    digests = f"{about['photos_sha256']} {about['teachers_sha256']}"
    hosts.agree(f"{recipe} {digests} {progress.epoch}")
    if weights is None:
        weights = _first_weights(recipe, start)
    run = Run(recipe, data, folder, progress)
    first_epoch = 0
    for index, phase in enumerate(recipe.phases):
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch and not _is_over(run):
            if progress.phase != index:  # the best of another size says nothing about this one
                progress.phase, progress.best = index, None
            weights, moments = _run_phase(run, phase, weights, moments, last_epoch)
        first_epoch = last_epoch
    if hosts.first() and not (folder / checkpoint.BEST).is_file():
        raise BadData("no_best", folder=folder)


def _first_weights(recipe: Recipe, start: Path | None) -> list[np.ndarray] | None:
    """All weights to begin with, the head's too; None where only the backbone has some."""
    if start is not None:
        return checkpoint.load_best(start)[0]
    if not is_named(recipe.weights):
        return None
    return first_weights(recipe.weights, recipe)


def _about(recipe: Recipe, data: Data, start: Path | None) -> dict:
    """What data.json says of a run."""
    return {
        "folder": str(data.folder.resolve()),
        "images": str(data.images.resolve()),
        "photos_sha256": splits.digest(data.train + data.validation),
        "train": len(data.train),
        "validation": len(data.validation),
        "limit": data.limit,
        "skip_broken": data.skip_broken,
        "teachers_sha256": distillation.digest(data.teachers),
        "taught_by": ", ".join(Path(teacher).name for teacher in data.teachers),
        "begun_from": _origin(recipe, start),
    }


def _begin(recipe: Recipe, data: Data, about: dict, run: Path, start: Path | None) -> None:
    """Nothing; writes what a new run is. Raises `BadData` where the folder holds one."""
    if checkpoint.begun(run):
        raise BadData("run_exists", folder=run)
    trained_on = _trained_on(recipe, data, start)
    if hosts.first():
        run.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text(run / checkpoint.TRAINED_ON, write_rows(trained_on))
        checkpoint.write_json(run / checkpoint.RECIPE, dataclasses.asdict(recipe))
        checkpoint.write_json(run / checkpoint.DATA, about)


def _origin(recipe: Recipe, start: Path | None) -> str:
    """The name of the finished network that a run begins with, "" if with none but its stages."""
    if start is not None:
        file = start / checkpoint.DATA
        return checkpoint.read_json(file).get("begun_from", "") if file.is_file() else ""
    return Path(recipe.weights).name if is_named(recipe.weights) else ""


def _gone_on_with(
    recipe: Recipe, about: dict, run: Path
) -> tuple[checkpoint.Progress, list[np.ndarray], list[np.ndarray]]:
    """The state of a run that was begun with this recipe, on these photos."""
    progress, weights, moments = checkpoint.load_state(run)
    recipe_file, data_file = run / checkpoint.RECIPE, run / checkpoint.DATA
    begun = recipe_from(checkpoint.read_json(recipe_file))
    _require_same(dataclasses.asdict(begun), dataclasses.asdict(recipe), recipe_file)
    _require_same(checkpoint.read_json(data_file), about, data_file)
    if (run / checkpoint.BEST).is_file():
        checkpoint.load_best(run)  # damage is told before more epochs are trained, not after them
    else:
        progress.best = None  # the next epoch is kept, whatever the lost one was worth
    if hosts.first():  # it may have been killed between the state and the history
        checkpoint.write_json(run / checkpoint.HISTORY, progress.history)
    return progress, weights, moments


def _trained_on(recipe: Recipe, data: Data, start: Path | None) -> list[tuple[str, str]]:
    """Image and lesion of all photos that a new run will know, those of its origins included.

    Raises `BadData` where these know a photo that is to validate, or nobody knows what they know.
    """
    rows = [(row.image, row.lesion_id) for row in data.train]
    if start is not None:
        rows += rows_known(start)
    begins = start is None and is_named(recipe.weights)
    for origin in [*([recipe.weights] if begins else []), *data.teachers]:
        known = rows_known(origin)
        seen = ids_of(known)
        count = sum(seen.know(row.image, row.lesion_id) for row in data.validation)
        if count:
            raise BadData("finished_knows", source=origin, count=count)
        rows += known
    return rows


def _require_same(begun: dict, asked: dict, file: Path) -> None:
    """Nothing; raises `BadData` that names the first setting in which a resumed run differs."""
    for key, value in asked.items():
        # These may have moved: the digests tell whether photos and teachers are the same.
        if (
            key not in ("folder", "images", "taught_by", "begun_from")
            and key in begun
            and begun[key] != value
        ):
            raise BadData("run_differs", file=file, key=key, begun=begun[key], asked=value)


def _run_phase(
    run: Run,
    phase: Phase,
    weights: list[np.ndarray] | None,
    moments: list[np.ndarray] | None,
    last_epoch: int,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    first = run.recipe.weights if weights is None else None
    lesson = LESSONS[run.recipe.task](run.recipe, run.data, phase, first)
    model, optimizer = lesson.learner.model, lesson.learner.trained.optimizer
    if weights is not None:
        checkpoint.set_weights(model, weights, run.folder)
    if moments is not None:
        for variable, value in zip(optimizer.variables, moments, strict=True):
            variable.assign(value)
    while run.progress.epoch < last_epoch and not _is_over(run):
        _run_epoch(run, phase, lesson)
    return model.get_weights(), checkpoint.values(optimizer.variables)


def _is_over(run: Run) -> bool:
    patience = run.recipe.early_stop
    return patience > 0 and is_over(patience, _objectives(run.progress))


def _objectives(progress: checkpoint.Progress) -> list[float]:
    return [entry["val_objective"] for entry in progress.history]


def _run_epoch(run: Run, phase: Phase, lesson: Lesson) -> None:
    recipe, progress, trained = run.recipe, run.progress, lesson.learner.trained
    if hosts.first():
        print(f"epoch {progress.epoch + 1} of {recipe.epochs}, {phase.side} px", flush=True)
    plateau = recipe.optimizer.plateau
    if plateau is not None:
        rate = learning_rate(recipe.optimizer.peak, plateau, _objectives(progress))
        trained.optimizer.learning_rate.assign(rate)
    began = time.monotonic()
    lesson.batches.begin_epoch(progress.epoch)
    seed_epoch(trained, recipe.seed, progress.epoch)
    fitted = trained.fit(
        lesson.batches,
        epochs=1,
        shuffle=False,
        class_weight=lesson.class_weight,
        verbose=0 if not hosts.first() else 1 if sys.stdout.isatty() else 2,
    )
    seconds = time.monotonic() - began
    averaged, answer = predict_averaged(lesson.learner, lesson.validation)
    measures = {
        "epoch": progress.epoch + 1,
        "side": phase.side,
        # After the last step; within an epoch it may change.
        "learning_rate": float(trained.optimizer.learning_rate),
        "loss": float(fitted.history["loss"][-1]),
        **lesson.measure(answer),
        "seconds": round(seconds, 1),
    }
    _keep(run, lesson.learner, measures, averaged)


def _keep(run: Run, pupil: Learner, measures: dict, averaged: list[np.ndarray]) -> None:
    """Nothing; prints and writes what an epoch ended with, and its weights if they are the best."""
    progress = run.progress
    progress.epoch += 1
    progress.history.append(measures)
    score = measures[f"val_{run.recipe.criterion}"]
    # A score that is no number, of a network that came apart, is never the best.
    is_best = score > (-math.inf if progress.best is None else progress.best)
    if is_best:
        progress.best = score
    if hosts.first():
        texts = (
            f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in measures.items()
        )
        print("  ".join(texts), flush=True)
        if is_best:
            checkpoint.save_best(run.folder, averaged, measures)
        checkpoint.save_state(run.folder, progress, pupil.model, pupil.trained.optimizer)
        checkpoint.write_json(run.folder / checkpoint.HISTORY, progress.history)
    hosts.agree(f"epoch {progress.epoch}")  # nobody reads what is not written yet
