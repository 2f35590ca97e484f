"""Training images: squares made once by the function that serves, drawn in batches."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.cases import photo_path
from model_zoo.images import decode_rgb, square
from model_zoo.labels import CODES
from training import hosts
from training.kept import pixels as made_once
from training.recipe import Recipe
from training.splits import Row

# Squares for training are kept this much larger than the network reads, so that a random crop
# of down to 64 % of the area still has a pixel for every one it shows.
CACHE_MARGIN = 1.25


@dataclass(frozen=True)
class Photos:
    """Squares and their classes: pixels uint8 (N, side, side, 3) RGB, targets int (N,)."""

    pixels: np.ndarray
    targets: np.ndarray
    rows: list[Row]


def load_photos(
    folder: Path, rows: list[Row], side: int, *, at: int | None = None, skip_broken: bool = False
) -> Photos:
    """The squares of these rows at `side`, memory-mapped, made on the first call and kept.

    at: bring each square to this many pixels first, to see every photo at one resolution.
    Raises `BadData` naming the first unreadable photo, or leaves such out with `skip_broken`.
    """
    files = [photo_path(folder, row.image) for row in rows]

    def read(index: int) -> np.ndarray:
        rgb = decode_rgb(files[index].read_bytes())
        return square(rgb if at is None else square(rgb, at).pixels, side).pixels

    pixels, kept = made_once(files, (side, side, 3), f"{at}", read, skip_broken=skip_broken)
    rows = [rows[index] for index in kept]
    targets = np.array([CODES.index(row.label) for row in rows], dtype=np.int64)
    return Photos(pixels, targets, rows)


def training_side(side: int) -> int:
    """The side of the kept squares for a network that reads `side` pixels."""
    return round(side * CACHE_MARGIN)


class Batches(keras.utils.PyDataset):
    """Batches (uint8 pixels (n, side, side, 3), float32 targets (n, K)) in a seeded order.

    An epoch has as many images as there are photos, with those that the recipe oversamples. Class
    c is drawn with a share proportional to n_c ** sampling_power: 1 is every photo once, 0 is all
    classes alike. Within a class every photo is drawn equally often (give or take one), so that
    none is left to chance. With mixup or CutMix each photo is mixed with another of its batch.
    One process of several gets its share of each batch, and draws the same order as the others.
    """

    def __init__(self, photos: Photos, recipe: Recipe) -> None:
        super().__init__()
        self.photos, self.recipe = photos, recipe
        self.share = hosts.share(recipe.batch)
        self.pool = _oversampled(photos.targets, recipe)
        self.prior = np.bincount(photos.targets, minlength=len(CODES)) / len(photos.targets)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Nothing; draws the order of this epoch, the same for the same seed and epoch."""
        self.epoch = epoch
        random = np.random.default_rng((self.recipe.seed, epoch))
        if self.recipe.sampling_power == 1:
            self.order = random.permutation(self.pool)
        else:
            self.order = _draw(self.photos.targets, self.recipe.sampling_power, random)

    def __len__(self) -> int:
        # The last, smaller batch is left out: batch normalization dislikes it, and every
        # compiled shape costs time. Another draw shows its photos in the next epoch.
        return len(self.order) // self.recipe.batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batch = self.recipe.batch
        chosen = np.sort(self.order[index * batch : (index + 1) * batch])
        mixed = self.recipe.mixup or self.recipe.cutmix
        if not mixed:  # then a process need not read what others do
            chosen = chosen[self.share]
        targets = np.eye(len(CODES), dtype=np.float32)[self.photos.targets[chosen]]
        pixels = self.photos.pixels[chosen]
        if not mixed:
            return pixels, targets
        random = np.random.default_rng((self.recipe.seed, self.epoch, index))
        pixels, targets = mix(
            pixels, targets, self.recipe.mixup, self.recipe.cutmix, random, _shown(self.recipe)
        )
        return pixels[self.share], targets[self.share]


def mix(
    pixels: np.ndarray,
    targets: np.ndarray,
    mixup: float,
    cutmix: float,
    random: np.random.Generator,
    shown: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The batch, (n, S, S, 3) uint8 and (n, K), each photo mixed with another one of it.

    mixup, cutmix: alpha of the Beta distribution of the share that is kept, 0 for none; with both,
    one of them is drawn for the batch. mixup: Zhang et al. 2018, arXiv 1710.09412; CutMix: Yun et
    al. 2019, arXiv 1905.04899. Mixed before augmentation, so both photos are turned alike.

    shown: the part of the side, about the middle, that augmentation leaves in view. CutMix pastes
    within it, or a crop could take the whole rectangle away, and tells the rectangle's share of it.
    That share is approximate: wider crops show more around, turns and shifts take corners away.
    """
    other = random.permutation(len(pixels))
    cut = cutmix > 0 and (mixup == 0 or random.random() < 0.5)
    kept = random.beta(*[cutmix if cut else mixup] * 2)
    if cut:
        inner = round(pixels.shape[1] * shown)
        size = round(inner * np.sqrt(1 - kept))
        margin = (pixels.shape[1] - inner) // 2
        top, left = margin + random.integers(0, inner - size + 1, 2)
        part = np.s_[:, top : top + size, left : left + size]
        mixed = pixels.copy()
        mixed[part] = pixels[other][part]
        kept = 1 - size**2 / inner**2
    else:
        both = kept * pixels.astype(np.float32) + (1 - kept) * pixels[other]
        mixed = np.round(both).astype(np.uint8)
    return mixed, (kept * targets + (1 - kept) * targets[other]).astype(np.float32)


def _shown(recipe: Recipe) -> float:
    """The part of the side that the closest crop of the recipe shows where it is not shifted."""
    if recipe.published_augment:
        return 1 - recipe.published_augment.zoom
    return min(1.0, recipe.augment.area[0] ** 0.5)


def _oversampled(targets: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Indices of all photos, and of more of the classes to oversample, drawn with replacement."""
    random = np.random.default_rng(recipe.seed)
    more = [
        random.choice(members, recipe.oversample_copies * len(members))
        for code in recipe.oversample
        if len(members := np.flatnonzero(targets == CODES.index(code)))
    ]
    return np.concatenate([np.arange(len(targets)), *more])


def _draw(targets: np.ndarray, power: float, random: np.random.Generator) -> np.ndarray:
    counts = np.bincount(targets, minlength=len(CODES)).astype(float)
    share = np.where(counts > 0, np.maximum(counts, 1) ** power, 0)
    quota = share / share.sum() * len(targets)
    order = []
    for label, amount in enumerate(quota):
        members = np.flatnonzero(targets == label)
        if not len(members):
            continue
        whole = int(amount + random.random())  # rounded up or down, right on average
        repeats = [random.permutation(members) for _ in range(whole // len(members) + 1)]
        order.append(np.concatenate(repeats)[:whole])
    return random.permutation(np.concatenate(order))
