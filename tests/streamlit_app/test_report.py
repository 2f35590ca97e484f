"""Reports: the same content in both formats, the notice on each, one page, nothing injected."""

import dataclasses
import io
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from model_zoo import NOTICE, registry
from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from model_zoo.segmentation import bundled_outliner
from model_zoo.trust import Check
from streamlit_app import report
from streamlit_app.content import in_language
from streamlit_app.local_server import SAMPLES

from .pdf_words import pdf_text, unpacked

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
PHOTO = np.full((300, 400, 3), 160, np.uint8)


def report_of(blur, mode="single", centred=True, checks=None):
    probabilities = np.array([0.02, 0.05, 0.1, 0.01, 0.5, 0.3, 0.015, 0.005])
    analysis = Analysis(
        "m", CODES, probabilities, None, (0, 0, 300, 300), (400, 300),
        prediction_set=("MEL", "NV", "BKL", "BCC"), mode=mode, centred=centred,
        checks=checks or {"blur": Check(0.6, 0.4, blur)},
    )  # fmt: skip
    card = dataclasses.replace(
        registry.default_card(),
        trust={
            "single": {
                "covered": [0.891, 0.87, 0.91],
                "covered_by_class": {"MEL": [0.712, 0.64, 0.78]},
                "operating_points": [{"group": "melanoma", "target": 0.9, "threshold": 0.12}],
            }
        },
    )
    pictures = [(PHOTO, "The photo"), (PHOTO, "The heatmap")]
    return report.make("<b>näme</b>☃.jpg", pictures, analysis, card, "ab" * 32, NOW)


@pytest.fixture
def made():
    return report_of(True)


def test_both_formats_hold_the_same_content_and_the_notice(made):
    page = report.to_html(made).decode()
    pdf = report.to_pdf(made)
    told = "".join(pdf_text(pdf).split())  # lines end anywhere
    for words in (NOTICE, "Melanoma", "0.500", "classes remain possible.", "ab" * 32):
        assert words in page
        assert "".join(words.split()) in told
    assert "0.120: 0.500 is above it" in page
    assert "Melanoma, Melanocytic nevus, Benign keratosis" in page
    assert "held the true class: 0.89; of melanomas 0.71" in page
    assert page.count(NOTICE) == 2
    assert pdf.count(b"/Type /Page\n") == 1


def test_a_name_that_a_pdf_cannot_write_is_left_out_of_it(made):
    assert "☃" in report.to_html(made).decode()
    told = "".join(pdf_text(report.to_pdf(made)).split())
    assert "computesfromaphoto" in told
    assert "?" not in told


def test_a_poor_photo_leads_with_it_and_promises_nothing():
    made = report_of(False)
    page, told = report.to_html(made).decode(), "".join(pdf_text(report.to_pdf(made)).split())
    assert "A poor photo: read no answer from it" in page
    assert "Apoorphoto:readnoanswerfromit" in told
    assert made.bars == ()
    for number in ("0.500", "0.300", "0.585"):  # the first two classes, the malignant group
        assert number in report.to_html(report_of(True)).decode()
        assert number not in page
        assert number not in told
    for words in ("is above it", "Melanoma", "malignant", "class=bar"):
        assert words not in page.split("</style>")[1]
        assert "".join(words.split()) not in told
    assert "In focus" in page


def test_a_report_of_a_photo_without_a_lesion_gives_that_reason():
    made = report_of(True, checks={"lesion": Check(0.0, 0.002, False)})
    assert made.verdict == "No lesion was found in this photo, so the answer to it means nothing."
    assert ("Checks not passed", "A lesion is found") in made.facts
    assert made.bars == ()


@pytest.mark.parametrize(
    ("mode", "centred", "said"),
    [
        ("single", True, "one view, the square in the middle<"),
        ("tta", True, "mean of eight views, the square in the middle<"),
        ("single", False, "one view, the square around the outline. Temperature, sets, thres"),
    ],
)
def test_a_report_says_how_the_photo_was_read(mode, centred, said):
    assert said in report.to_html(report_of(True, mode, centred)).decode()


@pytest.mark.parametrize("spoken", ["en", "de", "es"])
def test_a_full_page_ends_above_its_notice(made, spoken):
    facts = tuple((f"A fact with a name of some length, number {at}", "0.123") for at in range(24))
    facts += tuple((f"Another one, number {at}", "ab" * 32) for at in range(6))
    with in_language(spoken):
        notices = report._notices()
    pdf = report.to_pdf(dataclasses.replace(made, facts=facts, notices=notices))
    assert pdf.count(b"/Type /Page\n") == 1
    (page,) = [drawn for drawn in unpacked(pdf) if b"number 23" in drawn]
    placed = [
        (float(height), words)
        for height, words in re.findall(rb"BT [\d.]+ ([\d.]+) Td [^(]*\((.*?)\) Tj", page)
    ]
    foot = min(height for height, words in placed if words == NOTICE.encode())
    of_facts = [height for height, words in placed if b"number" in words or b"0.123" in words]
    assert len(of_facts) >= 54
    assert min(of_facts) > foot + 8
    assert min(height for height, _ in placed) > 20


def test_names_cannot_inject(made):
    page = report.to_html(made).decode()
    assert "<b>n" not in page
    assert "näme" in page
    assert "Made 2026-11-24 10:30 UTC" in page
    assert report.to_pdf(made).startswith(b"%PDF")


def test_pictures_are_small_and_inside(made):
    jpeg, caption = made.pictures[0]
    assert caption == "The photo"
    assert max(Image.open(io.BytesIO(jpeg)).size) <= report.PICTURE_SIDE
    large = np.zeros((2000, 3000, 3), np.uint8)
    assert max(Image.open(io.BytesIO(report._jpeg(large))).size) == report.PICTURE_SIDE
    page = report.to_html(made).decode()
    assert not re.search(r'(src|href)="http', page)


@pytest.fixture(scope="module")
def reader():
    return Classifier.load(outliner=bundled_outliner())


def test_the_share_of_a_heatmap_stands_beside_what_the_lesion_fills(reader):
    analysis = reader.analyse((SAMPLES / "vessels.jpg").read_bytes())
    made = report.make("vessels.jpg", [], analysis, reader.card, reader.digest(), NOW)
    inside, filled = analysis.heatmap_inside(analysis.label), analysis.lesion_in_square
    assert f"{inside:.0%}" != f"{filled:.0%}"
    (value,) = [value for name, value in made.facts if "that the lesion fills" in name]
    assert value == f"{inside:.0%}, {filled:.0%}"


def test_numbers_of_a_lesion_are_left_out_where_there_may_be_none(reader):
    analysis = reader.analyse((SAMPLES / "vessels.jpg").read_bytes())
    refused = dataclasses.replace(analysis, checks={"novelty": Check(9.0, 1.0, False)})
    bare = dataclasses.replace(analysis, abcd=dataclasses.replace(analysis.abcd, colours=()))
    border = dataclasses.replace(
        analysis, outline=dataclasses.replace(analysis.outline, touches_border=True)
    )
    told = [
        dict(report.make("x.jpg", [], one, reader.card, reader.digest(), NOW).facts)
        for one in (analysis, refused, bare, border)
    ]
    names = [name for name in told[0] if name.startswith(("Asymmetry", "Border", "Colours"))]
    assert len(names) == 3
    assert not set(names) & set(told[1])
    assert told[2]["Colours"] == "none of the six"
    assert "no score is formed of them" in told[0]["ABCD in numbers"]
    assert "may lie outside the photo" not in told[0]["ABCD in numbers"]
    assert "may lie outside the photo" in told[3]["ABCD in numbers"]


@pytest.mark.browser
@pytest.mark.parametrize("spoken", ["en", "de", "fa"])
@pytest.mark.parametrize("turns", [0, 1], ids=["landscape", "portrait"])
def test_html_is_printed_on_one_page(browser, reader, turns, spoken):
    with Image.open(SAMPLES / "vessels.jpg") as drawn:
        photo = np.rot90(np.asarray(drawn.convert("RGB")), turns).copy()
    photo = photo[:, : photo.shape[1] * 2 // 3].copy() if turns else photo
    analysis = reader.analyse(photo)
    assert analysis.readable
    assert analysis.outline is not None
    pictures = [(photo, "The photo"), (photo, "The heatmap")]
    with in_language(spoken):
        card, digest = reader.card, reader.digest()
        made = report.make("vessels.jpg", pictures, analysis, card, digest, NOW)
    tab = browser.new_page()
    tab.set_content(report.to_html(made).decode())
    for paper in ("A4", "Letter"):
        printed = tab.pdf(format=paper)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    tab.close()


@pytest.mark.browser
def test_html_fits_a_phone(browser, made):
    context = browser.new_context(
        viewport={"width": 360, "height": 780}, is_mobile=True, has_touch=True
    )
    tab = context.new_page()
    tab.set_content(report.to_html(made).decode())
    assert tab.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    context.close()
