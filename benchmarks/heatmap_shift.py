"""How far a heatmap moves when its photo does by one pixel: the measure for a smaller precision.

python -m benchmarks.heatmap_shift --data FOLDER: the first validation photos of the development
list, in the ISIC 2019 layout. Prints a table: of the leading class's heatmap, scaled to 0..1, the
largest difference of a cell.
"""

import argparse
from pathlib import Path

import numpy as np

from model_zoo.cases import photo_path
from model_zoo.classifier import Classifier
from model_zoo.images import decode_rgb, square
from training import splits
from training.precision import scaled_maps


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="default: the default model")
    parser.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    parser.add_argument("--count", type=int, default=300, help="photos")
    options = parser.parse_args()
    reader = Classifier.load(options.model)
    rows = splits.part_of(splits.read_list(), splits.VALIDATION)[: options.count]
    moved = [shift(reader, photo_path(options.data, row.image)) for row in rows]
    print(f"{reader.card.name}, {len(moved)} photos moved by one pixel of {reader.side}")
    print("| half of the photos | 9 of 10 | 99 of 100 |\n|---:|---:|---:|")
    print(f"| {' | '.join(f'{value:.3f}' for value in np.percentile(moved, [50, 90, 99]))} |")


def shift(reader: Classifier, photo: Path) -> float:
    """The largest change of a cell when the photo moves by one pixel to the left."""
    side = reader.side
    seen = square(decode_rgb(photo.read_bytes()), side + 2).pixels
    pair = np.stack([seen[1:-1, 1 : side + 1], seen[1:-1, 2 : side + 2]])
    outputs = reader.engine.run(pair)
    leading = np.repeat(outputs.probabilities[:1].argmax(axis=1), 2)
    still, moved = scaled_maps(outputs, leading)
    return float(np.abs(still - moved).max())


if __name__ == "__main__":
    main()
