"""What a run left behind, as an export needs it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.card import CLASSIFICATION, SEGMENTATION
from model_zoo.cases import read_cases
from model_zoo.errors import BadData
from training import checkpoint, splits
from training.finished import rows_known
from training.outlines import outlined_rows
from training.recipe import Recipe
from training.recipe_file import recipe_from


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind: its settings, its history, and the weights to keep with their epoch.

    recipe: of the last stage; stages: names of all. history: of all of them, epochs counted on;
    earlier: how many of these are not of the last stage. folder: of the photos. images: the list
    that was read. train, validation: their rows, lesions completed from the tables. known: image
    and lesion of all photos that the network was trained on, those of its origins included.
    """

    recipe: Recipe
    stages: list[str]
    places: dict
    history: list[dict]
    earlier: int
    weights: list[np.ndarray]
    chosen: dict
    folder: Path
    images: Path
    train: list[splits.Row]
    validation: list[splits.Row]
    known: list[tuple[str, str]]


def read_run(run: Path, data: Path | None, images: Path | None) -> FinishedRun:
    """What a run, or its last stage, left behind. Raises `BadData` where there is none.

    data, images: its folder of photos and its list, where they are no longer where they were.
    """
    stages = checkpoint.stages(run)
    run = checkpoint.last_stage(run)
    if not (run / checkpoint.RECIPE).is_file():
        raise BadData("run_missing", folder=run)
    weights, chosen = checkpoint.load_best(run)
    recipe, places = (checkpoint.read_json(run / n) for n in (checkpoint.RECIPE, checkpoint.DATA))
    history, earlier = _history(stages or [run])
    folder = data or Path(places["folder"])
    task = recipe.get("task", CLASSIFICATION)
    images, train, validation = _photos(run, places, folder, images, task)
    return FinishedRun(
        recipe_from(recipe),
        [folder.name.split("_", 1)[1] for folder in stages] or [recipe["name"]],
        places,
        history,
        earlier,
        weights,
        chosen,
        folder,
        images,
        train,
        validation,
        rows_known(run),
    )


def _photos(
    run: Path, places: dict, folder: Path, given: Path | None, task: str
) -> tuple[Path, list[splits.Row], list[splits.Row]]:
    """The list of a run, and its rows that the run trained and validated on.

    Where a run was begun in a clone of the project that is gone, its list is gone too: then the
    project's own list counts, if it names the same photos. Raises `BadData` where none does.
    """
    begun = Path(places["images"])
    gone = given is None and not begun.exists()
    images = splits.DEV_LIST if gone else given or begun
    rows = _completed(splits.read_list(images), images, folder, task)
    train, validation = (
        splits.part_of(rows, part, places["limit"]) for part in (splits.TRAIN, splits.VALIDATION)
    )
    agrees = splits.digest(train + validation) == places["photos_sha256"]
    if gone and not agrees:
        raise BadData("list_missing", list=begun, folder=run)
    # Without the folder labels may be missing, and which photos have outlines is not known.
    whole = task == CLASSIFICATION and all(row.label for row in train + validation)
    if (folder.is_dir() or whole) and not agrees:
        raise BadData("other_list", list=images, folder=run)
    return images, train, validation


def _completed(rows: list[splits.Row], images: Path, folder: Path, task: str) -> list[splits.Row]:
    """The rows of a list with what the folder, if it is there, knows of them."""
    if not folder.is_dir():
        return rows
    if task == SEGMENTATION:
        return outlined_rows(rows, folder)
    cases = {case.image: case for case in read_cases(folder)}
    bare = [row for row in rows if not row.label or not row.lesion_id]
    splits.require(bare, set(cases), images)
    return splits.complete(rows, cases)


def _history(stages: list[Path]) -> tuple[list[dict], int]:
    """The epochs of all stages, counted through, and how many were before the last stage."""
    history: list[dict] = []
    earlier = 0
    for number, stage in enumerate(stages, start=1):
        earlier = len(history)
        entries = checkpoint.read_json(stage / checkpoint.HISTORY)
        history += [
            {**entry, "stage": number, "epoch": earlier + entry["epoch"]} for entry in entries
        ]
    return history, earlier
