"""What lies in and on the skin, layer by layer: structures as fields, and paint on a picture.

A picture is float32 (450, 600, 3), 0 to 1. A structure is float32 (450, 600), 0 to 1.
"""

import cv2
import numpy as np

from streamlit_app.samples.brushes import (
    HEIGHT,
    WIDTH,
    cells,
    cloud,
    curve,
    labyrinth,
    ramp,
    relief,
    rounded,
    soften,
    strokes,
)

# How much of red, green and blue one unit of each takes away. Dermoscopy's colours follow from
# depth: melanin is brown near the surface and blue-grey below it.
MELANIN = (0.42, 0.95, 1.45)
DEEP_MELANIN = (1.15, 0.95, 0.60)
BLOOD = (0.16, 1.10, 0.80)
DARK_BLOOD = (0.55, 1.35, 0.75)
KERATIN = (0.08, 0.35, 0.95)
INK = (1.0, 1.0, 0.95)


def stain(picture: np.ndarray, amount: np.ndarray, pigment: tuple) -> np.ndarray:
    """The picture seen through `amount` of a pigment, which swallows light as a filter does."""
    return picture * np.exp(-np.maximum(amount, 0)[..., None] * np.float32(pigment))


def veil(picture: np.ndarray, cover: np.ndarray, colour: tuple) -> np.ndarray:
    """The picture behind a haze of `colour`, opaque where `cover` is 1."""
    cover = np.clip(cover, 0, 1)[..., None]
    return picture * (1 - cover) + np.float32(colour) * cover


def lit(picture: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The picture brighter by the share `light`, darker where that is negative."""
    return picture * (1 + light[..., None])


def skin(
    rng: np.random.Generator, tone: tuple, *, mottled: float = 1.0, sun: float = 0.0
) -> np.ndarray:
    """Bare skin of a colour: blotches, flush, grain, and the fine furrows that cross it.

    mottled: how uneven it is. sun: how much patchy brown a life outdoors has left in it.
    """
    picture = np.ones((HEIGHT, WIDTH, 3), np.float32) * np.float32(tone)
    picture = stain(picture, 0.07 + 0.045 * mottled * cloud(rng, 200), MELANIN)
    picture = stain(picture, 0.10 + 0.035 * mottled * cloud(rng, 150, rough=2.4), BLOOD)
    patches = soften(ramp(cloud(rng, 60, rough=2.6), 0, 2.6), 1.5)
    picture = stain(picture, 0.6 * sun * patches * (1 + 0.2 * cloud(rng, 6)), MELANIN)
    angle = rng.uniform(0, np.pi)
    furrows = sum(
        ramp(-np.abs(labyrinth(rng, 8, stretch=2.5, angle=angle + turn)), -0.5, 0)
        for turn in (0, 1.1)
    )
    grain = cloud(rng, 5, rough=2.0)
    picture = lit(picture, 0.018 * (furrows - furrows.mean()) + 0.012 * grain)
    return veil(picture, 0.42 * scratches(rng, angle), (1.0, 0.95, 0.92))


def scratches(rng: np.random.Generator, angle: float) -> np.ndarray:
    """Long fine lines where the plate over the skin catches dry furrows and vellus hair."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for faint in (0.3, 0.6, 1.0):
        lines = []
        for _ in range(round(16 / faint)):
            start = rng.uniform((-50, -50), (WIDTH, HEIGHT))
            turn = angle + rng.normal(0, 0.2) + rng.choice([0, 1.1])
            length = rng.exponential(90) + 15
            bend = rng.normal(0, 0.3)
            lines.append((curve(rng, start, turn, length, bend=bend), 1.0, 0.3))
        total = np.maximum(total, faint * strokes(lines))
    return soften(total, 0.6)


def network(
    rng: np.random.Generator,
    spacing: float = 10.0,
    *,
    thick: float = 0.23,
    irregular: float = 0.42,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> np.ndarray:
    """Lines of a pigment network: a bent honeycomb, thicker here, broken there."""
    mesh = cells(rng, spacing, jitter=irregular, warp=0.34, stretch=stretch, angle=angle)
    width = thick * np.clip(1 + 0.35 * cloud(rng, 4 * spacing), 0.35, 2.2)
    # Blurring before the cut rounds the holes and thickens the lines where they meet.
    lines = ramp(soften(np.exp(-((mesh.wall / width) ** 2)), 0.1 * spacing), 0.1, 0.9)
    return lines * np.clip(0.85 + 0.25 * cloud(rng, 5 * spacing), 0.2, 1.3)


def globules(
    rng: np.random.Generator,
    spacing: float = 14.0,
    *,
    fill: float = 0.7,
    size: tuple[float, float] = (0.22, 0.42),
    soft: float = 0.12,
) -> np.ndarray:
    """Round clods, one in a cell or none, each of its own size and strength.

    fill: the share of cells that hold one. size: the smallest and largest radius, in spacings.
    """
    mesh = cells(rng, spacing, jitter=0.32, warp=0.25)
    radius = rng.uniform(*size, mesh.count)
    strength = np.where(rng.random(mesh.count) < fill, rng.uniform(0.45, 1, mesh.count), 0)
    uneven = 0.05 * cloud(rng, spacing / 2)
    clod = ramp(mesh.each(radius) - mesh.nearest + uneven, -soft, soft)
    return rounded(clod * ramp(mesh.wall, 0, 0.3), 0.3 * size[0] * spacing) * mesh.each(strength)


def lacunae(
    rng: np.random.Generator, spacing: float = 34.0, *, septum: float = 0.18
) -> tuple[np.ndarray, np.ndarray]:
    """Blood lakes packed between pale septa, and how dark each of them is, 0 to 1."""
    mesh = cells(rng, spacing, jitter=0.45, warp=0.35)
    size = mesh.each(rng.uniform(0.15, 0.75, mesh.count))
    width = septum * np.clip(1 + 0.5 * cloud(rng, 2 * spacing), 0.4, 2)
    lake = ramp(mesh.wall, 0.4 * width, 1.6 * width) * ramp(size - mesh.nearest, -0.2, 0.1)
    return rounded(lake, 0.09 * spacing), mesh.each(rng.random(mesh.count) ** 1.3)


def vessels(rng: np.random.Generator, stems: list[tuple], *, width: float = 3.0) -> np.ndarray:
    """Arborizing vessels from stems (x, y, angle, length): they fork, wander and grow thin."""
    lines: list[tuple] = []

    def grow(start: np.ndarray, angle: float, length: float, thick: float) -> None:
        if thick < 0.35 or length < 10:
            return
        path = curve(rng, start, angle, length, bend=rng.normal(0, 0.5), shake=0.15, step=4)
        lines.append((path, thick, 0.75 * thick))
        turn = np.arctan2(*(path[-1] - path[-2])[::-1])
        side = rng.choice([-1, 1])
        # One branch goes on, the other leaves at a wide angle and is thinner.
        grow(path[-1], turn + side * 0.25, length * rng.uniform(0.6, 0.95), 0.72 * thick)
        grow(path[-1], turn - side * rng.uniform(0.5, 1.1), length * rng.uniform(0.4, 0.8),
             thick * rng.uniform(0.4, 0.6))  # fmt: skip
        if rng.random() < 0.6:
            away = turn + rng.choice([-1, 1]) * rng.uniform(0.7, 1.4)
            grow(path[len(path) // 2], away, 0.5 * length, 0.35 * thick)

    for x, y, angle, length in stems:
        grow(np.array([x, y]), angle, length, width)
    return strokes(lines)


def cysts(rng: np.random.Generator, spacing: float = 42.0, *, fill: float = 0.5) -> np.ndarray:
    """Milia-like cysts: bright round dots with a hazy rim, far apart and of unlike size."""
    dots = globules(rng, spacing, fill=fill, size=(0.04, 0.13), soft=0.04)
    return np.clip(0.9 * soften(dots, 1) + 0.6 * soften(dots, 3.5), 0, 1)


def convolutions(rng: np.random.Generator, size: float = 24.0) -> tuple[np.ndarray, np.ndarray]:
    """A cerebriform surface: its height, and the dark fissures between its folds."""
    fold = labyrinth(rng, size) + 0.25 * cloud(rng, size / 3)
    deep = 0.28 * np.clip(1 + 0.6 * cloud(rng, 2 * size), 0.1, 2)
    return np.abs(fold), np.exp(-((fold / deep) ** 2))


def strands(rng: np.random.Generator) -> np.ndarray:
    """Short bright crossing lines, as polarised light shows in a scar."""
    lines = []
    for _ in range(160):
        start = rng.normal((300, 225), (75, 60))
        path = curve(rng, start, rng.choice([0.5, 2.1]) + rng.normal(0, 0.2), rng.uniform(8, 32))
        lines.append((path, 1.6, 0.8))
    return soften(strokes(lines), 0.9)


def hair(
    rng: np.random.Generator,
    picture: np.ndarray,
    count: int,
    *,
    angle: float,
    colour: tuple = (0.13, 0.09, 0.07),
    width: float = 2.2,
) -> np.ndarray:
    """The picture with hair over it: long, tapered, each with a shine and a soft shadow."""
    for _ in range(count):
        root = rng.uniform((-60, -40), (WIDTH + 60, HEIGHT + 40))
        turn = angle + rng.normal(0, 0.25)
        length, bend = rng.uniform(180, 620), rng.normal(0, 0.6)
        path = curve(rng, root, turn, length, bend=bend, shake=0.01)
        thick = width * rng.uniform(0.45, 1.1)
        # Thin at the root, thickest soon after it, thin again towards the tip.
        head = max(2, len(path) // 6)
        shaft = strokes([(path[:head], 0.5 * thick, thick), (path[head - 1 :], thick, 0.3)])
        picture = lit(picture, -0.16 * soften(np.roll(shaft, (4, 3), (0, 1)), 2.2))
        picture = veil(picture, rng.uniform(0.7, 0.95) * shaft, colour)
        shine = strokes([(path[head:] - 0.25 * thick, 0.35 * thick, 0.1)])
        picture = veil(picture, 0.25 * shine, (0.95, 0.85, 0.75))
    return picture


def ruler(
    rng: np.random.Generator, picture: np.ndarray, start: tuple, angle: float, pitch: float
) -> np.ndarray:
    """The picture with the scale of a contact plate: a tick each `pitch`, longer at 5 and 10."""
    way = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([way[1], -way[0]])
    ticks = []
    for number in range(64):
        place = np.asarray(start, float) + number * pitch * way
        long = 20 if number % 10 == 0 else 14 if number % 5 == 0 else 8
        ticks.append((np.stack([place, place + long * side]), 1.3, 1.3))
    worn = np.clip(0.8 + 0.15 * cloud(rng, 25), 0.3, 1)
    return stain(picture, 1.7 * worn * soften(strokes(ticks), 0.5), INK)


def field_of_view(picture: np.ndarray, centre: tuple, radius: float) -> np.ndarray:
    """The picture through a round lens: bright disc, dim rim, black round it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    inside = radius - np.hypot(x - centre[0], y - centre[1])
    picture = stain(picture, 0.4 * ramp(-inside, -40, 5) ** 2, (0.7, 1.0, 1.1))
    edge = ramp(inside, -6, 6)
    return veil(picture, 1 - edge, (0.025, 0.020, 0.028))


def glints(rng: np.random.Generator, picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The picture with small mirrors of the lamp, where the surface is wet or scaly."""
    bumps = relief(soften(cloud(rng, 7, rough=2.2), 0.8))
    bright = ramp(bumps * np.clip(where, 0, 1), 0.75, 1.0)
    return veil(picture, 0.75 * soften(bright, 0.5), (1.0, 0.98, 1.0))


def photo(rng: np.random.Generator, picture: np.ndarray, *, vignette: float = 0.16) -> np.ndarray:
    """What the camera makes of it: uint8, lit from one side, dim in the corners, a bit noisy."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    x, y = x / WIDTH - 0.5, y / HEIGHT - 0.5
    turn = rng.uniform(0, 2 * np.pi)
    light = 0.09 * (np.cos(turn) * x + np.sin(turn) * y) - vignette * 2 * (x**2 + y**2) ** 1.3
    picture = cv2.GaussianBlur(lit(picture, light), (0, 0), 1.25)
    grain = 0.008 * rng.standard_normal((HEIGHT, WIDTH, 1)) + 0.004 * rng.standard_normal(
        (HEIGHT, WIDTH, 3)
    )
    return np.clip(np.round((picture + grain) * 255), 0, 255).astype(np.uint8)
