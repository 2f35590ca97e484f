"""The page under the camera: what points at it, what is written below it, when it is ready."""

from typing import TYPE_CHECKING

from model_zoo import NOTICE
from streamlit_app.content import text
from streamlit_app.demo.browser import LostInApp
from streamlit_app.demo.film import Frame

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# Laid out as on a laptop, and drawn by the browser itself at three quarters of that: letters are
# crisper so than in a screenshot that is made smaller afterwards.
LAYOUT, WIDTH = {"width": 1200, "height": 900}, 900
SCALE = WIDTH / LAYOUT["width"]
POINTED = 1.1  # seconds

BELOW = ". ".join(NOTICE.split(". ")[:3]) + "."  # fits beside the words of a frame

# What fades or blinks would be caught half-way. The line below stands under the app, not on it.
STYLE = """
* { transition: none !important; animation: none !important; caret-color: transparent !important; }
body:has(#demo-line) [data-testid=stApp] { bottom: 56px; }
#demo-line { position: fixed; inset: auto 0 0 0; height: 56px; z-index: 2147483647;
  box-sizing: border-box; padding: 0 28px; display: flex; align-items: center; gap: 24px;
  justify-content: space-between; background: #14312f; color: #fff;
  font: 600 21px 'Source Sans', sans-serif; }
#demo-line small { font: 400 16.5px 'Source Sans', sans-serif; color: #ffd9a8; }
#demo-ring { position: fixed; z-index: 2147483646; border: 4px solid #e4572e; border-radius: 14px;
  box-sizing: border-box; pointer-events: none; }
"""
LINE = """([told, notice]) => {
    let line = document.getElementById('demo-line');
    if (!line) {
        line = document.createElement('div');
        line.id = 'demo-line';
        line.append(document.createElement('span'), document.createElement('small'));
        document.body.append(line);
    }
    line.firstChild.textContent = told;
    line.lastChild.textContent = notice;
}"""
RING = """box => {
    const ring = document.createElement('div');
    ring.id = 'demo-ring';
    ring.style.left = `${box.x - 8}px`; ring.style.top = `${box.y - 8}px`;
    ring.style.width = `${box.width + 16}px`; ring.style.height = `${box.height + 16}px`;
    document.body.append(ring);
}"""
# Between two runs of a page nothing runs either, so it must have been quiet for a while; pictures,
# letters and the code of widgets come later than the page's own word that it is done.
READY = """quiet => {
    const app = document.querySelector('[data-testid=stApp]');
    const done = app?.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale=true], [data-testid=stSpinner]')
        && ![...document.querySelectorAll('[data-testid=stSkeleton]')].some(e => e.offsetParent)
        && [...document.images].every(image => image.complete)
        && document.fonts.status === 'loaded';
    window.demoQuiet = done ? window.demoQuiet ?? performance.now() : undefined;
    return done && performance.now() - window.demoQuiet >= quiet;
}"""


def failed(tab: "Page") -> bool:
    """Whether a page says that it failed, in Streamlit's words or in those of `server.on_fault`."""
    plain, deployed = tab.get_by_test_id("stException"), tab.get_by_text(text("app.fault"))
    return plain.or_(deployed).count() > 0


class Stage:
    """A browser tab with the app, and the frames that were taken of it so far.

    quiet_ms: how long a page must have been still. written: whether words stand below it.
    """

    def __init__(self, tab: "Page", *, quiet_ms: int = 700, written: bool = True):
        self.tab, self.quiet_ms, self.written = tab, quiet_ms, written
        self.frames: list[Frame] = []
        self.told = ""

    def open(self, url: str) -> None:
        """Nothing; opens the address and waits until the page is drawn."""
        self.tab.goto(url)
        self.tab.get_by_test_id("stApp").wait_for()
        self.tab.add_style_tag(content=STYLE)
        self._write()
        self.settle()

    def settle(self) -> None:
        """Nothing; waits until the page is drawn to its end and stays so for `quiet_ms`.

        Raises `LostInApp` where the page failed.
        """
        self.tab.evaluate("() => { window.demoQuiet = undefined }")
        self.tab.wait_for_function(READY, arg=self.quiet_ms)
        if failed(self.tab):
            raise LostInApp(
                f"Expected a page that is drawn to its end, got one that failed: {self.tab.url} "
                "Open it after streamlit run streamlit_app/app.py, which says why."
            )

    def hold(self, seconds: float, told: str = "") -> None:
        """Nothing; takes a frame. told: a line below it, "" for the one that is there."""
        self.settle()
        self._take(seconds, told)

    def point(self, at: "Locator", told: str = "") -> None:
        """Nothing; takes a frame with a ring around what is used next."""
        at.wait_for()
        at.scroll_into_view_if_needed()
        self.settle()
        self.tab.evaluate(RING, at.bounding_box())
        self._take(POINTED, told)
        self.tab.evaluate("() => document.getElementById('demo-ring').remove()")

    def _take(self, seconds: float, told: str) -> None:
        self.told = told or self.told
        self._write()
        # What has the keyboard is drawn otherwise than what a reader's own page will show.
        self.tab.evaluate("() => document.activeElement.blur()")
        self.frames.append(Frame(self.tab.screenshot(), seconds))

    def _write(self) -> None:
        if self.written:
            self.tab.evaluate(LINE, [self.told, BELOW])

    def keyed(self, key: str) -> "Locator":
        """What the app drew under a key, or under the first that begins like it."""
        return self.tab.locator(f"[class*='st-key-{key}']").first

    def press(self, at: "Locator", told: str = "") -> None:
        """Nothing; points at something and clicks on it."""
        self.point(at, told)
        self.click(at)

    def click(self, at: "Locator") -> None:
        """Nothing; clicks, and takes the pointer away, which would change what it stands on."""
        at.click()
        self.tab.mouse.move(1, 1)
        self.settle()

    def scroll_to(self, at: "Locator") -> None:
        """Nothing; brings something to the top of the page, below the navigation."""
        at.evaluate(
            """element => {
                const main = document.querySelector('[data-testid=stMain]');
                main.scrollTop += element.getBoundingClientRect().top - 70;
            }"""
        )
