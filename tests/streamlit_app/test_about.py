"""The About page: what it says of privacy is so, and a faulty model takes nothing else away."""

import shutil
from pathlib import Path

import pytest
import tomlkit
from streamlit import config
from streamlit.testing.v1 import AppTest

from benchmarks.strange_pictures import NAMES
from model_zoo import novelty, registry, trust
from model_zoo.errors import BadModel
from model_zoo.trust import FOREIGN, Foreign
from streamlit_app import cache, startup
from streamlit_app.components.notice import COOKIE, COOKIE_SECONDS
from streamlit_app.content import LANGUAGES, in_language, text

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


@pytest.mark.parametrize("code", LANGUAGES)
def test_cookies_and_how_long_a_closed_page_is_kept_are_told_as_they_are(code):
    with in_language(code):
        told = text("about.privacy_body")
    assert f"`{COOKIE}`" in told
    assert f" {COOKIE_SECONDS // (24 * 3600)} " in told
    # Streamlit's own cookie, while its protection is on, and the two minutes of the sentence.
    assert "`_streamlit_xsrf`" in told
    assert config.get_option("server.enableXsrfProtection")
    assert config.get_option("server.disconnectedSessionTTL") == 120


def about() -> AppTest:
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.switch_page("app_pages/about.py").run()


def words(test) -> str:
    return "\n".join(str(part.value) for part in (*test.markdown, *test.caption, *test.error))


GENERAL = ("about.yes_body", "about.no_body", "about.privacy_body", "about.sources_more")


@pytest.mark.usefixtures("own_cache")
def test_a_faulty_model_takes_nothing_away_but_what_is_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_MODEL", str(tmp_path / "missing.keras"))
    test = about()
    assert not test.exception
    assert [error.value for error in test.error if "There is no file" in error.value]
    told = words(test)
    assert all(text(key).strip() in told for key in GENERAL)
    assert "Accuracy" not in told


@pytest.mark.usefixtures("own_cache")
def test_without_an_outliner_the_classifier_is_still_read_aloud(tmp_path, monkeypatch):
    card = registry.default_card()
    shutil.copy(card.path, tmp_path)
    monkeypatch.setattr(registry, "BUNDLED_CARDS", tmp_path)
    test = about()
    assert not test.exception
    assert {error.value for error in test.error} == {str(BadModel("no_default"))}
    told = words(test)
    assert all(text(key).strip() in told for key in GENERAL)
    assert all(limit in told for limit in card.limits)


@pytest.fixture
def own_model(own_cache, tmp_path, monkeypatch):
    """The bundled network as a model of one's own, whose card says as little as a card may."""
    bundled = registry.default_card()
    file = tmp_path / "mine.tflite"
    shutil.copy(bundled.file("served"), file)
    table = {"name": "mine.v1", "labels": bundled.labels, "scaling": "inside"}
    file.with_suffix(".toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    monkeypatch.setenv("LESIONLENS_MODEL", str(file))
    startup.started.cache_clear()
    yield file, bundled
    startup.started.cache_clear()


def test_a_card_that_says_little_leaves_no_holes(own_model):
    _, bundled = own_model
    test = about()
    assert not test.exception
    told = words(test)
    assert f"is brought to {bundled.side} x {bundled.side} pixels. One pass through the mod" in told
    assert "the model gives, for each class, a probability and a Grad-CAM heatmap of " in told
    assert f" heatmap of {bundled.grid} x {bundled.grid} cells." in told
    assert not [line for line in told.splitlines() if line.strip() == "-"]


def test_a_network_that_cannot_be_loaded_is_told_of_without_numbers(own_model):
    file, _ = own_model
    file.write_bytes(b"no network")
    test = about()
    assert not test.exception
    told = words(test)
    assert "brought to the size that the network reads. One pass through the model gives" in told
    assert "0 x 0" not in told


@pytest.mark.usefixtures("own_cache")
def test_the_design_of_the_network_is_named():
    card = registry.default_card()
    assert f"One pass through the model ({card.backbone}) gives" in words(about())


@pytest.mark.parametrize("measured", [True, False])
def test_how_many_foreign_pictures_are_refused_is_told_where_it_was_measured(
    own_cache, monkeypatch, measured
):
    found = [Foreign("things", 409, 0.994, 0.9804, 0.9853)] if measured else []
    monkeypatch.setattr(trust, "foreign", lambda card: found)
    told = words(about())
    assert ("never saw: photos of things 0.985 of 409." in told) is measured
    assert ("How many of which kind was not measured." in told) is not measured


def test_a_model_that_remembers_nothing_is_said_to_answer_to_any_photo(own_cache, monkeypatch):
    monkeypatch.setattr(novelty, "guards", lambda cards: [])
    cache._load.clear()
    told = words(about())
    cache._load.clear()
    assert "nothing that tells dermoscopy from other pictures" in told
    assert "were not tested; one may be answered" not in told


def test_every_kind_of_foreign_picture_has_words():
    assert all(text(f"about.of_{kind}", share="0.98", n=9) for kind in FOREIGN)
    assert tuple(NAMES) == FOREIGN


def test_faulty_figures_of_foreign_pictures_take_nothing_else_away(own_cache, monkeypatch):
    def faulty(card):
        raise BadModel("bad_card", file="mine.toml", problem="trust: foreign must be a list")

    monkeypatch.setattr(trust, "foreign", faulty)
    test = about()
    assert not test.exception
    told = words(test)
    assert "trust: foreign must be a list" in told
    assert all(text(key).strip() in told for key in GENERAL)
    assert "Accuracy" in told
