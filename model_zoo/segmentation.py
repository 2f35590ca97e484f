"""The outline of the lesion: a mask from a network, and the contour that a person can check."""

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np

from model_zoo import registry
from model_zoo.card import SEGMENTATION, Card
from model_zoo.errors import BadModel
from model_zoo.frames import Frame, frame, surround
from model_zoo.images import decode_rgb
from model_zoo.interpreters import THREADS, Interpreters
from model_zoo.loading import served
from model_zoo.quality import ARTEFACTS, SMALL, of_artefacts
from model_zoo.trust import Check, number_of, table_of
from model_zoo.views import eight_views, turned_back

# A pixel belongs to the lesion from this probability on.
THRESHOLD = 0.5
# Masks are enlarged to this many pixels on the longer side before the contour is drawn.
CONTOUR_SIDE = 512
# A lesion covers at least this share of the field of view, and the network is surer than this
# somewhere in it; else there is none.
SMALLEST_AREA = 0.002
SUREST = 0.8
# Of several regions the lesion is the one in the middle, where whoever took the photo put it: what
# lies further out counts less, by a Gaussian of this deviation in sides of the field of view.
MIDDLE = 0.25
# The square around an outline is this much wider than the outline.
MARGIN = 1.3
TOUCH = 0.01  # of the field of view's shorter side: as near to its border counts as touching
EDGE = 2  # times as near to the soft edge of a round one


@dataclass(frozen=True)
class Outline:
    """Where the lesion is.

    mask: bool (h, w) over the field of view, `field` (left, top, right, bottom in pixels of the
    photo). contour: float32 (N, 2), x and y of its border in pixels of the photo. box: around the
    lesion, in pixels of the photo. area_fraction: share of the field of view, 0..1, its black
    surround left out.
    touches_border: whether part of it lies beyond the field of view.
    """

    mask: np.ndarray
    field: tuple[int, int, int, int]
    contour: np.ndarray
    box: tuple[int, int, int, int]
    area_fraction: float
    touches_border: bool

    def within(self, box: tuple[int, int, int, int], grid: tuple[int, int]) -> np.ndarray:
        """The share of lesion, float32 (h, w), in each cell of a grid laid over a box of the photo.

        What of a cell lies beyond the field of view counts as no lesion.
        """
        left, top, right, bottom = self.field
        scale = np.array(self.mask.shape[::-1]) / (right - left, bottom - top)
        fine = 16  # steps a cell
        x, x_known = _steps(box[0], box[2], grid[1] * fine, left, scale[0], self.mask.shape[1])
        y, y_known = _steps(box[1], box[3], grid[0] * fine, top, scale[1], self.mask.shape[0])
        picked, known = self.mask[y[:, None], x], y_known[:, None] & x_known
        cells = (picked & known).reshape(grid[0], fine, grid[1], fine)
        return cells.mean(axis=(1, 3), dtype=np.float32)

    def square(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The square (left, top, right, bottom) around the lesion with some skin, in the photo.

        size: width, height of the photo, which it is kept within as far as it fits.
        """
        left, top, right, bottom = self.box
        side = min(round(max(right - left, bottom - top) * MARGIN), *size)
        x = min(max((left + right - side) // 2, 0), size[0] - side)
        y = min(max((top + bottom - side) // 2, 0), size[1] - side)
        return x, y, x + side, y + side


class Outliner:
    """The loaded network that outlines lesions. `outline` may be called from many threads.

    card: None for a flatbuffer that has none yet.
    """

    def __init__(self, card: Card | None, interpreters: Interpreters) -> None:
        side = interpreters.side
        self.card, self.interpreters = card, interpreters
        shapes = interpreters.shapes
        if (1, side, side, 1) not in shapes:
            problem = f"expected a mask of (1, {side}, {side}, 1), got {shapes}"
            raise BadModel("foreign_shape", file=interpreters.file.name, problem=problem)
        self._mask = shapes.index((1, side, side, 1))
        self.side = side
        seen = (1, len(ARTEFACTS))
        self._artefacts = shapes.index(seen) if seen in shapes else None
        limits = table_of(card, card.trust, "quality") if card else {}
        self.thresholds = {
            code: number_of(card, limits, code, (0, math.inf)) for code in sorted(limits)
        }
        if self._artefacts is None and (unseen := set(ARTEFACTS) & set(self.thresholds)):
            problem = f"it has thresholds for {', '.join(sorted(unseen))}, of which its network"
            raise BadModel("bad_card", file=card.path.name, problem=f"{problem} says nothing")

    @classmethod
    def load(cls, name: str | None = None, *, threads: int = THREADS) -> "Outliner":
        """The outliner of a card's name, or the bundled one. Raises `BadModel`."""
        card = registry.find(name) if name else registry.default_card(SEGMENTATION)
        if card.task != SEGMENTATION:
            raise BadModel("wrong_task", name=card.name, task=card.task, expected=SEGMENTATION)
        return cls(card, Interpreters(served(card), threads=threads))

    def outline(self, photo: bytes | np.ndarray, *, tta: bool = False) -> Outline | None:
        """The outline of the lesion, None where none is found; photo: bytes or uint8 (H, W, 3) RGB.

        tta: see `run`. Raises `BadImage`.
        """
        rgb = decode_rgb(photo) if isinstance(photo, bytes) else photo
        seen = frame(rgb, self.interpreters.side)
        return outline_of(self.run(seen.pixels[None], tta=tta)[0][0], seen)

    def run(self, pixels: np.ndarray, *, tta: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """The probability of lesion, float32 (N, S, S), of frames, uint8 (N, S, S, 3).

        And those of `quality.ARTEFACTS`, float32 (N, A), None where the network gives none.
        tta: the mean over the eight flips and quarter turns; artefacts are of the frame as it is,
        for which their thresholds were fitted.
        """
        count = len(pixels)
        if tta:
            pixels = eight_views(pixels)
        outputs = self.interpreters.run(pixels)
        seen = None if self._artefacts is None else outputs[self._artefacts][:count]
        masks = outputs[self._mask]
        if tta:
            masks = turned_back(masks).mean(axis=0)
        return masks[..., 0], seen

    def checks(self, qualities: dict[str, float], seen: np.ndarray | None) -> dict[str, Check]:
        """The checks of a photo (see `quality`) for which the card has a threshold.

        qualities: from `quality.measure`. seen: artefacts (A,), from `run`.
        """
        return {
            code: Check(value, limit, value >= limit if code == SMALL else value <= limit)
            for code, value in (qualities | of_artefacts(seen)).items()
            if (limit := self.thresholds.get(code)) is not None
        }


def _steps(
    start: float, end: float, count: int, origin: float, scale: float, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """The index in a mask's axis of the middle of each of `count` steps, and which lie within."""
    middles = start + (np.arange(count) + 0.5) * (end - start) / count
    index = np.floor((middles - origin) * scale).astype(int)
    return np.clip(index, 0, length - 1), (index >= 0) & (index < length)


@functools.lru_cache(maxsize=1)
def bundled_outliner() -> Outliner:
    """The bundled outliner, loaded once. Raises `BadModel`."""
    return Outliner.load()


def lesion_check(outline: Outline | None) -> Check:
    """Whether a lesion is found: its share of the field of view, 0 where none is."""
    share = 0.0 if outline is None else outline.area_fraction
    return Check(share, SMALLEST_AREA, outline is not None)


def outline_of(mask: np.ndarray, seen: Frame) -> Outline | None:
    """The outline in a network's answer, float (S, S), to a frame; None where there is none.

    The connected region with the most probability is the lesion, its holes filled; what lies
    further from the middle counts less.
    """
    left, top, right, bottom = seen.inside
    content = mask[top:bottom, left:right]
    scale = CONTOUR_SIDE / max(content.shape)
    size = (round(content.shape[1] * scale), round(content.shape[0] * scale))
    content = cv2.resize(content, size, interpolation=cv2.INTER_LINEAR)
    region = _main_region(content)
    if region is None:
        return None
    borders, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    border = max(borders, key=len)
    whole = cv2.drawContours(np.zeros_like(region), [border], -1, 1, cv2.FILLED)
    x, y, width, height = cv2.boundingRect(border)
    near = max(1, round(TOUCH * min(size)))
    touches = x < near or y < near or x + width > size[0] - near or y + height > size[1] - near
    beyond = surround(seen)
    hidden = 0
    if beyond is not None:
        beyond = cv2.resize(beyond, size, interpolation=cv2.INTER_NEAREST)
        hidden = cv2.countNonZero(beyond)
        reach = np.ones((2 * EDGE * near + 1,) * 2, np.uint8)
        touches = touches or bool((cv2.dilate(whole, reach) & beyond).any())
    # From pixels of the enlarged mask to pixels of the photo.
    field = np.array(seen.box, dtype=float)
    step = (field[2:] - field[:2]) / size
    contour = (border[:, 0] + 0.5) * step + field[:2]
    box = np.concatenate([(x, y) * step + field[:2], (x + width, y + height) * step + field[:2]])
    return Outline(
        mask=whole.astype(bool),
        field=seen.box,
        contour=contour.astype(np.float32),
        box=tuple(int(value) for value in np.round(box)),
        area_fraction=min(1.0, cv2.countNonZero(whole) / max(1, whole.size - hidden)),
        touches_border=bool(touches),
    )


@functools.lru_cache(maxsize=8)
def _nearness(shape: tuple[int, int]) -> np.ndarray:
    """How near to the middle each pixel is, float32 (h, w): 1 in it, less outwards."""
    y, x = (np.exp(-((((np.arange(n) + 0.5) / n - 0.5) / MIDDLE) ** 2) / 2) for n in shape)
    return np.outer(y, x).astype(np.float32)


def _main_region(probabilities: np.ndarray) -> np.ndarray | None:
    """The region, uint8 (h, w) of 0 and 1, that is the lesion, or None."""
    above = (probabilities > THRESHOLD).astype(np.uint8)
    count, names = cv2.connectedComponents(above)
    inside = np.flatnonzero(above)
    of, values = names.ravel()[inside], probabilities.ravel()[inside]
    surest = np.zeros(count, np.float32)
    np.maximum.at(surest, of, values)
    weight = np.bincount(of, values * _nearness(names.shape).ravel()[inside], count)
    # What is faint or tiny is no lesion, and hides none that lies further from the middle.
    weight[(surest < SUREST) | (np.bincount(of, minlength=count) < SMALLEST_AREA * above.size)] = 0
    if not weight.any():
        return None
    return (names == int(weight.argmax())).astype(np.uint8)
