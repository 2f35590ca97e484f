"""What one evaluation has more than another one of the same photos, with a paired interval.

    python -m benchmarks.paired ONE OTHER

ONE, OTHER: folders of `python -m training evaluate` on photos of the development list. Lesions are
drawn with replacement (1,000 times), the same ones for both, so that what makes a photo hard for
both of them does not widen the 95 % interval of their difference. Prints ONE minus OTHER.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.remedies import read
from model_zoo.engine import softmax
from training import metrics, splits

MEASURES = {
    "accuracy": metrics.accuracy,
    "balanced accuracy": metrics.balanced_accuracy,
    "macro F1": metrics.macro_f1,
    "macro AUC": metrics.macro_auc,
    "loss": metrics.cross_entropy,
}


def main() -> None:
    """Prints a line for each measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs=2, type=Path)
    lesions = {row.image: row.lesion_id for row in splits.read_list()}
    one, other = (read(folder, lesions) for folder in parser.parse_args().results)
    if not np.array_equal(one.images, other.images):
        raise SystemExit("expected two evaluations of the same photos, got those of others")
    both = np.stack([softmax(one.logs), softmax(other.logs)], axis=1)
    for name, measure in MEASURES.items():

        def more(targets: np.ndarray, pairs: np.ndarray, measure=measure) -> float:
            return measure(targets, pairs[:, 0]) - measure(targets, pairs[:, 1])

        low, high = metrics.interval(more, one.targets, both, one.lesions)
        print(f"{name:18}{more(one.targets, both):+.4f} ({low:+.4f} to {high:+.4f})")


if __name__ == "__main__":
    main()
