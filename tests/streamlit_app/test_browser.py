"""The real server and a real browser: what a user sees, and not only that a server answers."""

import base64
import io
import json
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from model_zoo.classifier import Classifier
from model_zoo.labels import LABELS
from streamlit_app.content import text
from streamlit_app.demo.stage import failed

from .screens import SCREENS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "streamlit_app" / "samples"

FAR = 30  # steps of 255 between two colours, more than JPEG makes of one

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser, address, request):
    """A tab of a visitor who has just agreed to the notice, on one of `SCREENS`."""
    context = browser.new_context(**SCREENS[getattr(request, "param", "laptop_light")])
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(address)
    tab.get_by_role("button", name="I understand").click()
    # The page is drawn anew behind the notice; a file given before that ends would be dropped.
    tab.get_by_role("dialog").wait_for(state="detached")
    tab.locator(".js-plotly-plot").first.wait_for()
    tab.get_by_test_id("stStatusWidget").wait_for(state="detached")
    yield tab
    context.close()


def pixels(picture) -> np.ndarray:
    """What a picture of the page shows, int (H, W, 3), as the browser decoded it."""
    address = picture.evaluate(
        """async image => {
            await image.decode();
            const canvas = document.createElement('canvas');
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            canvas.getContext('2d').drawImage(image, 0, 0);
            return canvas.toDataURL('image/png');
        }"""
    )
    decoded = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
    return np.asarray(decoded.convert("RGB")).astype(int)


def painted_share(tab) -> float:
    """The share of the picture, 0..1, that the heatmap colours, told from it at opacity 0."""
    picture = tab.get_by_alt_text("Grad-CAM heatmap of").first
    picture.wait_for()
    address, painted = picture.get_attribute("src"), pixels(picture)
    tab.get_by_role("slider", name=text("analyze.opacity")).press("Home")
    tab.wait_for_function(
        "before => [...document.images].some(i => i.alt.startsWith('Grad-CAM heatmap of')"
        " && !i.src.endsWith(before))",
        arg=address,
    )
    tab.locator("[data-stale=true]").first.wait_for(state="detached")
    apart = np.abs(painted - pixels(picture)).max(axis=2)
    return float((apart > FAR).mean())


def test_the_page_shows_eight_names_and_a_heatmap(page):
    for label in LABELS:
        page.locator(".js-plotly-plot").get_by_text(label.name).first.wait_for()
    assert 0.05 < painted_share(page) < 0.7


@pytest.mark.parametrize("page", SCREENS, indirect=True)
def test_a_real_file_goes_through_the_real_server(page):
    file = SAMPLES / "vessels.jpg"  # one that no check refuses
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_alt_text("laid over the photo vessels.jpg").wait_for()
    page.get_by_text("Example, not a photo").wait_for(state="detached")
    page.locator("[data-stale=true]").first.wait_for(state="detached")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Result as JSON").click()
    told = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    expected = Classifier.load().analyse(file.read_bytes())
    assert told["file"] == "vessels.jpg"
    assert "Research and teaching only" in told["notice"]
    for code, probability in told["probabilities"].items():
        assert probability == pytest.approx(expected.probability(code), abs=1e-5)
    for label in LABELS:
        page.locator(".js-plotly-plot").get_by_text(label.name).first.wait_for()
    assert 0.05 < painted_share(page) < 0.7


def test_text_renamed_to_jpg_gets_its_sentence(page, tmp_path):
    fake = tmp_path / "www.lesion.example a@lesion.example.jpg"
    fake.write_text("This is a letter, not a photo.\n" * 20)
    page.locator("input[type=file]").set_input_files(str(fake))
    page.get_by_text("The file holds text, not a photo").wait_for()
    assert page.locator("a[href*='lesion.example']").count() == 0  # a name is no link
    page.locator(".js-plotly-plot").first.wait_for(state="detached")  # the example's
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    assert not failed(page)


def test_a_browser_asks_nobody_but_the_server(browser, address):
    context = browser.new_context(**SCREENS["laptop_light"])
    tab, asked = context.new_page(), []
    tab.on("request", lambda request: asked.append(request.url))
    for name in ("", "study", "batch", "models", "about"):
        tab.goto(f"{address}/{name}")
        tab.get_by_role("heading", level=1).wait_for()
        tab.get_by_test_id("stStatusWidget").wait_for(state="detached")
    context.close()
    own = urlsplit(address).netloc
    fetched = {url for url in asked if urlsplit(url).scheme[:4] == "http"}
    assert len(fetched) > 10
    assert {url for url in fetched if urlsplit(url).netloc != own} == set()


def test_a_reload_does_not_ask_again(page):
    page.wait_for_function("document.cookie.includes('lesionlens_notice=agreed')")
    page.reload()
    page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    assert page.get_by_role("dialog").count() == 0
