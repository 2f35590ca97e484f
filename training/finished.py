"""Networks that are done: of a run's folder, or of a model by its name or file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo import loading, registry
from model_zoo.architectures import BACKBONES, build
from model_zoo.card import CLASSIFICATION, INSIDE, OUTLINED, SEGMENTATION
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from model_zoo.training_ids import read_rows, training_rows
from model_zoo.unet import build_unet
from training import checkpoint
from training.recipe import Recipe
from training.recipe_file import recipe_from

OTHER_WEIGHTS = ("imagenet", "none")  # what else `weights` of a recipe may be, beside an .npz file


@dataclass(frozen=True)
class Finished:
    """A network that is done: its backbone, what it does, and its weights as `get_weights()` lists
    them.
    """

    backbone: str
    task: str
    weights: list[np.ndarray]


def is_named(weights: str) -> bool:
    """Whether the `weights` of a recipe name a finished network."""
    return weights not in OTHER_WEIGHTS and not weights.endswith(".npz")


def read_finished(source: str | Path) -> Finished:
    """The network of a run, of its last stage where it has some, or of a model of the zoo.

    source: the folder of a run, the name of a model, or its `.keras` file with a card beside it.
    Raises `BadData` for a folder without a finished run, `BadModel` for an unknown model.
    """
    if Path(source).is_dir():
        return _of_run(Path(source))
    card = registry.find(str(source))
    file = card.file("keras")
    labels = CODES if card.task == CLASSIFICATION else (OUTLINED,)
    if file is None or not card.backbone or card.labels != labels or card.scaling != INSIDE:
        raise BadData("finished_unfit", source=source, labels=" ".join(labels))
    if not file.is_file():
        raise BadData("missing_file", path=file)
    loading.verify_file(card, "keras")
    from model_zoo.compile import load_flat

    return Finished(card.backbone, card.task, load_flat(file).get_weights())


def first_weights(source: str | Path, recipe: Recipe) -> list[np.ndarray]:
    """All weights that a recipe begins with from a finished network, as `get_weights()` lists them.

    Those of that network; or, where the recipe outlines and the network is a classifier on the same
    backbone, those of a new U-Net whose encoder is that backbone. Raises as `read_finished`, and
    `BadData` where the network is of another kind.
    """
    finished = read_finished(source)
    of_other_task = (finished.task, recipe.task) == (CLASSIFICATION, SEGMENTATION)
    if of_other_task and finished.backbone == recipe.backbone:
        return _unet_on(finished)
    require_like(finished, source, recipe)
    return finished.weights


def _unet_on(classifier: Finished) -> list[np.ndarray]:
    """The weights of a new U-Net with the backbone of a classifier."""
    side = BACKBONES[classifier.backbone].side
    trained = build(classifier.backbone, side, weights=None)
    trained.set_weights(classifier.weights)
    unet = build_unet(classifier.backbone, side, weights=None)
    shared = {layer.name for layer in trained.layers} & {layer.name for layer in unet.layers}
    for name in shared:
        unet.get_layer(name).set_weights(trained.get_layer(name).get_weights())
    return unet.get_weights()


def require_like(finished: Finished, source: str | Path, recipe: Recipe) -> None:
    """Nothing; raises `BadData` where a network is of another kind than a recipe trains."""
    found, wanted = (f"{kind.backbone} for {kind.task}" for kind in (finished, recipe))
    if found != wanted:
        raise BadData("finished_other", source=source, found=found, wanted=wanted)


def rows_known(source: str | Path) -> list[tuple[str, str]]:
    """Image and lesion of each photo that a finished network was trained on, in any way.

    Raises `BadData` where nobody knows.
    """
    if Path(source).is_dir():
        file = checkpoint.last_stage(Path(source)) / checkpoint.TRAINED_ON
        rows = read_rows(checkpoint.read_text(file)) if file.is_file() else None
    else:
        rows = training_rows(registry.find(str(source)))
    if rows is None:
        raise BadData("unlisted", name=source)
    return rows


def _of_run(folder: Path) -> Finished:
    run = checkpoint.last_stage(folder)
    if not (run / checkpoint.BEST).is_file() or not (run / checkpoint.RECIPE).is_file():
        raise BadData("finished_missing", folder=folder)
    recipe = recipe_from(checkpoint.read_json(run / checkpoint.RECIPE))
    return Finished(recipe.backbone, recipe.task, checkpoint.load_best(run)[0])
