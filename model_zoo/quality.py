"""Faults of a photo that a better photo would not have: measured, each against a threshold.

Light and focus are read off the pixels, at one working size, whatever the size of the file. Hair,
ink and rulers are seen by the network that outlines lesions, which was trained to tell what was
drawn in front of its photos (see `artefacts`). Thresholds are in its card.
"""

import cv2
import numpy as np
from PIL import Image

from model_zoo.images import field_of_view, resized

# What lies in front of the lesion, in the order in which the network that outlines says it.
ARTEFACTS = ("hair", "ink", "ruler")
# The one code whose value must not fall below its threshold; of all others it must not exceed it.
SMALL = "small"
WORKING_SIDE = 192  # pixels of the shorter side; photos are reduced to it, never enlarged
NEARLY_WHITE = (236, 236, 236)  # and above
REBLUR = 9  # pixels of the box by which a photo is blurred again


def measure(
    photo: np.ndarray | Image.Image, box: tuple[int, int, int, int] | None = None
) -> dict[str, float]:
    """Values by the code of the check, of a photo, uint8 (H, W, 3) RGB or an image.

    box: of its field of view, where that is known (left, top, right, bottom in pixels).
    small: the shorter side of the field of view, in pixels of the photo. blur: 0 (sharp) to 1.
    bright: share of pixels, 0..1, that are nearly white in every channel.
    dim: 255 less the median brightness.
    """
    left, top, right, bottom = box or field_of_view(np.asarray(photo))
    image = photo if isinstance(photo, Image.Image) else Image.fromarray(photo)
    field = _working(image.crop((left, top, right, bottom)))
    grey = cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    white = cv2.countNonZero(cv2.inRange(field, NEARLY_WHITE, (255, 255, 255)))
    return {
        SMALL: float(min(right - left, bottom - top)),
        "blur": blur(grey),
        "bright": white / grey.size,
        "dim": 255 - _median(grey),
    }


def of_artefacts(seen: np.ndarray | None) -> dict[str, float]:
    """Values by the code of the check, of what the network that outlines says, (A,); none of None.

    Each is the probability, 0..1, of one of `ARTEFACTS`.
    """
    return {} if seen is None else dict(zip(ARTEFACTS, seen.tolist(), strict=True))


def blur(grey: np.ndarray) -> float:
    """How little a grey photo, uint8 (H, W), loses when it is blurred again: 0 (sharp) to 1.

    Crété et al. 2007, doi 10.1117/12.702790: the differences between neighbours that are left
    after a box blur, over those before, the worse of both directions.
    """
    left = []
    for near, far, kernel in (
        (np.s_[1:], np.s_[:-1], (1, REBLUR)),
        (np.s_[:, 1:], np.s_[:, :-1], (REBLUR, 1)),
    ):
        # Sums instead of means, so whole numbers: small and exact.
        blurred = cv2.boxFilter(grey, cv2.CV_16S, kernel, normalize=False)
        before = cv2.absdiff(grey[near], grey[far])
        after = cv2.absdiff(blurred[near], blurred[far])
        lost = cv2.max(cv2.scaleAdd(before.astype(np.int16), REBLUR, -after), 0)
        left.append(1 - cv2.sumElems(lost)[0] / max(REBLUR * cv2.sumElems(before)[0], 1e-6))
    return max(left)


def _median(grey: np.ndarray) -> float:
    """The median of a photo, uint8 (H, W), by counting: five times as fast as by sorting."""
    upto = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().cumsum()
    middles = ((grey.size - 1) // 2, grey.size // 2)
    return float(np.searchsorted(upto, middles, side="right").mean())


def _working(field: Image.Image) -> np.ndarray:
    scale = WORKING_SIDE / min(field.size)
    if scale >= 1:
        return np.asarray(field)
    size = (round(field.width * scale), round(field.height * scale))
    return resized(field, size, (0, 0, *field.size))
