"""The Analyze page's answers to "how far can this be trusted", driven without a browser."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from model_zoo import registry
from model_zoo.changes import CHANGES
from model_zoo.classifier import Classifier
from model_zoo.labels import BY_CODE
from model_zoo.segmentation import bundled_outliner
from model_zoo.trust import Check
from streamlit_app import cache
from streamlit_app.admission import Turnstile
from streamlit_app.components import teaching
from streamlit_app.components.photo_source import SAMPLES
from streamlit_app.components.teaching import MARKS

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = (SAMPLES / "network.jpg").read_bytes()


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.run()


def upload(test, data=SAMPLE):
    return test.file_uploader[0].set_value(("own.jpg", data, "image/jpeg")).run()


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success, *test.info]
    return "\n".join(str(part.value) for part in parts)


def kept(test):
    return test.session_state["analyze_viewed"][1]


def test_the_outline_is_that_of_python(app):
    viewed = kept(upload(app))
    expected = Classifier.load(outliner=bundled_outliner()).analyse(SAMPLE)
    assert viewed.analysis.outline.box == expected.outline.box
    assert viewed.analysis.record("x") == expected.record("x")
    assert np.abs(viewed.with_outline().astype(int) - viewed.shown).max() > 50


def test_the_share_of_a_heatmap_stands_beside_what_the_lesion_fills(app):
    told = words(upload(app))
    analysis = kept(app).analysis
    inside, filled = analysis.heatmap_inside(analysis.label), analysis.lesion_in_square
    assert f"{inside:.0%}" != f"{filled:.0%}"
    assert f"{inside:.0%} of its weight lies on the lesion, which fills {filled:.0%} of" in told
    drawn = (code for code in analysis.labels if analysis.heatmap(code, randomised=True).any())
    label = next(code for code in drawn if analysis.heatmap(code).any())
    app.selectbox(key=next(b.key for b in app.selectbox if b.label == "Heatmap of")).set_value(
        label
    )
    app.segmented_control(key="analyze_view").set_value("shuffled").run()
    inside, by_chance = (analysis.heatmap_inside(label, randomised=r) for r in (False, True))
    assert f"{by_chance:.0%}" != f"{inside:.0%}"
    assert (
        f"weight of the heatmap {inside:.0%} lies on the lesion, of that of the shuffled one "
        f"{by_chance:.0%}; the lesion fills {filled:.0%}"
    ) in words(app)
    for view in ("plain", "square"):  # which show no heatmap
        app.segmented_control(key="analyze_view").set_value(view).run()
        assert "Grad-CAM of" not in words(app)


def test_abcd_numbers_stand_with_their_meaning_and_source(app):
    told = words(upload(app))
    assert "Celebi et al. 2007" in told
    assert "no score is formed of them" in told
    assert f"{kept(app).analysis.abcd.border_irregularity:.2f}" in told


def test_eight_views_are_another_answer_and_their_spread_is_told(app):
    one = kept(upload(app)).analysis
    app.toggle(key="analyze_tta").set_value(True).run()
    eight = kept(app).analysis
    assert not app.exception
    assert len(eight.answers) == 8
    assert not np.allclose(one.probabilities, eight.probabilities)
    values = eight.calibrated_answers[:, eight.labels.index(eight.label)]
    told = words(app)
    assert "Over 8 views the probability" in told
    assert f"runs from {values.min():.2f} to {values.max():.2f}" in told


def test_a_heatmap_beside_an_average_is_called_one_of_the_photo_as_it_is(app):
    sentence = (
        "the heatmap, the sanity check and the other checks are of one view, the photo as it is"
    )
    assert sentence not in words(upload(app))
    app.toggle(key="analyze_tta").set_value(True).run()
    for view in ("blend", "shuffled"):
        app.segmented_control(key="analyze_view").set_value(view).run()
        assert sentence in words(app)


def test_answers_of_an_ensemble_are_told_as_those_of_its_networks(app):
    bundled = registry.default_card()
    members = [card.name for card in registry.classifiers().values() if "served" in card.files][:2]
    card = {"name": "both.v1", "labels": list(bundled.labels), "scaling": "inside"}
    folder = registry.installed_folder() / "both.v1"
    folder.mkdir(parents=True)
    (folder / "both.v1.toml").write_text(tomlkit.dumps({**card, "members": members}))
    app.run().selectbox(key="analyze_model").set_value("both.v1").run()
    told = words(upload(app))
    assert "Over 2 networks the probability" in told
    by_member = kept(app).analysis.by_member
    assert list(by_member) == members
    titles = [registry.find(name).title for name in members]
    said = [f"{t} {p:.2f}" for t, p in zip(titles, by_member.values(), strict=True)]
    assert f"By network: {', '.join(said)}." in told
    app.toggle(key="analyze_tta").set_value(True).run()
    assert not app.exception
    assert "Over 16 answers of 2 networks in eight views each the probability" in words(app)


def test_the_square_around_the_outline_is_read_on_request(app):
    before = kept(upload(app)).analysis
    app.toggle(key="analyze_zoom").set_value(True).run()
    after = kept(app).analysis
    assert not app.exception
    assert after.box == before.outline.square(before.size) != before.box


@pytest.fixture
def own_turns(monkeypatch):
    """Turns of their own for changes: a click here draws the page, in a browser that part alone."""
    monkeypatch.setattr(teaching, "turns", Turnstile(1, 1, 1.0))


@pytest.mark.usefixtures("own_turns")
def test_changes_are_traced_on_request(app):
    upload(app)
    charts = len(app.get("plotly_chart"))
    next(b for b in app.button if b.label == "Ask again under all changes").click()
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == charts + 1
    (table,) = [part.proto.body for part in app.get("html") if ">Change</th>" in part.proto.body]
    asked = sum(len(strengths) for strengths, _ in CHANGES.values())
    assert table.count("<tr>") == asked + 2  # the photo as it is, and the heading
    for change in ("as it is", "turned 45°", "darker, brighter × 0.6", "hair drawing 3"):
        assert f">{change}</th>" in table
    assert "out of focus 0.5 % of the side" in table
    chart = next(c for c in app.get("plotly_chart") if c.key == "changes_chart")
    analysis = kept(app).analysis
    own = f"as it is {analysis.probability(analysis.label):.3f}"
    assert f"{BY_CODE[analysis.label].name} under each kind of change" in chart.proto.alt
    assert own in chart.proto.alt
    drawn = {series["name"]: series["marker"] for series in json.loads(chart.proto.spec)["data"]}
    assert {marker["symbol"] for marker in drawn.values()} == {mark for mark, _ in MARKS.values()}
    assert set(drawn) == {BY_CODE[code].name for code in analysis.labels}
    faint = {name for name, marker in drawn.items() if marker.get("opacity", 1) < 1}
    assert BY_CODE[analysis.label].name not in faint
    assert faint  # few classes ever lead
    assert all(f">{BY_CODE[code].name}</th>" in table for code in analysis.labels)


@pytest.mark.usefixtures("own_turns")
def test_changes_are_traced_on_the_square_that_was_read(app):
    upload(app)
    app.toggle(key="analyze_zoom").set_value(True).run()
    next(b for b in app.button if b.label == "Ask again under all changes").click()
    app.run()
    chart = next(c for c in app.get("plotly_chart") if c.key == "changes_chart")
    analysis = kept(app).analysis
    assert f"as it is {analysis.probability(analysis.label):.3f}" in chart.proto.alt


def test_similar_cases_say_how_they_become_findable(app):
    assert "python -m model_zoo index" in upload(app).code[0].value


def test_three_downloads(app):
    assert len(upload(app).get("download_button")) == 3


FOLD = "Show the answer all the same; read it with care"


def parts(block, *, folded: bool, within: bool = False):
    """The elements of a page that stand under the fold of the answer, or all others."""
    for child in block.children.values():
        if isinstance(child, Block):
            fold = within or getattr(child, "label", None) == FOLD
            yield from parts(child, folded=folded, within=fold)
        elif within is folded:
            yield child


def shown(test, *, folded: bool) -> str:
    """All that is said under the fold or outside of it, by charts, pictures and choices too."""
    return "\n".join(f"{part.key} {part.proto}" for part in parts(test.main, folded=folded))


def doubt(monkeypatch, **changed):
    real = Classifier.analyse
    monkeypatch.setattr(
        cache.Classifier, "analyse", lambda *given: dataclasses.replace(real(*given), **changed)
    )


@pytest.mark.parametrize(
    ("code", "sentence", "advice"),
    [
        ("novelty", "does not look like the dermoscopy photos", "through a dermatoscope"),
        ("lesion", "No lesion was found in this photo", "with the whole lesion in the middle"),
        ("blur", "A poor photo", "Out of focus"),
    ],
)
def test_what_speaks_against_the_answer_leads_and_folds_it(
    app, monkeypatch, code, sentence, advice
):
    doubt(monkeypatch, checks={code: Check(9.0, 1.0, False)})
    upload(app)
    assert not app.exception
    seen, folded = shown(app, folded=False), shown(app, folded=True)
    assert sentence in seen
    assert advice in seen
    analysis = kept(app).analysis
    for told in (BY_CODE[analysis.label].name, "analyze_chart", "analyze_label", "threshold of"):
        assert told not in seen
        assert told in folded
    for _, probability in analysis.ranked():
        assert f"{probability:.4f}" not in seen
    assert "Malignant group" not in seen
    assert ("Asymmetry" in seen) is (code == "blur")  # what may be no lesion has none
    assert "Asymmetry about the longer" in folded


def test_an_uncertain_answer_is_folded_and_what_remains_possible_is_not(app, monkeypatch):
    doubt(monkeypatch, prediction_set=("NV", "MEL", "BKL", "DF"))
    upload(app)
    assert not app.exception
    seen, folded = shown(app, folded=False), shown(app, folded=True)
    assert "Uncertain: 4 classes remain possible." in seen
    assert "ABCD in numbers" in seen
    assert "**Melanocytic nevus**, **Melanoma**, **Benign keratosis**, **Dermatofibroma**" in seen
    for told in ("analyze_chart", "analyze_label", "threshold of"):
        assert told not in seen
        assert told in folded
    assert "Malignant group" not in seen


def test_an_answer_that_nothing_speaks_against_is_open(app):
    assert "analyze_chart" in shown(upload(app), folded=False)
    assert FOLD not in [box.label for box in app.expander]


def test_the_set_comes_with_what_was_measured_of_melanomas_too(app):
    fitted = registry.default_card().trust
    for mode, eight in (("single", False), ("tta", True)):
        app.toggle(key="analyze_tta").set_value(eight).run()
        covered, melanoma = fitted[mode]["covered"][0], fitted[mode]["covered_by_class"]["MEL"][0]
        assert f"the true class: {covered:.2f}; of melanomas {melanoma:.2f}" in words(upload(app))


def test_figures_of_another_way_of_reading_are_called_so(app, monkeypatch):
    assert "measured" not in words(upload(app))
    app.toggle(key="analyze_tta").set_value(True).run()
    assert "measured" not in words(app)
    monkeypatch.delitem(registry.default_card().metrics, "native_tta")
    app.run()
    told = words(app)
    assert "Sensitivity and precision: measured with one view." in told
    assert "never saw · measured with one view" in told
    assert "fitted on the square in the middle" not in told
    app.toggle(key="analyze_zoom").set_value(True).run()
    told = words(app)
    assert "measured with one view, measured on the square in the middle" in told
    assert "fitted on the square in the middle" in told


def test_an_unchecked_photo_is_not_called_checked(app, monkeypatch):
    doubt(monkeypatch, checks={"lesion": Check(0.2, 0.002, True)})
    told = words(upload(app))
    assert "Whether this is a dermoscopy photo was not checked" in told
    assert "No check failed" not in told
