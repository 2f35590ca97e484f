"""Colours of charts: seen on the ground of their theme, and never the only thing that tells."""

import dataclasses

import pytest

from model_zoo.labels import CODES
from streamlit_app.components.charts import DARK, LIGHT
from streamlit_app.components.teaching import MARKS

LEAST = 3  # WCAG 2.2, 1.4.11: what is needed to understand a graphic


def luminance(colour: str) -> float:
    """The relative luminance of "#rrggbb", as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#e69f00", LIGHT.ground) == pytest.approx(2.16, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_charts_draw_stands_out_from_the_ground(theme):
    colours = dataclasses.asdict(theme)
    drawn = {name: colours[name] for name in colours if name not in ("ground", "pale")}
    drawn |= {code: colour for code, (_, colour) in MARKS.items()}
    pale = {name: round(contrast(colour, theme.ground), 2) for name, colour in drawn.items()}
    assert {name: ratio for name, ratio in pale.items() if ratio < LEAST} == {}


def test_each_class_has_a_symbol_and_a_colour_of_its_own():
    assert set(MARKS) == set(CODES)
    for marks in zip(*MARKS.values(), strict=True):
        assert len(set(marks)) == len(CODES)
