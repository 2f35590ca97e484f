"""Faults of a photo that a better photo would not have: measured, each against a threshold.

Light and focus are read off the pixels, at one working size, whatever the size of the file. Hair,
ink and rulers are seen by the network that outlines lesions, which was trained to tell what was
drawn in front of its photos (see `artefacts`). Thresholds are in its card.
"""

import cv2
import numpy as np

from model_zoo.frames import Frame

# What lies in front of the lesion, in the order in which the network that outlines says it.
ARTEFACTS = ("hair", "ink", "ruler")
# The one code whose value must not fall below its threshold; of all others it must not exceed it.
SMALL = "small"
# Of each side of a field of view, the middle part that a round one holds whole: a black surround
# and its edge say nothing of light and focus.
INNER = 0.5**0.5
NEARLY_WHITE = (236, 236, 236)  # and above
BRIGHTEST = 0.05  # of the pixels: where skin is lit, however large and dark the lesion is
REBLUR = 9  # pixels of the box by which a photo is blurred again


def measure(seen: Frame) -> dict[str, float]:
    """Values by the code of the check, of a photo as the network that outlines sees it.

    small: the shorter side of the field of view, in pixels of the photo. Of its middle part:
    blur: 0 (sharp) to 1. bright: share of pixels, 0..1, that are nearly white in every channel.
    dim: 255 less the red that the brightest twentieth reaches, since skin throws back more of the
    red than of other colours; whether that spares dark skin was not measured.
    """
    left, top, right, bottom = seen.box
    field = _inner(_field(seen))
    white = cv2.countNonZero(cv2.inRange(field, NEARLY_WHITE, (255, 255, 255)))
    return {
        SMALL: float(min(right - left, bottom - top)),
        "blur": blur(cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)),
        "bright": white / (field.size // 3),
        "dim": 255 - float(np.quantile(field[..., 0], 1 - BRIGHTEST)),
    }


def _field(seen: Frame) -> np.ndarray:
    """The field of view, uint8 (h, w, 3); one that was enlarged into its frame at its own size."""
    left, top, right, bottom = seen.inside
    field = seen.pixels[top:bottom, left:right]
    size = (seen.box[2] - seen.box[0], seen.box[3] - seen.box[1])
    if size[0] >= right - left:
        return field
    return cv2.resize(field, size, interpolation=cv2.INTER_AREA)


def _inner(field: np.ndarray) -> np.ndarray:
    height, width = (round(length * (1 - INNER) / 2) for length in field.shape[:2])
    return np.ascontiguousarray(
        field[height : field.shape[0] - height, width : field.shape[1] - width]
    )


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
        if 0 in grey[near].shape:  # a field of a single line has no neighbours there
            continue
        # Sums instead of means, so whole numbers: small and exact.
        blurred = cv2.boxFilter(grey, cv2.CV_16S, kernel, normalize=False)
        before = cv2.absdiff(grey[near], grey[far])
        after = cv2.absdiff(blurred[near], blurred[far])
        lost = cv2.max(cv2.scaleAdd(before.astype(np.int16), REBLUR, -after), 0)
        left.append(1 - cv2.sumElems(lost)[0] / max(REBLUR * cv2.sumElems(before)[0], 1e-6))
    return max(left, default=1.0)
