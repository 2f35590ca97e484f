"""Whether a photo is like those that a model was trained on at all.

Training photos fill few directions of the space of pooled features; what of a photo's features lies
outside of them is strange to the model (Wang et al. 2022, arXiv 2203.10807, the residual of ViM).
Of the features the square roots are taken, since a few are large and most are nearly none
(Perronnin et al. 2010, ECCV, doi 10.1007/978-3-642-15561-1_11, which also makes lengths equal).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from model_zoo.card import Card
from model_zoo.loading import verified
from model_zoo.trust import SINGLE, Check, of_card

DIRECTIONS = 32  # measured on MobileNetV2: 32 to 128 of 1,280 tell things apart equally well
POWER = 0.5


@dataclass(frozen=True)
class Novelty:
    """What is remembered of training features: a few numbers, no photo.

    mean (C,): of the features, once raised to `power` and, with `unit`, brought to length 1.
    basis (C, B): orthonormal, the directions that they fill.
    """

    mean: np.ndarray
    basis: np.ndarray
    power: float = POWER
    unit: bool = False

    def distance(self, pooled: np.ndarray) -> np.ndarray:
        """How far features (N, C) lie outside what training photos fill, (N,), 0 or more."""
        centred = _transformed(pooled, self.power, self.unit) - self.mean
        return np.linalg.norm(centred - (centred @ self.basis) @ self.basis.T, axis=1)


def fit(pooled: np.ndarray, directions: int = DIRECTIONS, *, unit: bool = False) -> Novelty:
    """What to remember of training features (N, C): their principal directions.

    Of those less than C and N, if `directions` are more. unit: whether lengths are left out, which
    help with some networks and not with others.
    """
    transformed = _transformed(pooled, POWER, unit)
    mean = transformed.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((transformed - mean).T))  # the largest come last
    most = min(transformed.shape) - 1  # none is far where every direction is filled
    return Novelty(mean, vectors[:, ::-1][:, : min(directions, most)], POWER, unit)


def _transformed(pooled: np.ndarray, power: float, unit: bool) -> np.ndarray:
    """Features (N, C) as float64, raised to a power with their sign kept, of length 1 if asked."""
    raised = np.sign(pooled) * np.abs(pooled.astype(np.float64)) ** power
    if not unit:
        return raised
    return raised / np.maximum(np.linalg.norm(raised, axis=1, keepdims=True), 1e-9)


def as_kept(novelty: Novelty) -> Novelty:
    """The same as it will be read back, so that a limit is fitted to what is asked later."""
    file = io.BytesIO()
    save(novelty, file)
    file.seek(0)
    return load(file)


def save(novelty: Novelty, file: Path | BinaryIO) -> None:
    """Nothing; writes what is remembered, numbers as float16: about 0.1 MB."""
    mean, basis = novelty.mean.astype("f2"), novelty.basis.astype("f2")
    np.savez_compressed(file, mean=mean, basis=basis, power=novelty.power, unit=novelty.unit)


def load(file: Path | BinaryIO) -> Novelty:
    """What `save` wrote, once more orthonormal to float64."""
    with np.load(file, allow_pickle=False) as stored:
        mean, basis = stored["mean"].astype(np.float64), stored["basis"].astype(np.float64)
        raw = "power" not in stored  # an older layout, of features as they are
        power, unit = (1.0, False) if raw else (float(stored["power"]), bool(stored["unit"]))
    return Novelty(mean, np.linalg.qr(basis)[0], power, unit)


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


def strangeness(
    asked: list[Guard], pooled: list[np.ndarray | None], count: int | None = None
) -> np.ndarray:
    """How strange the first `count` photos are, or all, to at least one guard; pooled: (N, C) by
    network.

    Of one guard the distance. Of several the mean of their distances, each over its own limit, as
    their answer is a mean: around 1 each would doubt on average.
    """
    distances = np.stack([guard.novelty.distance(pooled[guard.network][:count]) for guard in asked])
    if len(asked) == 1:
        return distances[0]
    limits = np.array([guard.limit for guard in asked])
    return (distances / limits[:, None]).mean(axis=0)


def checks(values: np.ndarray, limit: float) -> list[Check]:
    """The checks of photos, from how strange they are, (N,), and the most that is let pass."""
    return [Check(float(value), limit, bool(value <= limit)) for value in values]
