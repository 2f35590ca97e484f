"""Artefacts and changes: each does what it says, and the answer to each is asked for."""

from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_zoo import artefacts, changes, quality
from model_zoo.classifier import Classifier
from model_zoo.frames import frame
from model_zoo.images import decode_rgb, square

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "network.jpg"


@pytest.fixture(scope="module")
def rgb():
    return decode_rgb(SAMPLE.read_bytes())


@pytest.mark.parametrize("name", artefacts.DRAWN)
def test_a_drawing_is_seeded_changes_part_of_the_photo_and_not_its_input(rgb, name):
    before = rgb.copy()
    rgb.setflags(write=False)  # as decoded photos come
    for seed in range(8):
        artefacts.DRAWN[name](rgb, np.random.default_rng(seed))
    one, again, other = (
        artefacts.DRAWN[name](rgb, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert one.shape == rgb.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(rgb, before)
    changed = (np.abs(one.astype(int) - rgb) > 8).any(axis=2).mean()
    assert 0.001 < changed < 0.7


def test_corners_are_dark_and_the_middle_is_not(rgb):
    dark = artefacts.dark_corners(rgb, np.random.default_rng(1))
    height, width = rgb.shape[:2]
    assert dark[0, 0].max() == dark[-1, -1].max() == 0
    middle = np.s_[height // 3 : height // 2, width // 3 : width // 2]
    assert np.array_equal(dark[middle], rgb[middle])


def measured(rgb):
    return quality.measure(frame(rgb, 192))


def test_a_blurred_photo_measures_blurred_and_a_dim_one_dim(rgb):
    plain = measured(rgb)
    assert measured(artefacts.blurred(rgb, 0.015))["blur"] > plain["blur"] + 0.1
    assert measured(artefacts.brightened(rgb, 0.35))["dim"] > plain["dim"] + 40
    assert measured(artefacts.brightened(rgb, 3.0))["bright"] > plain["bright"] + 0.2
    assert plain["small"] == min(rgb.shape[:2])


def test_a_round_field_of_view_is_neither_dim_nor_blurred_for_its_surround(rgb):
    plain = measured(rgb)
    cut = measured(artefacts.dark_corners(rgb, np.random.default_rng(1)))
    assert cut["blur"] == pytest.approx(plain["blur"], abs=0.03)
    assert cut["dim"] == pytest.approx(plain["dim"], abs=10)


def test_a_large_dark_lesion_is_not_dim(rgb):
    height, width = rgb.shape[:2]
    dark = cv2.circle(rgb.copy(), (width // 2, height // 2), height // 3, (60, 30, 20), -1)
    assert measured(dark)["dim"] == pytest.approx(measured(rgb)["dim"], abs=12)


@pytest.mark.parametrize("shape", [(16, 4096), (4096, 16), (1, 1), (20, 3000)])
def test_a_photo_of_any_shape_is_measured(shape):
    noise = np.random.default_rng(0).integers(60, 200, (*shape, 3), dtype=np.uint8)
    values = measured(noise)
    assert values["small"] == min(shape)
    assert all(np.isfinite(value) for value in values.values())


def test_blur_does_not_depend_on_the_size_of_the_file(rgb):
    half = np.ascontiguousarray(rgb[::2, ::2])
    large = np.repeat(np.repeat(rgb, 2, axis=0), 2, axis=1)
    assert measured(large)["blur"] == pytest.approx(measured(rgb)["blur"], abs=0.12)
    assert measured(half)["small"] == pytest.approx(measured(rgb)["small"] / 2, abs=1)


def test_four_quarter_turns_are_none():
    side = np.arange(31)
    photo = np.stack([np.add.outer(side, 3 * side)] * 3, axis=2).astype(np.uint8)
    assert np.array_equal(changes.turned(photo, 0), photo)
    assert np.array_equal(changes.turned(photo, 90), np.rot90(photo))


def test_every_change_is_asked_and_the_photo_itself_first(rgb):
    classifier = Classifier.load()
    seen = square(rgb, classifier.side).pixels
    traced = changes.trace(classifier, seen)
    expected = 1 + sum(len(strengths) for strengths, _ in changes.CHANGES.values())
    assert len(traced) == expected
    assert traced[0].kind == "none"
    plain = classifier.analyse(rgb).probabilities
    assert traced[0].probabilities == pytest.approx(plain, abs=1e-5)
    ink = next(change for change in traced if change.kind == "ink")
    drawn = artefacts.ink(seen, np.random.default_rng(1))
    assert ink.probabilities == pytest.approx(classifier.probabilities(drawn[None])[0], abs=1e-5)
    box = (10, 20, 110, 120)
    around = changes.trace(classifier, square(rgb, classifier.side, box).pixels)[0].probabilities
    assert around == pytest.approx(classifier.analyse_within(rgb, box).probabilities, abs=1e-5)
    assert np.abs(around - plain).max() > 1e-3
    low, high = changes.spread(traced, 0)["rotation"]
    assert low <= high


def test_others_get_a_turn_between_two_questions(rgb):
    classifier, inside, taken = Classifier.load(), [], []

    @contextmanager
    def turn():
        assert not inside
        inside.append(True)
        yield
        taken.append(inside.pop())

    traced = changes.trace(classifier, square(rgb, classifier.side).pixels, turn)
    assert len(taken) == len(traced)
