"""Whether a photo is like those that a model was trained on at all.

Training photos fill few directions of the space of pooled features; what of a photo's features lies
outside of them is strange to the model (Wang et al. 2022, arXiv 2203.10807, the residual of ViM).
Lengths are kept: those of pictures of anything else are larger as well.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from model_zoo.card import Card
from model_zoo.loading import verified
from model_zoo.trust import SINGLE, Check, of_card

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


def as_kept(novelty: Novelty) -> Novelty:
    """The same as it will be read back, so that a limit is fitted to what is asked later."""
    file = io.BytesIO()
    save(novelty, file)
    file.seek(0)
    return load(file)


def save(novelty: Novelty, file: Path | BinaryIO) -> None:
    """Nothing; writes what is remembered as float16: 0.3 MB for MobileNetV2, 0.5 for ResNet50."""
    np.savez_compressed(file, mean=novelty.mean.astype("f2"), basis=novelty.basis.astype("f2"))


def load(file: Path | BinaryIO) -> Novelty:
    """What `save` wrote, once more orthonormal to float64."""
    with np.load(file, allow_pickle=False) as stored:
        mean, basis = stored["mean"].astype(np.float64), stored["basis"].astype(np.float64)
    return Novelty(mean, np.linalg.qr(basis)[0])


@dataclass(frozen=True)
class Guard:
    """What one network remembers of its training photos, and from which distance on it refuses.

    network: its place among those of the classifier. sha256: of the file.
    """

    network: int
    novelty: Novelty
    limit: float
    sha256: str


def guards(cards: list[Card]) -> list[Guard]:
    """Those of the networks, by their cards in order, that have any. Raises `BadModel`."""
    found = []
    for network, card in enumerate(cards):
        content = verified(card, "novelty")
        limit = of_card(card, SINGLE).novelty_threshold
        if content is not None and limit is not None:
            remembered = load(io.BytesIO(content.data))
            found.append(Guard(network, remembered, limit, content.sha256))
    return found


def checks(asked: list[Guard], pooled: list[np.ndarray | None], count: int) -> list[Check]:
    """The checks of the first `count` photos, by at least one guard; pooled: (N, C) by network.

    Of several guards most must refuse: the value is then the lower median of their distances, each
    over its own limit.
    """
    distances = np.stack([guard.novelty.distance(pooled[guard.network][:count]) for guard in asked])
    limits = np.array([guard.limit for guard in asked])
    if len(asked) == 1:
        values, limit = distances[0], asked[0].limit
    else:
        shares = np.sort(distances / limits[:, None], axis=0)
        values, limit = shares[(len(asked) - 1) // 2], 1.0
    return [Check(float(value), limit, bool(value <= limit)) for value in values]
