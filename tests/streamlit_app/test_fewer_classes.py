"""A model of one's own that knows seven of the eight classes, and no melanoma."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.analysis import Analysis
from model_zoo.architectures import build
from model_zoo.compile import compile_flat
from model_zoo.labels import CODES
from model_zoo.trust import MALIGNANT_GROUP, NOVELTY, Check
from streamlit_app import study
from streamlit_app.components.study_sources import DRAWN, cases
from streamlit_app.components.verdict import sentence
from streamlit_app.content import LANGUAGES, in_language, listed

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
NAME, SIDE = "seven.v1", 32
LABELS = tuple(code for code in CODES if code != "MEL")


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
    (folder / f"{NAME}.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.session_state["analyze_model"] = NAME
    return test


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.warning, *test.error, *test.success]
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
