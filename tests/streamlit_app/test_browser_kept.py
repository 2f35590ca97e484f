"""A visitor's own photo in a real browser: it is there again after another page."""

import pytest

from streamlit_app.content import text
from streamlit_app.local_server import SAMPLES

from .screens import TWO_SCREENS, go

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("screen", TWO_SCREENS)]


def test_an_uploaded_photo_is_there_after_another_page_until_it_is_taken_away(stage, address, look):
    stage.open(address)
    tab = stage.tab
    example = tab.get_by_text(text("analyze.example").split("{")[0])
    example.wait_for()
    chooser = tab.locator("input[type=file]").first
    chooser.set_input_files(SAMPLES / "veil.jpg")
    example.wait_for(state="detached")
    stage.settle()
    for page in ("about", "analyze"):
        go(tab, page)
    stage.settle()
    take_away = tab.get_by_role("button", name=text("analyze.take_away", name="veil.jpg"))
    take_away.wait_for()
    assert example.count() == 0
    look("photo_kept")
    take_away.click()
    example.wait_for()
