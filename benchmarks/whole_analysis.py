"""The whole analysis of a photo beside the bare forward pass of its networks, by model and mode.

    python -m benchmarks.whole_analysis [--photo FILE] [--times N]

Whole: JPEG bytes to everything that the Analyze page shows: decoding, checks of the photo, outline
and its numbers, probabilities, prediction set, heatmaps of all classes. Bare: the networks that it
runs, on a batch that lies ready, as many times as it runs them. In turn, in one process; medians.
Run it when nothing else runs.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model_zoo import registry
from model_zoo.card import CLASSIFICATION
from model_zoo.classifier import Classifier
from model_zoo.segmentation import Outliner

SAMPLE = Path(__file__).parents[1] / "streamlit_app" / "samples" / "veil.jpg"
WARM_UP = 5
VIEWS = 8  # of a photo under test-time augmentation


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--times", type=int, default=60)
    options = parser.parse_args()
    photo = options.photo.read_bytes()
    outliner = Outliner.load()
    print("| model | views | whole, ms | networks alone, ms | ratio |\n|---|---:|---:|---:|---:|")
    for name, views in _ways():
        reader = Classifier.load(name, tta=views > 1, outliner=outliner)
        whole, bare = in_turn(
            (lambda reader=reader: reader.analyse(photo), _bare(reader, views)), options.times
        )
        print(f"| {name} | {views} | {whole:.1f} | {bare:.1f} | {whole / bare:.2f} |", flush=True)


def _ways() -> list[tuple[str, int]]:
    """Each classifier whose files are here, with one view and with all."""
    ready = [
        card.name
        for card in registry.cards().values()
        if card.task == CLASSIFICATION and _is_here(card)
    ]
    return [(name, views) for name in ready for views in (1, VIEWS)]


def _is_here(card) -> bool:
    if card.members:
        return all(_is_here(registry.find(member)) for member in card.members)
    return "served" in card.files and card.file("served").is_file()


def _bare(reader: Classifier, views: int) -> Callable[[], None]:
    """The forward passes that one analysis needs, on random pixels."""
    random = np.random.default_rng(1)
    squares = random.integers(0, 256, (views, reader.side, reader.side, 3), dtype=np.uint8)
    side = reader.outliner.side
    frames = random.integers(0, 256, (views, side, side, 3), dtype=np.uint8)

    def work() -> None:
        for engine in reader.engines:
            engine.run(squares)
        reader.outliner.run(frames)

    return work


def in_turn(works: tuple[Callable[[], object], ...], times: int) -> list[float]:
    """The median milliseconds of each work, all timed in turn."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(times + WARM_UP):
        for work, kept in zip(works, seconds, strict=True):
            began = time.perf_counter()
            work()
            kept.append(time.perf_counter() - began)
    return [1e3 * statistics.median(kept[WARM_UP:]) for kept in seconds]


if __name__ == "__main__":
    main()
