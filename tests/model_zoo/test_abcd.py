"""Numbers of the ABCD rule on shapes and colours whose numbers are known."""

import cv2
import numpy as np
import pytest

from model_zoo import abcd
from model_zoo.frames import Frame
from model_zoo.segmentation import outline_of

SIDE = 240


def drawn(draw):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    draw(mask)
    return mask.astype(bool)


def outlined(mask):
    seen = Frame(np.zeros((SIDE, SIDE, 3), np.uint8), (0, 0, SIDE, SIDE), (0, 0, SIDE, SIDE))
    return outline_of(mask.astype(np.float32), seen)


CIRCLE = drawn(lambda m: cv2.circle(m, (120, 120), 60, 1, -1))
ELLIPSE = drawn(lambda m: cv2.ellipse(m, (120, 120), (80, 40), 33, 0, 360, 1, -1))
HALF_MOON = drawn(lambda m: cv2.ellipse(m, (120, 120), (80, 80), 20, 0, 180, 1, -1))
STAR = drawn(
    lambda m: cv2.fillPoly(
        m,
        [
            np.array(
                [
                    (120 + r * np.cos(a), 120 + r * np.sin(a))
                    for a, r in zip(np.linspace(0, 2 * np.pi, 21)[:-1], [90, 40] * 10, strict=True)
                ],
                dtype=np.int32,
            )
        ],
        1,
    )
)


@pytest.mark.parametrize("mask", [CIRCLE, ELLIPSE])
def test_symmetric_shapes_fold_onto_themselves(mask):
    assert max(abcd.asymmetries(mask)) < 0.03


def test_a_half_moon_is_symmetric_about_its_shorter_axis_alone():
    about_longer, about_shorter = abcd.asymmetries(HALF_MOON)
    assert about_shorter < 0.03
    assert about_longer > 0.15


def test_asymmetry_does_not_depend_on_the_angle():
    turned = cv2.warpAffine(
        HALF_MOON.astype(np.uint8), cv2.getRotationMatrix2D((120, 120), 47, 1), (SIDE, SIDE)
    ).astype(bool)
    assert abcd.asymmetries(turned) == pytest.approx(abcd.asymmetries(HALF_MOON), abs=0.03)


def test_a_circle_is_regular_an_ellipse_less_and_a_star_not_at_all():
    circle, ellipse, star = (
        abcd.border_irregularity(outlined(mask).contour) for mask in (CIRCLE, ELLIPSE, STAR)
    )
    assert circle == pytest.approx(1, abs=0.05)
    # Ramanujan's perimeter of an ellipse of half axes 80 and 40, squared over 4 pi times its area.
    assert ellipse == pytest.approx(1.19, abs=0.06)
    assert star > 2


def test_diameter_is_the_largest_distance_of_two_points():
    measured = abcd.measure(np.zeros((SIDE, SIDE, 3), np.uint8), outlined(ELLIPSE))
    assert measured.diameter_fraction == pytest.approx(160 / SIDE, abs=0.01)


def test_colours_count_from_a_twentieth_of_the_lesion_on():
    rgb = np.full((SIDE, SIDE, 3), 230, np.uint8)
    rgb[CIRCLE] = abcd.COLOURS["dark_brown"]
    ring = drawn(lambda m: cv2.circle(m, (120, 120), 30, 1, -1))
    rgb[ring] = abcd.COLOURS["blue_grey"]
    speck = drawn(lambda m: cv2.circle(m, (150, 120), 8, 1, -1))
    rgb[speck] = abcd.COLOURS["red"]
    assert abcd.colours_in(rgb, CIRCLE) == ("dark_brown", "blue_grey")


def test_a_lesion_smaller_than_a_pixel_of_a_tiny_photo_has_the_colour_of_its_pixel():
    rgb = np.full((16, 16, 3), 230, np.uint8)
    rgb[:1, :1] = abcd.COLOURS["dark_brown"]
    mask = np.zeros((512, 512), bool)
    mask[1:25, 1:25] = True  # between the points at which the photo's pixels lie
    assert abcd.colours_in(rgb, mask) == ("dark_brown",)


@pytest.mark.parametrize("tone", [(240, 205, 185), (225, 175, 155), (150, 105, 80), (90, 60, 45)])
def test_skin_of_no_tone_is_white_and_what_is_lighter_than_it_is(tone):
    rgb = np.full((SIDE, SIDE, 3), tone, np.uint8)
    assert "white" not in abcd.colours_in(rgb, CIRCLE)
    rgb[CIRCLE] = (246, 240, 238)
    assert abcd.colours_in(rgb, CIRCLE) == ("white",)


def test_a_colour_unlike_all_six_is_none_of_them():
    rgb = np.full((SIDE, SIDE, 3), 230, np.uint8)
    rgb[CIRCLE] = (60, 200, 60)
    assert abcd.colours_in(rgb, CIRCLE) == ()
