"""A batch while it runs, in a real browser: how far it is, another page meanwhile, and Stop."""

import csv
import re
import shutil
import time

import pytest

from streamlit_app.content import text
from streamlit_app.local_server import SAMPLES, running

from .screens import TWO_SCREENS, downloaded, go

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("screen", TWO_SCREENS)]

NAMES = [f"{number}.jpg" for number in range(6)]
# The app, which reads a photo of a batch once a file of its name is in a folder, and leaves a file
# there when it is told to stop.
GATED = """
import os, sys, time
from pathlib import Path
from streamlit.web.cli import main
from streamlit_app import batch

gate, analyse, stop = Path(os.environ["GATE"]), batch.analyse, batch.Job.stop

def gated(classifier, waiting):
    while not (gate / waiting.name).exists():
        time.sleep(0.02)
    return analyse(classifier, waiting)

def told(job):
    stop(job)
    (gate / "stopped").touch()

batch.analyse, batch.Job.stop = gated, told
main(["run", "streamlit_app/app.py", *sys.argv[1:]])
"""


@pytest.fixture
def gate(tmp_path):
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


@pytest.fixture
def address(tmp_path, gate):
    """The address of a server of this test alone."""
    settings = {"GATE": str(gate), "LESIONLENS_ISIC_API": "http://127.0.0.1:9/"}
    with running(tmp_path, command=("-c", GATED), **settings) as (_, url):
        yield url


@pytest.fixture
def photos(tmp_path):
    for name in NAMES:
        shutil.copy(SAMPLES / "vessels.jpg", tmp_path / name)
    return [tmp_path / name for name in NAMES]


def let_through(gate, *names) -> None:
    for name in names:
        (gate / name).touch()


def progress(tab, done, eta=r", about \d+ s left"):
    """Waits until the bar says that so many photos are done, and when the rest will be."""
    words = text("batch.progress", done=done, total=len(NAMES), eta="")
    tab.get_by_text(re.compile(f"^{re.escape(words)}{eta}$")).wait_for()


def in_table(tab, name):
    return tab.get_by_test_id("stDataFrame").locator("canvas [role=gridcell]", has_text=name)


def wait_until_stopped(gate) -> None:
    for _ in range(600):
        if (gate / "stopped").exists():
            return
        time.sleep(0.1)
    raise AssertionError("a minute after Stop was pressed the batch was not told")


def test_a_running_batch_goes_on_without_its_page_and_ends_at_stop(
    stage, address, look, gate, photos
):
    stage.open(f"{address}/batch")
    tab = stage.tab
    tab.locator("input[type=file]").set_input_files(photos)
    tab.get_by_role("button", name=text("batch.start")).click()
    progress(tab, 0, eta="")
    let_through(gate, "0.jpg", "1.jpg")
    progress(tab, 2)
    in_table(tab, "1.jpg").wait_for(state="attached")
    assert in_table(tab, "2.jpg").count() == 0
    assert tab.get_by_role("button", name=text("batch.start")).is_disabled()
    look("batch_running")
    go(tab, "about")
    let_through(gate, "2.jpg", "3.jpg")
    go(tab, "batch")
    progress(tab, 4)
    in_table(tab, "3.jpg").wait_for(state="attached")
    tab.get_by_role("button", name=text("batch.stop")).click()
    wait_until_stopped(gate)
    let_through(gate, "4.jpg")  # the photo at hand is read to its end
    tab.get_by_text(text("batch.not_read", count=1, total=len(NAMES))).wait_for()
    in_table(tab, "4.jpg").wait_for(state="attached")
    assert tab.get_by_role("button", name=text("batch.stop")).count() == 0
    look("batch_stopped")
    button = tab.get_by_role("button", name=text("batch.csv", count=len(NAMES)))
    rows = list(csv.DictReader(downloaded(tab, button).decode("utf-8-sig").splitlines()))
    assert [row["file"] for row in rows[:-1]] == NAMES
    assert [bool(row["label"]) for row in rows[:-1]] == [True] * 5 + [False]
    assert rows[5]["status"] == "not_read"
    assert "Research and teaching only" in rows[-1]["file"]
