"""What a visitor chose is there again after another page, the photo too."""

from pathlib import Path

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from streamlit_app.admission import Turnstile
from streamlit_app.components import photo_source, teaching
from streamlit_app.components.photo_source import SAMPLES

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = (SAMPLES / "lacunae.jpg").read_bytes()

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.run()


def and_back(test):
    """The page again, after a look at another one."""
    test = test.switch_page("app_pages/about.py").run().switch_page("app_pages/analyze.py").run()
    assert not test.exception
    return test


def test_the_photo_and_how_it_is_looked_at_stay(app):
    app.segmented_control(key="analyze_source").set_value("samples").run()
    app.selectbox(key="analyze_sample").set_value("lacunae").run()
    app.segmented_control(key="analyze_view").set_value("beside").run()
    app.slider(key="analyze_opacity").set_value(30).run()
    heatmap_of(app).set_value("DF").run()
    app.toggle(key="analyze_outline").set_value(False).run()
    app.toggle(key="analyze_zoom").set_value(True).run()
    test = and_back(app)
    assert test.segmented_control(key="analyze_source").value == "samples"
    assert test.selectbox(key="analyze_sample").value == "lacunae"
    assert test.segmented_control(key="analyze_view").value == "beside"
    assert test.slider(key="analyze_opacity").value == 30
    assert heatmap_of(test).value == "DF"
    assert test.toggle(key="analyze_outline").value is False
    assert test.toggle(key="analyze_zoom").value is True
    assert test.session_state["analyze_viewed"][1].zoomed


def test_an_uploaded_photo_stays_until_it_is_taken_away_or_out(app):
    app.file_uploader(key="analyze_upload").set_value(("ISIC_1.jpg", SAMPLE, "image/jpeg")).run()
    test = and_back(app)
    assert test.session_state["analyze_viewed"][1].name == "ISIC_1.jpg"
    assert "ISIC_1.jpg" in test.button(key="analyze_take_away").label
    test.segmented_control(key="analyze_source").set_value("samples").run()
    test.segmented_control(key="analyze_source").set_value("upload").run()
    assert test.session_state["analyze_viewed"][1].name == "ISIC_1.jpg"
    test.button(key="analyze_take_away").click().run()
    assert not test.exception
    assert test.session_state["analyze_viewed"][1].example
    test.file_uploader(key="analyze_upload").set_value(("two.jpg", SAMPLE, "image/jpeg")).run()
    assert test.session_state["analyze_viewed"][1].name == "two.jpg"
    test.file_uploader(key="analyze_upload").set_value(None).run()
    assert and_back(test).session_state["analyze_viewed"][1].example


def test_while_an_upload_is_being_replaced_the_one_before_stays(monkeypatch):
    before = {"upload": "the one before"}
    state = {"analyze_upload": DeletedFile("1"), photo_source.GIVEN: before}
    monkeypatch.setattr(photo_source.st, "session_state", state)
    photo_source._keep("upload")
    assert state[photo_source.GIVEN] == {"upload": "the one before"}


def heatmap_of(test):
    return next(box for box in test.selectbox if box.key.startswith("analyze_label"))


@pytest.fixture
def own_turns(monkeypatch):
    """Turns of their own for changes: a click here draws the page, in a browser that part alone."""
    monkeypatch.setattr(teaching, "turns", Turnstile(1, 1, 1.0))


def changes(test) -> list:
    return [chart for chart in test.get("plotly_chart") if chart.key == "changes_chart"]


@pytest.mark.usefixtures("own_turns")
def test_what_would_change_an_answer_stays_until_another_one_is_looked_at(app):
    next(b for b in app.button if b.label == "Ask again under all changes").click().run()
    (first,) = changes(app)
    app.slider(key="analyze_opacity").set_value(30).run()
    assert changes(app)[0].proto.spec == first.proto.spec
    test = and_back(app)
    assert changes(test)[0].proto.spec == first.proto.spec
    test.file_uploader(key="analyze_upload").set_value(("one.jpg", SAMPLE, "image/jpeg")).run()
    assert not changes(test)
    assert "changes_traced" not in test.session_state


@pytest.mark.parametrize("page", ["analyze", "study", "batch"])
def test_an_address_names_the_model_that_was_chosen_last(page):
    first, other = (card.name for card in list(registry.classifiers().values())[:2])
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.query_params["model"] = other
    test = test.switch_page(f"app_pages/{page}.py").run()
    assert test.selectbox(key="analyze_model").value == other
    test.selectbox(key="analyze_model").set_value(first).run()
    assert not test.exception
    assert test.query_params["model"] == first


def test_an_address_that_names_no_model_stays_as_it_is(app):
    app.selectbox(key="analyze_model").set_value(list(registry.classifiers())[1]).run()
    assert "model" not in app.query_params


def test_threshold_and_prevalence_stay(app):
    app.segmented_control(key="analyze_decide_group").set_value("melanoma").run()
    target = app.segmented_control(key="analyze_decide_target_melanoma")
    chosen = target.options[-1]
    target.set_value(float(chosen.rstrip("%")) / 100).run()
    app.select_slider(key="analyze_decide_prevalence").set_value(0.05).run()
    test = and_back(app)
    assert test.segmented_control(key="analyze_decide_group").value == "melanoma"
    kept = test.segmented_control(key="analyze_decide_target_melanoma").value
    assert f"{kept:.0%}" == chosen
    assert test.select_slider(key="analyze_decide_prevalence").value == 0.05
    assert test.segmented_control(key="analyze_decide_setting").value is None


def test_a_kept_choice_that_is_not_on_offer_gives_way_to_the_default(app):
    app.session_state["analyze_view"] = "another"
    app.session_state["analyze_decide_target_malignant"] = 0.123
    test = app.run()
    assert not test.exception
    assert test.segmented_control(key="analyze_view").value == "blend"


def test_a_second_photo_leaves_the_square_that_the_first_was_read_in(app):
    app.file_uploader(key="analyze_upload").set_value(("one.jpg", SAMPLE, "image/jpeg")).run()
    app.toggle(key="analyze_zoom").set_value(True).run()
    app.toggle(key="analyze_compare").set_value(True).run()
    app.file_uploader(key="analyze_second").set_value(("two.jpg", SAMPLE, "image/jpeg")).run()
    test = app.run()
    assert not test.exception
    for photo in ("viewed", "second_viewed"):
        assert test.session_state[f"analyze_{photo}"][1].zoomed
    test.toggle(key="analyze_zoom").set_value(False).run()
    assert not test.session_state["analyze_viewed"][1].zoomed
    assert and_back(test).toggle(key="analyze_compare").value is True


def test_how_a_card_is_read_stays(app):
    test = app.switch_page("app_pages/models.py").run()
    test.segmented_control(key="models_resolution_single").set_value("at_84_px").run()
    test.pills(key="models_roc_front").set_value("NV").run()
    test.segmented_control(key="models_groups_grouping").set_value("by_sex").run()
    test = test.switch_page("app_pages/about.py").run().switch_page("app_pages/models.py").run()
    assert not test.exception
    assert test.segmented_control(key="models_resolution_single").value == "at_84_px"
    assert test.pills(key="models_roc_front").value == "NV"
    assert test.segmented_control(key="models_groups_grouping").value == "by_sex"
