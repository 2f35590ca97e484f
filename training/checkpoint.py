"""Checkpoints: one file an epoch that holds all that a run needs to go on as if never stopped."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from model_zoo.errors import BadData

STATE, PREVIOUS, BEST = "state.npz", "state.previous.npz", "best.npz"


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
    arrays |= {f"o{i}": np.asarray(v.value) for i, v in enumerate(optimizer.variables)}
    if (run / STATE).exists():
        (run / PREVIOUS).unlink(missing_ok=True)
        (run / PREVIOUS).hardlink_to(run / STATE)
    _write(run / STATE, arrays, vars(progress))


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
    return sorted(file.parent for file in run.glob(f"[0-9]_*/{STATE}"))


def save_best(run: Path, weights: list[np.ndarray], about: dict) -> None:
    """Nothing; writes the weights to keep, with the measures that chose them."""
    _write(run / BEST, {f"w{i}": array for i, array in enumerate(weights)}, about)


def load_best(run: Path) -> tuple[list[np.ndarray], dict]:
    """The weights to keep and their measures."""
    if not (run / BEST).is_file():
        raise BadData("run_missing", folder=run)
    arrays, about = _read(run / BEST)
    return _numbered(arrays, "w"), about


def _numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [arrays[f"{prefix}{i}"] for i in range(sum(key[0] == prefix for key in arrays))]


def _write(file: Path, arrays: dict[str, np.ndarray], about: dict) -> None:
    partial = file.with_suffix(".partial")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **arrays)
        partial.replace(file)  # a full disk or a kill leaves the last good file in place
    except OSError as fault:
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
        kept = file.name == STATE and file.with_name(PREVIOUS).is_file()
        then = "go on from the epoch before" if kept else "begin anew"
        problem = f"it is damaged ({fault}); delete it to {then}"
        raise BadData("bad_checkpoint", file=file, problem=problem) from fault
