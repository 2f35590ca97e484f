"""The Analyze page's answers to "how far can this be trusted", driven without a browser."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from model_zoo.classifier import Classifier
from model_zoo.segmentation import bundled_outliner
from model_zoo.trust import Check
from streamlit_app import cache
from streamlit_app.components.photo_source import SAMPLES

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = (SAMPLES / "network.jpg").read_bytes()


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.run()


def upload(test, data=SAMPLE):
    return test.file_uploader[0].set_value(("own.jpg", data, "image/jpeg")).run()


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success, *test.info]
    return "\n".join(str(part.value) for part in parts)


def kept(test):
    return test.session_state["analyze_viewed"][1]


def test_the_outline_is_that_of_python(app):
    viewed = kept(upload(app))
    expected = Classifier.load(outliner=bundled_outliner()).analyse(SAMPLE)
    assert viewed.analysis.outline.box == expected.outline.box
    assert viewed.analysis.record("x") == expected.record("x")
    assert np.abs(viewed.with_outline().astype(int) - viewed.shown).max() > 50


def test_abcd_numbers_stand_with_their_meaning_and_source(app):
    told = words(upload(app))
    assert "Celebi et al. 2007" in told
    assert "no score is formed of them" in told
    assert f"{kept(app).analysis.abcd.border_irregularity:.2f}" in told


def test_eight_views_are_another_answer_and_their_spread_is_told(app):
    one = kept(upload(app)).analysis
    app.toggle(key="analyze_tta").set_value(True).run()
    eight = kept(app).analysis
    assert not app.exception
    assert len(eight.answers) == 8
    assert not np.allclose(one.probabilities, eight.probabilities)
    assert "over 8 answers" in words(app)


def test_the_square_around_the_outline_is_read_on_request(app):
    before = kept(upload(app)).analysis
    app.toggle(key="analyze_zoom").set_value(True).run()
    after = kept(app).analysis
    assert not app.exception
    assert after.box == before.outline.square(before.size) != before.box


def test_changes_are_traced_on_request(app):
    upload(app)
    charts = len(app.get("plotly_chart"))
    next(b for b in app.button if b.label == "Ask again under all changes").click()
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == charts + 1


def test_similar_cases_say_how_they_become_findable(app):
    assert "python -m model_zoo index" in upload(app).code[0].value


def test_three_downloads(app):
    assert len(upload(app).get("download_button")) == 3


@pytest.mark.parametrize(
    ("code", "sentence", "advice"),
    [
        ("novelty", "does not look like the dermoscopy photos", "through a dermatoscope"),
        ("blur", "A poor photo", "Out of focus"),
    ],
)
def test_what_speaks_against_the_answer_leads_and_folds_it(
    app, monkeypatch, code, sentence, advice
):
    real = Classifier.analyse

    def doubtful(self, photo):
        return dataclasses.replace(real(self, photo), checks={code: Check(9.0, 1.0, False)})

    monkeypatch.setattr(cache.Classifier, "analyse", doubtful)
    told = words(upload(app))
    assert sentence in told
    assert advice in told
    folded = [box.label for box in app.expander]
    assert "Show the probabilities all the same" in folded
