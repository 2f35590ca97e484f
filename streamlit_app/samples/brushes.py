"""Fields of numbers that the drawings are made of: noise, cells, outlines, strokes.

Every field is float32 and as large as the picture. Lengths are pixels, angles radians,
places (x, y) from the top left corner.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

HEIGHT, WIDTH = 450, 600
# Strokes are painted this much larger and shrunk, so that a hair of half a pixel stays smooth.
OVERSIZE = 3


def cloud(
    rng: np.random.Generator,
    size: float,
    *,
    rough: float = 3.0,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1 whose largest blobs are `size` wide.

    Every octave below `size` is in it, each weaker than the one before by 2 ** -(rough - 1).
    stretch: how much longer than wide the blobs are, along `angle`.
    """
    frequency = size * _frequency(stretch, angle)
    return _shaped(rng, (1 + frequency**2) ** (-rough / 2))


def labyrinth(
    rng: np.random.Generator, size: float, *, stretch: float = 1.0, angle: float = 0.0
) -> np.ndarray:
    """Noise of one wavelength only: ridges and valleys that wind like those of a brain."""
    frequency = size * _frequency(stretch, angle)
    return _shaped(rng, np.exp(-(((frequency - 1) / 0.3) ** 2)))


def _frequency(stretch: float, angle: float) -> np.ndarray:
    """Waves per pixel of each Fourier term, those along `angle` counted `stretch` times."""
    y = np.fft.fftfreq(HEIGHT)[:, None]
    x = np.fft.rfftfreq(WIDTH)[None, :]
    along = (np.cos(angle) * x + np.sin(angle) * y) * stretch
    across = np.cos(angle) * y - np.sin(angle) * x
    return np.hypot(along, across)


def _shaped(rng: np.random.Generator, spectrum: np.ndarray) -> np.ndarray:
    """White noise with its waves weighed by `spectrum`, mean 0 and deviation 1."""
    white = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH)))
    noise = np.fft.irfft2(white * spectrum, s=(HEIGHT, WIDTH))
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


@dataclass(frozen=True)
class Cells:
    """A plane cut into cells round scattered seeds (Worley noise).

    nearest, second: how far the two nearest seeds are, in spacings, so their difference is 0
    on the walls and about 1 in the middle. owner: the number of the nearest seed, below count.
    """

    nearest: np.ndarray
    second: np.ndarray
    owner: np.ndarray
    count: int

    @property
    def wall(self) -> np.ndarray:
        """How far from a wall: 0 on it, about 1 in the middle of a cell."""
        return self.second - self.nearest

    def each(self, values: np.ndarray) -> np.ndarray:
        """One value for each cell, spread over its pixels."""
        return values.astype(np.float32)[self.owner]


def cells(
    rng: np.random.Generator,
    spacing: float,
    *,
    jitter: float = 0.3,
    warp: float = 0.3,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Cells:
    """A honeycomb with `spacing` between seeds: each moved by `jitter`, the plane bent by `warp`.

    Both are in spacings. stretch: how much longer than wide the cells are, along `angle`.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) / spacing
    along = (np.cos(angle) * x + np.sin(angle) * y) / stretch
    across = np.cos(angle) * y - np.sin(angle) * x
    x = along + warp * cloud(rng, 3 * spacing, rough=5)
    y = (across + warp * cloud(rng, 3 * spacing, rough=5)) / np.sqrt(0.75)
    x, y = x - x.min() + 3, y - y.min() + 3
    rows, columns = int(y.max()) + 5, int(x.max()) + 5
    moved = rng.uniform(-jitter, jitter, (2, rows, columns)).astype(np.float32)
    row, column = y.astype(int), x.astype(int)
    nearest = np.full((HEIGHT, WIDTH), np.inf, np.float32)
    second, owner = nearest.copy(), np.zeros((HEIGHT, WIDTH), int)
    # Odd rows stand half a spacing aside: the seeds of a honeycomb.
    for i in range(-2, 3):
        for j in range(-2, 3):
            r, c = row + i, column + j
            across = (y - r) * np.sqrt(0.75) - moved[0, r, c]
            along = x - c - 0.5 * (r % 2) - moved[1, r, c]
            distance = np.hypot(along, across).astype(np.float32)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            nearest = np.where(closer, distance, nearest)
            owner = np.where(closer, r * columns + c, owner)
    return Cells(nearest, second, owner, rows * columns)


def outline(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radii: tuple[float, float],
    *,
    angle: float = 0.0,
    wobble: float = 0.08,
    ragged: float = 0.04,
) -> np.ndarray:
    """How deep inside a lesion each pixel lies: 1 in its middle, 0 on its outline, less outside.

    wobble: how far its lobes reach, ragged: how frayed the line is, both in radii.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    x, y = x - centre[0], y - centre[1]
    along = (np.cos(angle) * x + np.sin(angle) * y) / radii[0]
    across = (np.cos(angle) * y - np.sin(angle) * x) / radii[1]
    turn = np.arctan2(across, along)
    reach = np.ones_like(turn)
    for lobes in range(2, 9):
        size = wobble * rng.normal() / (lobes - 1) ** 0.8
        reach += size * np.cos(lobes * turn + rng.uniform(0, 2 * np.pi))
    depth = 1 - np.hypot(along, across) / np.maximum(reach, 0.3)
    frayed = depth + ragged * cloud(rng, 0.3 * min(radii), rough=2.8)
    return frayed.astype(np.float32)


def ramp(field: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """0 where the field is below `low`, 1 above `high`, a smooth step between."""
    step = np.clip((field - low) / (high - low), 0, 1)
    return (step * step * (3 - 2 * step)).astype(np.float32)


def soften(field: np.ndarray, sigma: float) -> np.ndarray:
    """The field blurred by a Gaussian of `sigma` pixels."""
    return cv2.GaussianBlur(field.astype(np.float32), (0, 0), sigma)


def rounded(shape: np.ndarray, radius: float) -> np.ndarray:
    """The shape with every corner sharper than `radius` worn off, within and without."""
    return ramp(soften(shape, radius), 0.2, 0.8)


def relief(height: np.ndarray) -> np.ndarray:
    """How much a slope faces the lamp at the top left: mean 0, about 1 on the steepest."""
    x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
    y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    slope = x + y
    return slope / (3 * slope.std() + 1e-6)


def curve(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    *,
    bend: float = 0.0,
    shake: float = 0.0,
    step: float = 6.0,
) -> np.ndarray:
    """Points (N, 2) of a line from `start` on, turning by `bend` over its whole length.

    shake: the random turn of each step, which makes it wander.
    """
    count = max(2, round(length / step))
    turns = angle + np.linspace(0, bend, count) + np.cumsum(shake * rng.standard_normal(count))
    moves = step * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.vstack([start, np.asarray(start) + np.cumsum(moves, axis=0)])


def strokes(lines: Iterable[tuple[np.ndarray, float, float]]) -> np.ndarray:
    """How far each pixel is covered, 0 to 1, by lines of (points, width at start, at end)."""
    sheet = np.zeros((HEIGHT * OVERSIZE, WIDTH * OVERSIZE), np.uint8)
    for points, first, last in lines:
        # Sixteenths of a pixel: four bits behind the point, as OpenCV calls it.
        corners = np.round(points * OVERSIZE * 16).astype(int)
        widths = np.linspace(first, last, len(points)) * OVERSIZE
        for start, end, width in zip(corners, corners[1:], widths, strict=False):
            thick = max(1, round(float(width)))
            cv2.line(sheet, start.tolist(), end.tolist(), 255, thick, cv2.LINE_AA, 4)
    small = cv2.resize(sheet, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255
