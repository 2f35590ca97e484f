"""From the choice of a photo in a real browser to its heatmap on the screen, by photo and way.

    python -m benchmarks.upload_to_screen [--times N]

A server of its own and Chromium on the same machine, a window as large as a laptop's. Measured
from the moment at which the file is given to the page until the heatmap of that file is decoded
in it: upload, analysis, drawing and the browser's work. Medians and 95th percentiles, and the
ratio to half a second. Run it when nothing else runs.
"""

import argparse
import io
import math
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

from streamlit_app.content import text
from streamlit_app.demo.browser import opened
from streamlit_app.local_server import SAMPLES, running

PROMISED = 0.5  # seconds
WINDOW = {"width": 1366, "height": 768}
SIZES = {"600 x 450": (600, 450), "12 megapixels": (4000, 3000)}
# The model as a link names it, and whether eight views are averaged.
WAYS = (
    ("mobilenetv2.isic2019_v1", False),
    ("mobilenetv2.isic2019_v1", True),
    ("ensemble.isic2019_v1", False),
    ("ensemble.isic2019_v1", True),
)
ON_SCREEN = """name => [...document.images].some(image =>
    image.alt.startsWith('Grad-CAM heatmap of') && image.alt.endsWith(` ${name}`)
    && image.complete && image.naturalWidth > 0)"""


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    photos = {size: _photo(*SIZES[size]) for size in SIZES}
    print("| model | views | photo | median, s | 95th percentile, s | of half a second |")
    print("|---|---:|---|---:|---:|---:|")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as (_, url),
        opened(None) as browser,
    ):
        for model, eight in WAYS:
            tab = _page(browser, url, model, eight=eight)
            for size, content in photos.items():
                taken = sorted(_timed(tab, content, options.times))
                median, late = statistics.median(taken), taken[math.ceil(0.95 * len(taken)) - 1]
                print(
                    f"| {model} | {8 if eight else 1} | {size} | {median:.2f} | {late:.2f} "
                    f"| {median / PROMISED:.2f} |",
                    flush=True,
                )
            tab.context.close()


def _photo(width: int, height: int) -> bytes:
    """A drawn sample at a size, as JPEG."""
    written = io.BytesIO()
    drawn = Image.open(SAMPLES / "network.jpg").resize((width, height), Image.Resampling.BICUBIC)
    drawn.save(written, "JPEG", quality=90)
    return written.getvalue()


def _page(browser, url: str, model: str, *, eight: bool):
    """A visitor's Analyze page, asking a model in this way."""
    context = browser.new_context(viewport=WINDOW)
    context.add_cookies([{"name": "lesionlens_notice", "value": "agreed", "url": url}])
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    tab.goto(f"{url}/?model={model}")
    tab.get_by_alt_text("Grad-CAM heatmap of").first.wait_for(state="attached")
    if eight:
        tab.get_by_text(text("analyze.tta"), exact=True).click()
        tab.wait_for_timeout(3000)
    return tab


def _timed(tab, content: bytes, times: int) -> list[float]:
    """Seconds of each of so many uploads, the first of them left out."""
    taken = []
    for number in range(times + 1):
        # Read once more each time: what is kept is found by its bytes, so these differ at the end.
        name, data = f"photo-{number}-{len(content)}.jpg", content + bytes([number])
        began = time.perf_counter()
        tab.locator("input[type=file]").first.set_input_files(
            [{"name": name, "mimeType": "image/jpeg", "buffer": data}]
        )
        tab.wait_for_function(ON_SCREEN, arg=name)
        taken.append(time.perf_counter() - began)
        tab.wait_for_timeout(700)  # a visitor looks; the page comes to rest
    return taken[1:]


if __name__ == "__main__":
    main()
