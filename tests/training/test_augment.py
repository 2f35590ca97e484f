import numpy as np
import pytest

from training.augment import RandomColour, RandomGeometry, RandomResolution, augmentation
from training.recipe import Augment

STILL = Augment(
    rotation=0,
    area=(1, 1),
    aspect=0,
    shift=0,
    brightness=0,
    contrast=0,
    saturation=0,
    hue=0,
    gain=0,
    sides=(),
)


def photos(side=40, n=6):
    ramp = np.linspace(0, 255, side)
    red, green = np.meshgrid(ramp, ramp)
    one = np.stack([red, green, np.full_like(red, 90.0)], axis=-1)
    return np.repeat(one[None], n, axis=0).astype("float32")


def test_nothing_is_changed_outside_training():
    given = photos(40)
    out = np.asarray(augmentation(Augment(), 40, seed=0)(given, training=False))
    assert np.abs(out - given).max() < 1e-3


def test_without_random_changes_only_flips_remain():
    given = photos(40)
    out = np.asarray(RandomGeometry(STILL, 40, seed=0)(given, training=True))
    views = [given[0][::y, ::x] for y in (1, -1) for x in (1, -1)]
    for photo in out:
        assert min(np.abs(photo - view).max() for view in views) < 0.5
    assert np.ptp(out, axis=0).max() > 100  # not all photos flipped alike


def test_geometry_gives_the_side_and_turns_each_photo_on_its_own():
    out = np.asarray(RandomGeometry(Augment(), 32, seed=1)(photos(40), training=True))
    assert out.shape == (6, 32, 32, 3)
    assert np.ptp(out, axis=0).max() > 50


def test_smaller_area_shows_less_of_the_photo():
    zoomed = np.asarray(
        RandomGeometry(type(STILL)(**{**vars(STILL), "area": (0.25, 0.25)}), 40, seed=0)(
            photos(40), training=True
        )
    )
    spread = zoomed[0, :, :, 0].max() - zoomed[0, :, :, 0].min()
    assert spread == pytest.approx(255 / 2, rel=0.05)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue", "gain"])
def test_each_colour_change_moves_colour_and_only_when_asked(name):
    given = photos() * 0.5 + 40
    still = np.asarray(RandomColour(STILL, seed=0)(given, training=True))
    assert np.abs(still - given).max() < 0.05
    amount = 30.0 if name == "hue" else 0.3
    moved = np.asarray(
        RandomColour(type(STILL)(**{**vars(STILL), name: amount}), seed=0)(given, training=True)
    )
    assert np.abs(moved - given).mean() > 1
    assert moved.min() >= 0
    assert moved.max() <= 255


def test_hue_and_saturation_keep_the_luma():
    given = photos() * 0.3 + 80
    settings = type(STILL)(**{**vars(STILL), "hue": 40.0, "saturation": 0.3})
    moved = np.asarray(RandomColour(settings, seed=0)(given, training=True))
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(moved @ luma - given @ luma).max() < 0.5


def test_resolution_blurs_a_share_of_the_photos():
    noise = np.random.default_rng(0).uniform(0, 255, (64, 40, 40, 3)).astype("float32")
    out = np.asarray(RandomResolution((10, 20), 0.5, seed=0)(noise, training=True))
    changed = np.abs(out - noise).max(axis=(1, 2, 3)) > 1
    assert 0.25 < changed.mean() < 0.75
    assert out[changed].std() < 0.7 * noise[changed].std()


def test_the_same_seed_gives_the_same_changes():
    first, second = (
        np.asarray(augmentation(Augment(), 32, seed=5)(photos(40), training=True)) for _ in range(2)
    )
    assert np.abs(first - second).max() < 1e-3
