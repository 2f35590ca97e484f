"""Outlines: from a network's answer to a contour in the photo, and back to grids over it."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from model_zoo import artefacts, quality, registry
from model_zoo.card import SEGMENTATION
from model_zoo.errors import BadModel
from model_zoo.frames import frame, surround
from model_zoo.images import decode_rgb
from model_zoo.segmentation import Outliner, bundled_outliner, outline_of

SIDE = 96
SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "globules.jpg"


def photo(width, height, lesion=(150, 80, 40)):
    rgb = np.full((height, width, 3), (220, 180, 160), np.uint8)
    cv2.ellipse(rgb, (width // 3, height // 2), (width // 8, height // 5), 0, 0, 360, lesion, -1)
    return rgb


def answer(rgb):
    """What a perfect network would say of a photo from `photo`."""
    seen = frame(rgb, SIDE)
    dark = (seen.pixels[..., 1] < 130) & (seen.pixels.max(axis=2) > 0)
    return dark.astype(np.float32), seen


@pytest.mark.parametrize("size", [(600, 450), (450, 600), (96, 96), (2000, 500)])
def test_the_outline_lies_where_the_lesion_is_in_the_photo(size):
    width, height = size
    outline = outline_of(*answer(photo(width, height)))
    left, top, right, bottom = outline.box
    step = max(size) / SIDE  # a pixel of the network
    assert left == pytest.approx(width / 3 - width / 8, abs=2 * step)
    assert right == pytest.approx(width / 3 + width / 8, abs=2 * step)
    assert top == pytest.approx(height / 2 - height / 5, abs=2 * step)
    assert bottom == pytest.approx(height / 2 + height / 5, abs=2 * step)
    truth = np.pi * (width / 8) * (height / 5) / (width * height)
    assert outline.area_fraction == pytest.approx(truth, rel=0.15)
    assert not outline.touches_border
    inside = cv2.pointPolygonTest(outline.contour, (width / 3, height / 2), False)
    assert inside > 0


def test_a_round_field_of_view_counts_from_its_own_border():
    rgb = np.zeros((400, 600, 3), np.uint8)
    cv2.circle(rgb, (300, 200), 190, (220, 180, 160), -1)
    cv2.circle(rgb, (300, 200), 60, (150, 80, 40), -1)
    outline = outline_of(*answer(rgb))
    assert outline.field[0] > 90
    assert outline.box == pytest.approx((240, 140, 360, 260), abs=10)


def round_field(x, y, radius):
    """A round field of view with a lesion in it, cut off where it reaches the black."""
    rgb = np.full((400, 600, 3), (220, 180, 160), np.uint8)
    cv2.circle(rgb, (x, y), radius, (150, 80, 40), -1)
    lit = np.zeros((400, 600, 1), np.uint8)
    cv2.circle(lit, (300, 200), 190, 1, -1)
    return rgb * lit


def test_a_lesion_that_a_round_field_of_view_cuts_off_touches_its_border():
    inside = outline_of(*answer(round_field(300, 200, 60)))
    assert not inside.touches_border
    assert inside.area_fraction == pytest.approx((60 / 190) ** 2, rel=0.1)
    assert outline_of(*answer(round_field(300 + 120, 200 - 120, 50))).touches_border
    # One dark corner is a lesion's own.
    corner = photo(600, 450)
    cv2.rectangle(corner, (0, 0), (260, 300), (20, 10, 10), -1)
    assert surround(frame(corner, SIDE)) is None


def test_nothing_specks_and_doubt_are_no_lesion():
    _, seen = answer(photo(600, 450))
    nothing = np.zeros((SIDE, SIDE), np.float32)
    speck = nothing.copy()
    speck[40, 40] = 1
    doubt = nothing.copy()
    doubt[30:60, 30:60] = 0.7
    assert [outline_of(mask, seen) for mask in (nothing, speck, doubt)] == [None] * 3


def test_the_main_region_counts_with_its_holes_filled():
    mask = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(mask, (40, 48), 16, 1, 3)  # a ring
    cv2.circle(mask, (80, 48), 4, 1, -1)
    seen = frame(np.full((SIDE, SIDE, 3), 200, np.uint8), SIDE)
    outline = outline_of(mask, seen)
    assert outline.box[2] < 65
    assert outline.area_fraction == pytest.approx(np.pi * 17.5**2 / SIDE**2, rel=0.15)


def test_of_two_lesions_the_one_in_the_middle_counts():
    rgb = np.full((300, 400, 3), (220, 180, 160), np.uint8)
    cv2.circle(rgb, (210, 150), 30, (150, 80, 40), -1)
    cv2.circle(rgb, (370, 250), 45, (150, 80, 40), -1)  # larger, but in a corner
    assert outline_of(*answer(rgb)).box == pytest.approx((180, 120, 240, 180), abs=8)


def test_what_is_faint_in_the_middle_hides_no_lesion_beside_it():
    _, seen = answer(photo(600, 450))
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[36:60, 36:60] = 0.6
    mask[48:66, 66:90] = 1
    outline = outline_of(mask, seen)
    assert outline is not None
    assert outline.box[0] > 300


def test_a_lesion_at_the_border_is_said_to_touch_it():
    rgb = photo(600, 450)
    cv2.rectangle(rgb, (0, 150), (200, 300), (150, 80, 40), -1)
    assert outline_of(*answer(rgb)).touches_border


def test_the_share_within_each_cell():
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:48, :48] = 1  # the upper left quarter
    seen = frame(np.full((SIDE, SIDE, 3), 200, np.uint8), SIDE)
    outline = outline_of(mask, seen)
    quarter = outline.within((0, 0, SIDE, SIDE), (2, 2))
    assert quarter == pytest.approx(np.array([[1, 0], [0, 0]]), abs=0.06)
    shifted = outline.within((24, 24, 72, 72), (2, 2))
    assert shifted == pytest.approx(np.array([[1, 0], [0, 0]]), abs=0.06)
    beyond = outline.within((-SIDE, 0, 0, SIDE), (1, 1))
    assert beyond == pytest.approx(np.zeros((1, 1)))


def test_the_square_around_it_stays_within_the_photo():
    outline = outline_of(*answer(photo(600, 450)))
    left, top, right, bottom = outline.square((600, 450))
    assert right - left == bottom - top
    assert 0 <= left < outline.box[0]
    assert outline.box[2] < right <= 600
    assert 0 <= top <= outline.box[1]
    assert outline.box[3] <= bottom <= 450


@pytest.mark.parametrize("name", quality.ARTEFACTS)
def test_what_is_drawn_in_front_of_a_lesion_is_flagged_and_nothing_else_of_its_kind(name):
    plain = decode_rgb(SAMPLE.read_bytes())
    drawn = artefacts.DRAWN[name](plain, np.random.default_rng(1))
    outliner = bundled_outliner()
    before, after = (
        outliner.checks(quality.measure(seen), outliner.run(seen.pixels[None])[1][0])
        for seen in (frame(rgb, outliner.side) for rgb in (plain, drawn))
    )
    assert after.keys() == outliner.thresholds.keys()
    assert all(before[code].ok for code in quality.ARTEFACTS)
    assert [code for code in quality.ARTEFACTS if not after[code].ok] == [name]


def test_thresholds_for_what_a_network_does_not_say_are_refused():
    card = registry.default_card(SEGMENTATION)
    masks_alone = SimpleNamespace(side=SIDE, shapes=[(1, SIDE, SIDE, 1)], file=Path("x.tflite"))
    with pytest.raises(BadModel, match="thresholds for hair, ink, ruler, of which"):
        Outliner(card, masks_alone)
    assert Outliner(None, masks_alone).thresholds == {}
