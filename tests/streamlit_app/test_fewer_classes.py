"""A model of one's own that knows seven of the eight classes, and no melanoma."""

import copy
import csv
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.analysis import Analysis
from model_zoo.architectures import build
from model_zoo.compile import compile_flat
from model_zoo.labels import CODES
from model_zoo.trust import MALIGNANT_GROUP, NOVELTY, SINGLE, Check
from streamlit_app import batch, report, study
from streamlit_app.batch_csv import to_csv
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.components.study_sources import DRAWN, cases
from streamlit_app.components.verdict import sentence
from streamlit_app.content import LANGUAGES, in_language, listed, text
from streamlit_app.reader import Reader

from .pdf_words import pdf_text

pytestmark = pytest.mark.slow

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
NAME, SIDE = "seven.v1", 32
LABELS = tuple(code for code in CODES if code != "MEL")
SAMPLE = (SAMPLES / "network.jpg").read_bytes()
NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def network():
    model = build("MobileNetV2", SIDE, weights=None, classes=len(LABELS))
    return compile_flat(model, "float32")


@pytest.fixture
def app(network, own_cache):
    metrics = copy.deepcopy(registry.default_card().metrics)
    for measured in metrics.values():
        for part in ("per_class", "roc"):
            measured.get(part, {}).pop("MEL", None)
    folder = registry.installed_folder() / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.tflite").write_bytes(network)
    table = {"name": NAME, "labels": LABELS, "scaling": "inside", "side": SIDE}
    table |= {"files": {"served": {"file": f"{NAME}.tflite"}}, "metrics": metrics}
    points = registry.default_card().trust["single"]["operating_points"]
    points = [point for point in points if point["group"] == "malignant"]
    table["trust"] = {"single": {"operating_points": points}}
    (folder / f"{NAME}.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.session_state["analyze_model"] = NAME
    return test


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.warning, *test.error, *test.info]
    return "\n".join(str(part.value) for part in parts)


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


@pytest.mark.parametrize("page", ["analyze", "models"])
def test_a_page_opens_with_it(app, page):
    test = app.switch_page(f"app_pages/{page}.py").run()
    assert not test.exception
    assert test.selectbox(key="analyze_model").value == NAME


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("labels", [CODES, LABELS])
def test_the_malignant_group_is_told_as_the_sum_that_it_is(code, labels):
    assert MALIGNANT_GROUP == ("AK", "BCC", "MEL", "SCC")
    probabilities = np.full(len(labels), 1 / len(labels))
    analysis = Analysis("m", labels, probabilities, None, (0, 0, 9, 9), (9, 9))
    analysis = dataclasses.replace(
        analysis, prediction_set=("NV",), checks={NOVELTY: Check(1.0, 2.0, True)}
    )
    with in_language(code):
        told = sentence(analysis)
        assert listed(one for one in MALIGNANT_GROUP if one in labels) in told
    assert f"{len(labels) // 2 / len(labels):.2f}" in told
    assert ("MEL" in told) == ("MEL" in labels)


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("checked", [False, True])
def test_a_model_without_the_malignant_group_says_nothing_of_it(code, checked):
    checks = {NOVELTY: Check(1.0, 2.0, True)} if checked else {}
    labels = ("BKL", "NV")
    analysis = Analysis(
        "m", labels, np.array([0.2, 0.8]), None, (0, 0, 9, 9), (9, 9),
        prediction_set=("NV",), checks=checks,
    )  # fmt: skip
    photo = np.zeros((9, 9, 3), np.uint8)
    with in_language(code):
        told = sentence(analysis)
        made = report.make("x", [], analysis, registry.default_card(), "ab" * 32, NOW)
        assert text("verdict.no_group") in told
        of_group = text("report.malignant", names="")[:12]
    assert "0.00" not in told
    assert not [name for name, _ in made.facts if name.startswith(of_group)]
    assert analysis.record("x")["malignant_probability"] is None
    row = batch._row("x", analysis, photo)
    assert row.malignant is None
    written = to_csv([row], Reader("m", "ab" * 32, SINGLE), "notice").decode("utf-8-sig")
    assert next(csv.DictReader(written.splitlines()))["malignant_probability"] == ""


def test_a_report_names_of_the_group_what_the_model_knows(app, monkeypatch):
    offered, real = {}, DeltaGenerator.download_button

    def note(self, label, data, name, *given, **options):
        offered[name] = data
        return real(self, label, data, name, *given, **options)

    monkeypatch.setattr(DeltaGenerator, "download_button", note)
    test = app.switch_page("app_pages/analyze.py").run()
    assert not test.exception
    page = offered["lesionlens_report.html"]().decode()
    assert "Probability of the malignant group (AK, BCC, SCC)" in page
    printed = "".join(pdf_text(offered["lesionlens_report.pdf"]()).split())
    assert "malignantgroup(AK,BCC,SCC)" in printed


def test_thresholds_name_of_the_group_what_the_model_knows(app):
    test = app.switch_page("app_pages/models.py").run()
    told = test.segmented_control(key="models_decide_group").help
    assert "The malignant group holds AK, BCC, SCC: the" in told


def test_a_batch_names_of_the_group_what_the_model_knows(app):
    test = app.switch_page("app_pages/batch.py").run()
    test.file_uploader[0].set_value([("one.jpg", SAMPLE, "image/jpeg")]).run()
    test = press(test, "Read them")
    test.session_state["batch_job"].wait(60)
    test.run()
    assert not test.exception
    assert "The malignant group holds AK, BCC, SCC: the" in column(test)["help"]
    assert not column(test).get("hidden")
    test.session_state["batch_labels"] = ("BKL", "NV")
    assert column(test.run())["hidden"]


def column(test) -> dict:
    return json.loads(test.dataframe[0].proto.columns)["malignant"]


def test_the_line_on_the_model_has_a_dash_for_melanoma(app):
    test = app.switch_page("app_pages/analyze.py").run()
    assert "sensitivity for melanoma – (– to –)" in words(test)


@pytest.mark.parametrize("drill", [False, True])
def test_it_can_be_studied_with(app, drill):
    drawn = cases(DRAWN, registry.default_card(), 5, 1)
    chosen = [next(case for case in drawn if case.label == label) for label in ("MEL", "NV")]
    app.session_state["study_round"] = study.Round(tuple(chosen), drill=drill)
    app.session_state["study_model"] = (NAME, "single")
    app.session_state["study_asked"] = 2
    app.session_state["study_source_used"] = DRAWN
    test = app.switch_page("app_pages/study.py").run()
    for case in chosen:
        test.session_state["study_first"] = "NV"
        test.session_state["study_confidence"] = "sure"
        test = press(test, "Commit")
        if drill:
            test = press(test, "That is my answer")
        assert not test.exception
        absent = "This network has no class Melanoma" in words(test)
        assert absent == (case.label == "MEL")
        (table,) = [
            part.proto.body for part in test.get("html") if ">Class</th>" in part.proto.body
        ]
        assert "Melanoma (MEL)" not in table
        assert all(f"({code})" in table for code in LABELS)
        test = press(test, "See the scores" if case is chosen[-1] else "Next case")
    assert not test.exception
    first, _ = test.session_state["study_round"].answers
    assert first.model[CODES.index("MEL")] == 0
    assert first.model.sum() == pytest.approx(1)
