"""Checkpoints: one file an epoch that holds all that a run needs to go on as if never stopped."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from model_zoo.errors import BadData

STATE, PREVIOUS, BEST = "state.npz", "state.previous.npz", "best.npz"
RECIPE, DATA, HISTORY = "recipe.json", "data.json", "history.json"
TRAINED_ON = "trained_on.csv"


@dataclass
class Progress:
    """How far a run is: epochs done, one history entry an epoch, the best of the current phase."""

    epoch: int = 0
    phase: int = 0
    best: float | None = None
    history: list[dict] = field(default_factory=list)


def save_state(
    run: Path, progress: Progress, model: keras.Model, optimizer: keras.Optimizer
) -> None:
    """Nothing; writes weights, optimizer variables and progress to one file, atomically.

    The file of the epoch before is kept beside it, should this one be damaged.
    """
    arrays = {f"w{i}": array for i, array in enumerate(model.get_weights())}
    arrays |= {f"o{i}": array for i, array in enumerate(values(optimizer.variables))}
    _write(run / STATE, arrays, vars(progress), keep=run / PREVIOUS)


def values(variables: list) -> list[np.ndarray]:
    """The numbers of Keras variables, wherever a backend keeps them."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def load_state(run: Path) -> tuple[Progress, list[np.ndarray], list[np.ndarray]]:
    """Progress, model weights and optimizer variables of a run.

    Without the last epoch's file, those of the epoch before. Raises `BadData` when there is no run
    or the file is damaged.
    """
    file = next((run / n for n in (STATE, PREVIOUS) if (run / n).is_file()), None)
    if file is None:
        raise BadData("run_missing", folder=run)
    arrays, about = _read(file)
    return Progress(**about), _numbered(arrays, "w"), _numbered(arrays, "o")


def stages(run: Path) -> list[Path]:
    """The folders of a run's stages that were begun, in order; none if it has no stages."""
    numbers = {folder: folder.name.split("_", 1)[0] for folder in run.glob("[0-9]*_*")}
    found = [folder for folder, number in numbers.items() if number.isdecimal() and begun(folder)]
    return sorted(found, key=lambda folder: int(numbers[folder]))


def last_stage(run: Path) -> Path:
    """The folder of a run's last stage that was begun; of a run without stages, its own."""
    return [run, *stages(run)][-1]


def begun(run: Path) -> bool:
    """Whether a folder holds a run that can be gone on with."""
    return any((run / name).is_file() for name in (STATE, PREVIOUS))


def save_best(run: Path, weights: list[np.ndarray], about: dict) -> None:
    """Nothing; writes the weights to keep, with the measures that chose them."""
    _write(run / BEST, {f"w{i}": array for i, array in enumerate(weights)}, about)


def load_best(run: Path) -> tuple[list[np.ndarray], dict]:
    """The weights to keep and their measures."""
    if not (run / BEST).is_file():
        raise BadData("run_missing", folder=run)
    arrays, about = _read(run / BEST)
    return _numbered(arrays, "w"), about


def set_weights(model: keras.Model, weights: list[np.ndarray], run: str | Path) -> None:
    """Nothing; gives a network the weights of a run. Raises `BadData` where they are of another."""
    if [tuple(w.shape) for w in model.weights] != [w.shape for w in weights]:
        raise BadData("run_of_other_network", folder=run)
    model.set_weights(weights)


def _numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [arrays[f"{prefix}{i}"] for i in range(sum(key[0] == prefix for key in arrays))]


def write_json(file: Path, content: dict | list) -> None:
    """Nothing; writes a small file of a run. Raises `BadData` on a full disk."""
    write_text(file, json.dumps(content, indent=1))


def write_text(file: Path, text: str) -> None:
    """Nothing; as `write_json`. What was there before stays until the new file is whole."""
    partial = file.with_suffix(".partial")
    with _writing(file, partial):
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)


def read_json(file: Path) -> dict | list:
    """A small file of a run. Raises `BadData` where it is missing or damaged."""
    try:
        return json.loads(read_text(file))
    except ValueError as fault:
        problem = f"it is missing or damaged ({fault})"
        raise BadData("bad_checkpoint", file=file, problem=problem) from fault


def read_text(file: Path) -> str:
    """The text of a small file of a run. Raises `BadData` where it is missing or damaged."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        problem = f"it is missing or damaged ({fault})"
        raise BadData("bad_checkpoint", file=file, problem=problem) from fault


def _write(
    file: Path, arrays: dict[str, np.ndarray], about: dict, keep: Path | None = None
) -> None:
    partial = file.with_suffix(".partial")
    with _writing(file, partial):
        with partial.open("wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **arrays)
            stream.flush()
            os.fsync(stream.fileno())  # or a power cut could leave the name without the content
        if keep is not None and file.exists():
            file.replace(keep)
        partial.replace(file)  # a full disk or a kill leaves the last good file in place


@contextlib.contextmanager
def _writing(file: Path, partial: Path | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise BadData(
            "bad_checkpoint", file=file, problem=f"it cannot be written ({fault})"
        ) from fault


def _read(file: Path) -> tuple[dict[str, np.ndarray], dict]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        return arrays, json.loads(str(arrays.pop("about")))
    except Exception as fault:  # a damaged archive raises nearly anything
        problem = f"it is damaged ({fault}); {_remedy(file)}"
        raise BadData("bad_checkpoint", file=file, problem=problem) from fault


def _remedy(file: Path) -> str:
    """What to do about a damaged file of a run."""
    previous = file.with_name(PREVIOUS).is_file()
    if file.name == BEST and previous:
        again = "--resume trains the last epoch again and keeps that one, were it the best or not"
        return f"delete it and {STATE}, and {again}"
    if file.name == STATE and previous:
        return "delete it to go on from the epoch before"
    return "delete its folder to begin anew"
