"""Our layer against the class that the published recipe used, transform by transform."""

import keras
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from training.published_augment import RandomPublished, inverse_maps
from training.recipe import PublishedAugment

SIDE = 48
# The legacy class calls SciPy by an old name.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Please import `affine_transform`"),
]


def photo():
    """A smooth picture without symmetry, so that every turn, flip and shift shows."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    channels = [np.sin(5 * x + 2 * y * y), np.cos(4 * y - x * x), x * (1 - y)]
    return np.stack([100 + 90 * channel for channel in channels], axis=-1).astype("float32")


def legacy(fill, **parameters):
    generator = ImageDataGenerator(fill_mode=fill)
    names = {"x_shift": "tx", "y_shift": "ty", "x_zoom": "zx", "y_zoom": "zy"}
    given = {
        names.get(key, key): value * SIDE if key.endswith("shift") else value
        for key, value in parameters.items()
    }
    return generator.apply_transform(photo(), given)


def ours(fill, **parameters):
    still = dict.fromkeys(("theta", "x_shift", "y_shift", "shear"), 0.0)
    values = {**still, "x_zoom": 1.0, "y_zoom": 1.0, **parameters}
    tensors = {key: np.array([value], "float32") for key, value in values.items()}
    maps = inverse_maps(SIDE, **tensors)
    return np.asarray(
        keras.ops.image.affine_transform(photo()[None], maps, "bilinear", fill_mode=fill)
    )[0]


@pytest.mark.parametrize("fill", ["nearest", "reflect"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"theta": 20.0},
        {"theta": -40.0},
        {"x_shift": 0.2},
        {"x_shift": -0.3, "y_shift": 0.3},
        {"y_shift": -0.2},
        {"shear": 0.2},
        {"shear": -25.0},  # far more than the recipe's, where degrees and radians would differ
        {"x_zoom": 0.7, "y_zoom": 1.3},
        {"x_zoom": 1.2, "y_zoom": 1.2},
        {"theta": 33, "x_shift": 0.1, "y_shift": -0.2, "shear": 5, "x_zoom": 0.8, "y_zoom": 1.1},
    ],
    ids=str,
)
def test_each_transform_is_the_legacy_one_at_its_extremes(fill, parameters):
    difference = np.abs(ours(fill, **parameters) - legacy(fill, **parameters))
    assert np.abs(photo() - legacy(fill, **parameters)).max() > 0.2  # it does something
    # Borders are where the two libraries round a coordinate that lies just outside.
    assert np.median(difference) < 0.02
    assert np.percentile(difference, 99) < 2


def test_flips_and_brightness_are_the_legacy_ones():
    generator = ImageDataGenerator()
    given = np.repeat(photo()[None], 64, axis=0)
    settings = PublishedAugment(horizontal_flip=True, vertical_flip=True, brightness=(0.8, 0.8))
    expected = [
        generator.apply_transform(
            photo(), {"flip_horizontal": across, "flip_vertical": down, "brightness": 0.8}
        )
        for across in (0, 1)
        for down in (0, 1)
    ]
    found = set()
    for seen in np.asarray(RandomPublished(settings, seed=0)(given, training=True)):
        gaps = [np.abs(seen - one).max() for one in expected]
        assert min(gaps) < 2  # the legacy class rounds to whole numbers in between
        found.add(int(np.argmin(gaps)))
    assert found == {0, 1, 2, 3}


def at_an_end(settings, end, monkeypatch):
    """What the layer makes of the photo when every draw is the lowest or the highest there is."""

    def drawn(self, shape, low, high):
        return keras.ops.ones(shape) * (low, high)[end]

    monkeypatch.setattr(RandomPublished, "uniform", drawn)
    layer = RandomPublished(PublishedAugment(**settings), seed=0)
    return np.asarray(layer(photo()[None], training=True))[0]


@pytest.mark.parametrize("end", [0, 1], ids=["lowest", "highest"])
@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ({"rotation": 40.0}, [{"theta": -40.0}, {"theta": 40.0}]),
        ({"shear": 25.0}, [{"shear": -25.0}, {"shear": 25.0}]),
        ({"zoom": 0.3}, [{"x_zoom": 0.7, "y_zoom": 0.7}, {"x_zoom": 1.3, "y_zoom": 1.3}]),
        ({"shift": 0.2}, [{"x_shift": -0.2, "y_shift": -0.2}, {"x_shift": 0.2, "y_shift": 0.2}]),
    ],
    ids=str,
)
def test_a_setting_reaches_as_far_as_the_legacy_class_does(settings, ends, end, monkeypatch):
    expected = legacy("nearest", **ends[end])
    difference = np.abs(at_an_end(settings, end, monkeypatch) - expected)
    assert np.median(difference) < 0.02
    assert np.percentile(difference, 99) < 2


def test_zoom_is_counted_as_the_legacy_class_does():
    assert tuple(ImageDataGenerator(zoom_range=0.3).zoom_range) == pytest.approx((0.7, 1.3))


@pytest.mark.parametrize(("end", "factor"), [(0, 0.8), (1, 1.2)])
def test_brightness_reaches_as_far_as_the_legacy_class_does(end, factor, monkeypatch):
    expected = ImageDataGenerator().apply_transform(photo(), {"brightness": factor})
    found = at_an_end({"brightness": (0.8, 1.2)}, end, monkeypatch)
    assert np.abs(found - expected).max() < 2  # whole numbers in between, there


@pytest.mark.parametrize(
    ("settings", "fill"),
    [
        ({"rotation": 20.0, "shift": 0.2, "zoom": 0.2}, "nearest"),
        ({"rotation": 40.0, "shift": 0.3, "shear": 0.2, "zoom": 0.3}, "reflect"),
    ],
)
def test_random_draws_stay_within_the_recipe(settings, fill):
    """The widest shift seen in many draws is that of the recipe, and no wider."""
    layer = RandomPublished(PublishedAugment(**settings, fill=fill), seed=1)
    ramp = np.zeros((400, SIDE, SIDE, 3), "float32")
    ramp[..., 0], ramp[..., 1] = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    ramp[..., 2] = 7
    seen = np.asarray(layer(ramp, training=True))
    middle = seen[:, SIDE // 2 - 1 : SIDE // 2 + 1, SIDE // 2 - 1 : SIDE // 2 + 1, :2]
    shift = np.abs(middle.mean(axis=(1, 2)) - (SIDE - 1) / 2).max() / SIDE
    assert 0.9 * settings["shift"] < shift < np.sqrt(2) * settings["shift"] + 0.01
    assert np.asarray(layer(ramp, training=False)) == pytest.approx(ramp)
