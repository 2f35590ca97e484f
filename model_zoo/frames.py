"""A whole photo in one square: what the network that outlines the lesion sees."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from model_zoo.images import SURROUND_LEVEL, field_of_view, resized


@dataclass(frozen=True)
class Frame:
    """A field of view, brought into a square and centred there, black around it.

    pixels: uint8 (S, S, 3) RGB. box: the field of view (left, top, right, bottom in pixels of the
    photo). inside: where it lies in the square (left, top, right, bottom in pixels of the square).
    """

    pixels: np.ndarray
    box: tuple[int, int, int, int]
    inside: tuple[int, int, int, int]


def frame(
    rgb: np.ndarray | Image.Image, side: int, box: tuple[int, int, int, int] | None = None
) -> Frame:
    """The whole field of view of a photo, uint8 (H, W, 3) RGB or an image, in a square of `side`.

    `images.square` cuts off what lies beside the middle, and with it more than a twentieth of the
    lesion in one frame of five; an outline has to be looked for in the whole. The aspect ratio is
    kept; bicubic with support scaled to the reduction (Pillow). box: the field of view, where that
    is known (left, top, right, bottom in pixels).
    """
    box = box or field_of_view(np.asarray(rgb))
    inside = fitted(box[2] - box[0], box[3] - box[1], side)
    size = (inside[2] - inside[0], inside[3] - inside[1])
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[inside[1] : inside[3], inside[0] : inside[2]] = resized(rgb, size, box)
    return Frame(pixels, box, inside)


def fitted(width: int, height: int, side: int) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the largest such rectangle centred in a square."""
    scale = side / max(width, height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side - wide) // 2, (side - high) // 2
    return left, top, left + wide, top + high


def surround(seen: Frame) -> np.ndarray | None:
    """Where the black around a round field of view is, uint8 (h, w) of 0 and 1; None without.

    Of the part of the frame that holds the field of view. As there, three corners must be black,
    so that a dark lesion that reaches into one is never taken for the surround.
    """
    left, top, right, bottom = seen.inside
    field = seen.pixels[top:bottom, left:right]
    corners = field[[0, 0, -1, -1], [0, -1, 0, -1]].max(axis=1) < SURROUND_LEVEL
    if corners.sum() < 3:
        return None
    dark = cv2.inRange(field, (0, 0, 0), (SURROUND_LEVEL - 1,) * 3)
    _, names = cv2.connectedComponents(dark)
    outer = names[[0, 0, -1, -1], [0, -1, 0, -1]][corners]
    return np.isin(names, outer).astype(np.uint8)
