"""The Batch page, driven without a browser."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.errors import ZooError
from model_zoo.trust import TTA
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.content import in_language, told

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = (SAMPLES / "network.jpg").read_bytes()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.switch_page("app_pages/batch.py").run()


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.info]
    return "\n".join(str(part.value) for part in parts)


def read_all(test, *files):
    test.file_uploader[0].set_value(list(files)).run()
    test = press(test, "Read them")
    test.session_state["batch_job"].wait(60)
    return test.run()


def test_photos_a_zip_and_what_is_left_out(app):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("inside.jpg", SAMPLE)
        archive.writestr("notes.txt", "x")
    test = read_all(
        app,
        ("one.jpg", SAMPLE, "image/jpeg"),
        ("bad.jpg", b"\xff\xd8\xffnothing", "image/jpeg"),
        ("more.zip", stream.getvalue(), "application/zip"),
    )
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["name"]) == ["one.jpg", "bad.jpg", "more.zip: inside.jpg"]
    assert table["photo"][0].startswith("data:image/jpeg;base64,")
    assert table["problem"][1]
    assert "notes.txt" in words(test)
    assert len(test.get("download_button")) == 1
    assert not test.button[0].disabled


def test_nothing_is_read_before_there_is_something(app):
    assert not app.exception
    assert next(button for button in app.button if button.label == "Read them").disabled
    assert "Nothing is written to disk" in words(app)


def test_another_batch_takes_the_place_of_the_first(app):
    test = read_all(app, ("one.jpg", SAMPLE, "image/jpeg"))
    test = read_all(test, ("two.jpg", SAMPLE, "image/jpeg"))
    assert list(test.dataframe[0].value["name"]) == ["two.jpg"]


def test_a_batch_that_was_stopped_says_how_many_photos_it_lacks(app):
    test = read_all(app, ("one.jpg", SAMPLE, "image/jpeg"))
    assert "were not read" not in warnings_of(test)
    job = test.session_state["batch_job"]
    job.total, job.names = 3, (*job.names, "two.jpg", "three.jpg")
    test.run()
    assert "2 of 3 photos were not read, because the reading was stopped" in warnings_of(test)
    job.abandoned = True
    test.run()
    assert "away for more than 120 s" in warnings_of(test)


def warnings_of(test) -> str:
    return "\n".join(part.value for part in test.warning)


def test_a_filter_stays_over_pages_and_never_hides_a_batch_without_such_rows(app):
    test = read_all(
        app, ("one.jpg", SAMPLE, "image/jpeg"), ("bad.jpg", b"\xff\xd8\xff", "image/jpeg")
    )
    test.pills(key="batch_filter").set_value(["unreadable"]).run()
    assert list(test.dataframe[0].value["name"]) == ["bad.jpg"]
    test = test.switch_page("app_pages/about.py").run().switch_page("app_pages/batch.py").run()
    assert list(test.dataframe[0].value["name"]) == ["bad.jpg"]
    test = read_all(test, ("two.jpg", SAMPLE, "image/jpeg"))
    assert not test.exception
    assert list(test.dataframe[0].value["name"]) == ["two.jpg"]


def test_eight_views_are_asked_for_here_too(app):
    app.toggle(key="analyze_tta").set_value(True).run()
    test = read_all(app, ("one.jpg", SAMPLE, "image/jpeg"))
    assert test.session_state["batch_reader"].mode == TTA


def test_rows_name_what_read_them_and_not_what_was_chosen_since(app):
    first, other = [card for card in registry.classifiers().values() if "served" in card.files][:2]
    app.selectbox(key="analyze_model").set_value(first.name)
    test = read_all(app, ("one.jpg", SAMPLE, "image/jpeg"))
    told = f"Read by {first.title} (`{first.name}`): one view."
    assert told in words(test)
    test.selectbox(key="analyze_model").set_value(other.name)
    test.toggle(key="analyze_tta").set_value(True).run()
    assert told in words(test)
    assert other.name not in words(test)
    test = press(test, "Read them")
    test.session_state["batch_job"].wait(60)
    told = f"Read by {other.title} (`{other.name}`): mean of eight views."
    assert told in words(test.run())


def test_why_something_is_left_out_is_told_in_the_language_of_now(app):
    test = read_all(
        app, ("one.jpg", SAMPLE, "image/jpeg"), ("a.zip", b"nothing", "application/zip")
    )
    fault = ZooError("batch_bad_zip")
    assert told(fault) in words(test)
    test.radio[0].set_value("de").run()
    with in_language("de"):
        assert told(fault) in words(test)


def test_a_refused_photo_says_why_and_names_no_class(app):
    picture = io.BytesIO()
    Image.effect_noise((400, 300), 90).convert("RGB").save(picture, "PNG")
    test = read_all(app, ("noise.png", picture.getvalue(), "image/png"))
    assert not test.exception
    row = test.dataframe[0].value.iloc[0]
    assert row["status"] == "No dermoscopy of a lesion"
    assert row["label"] == ""
    assert "through a dermatoscope" in row["problem"]
    assert test.session_state["batch_job"].rows[0].label  # the CSV has it
