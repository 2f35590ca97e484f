"""Rounds of Study in a real browser with cases of a folder and of an archive that is near."""

import csv
import re
import shutil
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from model_zoo import registry
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS
from model_zoo.labels import CODES
from model_zoo.training_ids import training_rows
from streamlit_app.components.study_sources import ARCHIVE, FOLDER
from streamlit_app.content import text
from streamlit_app.local_server import SAMPLES, running

from .isic_server import Archive, result
from .screens import TWO_SCREENS, downloaded
from .study_walk import begin, commit

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("screen", TWO_SCREENS)]


class EachClass(Archive):
    """An archive that has three photos of lesions of their own for each question."""

    def page(self, second):
        host = f"http://127.0.0.1:{self.server.server_port}"
        asked = self.server.questions
        (question,) = parse_qs(urlsplit(self.path).query)["query"]
        first = 10 * asked.setdefault(question, len(asked))
        found = [result(first + place, lesion_id=f"IL_{first + place}") for place in range(3)]
        for one in found:
            one["files"] = {"full": {"url": f"{host}/{one['isic_id']}.jpg", "size": 12}}
        return {"results": found, "next": None}


@pytest.fixture
def archive():
    server = ThreadingHTTPServer(("127.0.0.1", 0), EachClass)
    server.asked, server.broken, server.moved, server.failing = [], {}, {}, 0
    server.asked_for, server.questions = "", {}
    server.photo = (SAMPLES / "network.jpg").read_bytes()
    server.of_lesion = {
        f"IL_{number}": [result(number, lesion_id=f"IL_{number}")] for number in range(100)
    }
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cases(tmp_path):
    """Five cases in the ISIC 2019 layout, the first of a lesion that the model was trained on."""
    folder = tmp_path / "cases"
    (folder / PHOTOS).mkdir(parents=True)
    truth, about = [["image", *CODES]], [["image", "lesion_id"]]
    lesions = [lesion for _, lesion in training_rows(registry.default_card())]
    known = next(lesion for lesion in lesions if lesion.startswith("HAM_"))
    for place, file in enumerate(sorted(SAMPLES.glob("*.jpg"))[:5]):
        image = f"ISIC_900000{place}"
        shutil.copy(file, folder / PHOTOS / f"{image}.jpg")
        truth.append([image, *(int(code == CODES[place]) for code in CODES)])
        about.append([image, f"HAM_990000{place}" if place else known])
    for name, table in ((GROUND_TRUTH, truth), (METADATA, about)):
        with (folder / name).open("w", newline="") as stream:
            csv.writer(stream).writerows(table)
    return folder


@pytest.fixture
def address(tmp_path, archive, cases):
    """The address of a server of this test alone."""
    settings = {
        "LESIONLENS_ISIC_API": f"http://127.0.0.1:{archive.server_port}/",
        "LESIONLENS_CASES": str(cases),
    }
    with running(tmp_path, **settings) as (_, url):
        yield url


def walked(stage, look) -> list[str]:
    """What the page said of each case once it was answered, to the end of a round of five."""
    tab, said = stage.tab, []
    for place in range(5):
        tab.get_by_text(text("study.progress", place=place + 1, length=5)).wait_for()
        stage.settle()
        commit(tab)
        tab.locator(".js-plotly-plot").wait_for()
        stage.settle()
        said.append(tab.get_by_test_id("stMain").inner_text())
        if place == 0:
            look("study_of_source")
        tab.get_by_role("button", name=text("study.next" if place < 4 else "study.finish")).click()
    tab.get_by_role("heading", name=text("study.end_title")).wait_for()
    look("study_end_of_source")
    return said


def test_a_case_of_a_folder_that_the_model_knows_is_marked_and_left_out(stage, address, look):
    begin(stage, address, FOLDER)
    said = walked(stage, look)
    assert [text("study.known") in page for page in said].count(True) == 1
    tab = stage.tab
    assert text("study.left_out", count=1) in tab.get_by_test_id("stMain").inner_text()
    written = downloaded(tab, tab.get_by_role("button", name=text("study.csv")))
    rows = list(csv.DictReader(written.decode("utf-8-sig").splitlines()[:6]))
    assert sorted(row["case"] for row in rows) == [f"ISIC_900000{place}" for place in range(5)]


def test_cases_of_the_archive_come_with_their_thanks(stage, address, look, archive):
    begin(stage, address, ARCHIVE)
    said = walked(stage, look)
    assert all("Clinic " in page for page in said)
    assert len(archive.questions) == len(CODES)


def test_a_photo_of_the_archive_keeps_its_diagnosis_until_it_is_asked_for(stage, address, look):
    stage.open(address)
    tab = stage.tab
    tab.get_by_role("radio", name=text("analyze.samples")).click()
    tab.get_by_role("button", name=text("archive.ask")).click()
    tell = tab.get_by_role("button", name=text("archive.tell"))
    tell.wait_for()
    truth = tab.get_by_text(text("archive.truth", label="").replace("*", "").strip())
    assert tab.get_by_text(re.compile(r"Clinic \d")).count() == 1
    assert truth.count() == 0
    look("archive_photo")
    tell.click()
    truth.wait_for()
    tab.get_by_role("button", name=text("archive.back")).click()
    tell.wait_for(state="detached")
    stage.settle()
    assert truth.count() == 0
