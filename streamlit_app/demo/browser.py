"""A real browser for the demo, and what is missing where there is none."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoBrowser(Exception):
    """There is nothing to drive the app with; the message says what to install."""


class LostInApp(Exception):
    """The browser did not find in the app what a scene uses; the message says what it was."""


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on PATH, None if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def opened(chromium: str | None) -> "Iterator[Browser]":
    """A headless browser. chromium: its path, None for one on PATH and else Playwright's own.

    Raises `NoBrowser`, and `LostInApp` where what is done with the browser fails.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as fault:
        raise NoBrowser(
            "The demo is recorded with Playwright, which is not installed: "
            "pip install -r requirements-dev.txt"
        ) from fault
    path = chromium or find_chromium()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path)
        except Error as fault:
            raise NoBrowser(
                f"Expected a Chromium that starts, got {path or 'none on PATH'}. "
                "Give the path of one (--chromium PATH), or install Playwright's own: "
                "python -m playwright install chromium"
            ) from fault
        try:
            yield browser
        except Error as fault:
            raise LostInApp(
                f"The demo lost its way in the app: {str(fault).splitlines()[0]} Where a page has "
                "changed, its scene in streamlit_app/demo/storyboard.py has to follow."
            ) from fault
        browser.close()
