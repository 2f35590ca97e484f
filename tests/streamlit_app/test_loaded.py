"""A model that takes long is loaded where its visitor sees it, and keeps nobody else waiting."""

import contextlib
import hashlib
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.classifier import Classifier
from model_zoo.errors import SENTENCES
from streamlit_app import admission, cache, startup
from streamlit_app.admission import Turnstile
from streamlit_app.components import notice
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.content import text

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = (SAMPLES / "network.jpg").read_bytes()
NAME = "another.v1"

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def another(own_cache):
    """The flatbuffer of an installed model that nobody has loaded yet."""
    bundled = registry.default_card()
    folder = registry.installed_folder() / NAME
    folder.mkdir(parents=True)
    labels = ", ".join(f'"{code}"' for code in bundled.labels)
    words = f'name = "{NAME}"\nlabels = [{labels}]\nscaling = "inside"\n'
    (folder / f"{NAME}.toml").write_text(words, encoding="utf-8")
    return Path(shutil.copy(bundled.file("served"), folder / f"{NAME}.tflite"))


@pytest.fixture
def events(monkeypatch):
    """What happens around a load, in order; whoever loads within a turn hears that it is busy."""
    told, load, spinner = [], Classifier.load, st.spinner
    only = Turnstile(slots=1, queue=0, patience=0)

    def loading(*arguments, **options):
        with only.turn():
            told.append("load")
            return load(*arguments, **options)

    @contextlib.contextmanager
    def spinning(words, **options):
        with spinner(words, **options):
            told.append(words)
            yield
            told.append("spun")

    monkeypatch.setattr(admission.turns, "turn", only.turn)
    monkeypatch.setattr(Classifier, "load", loading)
    monkeypatch.setattr(st, "spinner", spinning)
    cache._load.clear()
    yield told
    cache._load.clear()


def opened(page: str) -> AppTest:
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.switch_page(f"app_pages/{page}.py").run()


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def loads(events) -> list[list[str]]:
    """Each load with what happened right before and after it."""
    return [events[at - 1 : at + 2] for at, event in enumerate(events) if event == "load"]


def busy(test) -> bool:
    return SENTENCES["busy"] in [part.value for part in test.warning]


@pytest.mark.usefixtures("another")
def test_every_page_loads_under_a_spinner_and_outside_of_a_turn(events):
    shown = [text("app.loading"), "load", "spun"]
    test = opened("about")
    test.switch_page("app_pages/analyze.py").run()
    test.selectbox(key="analyze_model").set_value(NAME).run()
    assert loads(events)[-1] == shown
    assert not test.exception
    assert not busy(test)
    test = test.switch_page("app_pages/study.py").run()
    test.session_state["study_source"] = "drawn"
    cache._load.clear()
    count = len(loads(events))
    test = press(test.run(), text("study.start"))
    assert loads(events)[count:] == [shown]
    assert not test.exception
    assert not busy(test)
    assert test.get("image")
    test = test.switch_page("app_pages/batch.py").run()
    test.file_uploader[0].set_value([("one.jpg", SAMPLE, "image/jpeg")]).run()
    cache._load.clear()
    count = len(loads(events))
    test = press(test, text("batch.start"))
    test.session_state["batch_job"].wait(60)
    assert loads(events)[count:] == [shown]
    assert not test.exception


def test_the_notice_stands_before_the_default_model_is_loaded(events, monkeypatch):
    banner = notice.banner

    def drawing():
        events.append("banner")
        banner()

    monkeypatch.setattr(notice, "banner", drawing)
    startup.started.cache_clear()
    test = opened("about")
    assert not test.exception
    assert events[:3] == ["banner", text("app.loading"), "load"]


def test_what_is_shown_is_of_the_file_that_now_stands_under_a_models_name(another):
    test = opened("analyze")
    test.selectbox(key="analyze_model").set_value(NAME).run()
    before = test.session_state["analyze_viewed"][1].model_sha256
    assert before == hashlib.sha256(another.read_bytes()).hexdigest()
    other = registry.find("resnet50v2.isic2019_v1")
    shutil.copy(other.file("served"), another)
    test.run()
    assert not test.exception
    after = test.session_state["analyze_viewed"][1].model_sha256
    assert after == hashlib.sha256(another.read_bytes()).hexdigest() != before


def test_a_batch_stays_where_the_next_reader_cannot_be_loaded(another):
    test = opened("batch")
    test.file_uploader[0].set_value([("one.jpg", SAMPLE, "image/jpeg")]).run()
    test = press(test, text("batch.start"))
    test.session_state["batch_job"].wait(60)
    test.selectbox(key="analyze_model").set_value(NAME).run()
    another.write_bytes(b"no flatbuffer")
    test = press(test, text("batch.start"))
    assert not test.exception
    assert len(test.error) == 1
    assert list(test.dataframe[0].value["name"]) == ["one.jpg"]
    assert len(test.get("download_button")) == 1


def test_a_round_whose_model_is_gone_can_be_gone_on_with(another):
    test = opened("study")
    test.session_state["study_source"] = "drawn"
    test.selectbox(key="analyze_model").set_value(NAME).run()
    test = press(test, text("study.start"))
    assert not test.error
    cases = len(test.session_state["study_round"].cases)
    another.write_bytes(b"no flatbuffer")
    test.run()
    assert not test.exception
    assert len(test.error) == 1
    test = press(test, text("study.skip"))
    assert len(test.session_state["study_round"].cases) == cases - 1
