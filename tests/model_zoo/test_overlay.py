import numpy as np

from model_zoo.overlay import colour, dim_outside, frame, outlined, paint

GREY = np.full((40, 60, 3), 120, np.uint8)
BOX = (10, 0, 50, 40)
PEAK = np.zeros((7, 7), np.float32)
PEAK[3, 3] = 1


def test_a_zero_heatmap_draws_nothing():
    assert (paint(GREY, BOX, np.zeros((7, 7), np.float32), 1.0) == GREY).all()


def test_no_opacity_draws_nothing():
    assert (paint(GREY, BOX, PEAK, 0.0) == GREY).all()


def test_the_heatmap_stays_in_its_box_and_peaks_where_it_should():
    painted = paint(GREY, BOX, PEAK, 1.0).astype(int)
    change = np.abs(painted - GREY).sum(axis=2)
    assert change[:, :10].max() == change[:, 50:].max() == 0
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert abs(row - 20) <= 3
    assert abs(column - 30) <= 3


def test_more_opacity_changes_more():
    half, full = (np.abs(paint(GREY, BOX, PEAK, o).astype(int) - GREY).sum() for o in (0.5, 1.0))
    assert 0 < half < full


def test_nothing_given_is_changed():
    photo, heat = GREY.copy(), PEAK.copy()
    paint(photo, BOX, heat, 1.0)
    frame(photo, BOX)
    dim_outside(photo, BOX)
    assert (photo == GREY).all()
    assert (heat == PEAK).all()


def test_outside_of_the_square_is_dimmed():
    dimmed = dim_outside(GREY, BOX)
    assert dimmed[20, 5, 0] < 60
    assert dimmed[20, 30, 0] == 120


def test_colours_run_from_dark_to_bright():
    light = colour(np.linspace(0, 1, 11)[None]).sum(axis=2)[0].astype(int)
    assert (np.diff(light) > 0).all()


def test_an_outline_is_a_closed_white_line_on_black():
    contour = np.array([(20, 10), (40, 10), (40, 30), (20, 30)], np.float32)
    drawn = outlined(GREY, contour).astype(int)
    assert (GREY == 120).all()
    for x, y in ((30, 10), (40, 20), (30, 30), (20, 20)):  # the last side closes it
        assert drawn[y, x, 0] > 200
    assert drawn.min() < 60
    assert drawn[20, 30, 0] == 120
    assert drawn[5, 50, 0] == 120
