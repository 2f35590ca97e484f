"""The notice is on every page and in every file that leaves the app, in every language."""

import ast
import inspect
import json
import sys
from pathlib import Path

import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from model_zoo import NOTICE
from streamlit_app import report
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.content import LANGUAGES, in_language, text

from .pdf_words import pdf_text

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
PAGES = sorted(path.name for path in (APP.parent / "app_pages").glob("*.py"))
SAMPLE = (SAMPLES / "network.jpg").read_bytes()

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


@pytest.fixture
def offered(monkeypatch):
    """What download buttons were drawn with: by place in the source, name of the file and data."""
    drawn = {}

    def noting(draw):
        def note(*arguments, **options):
            caller = sys._getframe(1)
            at = (Path(caller.f_code.co_filename).name, caller.f_lineno)
            given = inspect.signature(draw).bind(*arguments, **options).arguments
            drawn[at, given["file_name"]] = given["data"]
            return draw(*arguments, **options)

        return note

    monkeypatch.setattr(st, "download_button", noting(st.download_button))
    monkeypatch.setattr(DeltaGenerator, "download_button", noting(DeltaGenerator.download_button))
    return drawn


def places() -> set[tuple[str, int]]:
    """Where in the source download buttons are drawn."""
    return {
        (file.name, node.lineno)
        for file in APP.parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "download_button"
    }


def opened(code: str) -> AppTest:
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.session_state["language"] = code
    return test


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def words_of(name: str, data: object) -> str:
    """All words of a file that is offered, as a reader sees them."""
    content = data() if callable(data) else data
    if name.endswith(".pdf"):
        return pdf_text(content)
    written = content.decode() if isinstance(content, bytes) else content
    return json.loads(written)["notice"] if name.endswith(".json") else written


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_notice_is_on_every_page(code):
    test = opened(code)
    with in_language(code):
        for page in PAGES:
            test = test.switch_page(f"app_pages/{page}").run()
            assert not test.exception
            assert text("notice.banner") in test.markdown[0].value


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_notice_is_in_every_file_that_leaves_the_app(code, offered):
    with in_language(code):
        test = opened(code).run()
        test = test.switch_page("app_pages/batch.py").run()
        test.file_uploader[0].set_value([("one.jpg", SAMPLE, "image/jpeg")]).run()
        test = press(test, text("batch.start"))
        test.session_state["batch_job"].wait(60)
        test = test.run().switch_page("app_pages/study.py").run()
        test.session_state["study_source"], test.session_state["study_length"] = "drawn", 5
        test = press(test.run(), text("study.start"))
        for place in range(5):
            test.session_state["study_first"] = "NV"
            test.session_state["study_confidence"] = "guess"
            test = press(test, text("study.commit"))
            test = press(test, text("study.next" if place < 4 else "study.finish"))
        assert not test.exception
        translated = text("notice.banner").replace("**", "")
    assert {at for at, _ in offered} == places()
    kinds = {name.rsplit(".", 1)[1] for _, name in offered}
    assert kinds == {"csv", "html", "json", "pdf"}
    for (_, name), data in offered.items():
        told = "".join(words_of(name, data).split())  # lines end anywhere
        assert "".join(NOTICE.split()) in told, name
        if name.endswith(".html") or (name.endswith(".pdf") and code not in report.NOT_IN_PDF):
            assert code == "en" or "".join(translated.split()) in told, name
