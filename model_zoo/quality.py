"""Faults of a photo that a better photo would not have: measured from its pixels alone.

Every measure is taken within the field of view, at one working size, and does not change with the
size of the file. Thresholds are in the card of the network that outlines lesions, fitted on photos
as they are and on the same ones degraded by `artefacts`.
"""

import cv2
import numpy as np
from PIL import Image

from model_zoo.images import field_of_view

WORKING_SIDE = 192  # pixels of the shorter side; photos are reduced to it, never enlarged
REBLUR = 9  # pixels of the box by which a photo is blurred again


def measure(rgb: np.ndarray) -> dict[str, float]:
    """Values by the code of the check, of a photo, uint8 (H, W, 3) RGB.

    small: the shorter side of the field of view, in pixels of the photo. blur: 0 (sharp) to 1.
    dark, bright: share of pixels, 0..1, that are nearly black, nearly white in every channel.
    dim: 255 less the median brightness.
    """
    left, top, right, bottom = field_of_view(rgb)
    field = _working(rgb[top:bottom, left:right])
    grey = cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    return {
        "small": float(min(right - left, bottom - top)),
        "blur": blur(grey),
        "dark": float((field.max(axis=2) < 40).mean()),
        "bright": float((field.min(axis=2) > 235).mean()),
        "dim": 255 - float(np.median(grey)),
    }


def blur(grey: np.ndarray) -> float:
    """How little a grey photo, uint8 (H, W), loses when it is blurred again: 0 (sharp) to 1.

    Crété et al. 2007, doi 10.1117/12.702790: the differences between neighbours that are left
    after a box blur, over those before, the worse of both directions.
    """
    values = grey.astype(np.float32)
    left = []
    for axis, kernel in ((0, (1, REBLUR)), (1, (REBLUR, 1))):
        blurred = cv2.blur(values, kernel)
        before = np.abs(np.diff(values, axis=axis))
        lost = np.maximum(before - np.abs(np.diff(blurred, axis=axis)), 0)
        left.append(1 - float(lost.sum() / max(before.sum(), 1e-6)))
    return max(left)


def _working(field: np.ndarray) -> np.ndarray:
    scale = WORKING_SIDE / min(field.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(field)
    size = (round(field.shape[1] * scale), round(field.shape[0] * scale))
    return np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BICUBIC))
