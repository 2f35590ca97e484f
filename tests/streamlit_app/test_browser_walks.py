"""Whole walks in a real browser, on a laptop and on a phone, in both themes.

In each state that a walk reaches the page fits, and has no grave barrier.
"""

import csv
import zipfile

import pytest

from model_zoo import NOTICE
from streamlit_app.content import class_name, text
from streamlit_app.local_server import SAMPLES

from .barriers import grave
from .pdf_words import pdf_text
from .screens import TWO_SCREENS, cells, downloaded
from .study_walk import begin, commit

pytestmark = pytest.mark.browser

FAR = 60  # presses of a key within which everything on a page is reached


def reach(tab, wanted, key="Tab") -> None:
    """Nothing; presses a key until what is wanted has the keyboard."""
    wanted.wait_for()
    for _ in range(FAR):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        tab.keyboard.press(key)
    raise AssertionError(f"{wanted} was not reached by {FAR} presses of {key}")


@pytest.mark.parametrize("screen", TWO_SCREENS)
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


@pytest.mark.parametrize("screen", TWO_SCREENS)
def test_without_a_network_it_is_said_and_the_drawn_samples_remain(stage, address, look):
    stage.open(address)
    tab = stage.tab
    tab.get_by_role("radio", name=text("analyze.samples")).click()
    tab.get_by_role("button", name=text("archive.ask")).click()
    tab.get_by_test_id("stAlert").filter(has_text="127.0.0.1").wait_for()
    look("archive_offline")
    assert tab.get_by_role("combobox", name=text("analyze.sample_label")).count() == 1
    assert tab.get_by_alt_text("Grad-CAM heatmap of").count() >= 1


@pytest.mark.parametrize("screen", TWO_SCREENS)
def test_a_case_of_study_by_keyboard_alone(stage, address):
    stage.open(f"{address}/study")
    tab = stage.tab

    def press(wanted, *keys):
        reach(tab, wanted, *keys)
        tab.keyboard.press("Enter")
        stage.settle()

    reach(tab, tab.get_by_role("radio", name=text("study.archive"), exact=True))
    press(tab.get_by_role("radio", name=text("study.drawn")), "ArrowRight")
    press(tab.get_by_role("button", name=text("study.start")))
    classes = tab.get_by_test_id("stRadio")
    reach(tab, classes.get_by_role("radio").first)
    reach(tab, classes.get_by_role("radio", name=class_name("NV")), "ArrowDown")
    tab.keyboard.press("Space")
    reach(tab, tab.get_by_role("radio", name=text("study.guess")))
    tab.keyboard.press("Enter")
    press(tab.get_by_role("button", name=text("study.commit")))
    tab.locator(".js-plotly-plot").wait_for()
    press(tab.get_by_role("button", name=text("study.next")))
    tab.get_by_text(text("study.progress", place=2, length=10)).wait_for()


def test_a_refused_photo_shows_its_answer_on_request_and_in_no_report(
    stage, address, look, keep, screen
):
    stage.open(address)
    tab = stage.tab
    tab.locator("input[type=file]").set_input_files(SAMPLES / "hair.jpg")
    tab.get_by_text(text("verdict.poor_quality")).wait_for()
    stage.settle()
    tab.get_by_text(text("analyze.folded")).click()
    tab.locator(".js-plotly-plot").first.wait_for()
    look("folded")
    page = downloaded(tab, tab.get_by_role("button", name=text("analyze.report_html"))).decode()
    printed = downloaded(tab, tab.get_by_role("button", name=text("analyze.report_pdf")))
    told = "".join(pdf_text(printed).split())
    assert page.count(NOTICE) == 2
    for words in (NOTICE, text("verdict.poor_quality")):
        assert words in page
        assert "".join(words.split()) in told
    assert class_name("MEL") not in page.split("</style>")[1]
    tab.set_content(page)
    tab.wait_for_function("[...document.images].every(image => image.complete)")
    keep(tab, f"report_{screen}")
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert grave(tab) == []


def test_two_photos_are_compared_to_the_end(stage, address, look):
    stage.open(address)
    tab = stage.tab
    tab.locator("input[type=file]").set_input_files(SAMPLES / "vessels.jpg")
    tab.get_by_alt_text("laid over the photo vessels.jpg").wait_for()
    stage.settle()
    stage.click(tab.get_by_text(text("compare.toggle")))
    second = stage.keyed("analyze_second").locator("input[type=file]")
    second.set_input_files(SAMPLES / "network.jpg")
    tab.get_by_role("heading", name=text("compare.differences")).wait_for()
    look("compared")
    for name in ("vessels.jpg", "network.jpg"):
        assert tab.get_by_alt_text(f"laid over the photo {name}").count() == 1
    charts = tab.locator(".js-plotly-plot")
    assert charts.count() == 3
    for at in range(3):
        box = charts.nth(at).bounding_box()
        assert box["x"] + box["width"] <= tab.viewport_size["width"]


def test_a_batch_has_a_row_for_each_file_and_one_csv(stage, address, look, tmp_path):
    broken, packed = tmp_path / "=broken.jpg", tmp_path / "more.zip"
    broken.write_bytes(b"\xff\xd8\xffnothing")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(SAMPLES / "network.jpg", "inside.jpg")
        archive.writestr("notes.txt", "no photo")
    stage.open(f"{address}/batch")
    tab = stage.tab
    tab.locator("input[type=file]").set_input_files([SAMPLES / "vessels.jpg", packed, broken])
    tab.get_by_role("button", name=text("batch.start")).click()
    button = tab.get_by_role("button", name=text("batch.csv", count=4))
    unreadable = tab.get_by_role("button", name=text("status.unreadable"))
    unreadable.wait_for()  # the last photo is among the rows
    look("batch")
    table = tab.get_by_test_id("stDataFrame")
    assert {"vessels.jpg", "more.zip: inside.jpg", broken.name} <= cells(table)
    table.hover()
    assert tab.get_by_role("button", name="Download as CSV").count() == 0  # the unsafe one
    rows = list(csv.DictReader(downloaded(tab, button).decode("utf-8-sig").splitlines()))
    named = ["vessels.jpg", "more.zip: inside.jpg", "'=broken.jpg", "more.zip: notes.txt"]
    assert [row["file"] for row in rows[:4]] == named
    assert [row["status"] for row in rows[2:4]] == ["unreadable", "left_out"]
    assert "Research and teaching only" in rows[4]["file"]
    stage.click(unreadable)
    look("batch_filtered")
    assert broken.name in cells(table)
    assert not {"vessels.jpg", "more.zip: inside.jpg"} & cells(table)


def test_a_short_round_of_study(stage, address, look):
    begin(stage, address)
    tab = stage.tab
    for place in range(5):
        tab.get_by_text(text("study.progress", place=place + 1, length=5)).wait_for()
        stage.settle()
        assert tab.locator(".js-plotly-plot").count() == 0  # no answer before one's own
        if place == 0:
            look("study_case")
        commit(tab)
        tab.locator(".js-plotly-plot").wait_for()
        if place == 0:
            look("study_reveal")
        tab.get_by_role("button", name=text("study.next" if place < 4 else "study.finish")).click()
    tab.get_by_role("heading", name=text("study.end_title")).wait_for()
    look("study_end")
    for name in ("hits_you", "hits_model", "brier_you", "brier_model"):
        assert tab.get_by_test_id("stMetric").filter(has_text=text(f"study.{name}")).count() == 1
    written = downloaded(tab, tab.get_by_role("button", name=text("study.csv")))
    rows = written.decode("utf-8-sig").splitlines()
    assert len(rows) == 7  # a head, five cases, the notice
    assert "Research and teaching only" in rows[-1]


def test_a_drill_asks_again_and_tells_at_the_end_what_it_made_wrong(stage, address, look):
    for _ in range(15):  # only right answers are made wrong, and a round of five may have none
        rows = drilled_round(stage, address, look)
        misled = [row for row in rows if row["made_wrong"] == "yes"]
        if misled:
            break
    assert misled
    assert all(row["model_answer"] == row["truth"] != row["model_shown"] for row in misled)
    stage.tab.get_by_text(text("study.made_wrong", count=len(misled))).wait_for()


def drilled_round(stage, address, look) -> list[dict[str, str]]:
    """The rows of the learner's CSV after a drill of five cases, its end screen still open."""
    begin(stage, address, drill=True)
    tab = stage.tab
    for place in range(5):
        tab.get_by_text(text("study.progress", place=place + 1, length=5)).wait_for()
        stage.settle()
        commit(tab)
        settle = tab.get_by_role("button", name=text("study.settle"))
        settle.wait_for()
        assert tab.get_by_test_id("stAlert").count() == 0  # no truth before the last word
        if place == 0:
            look("drill_again")
        settle.click()
        tab.get_by_role("button", name=text("study.next" if place < 4 else "study.finish")).click()
    tab.get_by_role("heading", name=text("study.end_title")).wait_for()
    look("drill_end")
    written = downloaded(tab, tab.get_by_role("button", name=text("study.csv")))
    return list(csv.DictReader(written.decode("utf-8-sig").splitlines()))[:5]
