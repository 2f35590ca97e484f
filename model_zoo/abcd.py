"""Numbers of the ABCD rule that geometry and colour give: for teaching, not a score.

The rule: Stolz et al. 1994, Eur J Dermatol 4:521-527. It weighs what a person sees; these are
measurements of the outline and the pixels, and no threshold is attached to them.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from model_zoo.images import SURROUND_LEVEL
from model_zoo.segmentation import Outline

# The six colours that the rule counts, each by one value of sRGB that was chosen here for it: the
# rule names colours and leaves it to the eye what they look like. A pixel is of the nearest one
# within `REACH` (CIE L*a*b*), or of none; white is lighter than the skin around, by `LIGHTER` at
# least. A colour counts from a share of the lesion on.
COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (245, 240, 235),
    "red": (190, 75, 75),
    "light_brown": (165, 120, 85),
    "dark_brown": (85, 50, 35),
    "blue_grey": (100, 125, 150),
    "black": (25, 20, 20),
}
REACH = 30.0
LIGHTER = 5.0
COLOUR_SHARE = 0.05
SKIN_STEP = 4  # every so many pixels of skin, along each side, are enough for their median


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
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    filled = mask[top : top + height, left : left + width].astype(np.uint8)
    moments = cv2.moments(filled, binaryImage=True)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    angle = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    # Turned so that the longer axis lies along x through the middle of a square that holds it all.
    reach = np.hypot(max(x, width - x), max(y, height - y))
    side = int(2 * np.ceil(reach)) | 1
    turn = cv2.getRotationMatrix2D((x, y), np.degrees(angle), 1)
    turn[:, 2] += side // 2 - np.array([x, y])
    upright = cv2.warpAffine(filled * 255, turn, (side, side), flags=cv2.INTER_LINEAR) > 127
    area = max(1, int(upright.sum()))
    about_major = np.count_nonzero(upright ^ upright[::-1]) / (2 * area)
    about_minor = np.count_nonzero(upright ^ upright[:, ::-1]) / (2 * area)
    return float(about_major), float(about_minor)


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

    rgb: uint8 (H, W, 3); mask: bool (h, w) over it.
    """
    size = tuple(min(pair) for pair in zip(rgb.shape[1::-1], mask.shape[::-1], strict=True))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    inside = _at(size, mask)
    thin = small[::SKIN_STEP, ::SKIN_STEP]
    skin = thin[~inside[::SKIN_STEP, ::SKIN_STEP] & (thin.max(axis=2) >= SURROUND_LEVEL)]
    skin_light = float(np.median(_lab(skin[None])[0, :, 0])) if len(skin) else 0.0
    light, a, b = np.ascontiguousarray(_lab(small[inside][None])[0].T)
    names, known = list(COLOURS), _lab(np.array([list(COLOURS.values())], np.uint8))[0]
    away = [(light - light_c) ** 2 + (a - a_c) ** 2 + (b - b_c) ** 2 for light_c, a_c, b_c in known]
    np.putmask(away[names.index("white")], light <= skin_light + LIGHTER, np.inf)
    nearest = functools.reduce(np.minimum, away)  # far faster than argmin across the rows
    np.minimum(nearest, REACH**2, out=nearest)  # what is further away equals none of them
    share = np.array([np.count_nonzero(one == nearest) for one in away]) / max(1, len(light))
    order = np.argsort(-share, kind="stable")
    return tuple(names[index] for index in order if share[index] >= COLOUR_SHARE)


def _at(size: tuple[int, int], mask: np.ndarray) -> np.ndarray:
    """A mask with a lesion, bool (h, w), at a size (width, height) that may be far smaller."""
    drawn = mask.astype(np.uint8) * 255
    nearest = cv2.resize(drawn, size, interpolation=cv2.INTER_NEAREST) > 0
    if nearest.any():
        return nearest
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA) > 0  # between all sampled points


def largest_diameter(contour: np.ndarray) -> float:
    """The largest distance between two points of a contour, float32 (N, 2), in its unit."""
    hull = cv2.convexHull(contour)[:, 0]
    return float(np.linalg.norm(hull[:, None] - hull[None], axis=2).max())


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
