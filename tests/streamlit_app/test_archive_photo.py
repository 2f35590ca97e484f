"""A real photo of the ISIC Archive on the Analyze page; the archive is stood in for."""

import dataclasses
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo.training_ids import TrainingIds
from streamlit_app import archive_shared, isic_archive
from streamlit_app.components import archive_photo
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.isic_archive import ArchivePhoto

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
DATA = (SAMPLES / "vessels.jpg").read_bytes()  # stands for a photo of the archive
PHOTO = ArchivePhoto("ISIC_0000001", "BCC", ("ISIC_0000001", "ISIC_0000002"), "A Clinic", DATA)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(isic_archive.API_VARIABLE, "http://127.0.0.1:9/")


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.run()
    return test.segmented_control(key="analyze_source").set_value("samples").run()


def words(test) -> str:
    kinds = (test.markdown, test.caption, test.warning)
    return "\n".join(str(part.value) for kind in kinds for part in kind)


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def ask(test):
    return press(test, "A real photo from the ISIC Archive")


def test_without_a_network_it_says_so_and_the_drawing_stays(app):
    before = app.session_state["analyze_viewed"][1].name
    ask(app)
    assert not app.exception
    assert "The ISIC Archive (127.0.0.1) cannot be reached." in words(app)
    assert app.session_state["analyze_viewed"][1].name == before


def test_a_class_is_listed_once_for_all_visitors(app, archive, monkeypatch):
    monkeypatch.setattr(archive_photo, "CODES", ("NV",))
    ask(ask(app))
    assert not app.exception
    assert archive_photo.PHOTO in app.session_state
    assert sum("image_type" in str(query) for _, query in archive.asked) == 1


def test_the_diagnosis_is_hidden_until_it_is_asked_for(app, monkeypatch):
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [PHOTO])
    ask(app)
    assert not app.exception
    assert app.session_state["analyze_viewed"][1].name == PHOTO.isic_id
    assert "A Clinic, ISIC Archive, CC-0" in words(app)
    assert "Diagnosis" not in words(app)
    press(app, "Tell me the archive's diagnosis")
    assert "Diagnosis: **Basal cell carcinoma**" in words(app)
    assert "which does not say how it was confirmed" in words(app)
    # Another one begins hidden again.
    ask(app)
    assert "Diagnosis" not in words(app)


def test_a_comparison_names_the_archive_and_tells_its_diagnosis_too(app, monkeypatch):
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [PHOTO])
    ask(app)
    app.toggle(key="analyze_compare").set_value(True).run()
    assert not app.exception
    assert "A Clinic, ISIC Archive, CC-0" in words(app)
    press(app, "Tell me the archive's diagnosis")
    assert "Diagnosis: **Basal cell carcinoma**" in words(app)


@pytest.mark.parametrize("comparing", [False, True])
def test_no_diagnosis_stands_under_another_photo(app, monkeypatch, comparing):
    app.segmented_control(key="analyze_source").set_value("upload").run()
    app.file_uploader[0].set_value(("own.jpg", DATA, "image/jpeg")).run()
    app.segmented_control(key="analyze_source").set_value("samples").run()
    app.toggle(key="analyze_compare").set_value(comparing).run()
    before = app.session_state["analyze_viewed"][1].name
    broken = dataclasses.replace(PHOTO, data=DATA[: len(DATA) // 2])
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [broken])
    ask(app)
    assert not app.exception
    assert "The analysis below is still that of" in words(app)
    assert app.session_state["analyze_viewed"][1].name == before
    assert "A Clinic, ISIC Archive, CC-0" not in words(app)
    assert "Tell me the archive's diagnosis" not in {button.label for button in app.button}


def test_a_photo_that_the_network_was_trained_on_is_marked(app, monkeypatch):
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [PHOTO])
    known = TrainingIds(images=frozenset({"ISIC_0000002"}))  # another photo of its lesion
    monkeypatch.setattr(archive_photo, "training_ids", lambda _: known)
    ask(app)
    assert "the network was trained on this lesion" in words(app)  # before its diagnosis is told
    assert "Diagnosis" not in words(app)
    monkeypatch.setattr(archive_photo, "training_ids", lambda _: None)
    app.run()
    assert "whether the network was trained on it is unknown" in words(app)


def test_one_can_go_back_to_the_drawing_that_is_named(app, monkeypatch):
    before = app.session_state["analyze_viewed"][1].name
    assert "Back to the drawing" not in {button.label for button in app.button}
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [PHOTO])
    ask(app)
    press(app, "Tell me the archive's diagnosis")
    press(app, "Back to the drawing")
    assert not app.exception
    assert app.session_state["analyze_viewed"][1].name == before
    assert archive_photo.PHOTO not in app.session_state
    assert "ISIC Archive, CC-0" not in words(app)
    assert "Back to the drawing" not in {button.label for button in app.button}


def test_choosing_a_drawing_puts_the_photo_away(app, monkeypatch):
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [PHOTO])
    ask(app)
    app.selectbox(key="analyze_sample").set_value(
        list(app.selectbox(key="analyze_sample").options)[-1]
    )
    app.run()
    assert not app.exception
    assert archive_photo.PHOTO not in app.session_state
    assert "ISIC Archive, CC-0" not in words(app)
