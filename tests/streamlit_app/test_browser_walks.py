"""Whole walks in a real browser: Analyze by keyboard alone, a batch, and a round of Study."""

import csv
from pathlib import Path

import pytest

from streamlit_app.content import text
from streamlit_app.demo.stage import Stage
from streamlit_app.local_server import SAMPLES

pytestmark = pytest.mark.browser

FAR = 60  # presses of a key within which everything on a page is reached


@pytest.fixture
def stage(browser, address):
    """A tab of a visitor who has agreed to the notice; `open` it at a page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "lesionlens_notice", "value": "agreed", "url": address}])
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield Stage(tab, quiet_ms=200, written=False)
    context.close()


def reach(tab, wanted, key="Tab") -> None:
    """Nothing; presses a key until what is wanted has the keyboard."""
    wanted.wait_for()
    for _ in range(FAR):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        tab.keyboard.press(key)
    raise AssertionError(f"{wanted} was not reached by {FAR} presses of {key}")


def test_analyze_by_keyboard_alone(stage, address):
    stage.open(address)
    tab = stage.tab
    reach(tab, tab.get_by_role("radio", name=text("analyze.upload"), exact=True))
    reach(tab, tab.get_by_role("radio", name=text("analyze.samples")), "ArrowRight")
    tab.keyboard.press("Enter")
    sample = tab.get_by_role("combobox", name=text("analyze.sample_label"))
    sample.wait_for()
    stage.settle()
    heatmap = tab.get_by_alt_text("Grad-CAM heatmap of").first
    before = heatmap.get_attribute("alt").split("laid over")[1]
    reach(tab, sample)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        tab.keyboard.press(key)
    tab.wait_for_function(
        "before => [...document.images].some(i => i.alt.startsWith('Grad-CAM heatmap of')"
        " && !i.alt.endsWith(before))",
        arg=before,
    )
    stage.settle()
    reach(tab, tab.get_by_role("combobox", name=text("analyze.heatmap_of")))
    tab.keyboard.type("Vascular")
    tab.keyboard.press("Enter")
    tab.get_by_alt_text("Grad-CAM heatmap of Vascular lesion laid over").wait_for()


def test_a_batch_has_a_row_for_each_file_and_one_csv(stage, address, tmp_path):
    broken = tmp_path / "=broken.jpg"
    broken.write_bytes(b"\xff\xd8\xffnothing")
    stage.open(f"{address}/batch")
    tab = stage.tab
    files = [SAMPLES / "vessels.jpg", SAMPLES / "network.jpg", broken]
    tab.locator("input[type=file]").set_input_files(files)
    tab.get_by_role("button", name=text("batch.start")).click()
    button = tab.get_by_role("button", name=text("batch.csv", count=3))
    button.wait_for()
    stage.settle()
    table = tab.get_by_test_id("stDataFrame")
    # What a screen reader reads of it; eyes are shown a canvas.
    cells = table.locator("canvas [role=gridcell]")
    cells.first.wait_for(state="attached")
    cells = cells.all_text_contents()
    assert {file.name for file in files} <= set(cells)
    table.hover()
    assert tab.get_by_role("button", name="Download as CSV").count() == 0  # the unsafe one
    with tab.expect_download() as caught:
        button.click()
    content = Path(caught.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(content.splitlines()))
    assert [row["file"] for row in rows[:3]] == ["vessels.jpg", "network.jpg", "'=broken.jpg"]
    assert [row["status"] == "unreadable" for row in rows[:3]] == [False, False, True]
    assert "Research and teaching only" in rows[3]["file"]


def test_a_short_round_of_study(stage, address):
    stage.open(f"{address}/study")
    tab = stage.tab
    tab.get_by_role("radio", name=text("study.drawn")).click()
    tab.get_by_role("radio", name="5", exact=True).click()
    stage.settle()
    tab.get_by_role("button", name=text("study.start")).click()
    for place in range(5):
        tab.get_by_text(text("study.progress", place=place + 1, length=5)).wait_for()
        stage.settle()
        assert tab.locator(".js-plotly-plot").count() == 0  # no answer before one's own
        tab.get_by_test_id("stRadio").get_by_text("Melanocytic nevus").click()
        tab.get_by_role("radio", name=text("study.guess")).click()
        tab.get_by_role("button", name=text("study.commit")).click()
        tab.locator(".js-plotly-plot").wait_for()
        tab.get_by_role("button", name=text("study.next" if place < 4 else "study.finish")).click()
    tab.get_by_role("heading", name=text("study.end_title")).wait_for()
    stage.settle()
    for name in ("hits_you", "hits_model", "brier_you", "brier_model"):
        assert tab.get_by_test_id("stMetric").filter(has_text=text(f"study.{name}")).count() == 1
    with tab.expect_download() as caught:
        tab.get_by_role("button", name=text("study.csv")).click()
    rows = Path(caught.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 7  # a head, five cases, the notice
    assert "Research and teaching only" in rows[-1]
