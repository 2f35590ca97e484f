"""Numbers of the ABCD rule that geometry and colour give: for teaching, not a score.

The rule: Stolz et al. 1994, Eur J Dermatol 4:521-527. It weighs what a person sees; these are
measurements of the outline and the pixels, and no threshold is attached to them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from model_zoo.segmentation import Outline

# The six colours that the rule counts, each by one value of sRGB that was chosen here for it: the
# rule names colours and leaves it to the eye what they look like. A colour counts from this share
# of the lesion on.
COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "red": (204, 51, 51),
    "light_brown": (153, 102, 0),
    "dark_brown": (51, 0, 0),
    "blue_grey": (51, 153, 153),
    "black": (0, 0, 0),
}
COLOUR_SHARE = 0.05
# Which of `COLOURS` is nearest, counted from 1, by its three bytes in one number; 0: not worked
# out yet. Lesions hold the same few thousand colours again and again. Of its 16 MB only what is
# written is in memory.
_nearest = np.zeros(1 << 24, np.uint8)


@dataclass(frozen=True)
class Abcd:
    """What the rule looks at, in numbers.

    asymmetry_major, asymmetry_minor: how much of the lesion finds no counterpart when it is folded
    about its longer, its shorter axis, 0 (none) to 1. border_irregularity: perimeter squared over
    4 pi times the area, 1 for a circle. colours: which of `COLOURS` occur, by share of the lesion.
    diameter_fraction: its largest diameter over the shorter side of the field of view.
    """

    asymmetry_major: float
    asymmetry_minor: float
    border_irregularity: float
    colours: tuple[str, ...]
    diameter_fraction: float


def measure(rgb: np.ndarray, outline: Outline) -> Abcd:
    """The numbers of a lesion, from its outline and the photo, uint8 (H, W, 3) RGB."""
    major, minor = asymmetries(outline.mask)
    left, top, right, bottom = outline.field
    return Abcd(
        asymmetry_major=major,
        asymmetry_minor=minor,
        border_irregularity=border_irregularity(outline.contour),
        colours=colours_in(rgb[top:bottom, left:right], outline.mask),
        diameter_fraction=largest_diameter(outline.contour) / min(right - left, bottom - top),
    )


def asymmetries(mask: np.ndarray) -> tuple[float, float]:
    """The share without counterpart, folded about the longer and the shorter axis; bool (h, w).

    The axes are those of the second moments through the centroid. Area of the symmetric
    difference over twice the area (Celebi et al. 2007, doi 10.1016/j.compmedimag.2007.01.003).
    """
    filled = mask.astype(np.uint8)
    moments = cv2.moments(filled, binaryImage=True)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    angle = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    # Turned so that the longer axis lies along x through the middle of a square that holds it all.
    middle = int(np.ceil(np.hypot(*mask.shape)))
    turn = cv2.getRotationMatrix2D((x, y), np.degrees(angle), 1)
    turn[:, 2] += middle - np.array([x, y])
    # Drawn and folded is what it reaches, as far on one side of the middle as on the other.
    left, top, width, height = cv2.boundingRect(filled)
    corners = [(u, v, 1) for u in (left, left + width) for v in (top, top + height)]
    reach = np.abs(np.array(corners) @ turn.T - middle).max(axis=0).astype(int) + 2
    right, low = middle + np.minimum(reach, middle) + 1
    turned = cv2.warpAffine(filled * 255, turn, (right, low), flags=cv2.INTER_LINEAR)
    band = turned[2 * middle + 1 - low :, 2 * middle + 1 - right :]
    upright = cv2.compare(band, 127, cv2.CMP_GT)
    area = max(1, cv2.countNonZero(upright))
    apart = [cv2.countNonZero(cv2.bitwise_xor(upright, cv2.flip(upright, way))) for way in (0, 1)]
    return apart[0] / (2 * area), apart[1] / (2 * area)


def border_irregularity(contour: np.ndarray) -> float:
    """The perimeter squared over 4 pi times the area of a contour, float32 (N, 2); 1 for a circle.

    Golston et al. 1992, Comput Med Imaging Graph 16:199-203. The staircase of pixels is smoothed
    first, over a fiftieth of the contour, since it would lengthen every border by a quarter.
    """
    window = max(1, len(contour) // 50)
    kernel = np.ones(window) / window
    around = np.concatenate([contour[-window:], contour, contour[:window]])
    smooth = np.stack([np.convolve(axis, kernel, "same") for axis in around.T], axis=1)
    smooth = smooth[window:-window].astype(np.float32)
    perimeter, area = cv2.arcLength(smooth, True), cv2.contourArea(smooth)
    return float(perimeter**2 / (4 * np.pi * max(area, 1e-6)))


def colours_in(rgb: np.ndarray, mask: np.ndarray) -> tuple[str, ...]:
    """Which of `COLOURS` cover `COLOUR_SHARE` of the lesion or more, the largest share first.

    rgb: uint8 (H, W, 3); mask: bool (h, w) over it. Every pixel counts for the nearest colour in
    CIE L*a*b*.
    """
    small = cv2.resize(rgb, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    # Four bytes a pixel, read as one number: picked ten times as fast as three.
    codes = cv2.cvtColor(small, cv2.COLOR_RGB2RGBA).view("<u4")[..., 0][mask] & 0xFFFFFF
    nearest = _nearest_colours(codes)
    share = np.bincount(nearest, minlength=len(COLOURS)) / max(1, len(nearest))
    names, order = list(COLOURS), np.argsort(-share, kind="stable")
    return tuple(names[index] for index in order if share[index] >= COLOUR_SHARE)


def largest_diameter(contour: np.ndarray) -> float:
    """The largest distance between two points of a contour, float32 (N, 2), in its unit."""
    hull = cv2.convexHull(contour)[:, 0]
    return float(np.linalg.norm(hull[:, None] - hull[None], axis=2).max())


def _nearest_colours(codes: np.ndarray) -> np.ndarray:
    """The index in `COLOURS` of the nearest to each colour, uint8 (N,), of red + 256 green + ..."""
    found = _nearest[codes]
    if (new := found == 0).any():
        rgb = np.stack([codes[new] >> shift & 255 for shift in (0, 8, 16)], axis=1).astype(np.uint8)
        known = _lab(np.array([list(COLOURS.values())], np.uint8))[0]
        planes = np.ascontiguousarray(_lab(rgb[None])[0].T)
        away = np.stack([((planes - colour[:, None]) ** 2).sum(axis=0) for colour in known])
        _nearest[codes[new]] = away.argmin(axis=0) + 1
        found = _nearest[codes]
    return found - 1


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
