"""Whether a photo is like those that a model was trained on at all.

Training photos fill few directions of the space of pooled features; what of a photo's features lies
outside of them is strange to the model (Wang et al. 2022, arXiv 2203.10807, the residual of ViM).
Lengths are kept: those of pictures of anything else are larger as well.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

DIRECTIONS = 128  # measured on MobileNetV2: 64 to 512 of 1,280 tell things apart equally well


@dataclass(frozen=True)
class Novelty:
    """What is remembered of training features: a few numbers, no photo.

    mean (C,): of the features. basis (C, B): orthonormal, the directions that they fill.
    """

    mean: np.ndarray
    basis: np.ndarray

    def distance(self, pooled: np.ndarray) -> np.ndarray:
        """How far features (N, C) lie outside what training photos fill, (N,), 0 or more."""
        centred = pooled.astype(np.float64) - self.mean
        return np.linalg.norm(centred - (centred @ self.basis) @ self.basis.T, axis=1)


def fit(pooled: np.ndarray, directions: int = DIRECTIONS) -> Novelty:
    """What to remember of training features (N, C): their principal directions."""
    mean = pooled.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(np.cov((pooled - mean).T))  # the largest come last
    return Novelty(mean, vectors[:, ::-1][:, :directions])


def save(novelty: Novelty, file: Path) -> None:
    """Nothing; writes what is remembered as float16: 0.3 MB for MobileNetV2, 0.5 for ResNet50."""
    np.savez_compressed(file, mean=novelty.mean.astype("f2"), basis=novelty.basis.astype("f2"))


def load(file: Path | BinaryIO) -> Novelty:
    """What `save` wrote, once more orthonormal to float64."""
    with np.load(file, allow_pickle=False) as stored:
        mean, basis = stored["mean"].astype(np.float64), stored["basis"].astype(np.float64)
    return Novelty(mean, np.linalg.qr(basis)[0])
