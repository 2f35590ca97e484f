"""Pictures of numbers: a heatmap laid over a photo, and the square that the model saw."""

import cv2
import numpy as np

# Perceptually even, dark to bright, told apart by readers with colour vision deficiency.
COLOURS = cv2.COLORMAP_INFERNO
# Below this share of its peak a heatmap is left transparent, so that the photo stays readable.
FLOOR = 0.1


def paint(
    rgb: np.ndarray, box: tuple[int, int, int, int], heatmap: np.ndarray, opacity: float
) -> np.ndarray:
    """A copy of the photo, uint8 (H, W, 3), with the heatmap laid into the box.

    heatmap: float (h, w), 0..1, enlarged smoothly: its true grain is its own grid. opacity: 0..1,
    reached where the heatmap is 1. A heatmap of zeros draws nothing.
    """
    painted = rgb.copy()
    if heatmap.max() <= 0 or opacity <= 0:
        return painted
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    heat = cv2.resize(heatmap.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    heat = np.clip(heat, 0, 1)
    colours = colour(heat)
    alpha = np.clip((heat - FLOOR) / (1 - FLOOR), 0, 1)[:, :, None] * opacity
    part = painted[top:bottom, left:right].astype(np.float32)
    painted[top:bottom, left:right] = np.round(part * (1 - alpha) + colours * alpha)
    return painted


def colour(values: np.ndarray) -> np.ndarray:
    """The colours, uint8 (H, W, 3) RGB, of numbers 0..1, (H, W)."""
    steps = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(steps, COLOURS), cv2.COLOR_BGR2RGB)


def dim_outside(rgb: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """A copy of the photo with everything outside the box dimmed, and the box framed."""
    left, top, right, bottom = box
    marked = (rgb * 0.45).astype(np.uint8)
    marked[top:bottom, left:right] = rgb[top:bottom, left:right]
    return frame(marked, box)


def frame(rgb: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """A copy of the photo with a thin dashed line, white on black, just inside the box."""
    left, top, right, bottom = box
    framed = rgb.copy()
    width = max(1, round(max(rgb.shape[:2]) / 500))
    inside = framed[top:bottom, left:right]
    rows, columns = np.indices(inside.shape[:2])
    edge = np.minimum.reduce([rows, columns, rows[::-1], columns[:, ::-1]]) < width
    dash = ((rows + columns) // (8 * width)) % 2
    inside[edge] = np.where(dash[edge, None] == 0, 255, 20)
    return framed


def outlined(rgb: np.ndarray, contour: np.ndarray) -> np.ndarray:
    """A copy of the photo with a closed line along a contour, float (N, 2) of x and y in pixels.

    White on black, so that it is seen on skin and on pigment alike.
    """
    drawn = rgb.copy()
    width = max(1, round(max(rgb.shape[:2]) / 400))
    points = np.round(contour * 16).astype(np.int32)[None]  # four bits behind the point
    for colour, extra in ((20, 2), (255, 0)):
        thick = width + extra * max(1, width // 2)
        cv2.polylines(drawn, points, True, (colour,) * 3, thick, cv2.LINE_AA, shift=4)
    return drawn
