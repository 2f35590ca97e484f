"""Photos with outlines of lesions: where they lie, how they are drawn and changed for training.

A folder holds `images/<image>.jpg`, whole frames, and `masks/<image>_segmentation.png`, 0 beside
the lesion and 255 on it, of the same frame at any size: the layout in which HAM10000's outlines
are distributed (Tschandl et al. 2020, doi 10.1038/s41591-020-0942-0).
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image

from model_zoo import artefacts
from model_zoo.errors import BadData
from model_zoo.frames import Frame, fitted, frame
from model_zoo.images import decode_rgb
from model_zoo.quality import ARTEFACTS
from training import hosts
from training.kept import pixels as made_once
from training.recipe import Recipe
from training.splits import Row

IMAGES, MASKS = "images", "masks"
DARK_CORNERS = "dark_corners"  # of `artefacts.DRAWN`: it covers what was drawn before it
# Shares of the photos drawn in an epoch: without a lesion, with each artefact, in another format.
BARE, WITH_ARTEFACT, OTHER_FORMAT = 0.08, 0.15, 0.5
# Artefacts are drawn on the photo enlarged by this, and fade into it by a random strength: a line
# that is as sharp as the pixels would be learnt by its sharpness, which no real hair has.
ENLARGED, FAINTEST = 2, 0.6
SEEN = 0.0005  # of the pixels at least show what counts as drawn; a ruler on black shows nothing
FORMATS = ((4, 3), (3, 4), (16, 9), (9, 16))
# How much of the frame's longer side a changed photo shows, and how far its middle is shifted, in
# sides. A share of the photos is shown nearly whole, as it is when an outline is asked for.
ZOOM, SHIFT = (0.45, 1.15), 0.25
WHOLE, WHOLE_ZOOM, WHOLE_SHIFT = 0.5, (0.95, 1.1), 0.04
OUTSIDE = 64
SMALLEST_SKIN = 0.2  # of the kept side: a smaller piece is too blurred to stand for skin


@dataclass(frozen=True)
class Outlined:
    """Frames in squares, uint8 (N, S, S, 4), and whose they are.

    The last channel is the mask: 255 on the lesion, 0 beside it, `OUTSIDE` where the square has no
    frame.
    """

    pixels: np.ndarray
    rows: list[Row]


def has_outlines(folder: Path) -> bool:
    """Whether a folder is of the layout of this module."""
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def photo_file(folder: Path, image: str) -> Path:
    """Where a photo lies."""
    return folder / IMAGES / f"{image}.jpg"


def mask_file(folder: Path, image: str) -> Path:
    """Where the mask of a photo lies."""
    return folder / MASKS / f"{image}_segmentation.png"


def outlined_rows(rows: list[Row], folder: Path) -> list[Row]:
    """Those rows of a list whose photo and mask are in the folder. Raises `BadData` for none."""
    if not has_outlines(folder):
        raise BadData("no_outlines", folder=folder)
    photos = {file.stem for file in (folder / IMAGES).glob("*.jpg")}
    masks = {file.stem.removesuffix("_segmentation") for file in (folder / MASKS).glob("*.png")}
    found = [row for row in rows if row.image in photos & masks]
    if not found:
        raise BadData("no_outlines", folder=folder)
    return found


def load_outlined(
    folder: Path, rows: list[Row], side: int, *, skip_broken: bool = False
) -> Outlined:
    """The frames of these rows and their masks at `side`, made on the first call and kept.

    Raises `BadData` naming the first unreadable photo, or leaves such out with `skip_broken`.
    """
    files = [photo_file(folder, row.image) for row in rows]

    def read(index: int) -> np.ndarray:
        rgb = decode_rgb(files[index].read_bytes())
        mask = read_mask(folder, rows[index].image)
        seen = frame(rgb, side)
        return np.dstack([seen.pixels, mask_in_frame(mask, seen, rgb.shape)])

    about = "with masks"
    pixels, kept = made_once(files, (side, side, 4), about, read, skip_broken=skip_broken)
    return Outlined(pixels, [rows[index] for index in kept])


def read_mask(folder: Path, image: str) -> np.ndarray:
    """The mask of a photo, uint8 (H, W), 0 or 255, at the size of its file."""
    with Image.open(mask_file(folder, image)) as mask:
        return np.where(np.asarray(mask.convert("L")) > 127, 255, 0).astype(np.uint8)


def mask_in_frame(mask: np.ndarray, seen: Frame, shape: tuple[int, ...]) -> np.ndarray:
    """A mask, uint8 (h, w), laid out as the frame of its photo of (H, W, 3), uint8 (S, S)."""
    left, top, right, bottom = seen.inside
    x, y = mask.shape[1] / shape[1], mask.shape[0] / shape[0]
    box = (seen.box[0] * x, seen.box[1] * y, seen.box[2] * x, seen.box[3] * y)
    size = (right - left, bottom - top)
    small = Image.fromarray(mask).resize(size, Image.Resampling.BOX, box=box)
    laid = np.full(seen.pixels.shape[:2], OUTSIDE, np.uint8)
    laid[top:bottom, left:right] = np.where(np.asarray(small) > 127, 255, 0)
    return laid


class OutlineBatches(keras.utils.PyDataset):
    """Batches (uint8 photos (n, side, side, 3), (masks, artefacts)), changed.

    masks: float32 (n, side, side, 1). artefacts: float32 (n, A), 1 for each of `quality.ARTEFACTS`
    that was drawn and can be seen; what the photo came with is not known.
    Every photo is drawn once an epoch, turned, zoomed and shifted, some in a frame of another
    format, behind hair, ink or a ruler, in a round field of view; and of some only bare skin, so
    that the network learns to find nothing. One process of several gets its share of each batch.
    """

    def __init__(self, photos: Outlined, recipe: Recipe, side: int) -> None:
        super().__init__()
        self.photos, self.recipe, self.side = photos, recipe, side
        self.share = hosts.share(recipe.batch)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Nothing; draws the order of this epoch, the same for the same seed and epoch."""
        self.epoch = epoch
        random = np.random.default_rng((self.recipe.seed, epoch))
        self.order = random.permutation(len(self.photos.pixels))

    def __len__(self) -> int:
        return len(self.order) // self.recipe.batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        batch = self.recipe.batch
        changed, drawn = [], []
        for photo in self.order[index * batch : (index + 1) * batch][self.share]:
            random = np.random.default_rng((self.recipe.seed, self.epoch, int(photo)))
            laid, names = change(self.photos.pixels[photo], self.side, random)
            changed.append(laid)
            drawn.append([name in names for name in ARTEFACTS])
        stack = np.stack(changed)
        masks = (stack[..., 3:] > 127).astype(np.float32)
        return stack[..., :3], (masks, np.array(drawn, np.float32))


def change(kept: np.ndarray, side: int, random: np.random.Generator) -> tuple[np.ndarray, set[str]]:
    """A kept frame with its mask, uint8 (S, S, 4), changed at random, (side, side, 4).

    And the names of what was drawn in front of it.
    """
    framed = kept[..., 3] != OUTSIDE
    content = kept[framed.any(axis=1)][:, framed.any(axis=0)]
    skin = bare_skin(content[..., 3]) if random.random() < BARE else None
    if skin is not None:
        window = content[skin[1] : skin[3], skin[0] : skin[2]]
        laid = _warp(window, side, random, zoom=(0.7, 1.0), shift=SHIFT)
    elif random.random() < WHOLE:
        laid = _warp(content, side, random, zoom=WHOLE_ZOOM, shift=WHOLE_SHIFT)
    else:
        laid = _warp(content, side, random, zoom=ZOOM, shift=SHIFT)
    if random.random() >= OTHER_FORMAT:
        return _with_artefacts(laid, random)
    # Black bars beside it, as around a frame of another format.
    left, top, right, bottom = fitted(*FORMATS[random.integers(len(FORMATS))], side)
    barred = np.zeros_like(laid)
    inside, drawn = _with_artefacts(laid[top:bottom, left:right], random)
    barred[top:bottom, left:right] = inside
    return barred, drawn


def _with_artefacts(laid: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, set[str]]:
    """A frame with its mask, (H, W, 4), behind some of `artefacts.DRAWN`, and their names."""
    names = [name for name in artefacts.DRAWN if random.random() < WITH_ARTEFACT]
    if not names:
        return laid, set()
    size = (laid.shape[1], laid.shape[0])
    rgb = cv2.resize(laid[..., :3], None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
    changes = {}
    for name in names:
        before, strength = rgb, random.uniform(FAINTEST, 1)
        rgb = artefacts.DRAWN[name](rgb, random)
        if name != DARK_CORNERS:
            rgb = cv2.addWeighted(rgb, strength, before, 1 - strength, 0)
            changes[name] = cv2.absdiff(rgb, before).max(axis=2) > 20
    lit = rgb.max(axis=2) > 0
    drawn = {name for name, changed in changes.items() if (changed & lit).mean() > SEEN}
    rgb, mask = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), laid[..., 3].copy()
    if DARK_CORNERS in names:
        mask[rgb.max(axis=2) == 0] = 0
    return np.dstack([rgb, mask]), drawn


def bare_skin(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """The largest square (left, top, right, bottom) in which a mask, dilated, has no pixel."""
    spread = max(3, round(0.06 * max(mask.shape))) | 1
    free = (cv2.dilate(mask, np.ones((spread, spread), np.uint8)) == 0).astype(np.uint8)
    # The chessboard distance to the nearest pixel that is not free: half of the largest square
    # around each pixel. What lies beyond the border is not free.
    half = cv2.distanceTransform(np.pad(free, 1), cv2.DIST_C, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(half.argmax()), half.shape)
    reach = int(half[y, x]) - 1
    if 2 * reach + 1 < SMALLEST_SKIN * max(mask.shape):
        return None
    return int(x) - reach, int(y) - reach, int(x) + reach + 1, int(y) + reach + 1


def _warp(
    content: np.ndarray,
    side: int,
    random: np.random.Generator,
    *,
    zoom: tuple[float, float],
    shift: float,
) -> np.ndarray:
    """Turned by any angle, mirrored, zoomed and shifted, mirrored or black beyond the border."""
    height, width = content.shape[:2]
    angle = random.uniform(0, 360)
    scale = side / (random.uniform(*zoom) * max(height, width))
    aspect = np.exp(random.uniform(-0.1, 0.1))
    sides = np.diag([scale * aspect * random.choice([-1, 1]), scale / aspect])
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]]) @ sides
    shown = np.array([width, height]) / 2 + random.uniform(-shift, shift, 2) * (width, height)
    offset = np.full(2, side / 2) - turn @ shown
    border = cv2.BORDER_REFLECT if random.random() < 0.7 else cv2.BORDER_CONSTANT
    matrix = np.hstack([turn, offset[:, None]])
    return cv2.warpAffine(content, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)
