"""Cases of lesions that the model was trained on, from their source to the scores.

They are told by the model's own list of training photos: those of a folder by image and lesion id,
those of the archive by the photos that it names of the lesion.
"""

import csv
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS
from model_zoo.labels import CODES
from model_zoo.training_ids import training_ids, training_rows
from streamlit_app.components import study_sources
from streamlit_app.components.photo_source import SAMPLES

from .isic_server import result
from .study_steps import commit, press, words

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
DRAWING = SAMPLES / "network.jpg"
STRANGE = "ISIC_9000001", "ISIC_9000002", "ISIC_9000003"  # in no list
TAUGHT, FAIR, UNTOLD = STRANGE
OWN = "HAM_9999999"  # a lesion id like those of the list
LENGTH = 20  # all photos of the one class come

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


def taught_pair() -> tuple[str, str]:
    """A photo of HAM10000 that the default model was trained on, and its lesion."""
    rows = training_rows(registry.default_card())
    return next((image, lesion) for image, lesion in rows if lesion.startswith("HAM_"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes the operator's folder of cases, all nevi, of image and lesion each."""

    def make(*pairs):
        (tmp_path / PHOTOS).mkdir()
        marks = [int(code == "NV") for code in CODES]
        truth = [["image", *CODES], *([image, *marks] for image, _ in pairs)]
        about = [["image", "lesion_id"], *pairs]
        for name, rows in ((GROUND_TRUTH, truth), (METADATA, about)):
            with (tmp_path / name).open("w", newline="") as stream:
                csv.writer(stream).writerows(rows)
        for image, _ in pairs:
            shutil.copy(DRAWING, tmp_path / PHOTOS / f"{image}.jpg")
        monkeypatch.setenv(study_sources.FOLDER_VARIABLE, str(tmp_path))

    return make


@pytest.fixture
def named_archive(archive):
    """An archive with three nevi: a further photo of the first lesion was trained on."""
    lesions = zip(STRANGE, ("IL_1", "IL_2", ""), strict=True)
    archive.asked_for, archive.photo = "Nevus", DRAWING.read_bytes()
    archive.pages = [[described(image, lesion_id=lesion) for image, lesion in lesions], []]
    taught, _ = taught_pair()
    archive.of_lesion = {
        "IL_1": [described(TAUGHT), described(taught, "CC-BY-NC")],
        "IL_2": [described(FAIR)],
    }


def described(image, *given, **clinical):
    return result(image.removeprefix("ISIC_"), *given, **clinical)


def known_of(source) -> dict[str, bool | None]:
    found = study_sources.cases(source, registry.default_card(), LENGTH, 1)
    return {case.name: case.known for case in found}


def round_of(source):
    """The page at the end of a round in which the learner is right about `TAUGHT` alone."""
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.switch_page("app_pages/study.py").run()
    test.session_state["study_source"], test.session_state["study_length"] = source, LENGTH
    test = press(test.run(), "Begin")
    marked = {}
    for place in range(3):
        case = test.session_state["study_round"].current
        test = commit(test, "NV" if case.name == TAUGHT else "DF")
        assert not test.exception
        told = words(test)
        marked[case.name] = "trained on this very lesion" in told, "It is not known whether" in told
        test = press(test, "See the scores" if place == 2 else "Next case")
    assert marked == {TAUGHT: (True, False), FAIR: (False, False), UNTOLD: (False, True)}
    return test


def only_the_fair_case_counts(test) -> None:
    told = words(test)
    assert "1 of the cases show lesions that the network was trained on" in told
    assert "Of 1 of the cases it is not known" in told
    assert "Cases counted: 1." in told
    metrics = {metric.label: metric.value for metric in test.metric}
    assert metrics["You: right"] == "0%"  # the case that the learner was right about is left out
    answers = test.session_state["study_round"].answers
    assert {answer.case.name: answer.counts for answer in answers} == {
        TAUGHT: False,
        FAIR: True,
        UNTOLD: False,
    }


def test_a_case_of_a_folder_whose_lesion_was_trained_on_is_marked_and_not_scored(folder):
    _, lesion = taught_pair()
    folder((TAUGHT, lesion), (FAIR, OWN), (UNTOLD, ""))
    assert known_of(study_sources.FOLDER) == {TAUGHT: True, FAIR: False, UNTOLD: None}
    only_the_fair_case_counts(round_of(study_sources.FOLDER))


def test_a_case_of_the_archive_whose_lesion_was_trained_on_is_marked_and_not_scored(named_archive):
    assert not training_ids(registry.default_card()).know_any(STRANGE)
    assert known_of(study_sources.ARCHIVE) == {TAUGHT: True, FAIR: False, UNTOLD: None}
    only_the_fair_case_counts(round_of(study_sources.ARCHIVE))


def test_a_photo_of_isic_with_a_lesion_id_of_another_naming_is_unknown(folder):
    image, _ = taught_pair()
    folder((image, "IL_1"), (TAUGHT, "IL_2"), (FAIR, "OWN_1"), ("mine_1", "OWN_2"))
    assert known_of(study_sources.FOLDER) == {
        image: True,  # the photo itself is in the list
        TAUGHT: None,
        FAIR: None,
        "mine_1": False,
    }
