"""What would change the answer: the same photo turned, lit, blurred, drawn upon, asked again."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import cv2
import numpy as np

from model_zoo import artefacts
from model_zoo.classifier import Classifier

Draw = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Changed:
    """The answer to a changed photo.

    kind: a key of `CHANGES`. strength: in the unit of the kind. probabilities: (K,), calibrated, in
    the order of the card's labels.
    """

    kind: str
    strength: float
    probabilities: np.ndarray


def turned(rgb: np.ndarray, degrees: float) -> np.ndarray:
    """A square photo turned about its middle, uint8 (S, S, 3), mirrored beyond its border."""
    side = len(rgb)
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
    return cv2.warpAffine(
        rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _drawn(draw: Callable[[np.ndarray, np.random.Generator], np.ndarray], seed: float) -> Draw:
    return lambda rgb: draw(rgb, np.random.default_rng(int(seed)))


# Strengths by kind: degrees; a factor; a share of the side; and for what is drawn, which drawing.
CHANGES: dict[str, tuple[tuple[float, ...], Callable[[float], Draw]]] = {
    "rotation": ((45, 90, 135, 180, 225, 270, 315), lambda v: lambda rgb: turned(rgb, v)),
    "brightness": (
        (0.6, 0.8, 1.2, 1.4),
        lambda v: lambda rgb: artefacts.brightened(rgb, v),
    ),
    "blur": ((0.005, 0.01, 0.02, 0.03), lambda v: lambda rgb: artefacts.blurred(rgb, v)),
    "hair": ((1, 2, 3), lambda v: _drawn(artefacts.hair, v)),
    "ink": ((1, 2, 3), lambda v: _drawn(artefacts.ink, v)),
    "ruler": ((1, 2, 3), lambda v: _drawn(artefacts.ruler, v)),
    "dark_corners": ((1, 2, 3), lambda v: _drawn(artefacts.dark_corners, v)),
}


def trace(
    classifier: Classifier,
    seen: np.ndarray,
    turn: Callable[[], AbstractContextManager] = nullcontext,
) -> list[Changed]:
    """The answer to a square as it is, kind "none", and to it under each of `CHANGES`.

    seen: uint8 (S, S, 3) RGB, at the side that the network reads. turn: what is entered for each
    question, so that others who share the machine can be served between them.
    """
    asked = [("none", 0.0, seen)]
    for kind, (strengths, make) in CHANGES.items():
        asked += [(kind, strength, make(strength)(seen)) for strength in strengths]
    traced = []
    for kind, strength, pixels in asked:
        with turn():
            (probabilities,) = classifier.probabilities(pixels[None])
        traced.append(Changed(kind, strength, probabilities))
    return traced


def spread(changes: list[Changed], index: int) -> dict[str, tuple[float, float]]:
    """The lowest and the highest probability of one class by kind; index: of the label."""
    values: dict[str, list[float]] = {}
    for change in changes:
        values.setdefault(change.kind, []).append(float(change.probabilities[index]))
    return {kind: (min(found), max(found)) for kind, found in values.items()}
