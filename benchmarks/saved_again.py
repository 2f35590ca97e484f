"""What becomes of an answer when its photo is saved again with loss, as messengers and editors do.

python -m benchmarks.saved_again --data FOLDER: held-out photos of the development list, in the ISIC
2019 layout; or --photos FOLDER: all of a folder. Prints a table: how many of them then have another
status, another leading class, and how far the leading class's probability moved in the median one.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from model_zoo.analysis import Analysis
from model_zoo.cases import photo_path
from model_zoo.classifier import Classifier
from model_zoo.images import decode_rgb
from model_zoo.segmentation import bundled_outliner
from training import splits

WAYS = (("JPEG", 90), ("JPEG", 75), ("JPEG", 40), ("WEBP", 80))  # Pillow's formats and qualities


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="default: the default model")
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--data", type=Path, help="folder in the ISIC 2019 layout")
    of.add_argument("--photos", type=Path, help="folder of JPEG photos")
    parser.add_argument("--count", type=int, default=300, help="held-out photos of --data")
    options = parser.parse_args()
    reader = Classifier.load(options.model, outliner=bundled_outliner())
    photos = [file.read_bytes() for file in _files(options)]
    before = [reader.analyse(photo) for photo in photos]
    print(f"{reader.card.name}, {len(photos)} photos")
    print("| saved as | other status | other leading class | probability moved by |")
    print("|---|---:|---:|---:|")
    for kind, quality in WAYS:
        after = [reader.analyse(saved(photo, kind, quality)) for photo in photos]
        print(f"| {kind}, quality {quality} | {' | '.join(_changes(before, after))} |")


def _files(options: argparse.Namespace) -> list[Path]:
    if options.photos:
        return sorted(options.photos.glob("*.jpg"))
    rows = splits.part_of(splits.read_list(), splits.HELD_OUT, options.count)
    return [photo_path(options.data, row.image) for row in rows]


def saved(photo: bytes, kind: str, quality: int) -> bytes:
    """The same photo as a file of Pillow's format `kind`, at a quality of 0 to 100."""
    file = io.BytesIO()
    Image.fromarray(decode_rgb(photo)).save(file, kind, quality=quality)
    return file.getvalue()


def _changes(before: list[Analysis], after: list[Analysis]) -> tuple[str, str, str]:
    pairs = list(zip(before, after, strict=True))
    status = sum(one.status != other.status for one, other in pairs)
    leading = sum(one.label != other.label for one, other in pairs)
    moved = [abs(one.probability(one.label) - other.probability(one.label)) for one, other in pairs]
    return str(status), str(leading), f"{np.median(moved):.3f}"


if __name__ == "__main__":
    main()
