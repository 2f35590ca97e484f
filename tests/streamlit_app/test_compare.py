"""Two photos side by side on the Analyze page, driven without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.classifier import Classifier
from model_zoo.segmentation import bundled_outliner
from streamlit_app.cache import SECOND
from streamlit_app.components.photo_source import SAMPLES

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
FIRST_PHOTO = (SAMPLES / "network.jpg").read_bytes()
SECOND_PHOTO = (SAMPLES / "vessels.jpg").read_bytes()


FOLD = "Show the answer all the same; read it with care"
pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.run()
    test.file_uploader(key="analyze_upload").set_value(("one.jpg", FIRST_PHOTO, "image/jpeg"))
    test.toggle(key="analyze_compare").set_value(True)
    return test.run()


def second(test, data=SECOND_PHOTO):
    test.file_uploader(key="analyze_second").set_value(("two.jpg", data, "image/jpeg"))
    return test.run()


def test_one_photo_asks_for_the_second(app):
    assert not app.exception
    assert any("Choose a second photo" in str(part.value) for part in app.info)
    assert len(app.get("image")) == 1


def test_both_answers_and_their_differences_are_those_of_python(app):
    second(app)
    assert not app.exception
    reader = Classifier.load(outliner=bundled_outliner())
    one, two = reader.analyse(FIRST_PHOTO), reader.analyse(SECOND_PHOTO)
    alts = [image.alt for picture in app.get("image") for image in picture.proto.imgs]
    assert len(alts) == 2
    assert "one.jpg" in alts[0]
    assert "two.jpg" in alts[1]
    change = max((abs(two.probability(c) - one.probability(c)), c) for c in one.labels)[1]
    expected = two.probability(change) - one.probability(change)
    told = next(c.proto.alt for c in app.get("plotly_chart") if "Change of each" in c.proto.alt)
    assert f"{expected:+.3f}" in told.split(", ")[0]
    assert len(app.get("plotly_chart")) == 3
    tables = [part.proto.body for part in app.get("html") if "Melanoma (MEL)" in part.proto.body]
    for table, analysis in zip(tables[:2], (one, two), strict=True):
        assert f"{analysis.probability('MEL'):.4f}" in table
    recall = registry.default_card().metrics["native"]["per_class"]["MEL"]["recall"]
    reached = f"{recall['value']:.2f}"
    assert all(f">{reached} ({recall['low']:.2f} to" in table for table in tables[:2])
    alts = [
        c.proto.alt for c in app.get("plotly_chart") if c.key in ("compare_first", "compare_second")
    ]
    assert len(alts) == 2
    assert all(f"(sensitivity {reached}, precision" in alt for alt in alts)


def test_differences_are_folded_away_with_an_answer_that_is(app):
    second(app, (SAMPLES / "hair.jpg").read_bytes())  # a poor photo
    assert not app.exception
    folds = [box for box in app.expander if box.label == FOLD]
    drawn = [[chart.key for chart in box.get("plotly_chart")] for box in folds]
    assert drawn == [["compare_second"], ["compare_differences"]]
    assert [len(box.get("image")) for box in folds] == [1, 0]
    alts = [image.alt for picture in app.get("image") for image in picture.proto.imgs]
    assert [alt.startswith("Grad-CAM") for alt in alts] == [True, False, True]
    assert any("so are the differences" in str(part.value) for part in app.caption)


def test_a_bad_second_photo_leaves_the_first(app):
    second(app, b"a text, no photo " * 20)
    assert not app.exception
    assert any("holds text, not a photo" in str(part.value) for part in app.error)
    assert len(app.get("image")) == 1


def test_nothing_of_the_second_photo_is_kept_once_it_is_not_looked_at(app):
    second(app)
    assert SECOND in app.session_state
    app.toggle(key="analyze_compare").set_value(False).run()
    assert not app.exception
    assert SECOND not in app.session_state


def test_the_heatmap_of_one_class_is_shown_on_both(app):
    second(app)
    app.selectbox(key="compare_label").set_value("BCC").run()
    app.slider(key="compare_opacity").set_value(80).run()
    assert not app.exception
    alts = [image.alt for picture in app.get("image") for image in picture.proto.imgs]
    assert len(alts) == 2
    assert all("Grad-CAM heatmap of Basal cell carcinoma" in alt for alt in alts)
    told = [part.value for part in app.caption if part.value.startswith("Grad-CAM of Basal cell")]
    assert len(told) == 2
    assert all("it does not show why" in words or "is zero everywhere" in words for words in told)


def test_the_second_photo_is_let_go_of_with_its_page(app):
    second(app)
    assert SECOND in app.session_state
    test = app.switch_page("app_pages/about.py").run()
    assert SECOND not in test.session_state
    assert test.session_state["analyze_viewed"]
