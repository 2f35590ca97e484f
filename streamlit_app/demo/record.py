"""Records the demo: python -m streamlit_app.demo.record

Starts the app, drives it in a browser through the scenes of `storyboard`, and writes the GIF and
the pictures that the README shows, with a hash of what they show. Needs requirements-dev.txt and a
Chromium.
"""

import argparse
import contextlib
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.store import sha256_of
from streamlit_app.components.notice import COOKIE
from streamlit_app.demo.browser import LostInApp, NoBrowser, opened
from streamlit_app.demo.film import write_gif, write_png
from streamlit_app.demo.pictures import PICTURES, WIDTH
from streamlit_app.demo.stage import LAYOUT, SCALE, Stage
from streamlit_app.demo.storyboard import SCENES
from streamlit_app.local_server import PLAIN, ROOT, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

GIF, PICTURES_FOLDER = Path("streamlit_app/demo/demo.gif"), Path("docs")
RECORDED = "recorded.sha256"  # beside the GIF: of which app it and the pictures are
SHOWN = (
    ".streamlit/config.toml",
    "model_zoo/cards/*.toml",
    "streamlit_app/app.py",
    "streamlit_app/app_pages/*.py",
    "streamlit_app/components/*.py",
    "streamlit_app/content/en.toml",
    "streamlit_app/content/*.svg",
    "streamlit_app/demo/pictures.py",
    "streamlit_app/demo/storyboard.py",
    "streamlit_app/samples/*.jpg",
)
MOST_BYTES = 8_000_000  # of a GIF that a page still shows soon
PATIENCE_MS = 60_000


def main(arguments: list[str] | None = None) -> int:
    """0 when all is written; 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m streamlit_app.demo.record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"default: {GIF}, {PICTURES_FOLDER}/*.png"
    )
    parser.add_argument(
        "--chromium", metavar="PATH", help="default: on PATH, else Playwright's own"
    )
    options = parser.parse_args(arguments)
    gif = options.out / GIF.name if options.out else ROOT / GIF
    pictures = options.out or ROOT / PICTURES_FOLDER
    try:
        with opened(options.chromium) as browser, tempfile.TemporaryDirectory() as cache:
            # What is shown must not hang on what the network has to say today.
            offline = {"LESIONLENS_ISIC_API": "http://127.0.0.1:9/"}
            with running(Path(cache), command=PLAIN, **offline) as (_, url):
                record(browser, url, gif)
                record_pictures(browser, url, pictures)
    except (NoBrowser, LostInApp) as fault:
        print(fault, file=sys.stderr)
        return 1
    except TimeoutError as fault:
        said = str(fault).strip().splitlines() or ["nothing"]
        print(
            f"Expected the app to answer within three minutes. The last that it said: {said[-1]}\n"
            "Start it by hand to see more: streamlit run streamlit_app/app.py",
            file=sys.stderr,
        )
        return 1
    for file in (gif, *(pictures / name for name in PICTURES)):
        print(f"{file.stat().st_size:>12,}  {file}")
    if gif.stat().st_size > MOST_BYTES:
        told = f"Expected a GIF of at most {MOST_BYTES:,} bytes: show fewer or quieter scenes."
        print(told, file=sys.stderr)
        return 1
    gif.with_name(RECORDED).write_text(f"{shown()}\n", encoding="utf-8")
    return 0


def shown() -> str:
    """A sha256 of what the pictures show: scenes, pages, words, look, samples, cards of models."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in SHOWN for file in ROOT.glob(pattern)):
        digest.update(f"{file.relative_to(ROOT).as_posix()} {sha256_of(file)}\n".encode())
    return digest.hexdigest()


def record(browser: "Browser", url: str, file: Path, **pace: int) -> None:
    """Nothing; plays all scenes and writes them as a GIF. pace: see `Stage`."""
    with _visitor(browser, viewport=LAYOUT, device_scale_factor=SCALE) as context:
        stage = Stage(context.new_page(), **pace)
        stage.open(url)
        for scene in SCENES:
            scene(stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_gif(stage.frames, file)


def record_pictures(browser: "Browser", url: str, folder: Path, **pace: int) -> None:
    """Nothing; writes the README's pictures into the folder. pace: see `Stage`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        size = {"width": WIDTH, "height": picture.height}
        with _visitor(browser, viewport=size, color_scheme=picture.theme) as context:
            context.add_cookies([{"name": COOKIE, "value": "agreed", "url": url}])
            stage = Stage(context.new_page(), written=False, **pace)
            stage.open(url)
            picture.scene(stage)
        write_png(stage.frames[-1].png, folder / name)


@contextlib.contextmanager
def _visitor(browser: "Browser", **settings: object) -> "Iterator[BrowserContext]":
    context = browser.new_context(**{"color_scheme": "light", "locale": "en-US", **settings})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


if __name__ == "__main__":
    sys.exit(main())
