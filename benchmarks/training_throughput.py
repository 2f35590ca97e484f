"""Training: images per second of `fit`, data path and augmentation included, beside the bare step.

    python benchmarks/training_throughput.py --data ISIC_2019 [--recipe mobilenetv2] [--side 128]

The bare step is the same network, loss and optimizer on one batch of random squares, uint8 as
photos are, made once. Both are measured in turn, in one process, each first in every other turn;
run it when nothing else runs.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")  # as `python -m training fit` does
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from model_zoo.architectures import build
from model_zoo.labels import CODES
from training import splits
from training.classification import learner
from training.dataset import Batches, load_photos, training_side
from training.learner import compiled
from training.recipe import Recipe
from training.recipe_file import PRECISIONS, read_recipes


class Random(keras.utils.PyDataset):
    """The same random batch again and again."""

    def __init__(self, batch: int, side: int, steps: int) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (batch, side, side, 3), dtype="uint8")
        targets = np.eye(len(CODES), dtype="float32")[random.integers(0, len(CODES), batch)]
        self.pair, self.steps = (pixels, targets), steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.pair


def seconds_of(model: keras.Model, batches: keras.utils.PyDataset) -> float:
    """The time of one pass over the batches."""
    began = time.perf_counter()
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - began


def both(swapped: int, *passes: tuple[keras.Model, keras.utils.PyDataset]) -> list[float]:
    """The times of two passes, as they are given; swapped: the second is run first."""
    times = [seconds_of(*one) for one in (passes[::-1] if swapped else passes)]
    return times[::-1] if swapped else times


def bare_step(recipe: Recipe, model: keras.Model, loss: object, steps: int) -> keras.Model:
    """The network from squares to logits, with nothing before it, compiled as the recipe's is."""
    squares = keras.Input(model.input_shape[1:], dtype="uint8")
    pixels = keras.layers.Lambda(lambda values: keras.ops.cast(values, "float32"))(squares)
    logits = keras.Model(model.input, model.get_layer("logits").output)(pixels)
    return compiled(keras.Model(squares, logits), recipe, steps, loss)


def main() -> int:
    """0; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    parser.add_argument("--recipe", default="mobilenetv2")
    parser.add_argument("--side", type=int, help="default: that of the recipe's first phase")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--precision", choices=PRECISIONS, help="default: that of the recipe")
    options = parser.parse_args()
    recipe = read_recipes(options.recipe, weights="none", precision=options.precision)[0]
    side = options.side or recipe.phases[0].side
    kept = side if recipe.published_augment else training_side(side)
    keras.config.set_dtype_policy(recipe.precision)

    images = options.steps * recipe.batch
    rows = splits.part_of(splits.read_list(), splits.TRAIN, images)
    batches = Batches(load_photos(options.data, rows, kept), recipe)
    model = build(recipe.backbone, side, weights=None, dropout=recipe.dropout)
    prior = np.full(len(CODES), 1 / len(CODES))
    whole = learner(recipe, model, kept, len(batches), prior).trained
    bare = bare_step(recipe, model, whole.loss, len(batches))
    random = Random(recipe.batch, side, len(batches))
    for trained, given in ((whole, batches), (bare, random)):
        seconds_of(trained, given)  # traced and warmed up
    turns = [both(turn % 2, (whole, batches), (bare, random)) for turn in range(options.turns)]
    rates = [[len(batches) * recipe.batch / value for value in turn] for turn in turns]
    fit_rate, bare_rate = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rates)
    print(f"{recipe.name}, {recipe.backbone}, {side} px, batch {recipe.batch}, {recipe.precision}")
    print("| | images/s |\n|---|---:|")
    print(f"| fit, with data path and augmentation | {fit_rate:.1f} |")
    print(f"| the same step on random tensors | {bare_rate:.1f} |")
    print(f"| ratio | {ratio:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
