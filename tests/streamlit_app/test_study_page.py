"""The Study page, driven without a browser."""

import dataclasses
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.classifier import Classifier
from model_zoo.trust import TTA
from streamlit_app import archive_shared, isic_archive, study
from streamlit_app.components import study_sources
from streamlit_app.components.charts import LIGHT
from streamlit_app.components.photo_source import samples
from streamlit_app.content import CHOSEN, LANGUAGES, class_name, in_language, text

from .study_steps import commit, press, words

pytestmark = pytest.mark.slow

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LESIONLENS_CASES", raising=False)
    monkeypatch.setenv(isic_archive.API_VARIABLE, "http://127.0.0.1:9/")


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.switch_page("app_pages/study.py").run()


def begin(test, *, drill=False, label="Begin"):
    test.session_state["study_source"] = "drawn"
    test.session_state["study_length"] = 5
    test.session_state["study_drill"] = drill
    return press(test.run(), label)


def test_a_whole_round_from_begin_to_scores(app):
    test = begin(app)
    assert not test.exception
    for place in range(5):
        truth = test.session_state["study_round"].current.label
        assert "Right" not in words(test)  # nothing is told before the learner commits
        assert not test.get("plotly_chart")
        test = commit(test, truth if place else "SCC")
        assert not test.exception
        assert ("Right: it is" in words(test)) == bool(place)
        assert any("Melanoma (MEL)" in part.proto.body for part in test.get("html"))
        test = press(test, "See the scores" if place == 4 else "Next case")
    assert "not cases" in words(test)
    metrics = {metric.label: metric.value for metric in test.metric}
    assert metrics["You: right"] == "80%"
    assert "differences between you and the network are mostly chance" in words(test)
    assert len(test.get("download_button")) == 1
    layout = json.loads(test.get("plotly_chart")[0].proto.spec)["layout"]
    assert layout["font"]["color"] == layout["xaxis"]["tickfont"]["color"] == LIGHT.ink
    assert any("lens-table" in part.proto.body for part in test.get("html"))
    test = press(test, "Another round")
    assert "study_round" not in test.session_state


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_choices_say_what_the_score_counts_them_as(app, code):
    app.radio(key=CHOSEN).set_value(code).run()
    with in_language(code):
        choices = begin(app, label=text("study.start")).segmented_control(key="study_confidence")
        expected = [
            f"{text(f'study.{name}')} ({share * 100:.0f} %)"
            for name, share in study.CONFIDENCES.items()
        ]
    assert choices.options == expected


def test_the_photo_stays_beside_its_heatmap(app):
    test = begin(app)
    assert pictures(test) == ["The dermoscopy photo of this case"]
    photo, heatmap = pictures(commit(test))
    assert photo == "The dermoscopy photo of this case"
    assert heatmap.startswith("Grad-CAM heatmap of")
    (told,) = [part.value for part in test.caption if part.value.startswith("Grad-CAM of ")]
    assert "it does not show why" in told
    assert "of its weight lies on the lesion" in told


def pictures(test) -> list[str]:
    """What the pictures of a page say to those who do not see them."""
    return [picture.alt for part in test.get("image") for picture in part.proto.imgs]


def test_each_photo_at_the_end_is_told_by_its_number_and_what_it_is(app):
    test = begin(app)
    truths = [case.label for case in test.session_state["study_round"].cases]
    for place in range(5):
        test = press(commit(test, "SCC"), "See the scores" if place == 4 else "Next case")
    answers = test.session_state["study_round"].answers
    expected = [
        f"The dermoscopy photo of case {number}, {class_name(truth)}"
        for number, (truth, given) in enumerate(zip(truths, answers, strict=True), start=1)
        if study.leading(given.model) != "SCC"
    ]
    assert pictures(test) == expected
    assert len(set(expected)) > 1


def test_nobody_goes_on_without_an_answer(app):
    test = begin(app)
    test = press(test, "Commit")
    assert "Choose a diagnosis and how sure you are" in words(test)
    assert test.session_state["study_round"].answers == ()


def test_a_drill_asks_again_before_the_truth(app, monkeypatch):
    monkeypatch.setattr(study, "MISLEADING", 1.0)
    test = begin(app, drill=True)
    whole = test.session_state["study_round"]
    # Of another class the model's answer would be wrong already, and nothing be made wrong.
    right = Classifier.load().analyse(whole.cases[0].data).label
    case = dataclasses.replace(whole.cases[0], label=right)
    test.session_state["study_round"] = dataclasses.replace(whole, cases=(case, *whole.cases[1:]))
    test = commit(test.run())
    assert "You said **Melanocytic nevus**" in words(test)
    assert "It is" not in words(test)
    test.session_state["study_again"] = "DF"
    test = press(test, "That is my answer")
    assert "it is" in words(test).lower()
    test = press(test, "Next case")
    answer = test.session_state["study_round"].answers[0]
    assert (answer.first, answer.last) == ("NV", "DF")
    assert study.leading(answer.model) == right != study.leading(answer.shown)
    assert answer.misled


def test_the_end_of_a_drill_tells_which_answers_were_made_wrong(app, monkeypatch):
    monkeypatch.setattr(study, "MISLEADING", 1.0)
    test = commit(begin(app, drill=True))
    test = press(press(test, "That is my answer"), "Next case")
    whole = test.session_state["study_round"]
    given = whole.answers[0]
    right = study.leading(given.model)
    case = dataclasses.replace(given.case, label=right, known=True)
    shown = study.Round((case,), drill=True, seed=whole.seed).shown(given.model)
    misled = dataclasses.replace(given, case=case, shown=shown)
    assert misled.misled
    test.session_state["study_round"] = study.Round((case,), (misled,), drill=True)
    told = words(test.run())
    assert not test.exception
    assert "Made wrong on purpose: 1;" in told
    wrong = class_name(study.leading(shown))
    assert f"the network said {class_name(right)}, which was right; you were shown {wrong}" in told
    # The case does not count, so there is no table of it.
    assert not test.get("plotly_chart")


def test_a_round_that_is_ended_shows_what_was_answered_so_far(app):
    test = begin(app)
    test = press(press(commit(test), "Next case"), "End the round")
    assert not test.exception
    assert "The round is over" in [part.value for part in test.header]
    assert len(test.session_state["study_round"].answers) == 1
    assert len(test.get("download_button")) == 1
    test = press(press(test, "Another round"), "Begin")
    assert "The round is over" not in [part.value for part in test.header]


def test_a_round_that_is_ended_at_once_says_that_nothing_was_answered(app):
    test = press(begin(app), "End the round")
    assert not test.exception
    assert "No case of this round was answered" in words(test)
    assert not test.metric


def test_a_drill_that_is_ended_tells_of_an_answer_that_was_not_settled(app, monkeypatch):
    monkeypatch.setattr(study, "MISLEADING", 1.0)
    test = begin(app, drill=True)
    test = press(commit(test, "DF"), "End the round")
    assert not test.exception
    assert "Answers of the network in this round: 1." in words(test)
    (answer,) = test.session_state["study_round"].answers
    assert (answer.first, answer.last) == ("DF", "DF")
    assert answer.misled == (study.leading(answer.model) == answer.case.label)


def test_a_source_with_fewer_cases_says_so(app):
    app.session_state["study_source"] = "drawn"
    app.session_state["study_length"] = 20
    test = app.run()
    told = words(test)
    drawn = samples()
    nevi = sum(entry["pattern_of"] == "NV" for entry in drawn.values())
    assert f"as the {len(drawn)} drawings allow: {nevi} of them" in told
    assert "none as Actinic keratosis, Squamous cell carcinoma" in told
    test = press(test, "Begin")
    assert f"You asked for 20 cases; this round has {len(drawn)}." in words(test)


def test_what_was_chosen_stays_for_another_round_and_after_another_page(app):
    app.segmented_control(key="study_source").set_value("drawn").run()
    app.segmented_control(key="study_length").set_value(5).run()
    app.toggle(key="study_drill").set_value(True).run()
    test = app.switch_page("app_pages/about.py").run().switch_page("app_pages/study.py").run()
    chosen_before(test)
    test = press(test, "Begin")
    assert test.session_state["study_round"].drill
    del test.session_state["study_round"]
    chosen_before(test.run())


def chosen_before(test):
    assert test.segmented_control(key="study_source").value == "drawn"
    assert test.segmented_control(key="study_length").value == 5
    assert test.toggle(key="study_drill").value is True


def test_eight_views_are_asked_for_here_too(app):
    app.toggle(key="analyze_tta").set_value(True).run()
    test = begin(app)
    assert test.session_state["study_model"][1] == TTA


def test_without_a_network_the_drawn_samples_remain(app):
    app.session_state["study_source"] = "archive"
    test = press(app.run(), "Begin")
    assert "cannot be reached" in words(test)
    assert "study_round" not in test.session_state
    assert not test.get("progress")
    test = press(test, "Begin with the drawn samples instead")
    assert not test.exception
    assert test.session_state["study_source_used"] == "drawn"
    assert test.session_state["study_round"].current is not None


def test_a_known_lesion_is_marked(app):
    test = begin(app)
    whole = test.session_state["study_round"]
    case = study.StudyCase("taught", "NV", whole.cases[0].data, True)
    test.session_state["study_round"] = study.Round((case,))
    test = commit(test.run())
    assert "trained on this very lesion" in words(test)
    test = press(test, "See the scores")
    assert "left out of the scores, the tables and the disagreements" in words(test)
    assert not test.metric
    assert not test.get("plotly_chart")


def test_a_model_without_a_list_of_its_photos_is_not_scored(app):
    test = begin(app)
    whole = test.session_state["study_round"]
    thanks = "[A clinic](https://example.org)"
    case = study.StudyCase("strange", "NV", whole.cases[0].data, None, thanks, "consensus")
    test.session_state["study_round"] = study.Round((case,))
    test = commit(test.run())
    assert "no list of its training photos" in words(test)
    assert "consensus of experts on the image, not by histopathology" in words(test)
    assert thanks not in words(test)  # a foreign server's text is no markup
    test = press(test, "See the scores")
    assert "left out of the scores, the tables and the disagreements" in words(test)
    assert not test.metric


def test_a_list_that_is_missing_leaves_it_unknown(tmp_path, monkeypatch):
    reference = registry.find("resnet50.isic2019_reference")
    card = dataclasses.replace(reference, files={"keras": reference.files["keras"]})
    assert study_sources.cases(study_sources.DRAWN, card, 5, 1)[0].known is False
    photo = isic_archive.ArchivePhoto("ISIC_1", "NV", ("ISIC_1",), "A clinic", b"")
    monkeypatch.setattr(archive_shared, "photos", lambda *_, **__: [photo])
    assert study_sources.cases(study_sources.ARCHIVE, card, 5, 1)[0].known is None
    for listed in (reference, registry.default_card()):
        assert study_sources.cases(study_sources.ARCHIVE, listed, 5, 1)[0].known is False
