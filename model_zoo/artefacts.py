"""What comes between a camera and a lesion: hair, ink, a ruler, a dark corner, blur, light.

Drawn for three ends: to train networks against them, to measure the checks of photo quality, and
to show what they change in an answer. Every function takes and gives uint8 (H, W, 3) RGB, leaves
its input alone, and draws lengths as shares of the shorter side.
"""

from collections.abc import Callable

import cv2
import numpy as np

BLUE_INK, BLACK_INK = (58, 44, 120), (40, 36, 44)  # gentian violet; a black skin marker


def hair(rgb: np.ndarray, random: np.random.Generator, *, count: int = 14) -> np.ndarray:
    """The photo behind `count` hairs: dark curves, anywhere, antialiased."""
    drawn, side = rgb.copy(), min(rgb.shape[:2])
    for _ in range(count):
        colour = np.array([38, 28, 22]) + random.integers(-15, 25, 3)
        start = random.uniform(0, 1, 2) * rgb.shape[1::-1]
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(0.3, 1.1) * side
        bend = random.uniform(-1.2, 1.2)
        along = np.linspace(0, 1, 24)
        turned = angle + bend * along
        steps = np.stack([np.cos(turned), np.sin(turned)], axis=1) * (length / len(along))
        line = start + np.cumsum(steps, axis=0)
        thick = max(1, round(random.uniform(0.004, 0.012) * side))
        _polyline(drawn, line, colour, thick)
    return drawn


def ink(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The photo with a stroke of a skin marker across a side of it, half transparent."""
    side = min(rgb.shape[:2])
    layer = rgb.copy()
    colour = BLUE_INK if random.random() < 0.7 else BLACK_INK
    angle = random.uniform(0, 2 * np.pi)
    middle = np.array(rgb.shape[1::-1]) / 2
    away = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-away[1], away[0]])
    along = np.linspace(-0.6, 0.6, 30)[:, None] * side
    wave = np.sin(np.linspace(0, random.uniform(2, 6), 30))[:, None] * 0.03 * side
    line = middle + away * random.uniform(0.3, 0.45) * side + across * along + away * wave
    _polyline(layer, line, np.array(colour), max(2, round(random.uniform(0.03, 0.06) * side)))
    strength = random.uniform(0.65, 0.95)
    return cv2.addWeighted(layer, strength, rgb, 1 - strength, 0)


def ruler(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The photo with a scale of dark ticks along one of its sides."""
    turns = int(random.integers(0, 4))
    drawn = np.rot90(rgb, turns).copy()  # a decoded photo may not be written to
    height, width = drawn.shape[:2]
    side = min(height, width)
    step = max(3.0, random.uniform(0.03, 0.07) * side)
    base = round(height - random.uniform(0.01, 0.06) * side)
    thick = max(1, round(0.006 * side))
    for tick in range(int(width / step)):
        long = 0.09 if tick % 10 == 0 else 0.065 if tick % 5 == 0 else 0.04
        x = round(tick * step)
        cv2.line(drawn, (x, base), (x, round(base - long * side)), (25, 25, 28), thick, cv2.LINE_AA)
    return np.ascontiguousarray(np.rot90(drawn, -turns))


def dark_corners(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The photo in a round field of view, black outside, with a soft edge."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    radius = random.uniform(0.52, 0.62) * side
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2)
    lit = np.clip((radius - away) / (0.02 * side) + 0.5, 0, 1)
    return (rgb * lit[:, :, None]).astype(np.uint8)


def blurred(rgb: np.ndarray, share: float) -> np.ndarray:
    """The photo out of focus: a Gaussian of `share` of the shorter side, such as 0.01."""
    return cv2.GaussianBlur(rgb, (0, 0), share * min(rgb.shape[:2]))


def brightened(rgb: np.ndarray, factor: float) -> np.ndarray:
    """The photo with every value times `factor`: 1 leaves it, 2 overexposes, 0.4 is dim."""
    return np.clip(rgb * np.float32(factor), 0, 255).astype(np.uint8)


def _polyline(rgb: np.ndarray, line: np.ndarray, colour: np.ndarray, thick: int) -> None:
    points = np.round(line * 16).astype(np.int32)[None]  # four bits behind the point
    cv2.polylines(rgb, points, False, colour.tolist(), thick, cv2.LINE_AA, shift=4)


DRAWN: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "hair": hair,
    "ink": ink,
    "ruler": ruler,
    "dark_corners": dark_corners,
}
