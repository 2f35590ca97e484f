"""Walks in a browser notice a page that failed below its banner, however the server says so."""

import pytest

from streamlit_app.content import text
from streamlit_app.demo.browser import LostInApp
from streamlit_app.demo.stage import Stage
from streamlit_app.local_server import running

from .screens import settle

pytestmark = pytest.mark.browser

BANNER = f"import streamlit as st\nst.markdown({text('notice.banner')!r})\n"
FAILING = {
    "plain": f"{BANNER}raise ValueError('of this test')\n",
    "deployed": f"{BANNER}st.error({text('app.fault')!r})\n",
}


@pytest.fixture(params=FAILING)
def failing(tmp_path, request):
    """The address of a page that fails after its banner is drawn."""
    script = tmp_path / "page.py"
    script.write_text(FAILING[request.param], encoding="utf-8")
    with running(tmp_path, command=("-m", "streamlit", "run", str(script))) as (_, url):
        yield url


def test_a_page_that_failed_is_noticed(browser, failing):
    tab = browser.new_page()
    tab.set_default_timeout(60_000)
    with pytest.raises(LostInApp, match="got one that failed"):
        Stage(tab, quiet_ms=200, written=False).open(failing)
    with pytest.raises(AssertionError):
        settle(tab)
    tab.close()
