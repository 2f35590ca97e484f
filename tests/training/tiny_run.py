"""A run of a tiny network in a process of its own: python tiny_run.py FOLDER OUT EPOCHS [FLAG...].

FLAG: --resume, --hang to stand still in the middle of the second epoch, or --random for random
changes, mixup and dropout, which differ between backends. FOLDER holds list.csv.
Prints the mean loss of each epoch up to each of its steps, and the history.
"""

import json
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np

from model_zoo import architectures
from model_zoo.training_ids import write_rows
from training import checkpoint, fit, splits
from training.dataset import Batches
from training.learner import Data
from training.recipe import Augment, Optimizer, Phase, Recipe


def make(include_top, weights, input_tensor):
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(input_tensor)
    x = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
    return keras.Model(keras.utils.get_source_inputs(x)[0], x)


def start(out: Path) -> Path:
    """The same first weights on every backend: each draws its own."""
    random = np.random.default_rng(0)
    model = architectures.build("Tiny", 24, weights=None)
    first = [random.normal(0, 0.1, w.shape) if w.ndim > 1 else w for w in model.get_weights()]
    folder = out / f"start_{os.getpid()}"
    folder.mkdir(parents=True)
    checkpoint.save_best(folder, first, {})
    checkpoint.write_text(folder / checkpoint.TRAINED_ON, write_rows([]))
    return folder


def hang_in_second_epoch() -> None:
    real = Batches.__getitem__

    def slow(self, index):
        if self.epoch == 1 and index == 2:
            print("HANGING", flush=True)
            time.sleep(600)
        return real(self, index)

    Batches.__getitem__ = slow


class Steps(keras.callbacks.Callback):
    """Remembers the loss after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.losses.append(float(logs["loss"]))


def remember_steps() -> Steps:
    real, steps = keras.Model.fit, Steps()
    keras.Model.fit = lambda self, *given, **named: real(self, *given, callbacks=[steps], **named)
    return steps


def main(folder: Path, out: Path, epochs: int, flags: list[str]) -> None:
    architectures.BACKBONES["Tiny"] = architectures.Backbone(make, "tf", 24)
    rows = splits.read_list(folder / "list.csv")
    data = Data(folder, folder / "list.csv", rows, rows)
    still = Augment(False, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, (), 0)
    random = "--random" in flags
    recipe = Recipe(
        "tiny",
        "Tiny",
        (Phase(24, epochs),),
        weights="none",
        dropout=0.3 if random else 0.0,
        mixup=0.4 if random else 0.0,
        batch=48 if epochs == 1 else 8,
        precision="float32",
        optimizer=Optimizer(peak=1e-3),
        augment=Augment(sides=(16,)) if random else still,
    )
    if "--hang" in flags:
        hang_in_second_epoch()
    steps = remember_steps()
    fit.fit(recipe, data, out / "run", resume="--resume" in flags, start=start(out))
    print("STEPS", json.dumps(steps.losses))
    print("HISTORY", (out / "run" / "history.json").read_text().replace("\n", ""))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
