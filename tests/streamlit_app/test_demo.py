"""The demo still finds its way through the app, and the README shows what was recorded."""

import contextlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from streamlit_app import deploy
from streamlit_app.demo import film, record
from streamlit_app.demo.browser import find_chromium
from streamlit_app.demo.pictures import PICTURES
from streamlit_app.demo.stage import WIDTH
from streamlit_app.local_server import ROOT

QUIET_MS = 200  # the recorder itself waits longer, for the looks alone


def durations(file) -> list[int]:
    """For how many milliseconds each frame of a GIF is held."""
    with Image.open(file) as gif:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]


@pytest.mark.browser
def test_the_scenes_still_find_what_they_use(browser, address, tmp_path, monkeypatch):
    file, filmed = tmp_path / "demo.gif", []

    def write(frames, place):
        filmed.extend(frames)
        film.write_gif(frames, place)

    monkeypatch.setattr(record, "write_gif", write)
    record.record(browser, address, file, quiet_ms=QUIET_MS)
    with Image.open(file) as gif:
        assert (gif.format, gif.width) == ("GIF", WIDTH)
    assert file.stat().st_size <= record.MOST_BYTES
    # What was filmed is compared, since identical frames become one in a GIF.
    assert len({frame.png for frame in filmed}) == len(filmed) > len(record.SCENES)
    held = [round(frame.seconds * 1000) for frame in filmed]
    assert durations(file) == held
    assert durations(ROOT / record.GIF) == held  # the one of the README is of these scenes


@pytest.mark.browser
def test_pictures_are_of_their_theme(browser, address, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "PICTURES", {"study.png": PICTURES["study.png"]})
    record.record_pictures(browser, address, tmp_path, quiet_ms=QUIET_MS)
    with Image.open(tmp_path / "study.png") as picture:
        assert max(picture.convert("RGB").getpixel((5, picture.height // 2))) < 60


def test_the_recorded_demo_can_be_shown():
    file = ROOT / record.GIF
    assert file.stat().st_size <= record.MOST_BYTES
    with Image.open(file) as gif:
        assert (gif.format, gif.width) == ("GIF", WIDTH)
    assert 20_000 <= sum(durations(file)) <= 40_000


def test_the_pictures_are_of_the_present_app_and_models():
    recorded = (ROOT / record.GIF).with_name(record.RECORDED).read_text(encoding="utf-8")
    assert recorded.strip() == record.shown(), (
        "The app or a card is another than in the README's pictures. "
        "Record again: python -m streamlit_app.demo.record"
    )


def test_the_hash_is_of_files_that_are_there():
    for pattern in record.SHOWN:
        assert list(ROOT.glob(pattern)), pattern


@pytest.mark.parametrize(("size", "code"), [(10, 0), (11, 1)])
def test_a_gif_that_is_too_large_is_no_record(tmp_path, monkeypatch, capsys, size, code):
    monkeypatch.setattr(record, "MOST_BYTES", 10)
    monkeypatch.setattr(record, "PICTURES", {})
    monkeypatch.setattr(record, "opened", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(record, "running", lambda *_, **__: contextlib.nullcontext((None, "")))
    monkeypatch.setattr(record, "record", lambda _, __, file: file.write_bytes(bytes(size)))
    assert record.main(["--out", str(tmp_path)]) == code
    assert (tmp_path / record.RECORDED).exists() == (code == 0)
    assert ("at most 10 bytes" in capsys.readouterr().err) == (code == 1)


def test_the_readme_shows_pictures_that_are_there_and_are_sent_along():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(shown) == {
        str(record.GIF),
        *(f"{record.PICTURES_FOLDER}/{name}" for name in PICTURES),
    }
    for file in shown:
        with Image.open(ROOT / file) as picture:
            picture.load()
    assert set(shown) <= set(deploy.files_to_send())


def test_what_is_flat_keeps_its_colour():
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    pixels = np.full((120, 60, 3), (251, 250, 247), np.uint8)
    pixels[40:80] = (15, 107, 107)
    pixels[40, :3] = (58, 134, 183)  # the colour of a group, on a few pixels only
    pixels[80:] = noise
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    picture = film.paletted(written.getvalue())
    assert len(picture.getcolors()) <= film.COLOURS
    shown = np.asarray(picture.convert("RGB"))
    assert np.array_equal(shown[:80], pixels[:80])
    assert np.abs(shown[80:].astype(int) - noise).mean() < 20


def test_a_picture_of_few_colours_is_kept_as_it_is():
    written = io.BytesIO()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(written, "PNG")
    assert film.paletted(written.getvalue()).convert("RGB").getpixel((0, 0)) == (1, 2, 3)


def test_without_playwright_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert record.main(["--out", str(tmp_path)]) == 1
    assert "pip install -r requirements-dev.txt" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_chromium_that_is_not_there_is_one_sentence(tmp_path):
    command = [sys.executable, "-m", "streamlit_app.demo.record"]  # Playwright runs once a process
    done = subprocess.run(
        [*command, "--out", str(tmp_path), "--chromium", str(tmp_path / "none")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "--chromium PATH" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_does_not_start_is_a_sentence(tmp_path, monkeypatch, capsys):
    @contextlib.contextmanager
    def silent(*_, **__):
        raise TimeoutError("Traceback\nOSError: no port is free\n")
        yield

    monkeypatch.setattr(record, "opened", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(record, "running", silent)
    assert record.main(["--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "within three minutes. The last that it said: OSError: no port is free\n" in told
    assert "Traceback" not in told


LOST = """
from streamlit_app.demo.browser import LostInApp, opened
try:
    with opened(None) as browser:
        browser.new_page().locator("#nowhere").click(timeout=50)
except LostInApp as fault:
    print(fault)
"""


@pytest.mark.browser
def test_a_scene_that_finds_nothing_is_a_sentence():
    if find_chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    command = [sys.executable, "-c", LOST]  # Playwright runs once a process
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The demo lost its way in the app: Locator.click: Timeout 50ms")
