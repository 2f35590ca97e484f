"""The screens that walks are made on, a laptop and a phone in both themes; when a page on them is
drawn, and what it then has for its visitor.
"""

from pathlib import Path

from streamlit_app.content import ENGLISH, in_language, text
from streamlit_app.demo.stage import READY, failed

SIZES = {"laptop": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}
SCREENS = {
    f"{size}_{theme}": {"viewport": SIZES[size], "color_scheme": theme}
    for size in SIZES
    for theme in ("light", "dark")
}
# Of walks that add no state of their own to what is looked at: each size and each theme once.
TWO_SCREENS = ("laptop_dark", "phone_light")


def settle(tab, language=ENGLISH) -> None:
    """Nothing; waits until the page is drawn to its end and has been quiet for half a second.

    A page that failed fails the test.
    """
    with in_language(language):
        tab.get_by_text(text("notice.banner").split("**")[1]).first.wait_for()
        tab.evaluate("() => { window.demoQuiet = undefined }")
        tab.wait_for_function(READY, arg=500)
        assert not failed(tab), tab.url


def go(tab, name) -> None:
    """Nothing; follows the navigation to a page, which a phone folds away."""
    unfold = tab.get_by_test_id("stExpandSidebarButton")
    folded = unfold.count() > 0
    if folded:
        unfold.click()
    tab.get_by_role("link", name=text(f"pages.{name}"), exact=True).click()
    tab.get_by_role("heading", name=text(f"pages.{name}"), level=1).wait_for()
    if folded:  # it stays open, over the page
        tab.get_by_test_id("stSidebarCollapseButton").locator("button").click()
        unfold.wait_for()


def downloaded(tab, button) -> bytes:
    """The file that a button offers."""
    with tab.expect_download() as caught:
        button.click()
    return Path(caught.value.path()).read_bytes()


def cells(table) -> set[str]:
    """What a screen reader reads of a table; eyes are shown a canvas."""
    found = table.locator("canvas [role=gridcell]")
    found.first.wait_for(state="attached")
    return set(found.all_text_contents())
