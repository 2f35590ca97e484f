"""What the tests of the app share: a cache of their own, one server, one browser."""

import os
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from streamlit_app import archive_shared, isic_archive
from streamlit_app.demo.browser import find_chromium
from streamlit_app.demo.stage import Stage
from streamlit_app.local_server import PLAIN, running

from .isic_server import Archive, result
from .screens import SCREENS

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Nothing; gives back `__main__`, in whose place `AppTest` leaves the app's script.

    A process that is begun afresh runs what stands there.
    """
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache folder, and no model of the user's own."""
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LESIONLENS_MODEL", raising=False)


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The address of a server of the README's own command, or LESIONLENS_URL if that is set."""
    if os.environ.get("LESIONLENS_URL"):
        yield os.environ["LESIONLENS_URL"]
        return
    folder = tmp_path_factory.mktemp("app")
    # Tests reach no network.
    with running(folder, command=PLAIN, LESIONLENS_ISIC_API="http://127.0.0.1:9/") as (_, url):
        yield url


@pytest.fixture
def keep():
    """Keeps a picture of a page, by name, in the folder LESIONLENS_SCREENSHOTS if that is set."""
    folder = os.environ.get("LESIONLENS_SCREENSHOTS")

    def picture(tab, name: str) -> None:
        if folder:
            tab.screenshot(path=Path(folder) / f"{name}.png")

    return picture


@pytest.fixture(scope="session")
def browser():
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=list(QUIET), timeout=120_000
        )
        yield opened
        opened.close()


@pytest.fixture(params=SCREENS)
def screen(request):
    return request.param


@pytest.fixture
def stage(browser, address, screen):
    """A tab of a visitor who has agreed to the notice, on one of `SCREENS`; `open` it at a page."""
    context = browser.new_context(**SCREENS[screen])
    context.add_cookies([{"name": "lesionlens_notice", "value": "agreed", "url": address}])
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield Stage(tab, quiet_ms=200, written=False)
    context.close()


@pytest.fixture
def look(stage, keep, screen):
    """Looks at the state that a walk has reached: keeps a picture of it, and finds no barrier."""
    from .barriers import grave, overflow

    def see(name):
        stage.settle()
        keep(stage.tab, f"{name}_{screen}")
        assert overflow(stage.tab) <= 0
        assert grave(stage.tab) == []

    return see


def forget_archive() -> None:
    archive_shared._listing.clear()
    archive_shared._photo.clear()


@pytest.fixture
def archive(monkeypatch):
    """A local archive: two pages of photos, those of one lesion, and what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    server.asked, server.broken, server.moved = [], {}, {}
    server.failing, server.following = 0, None
    server.asked_for, server.photo = "", b""
    server.of_lesion = {"IL_1": [result(1), result(2), result(7, "CC-BY-NC")]}
    server.pages = [
        [
            result(1, lesion_id="IL_1"),
            result(2, lesion_id="IL_1"),
            result(3, "CC-BY-NC"),
            result(4, kind="clinical: close-up"),
        ],
        [result(5), result(6)],
    ]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv(isic_archive.API_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    forget_archive()
    yield server
    forget_archive()
    server.shutdown()
    thread.join()
    server.server_close()
