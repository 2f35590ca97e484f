"""What read a case is named at the end of a round, and each answer carries it."""

import csv
import hashlib

import pytest
import tomlkit
from streamlit.testing.v1 import AppTest

from model_zoo import NOTICE, registry
from model_zoo.classifier import Classifier
from model_zoo.trust import TTA
from streamlit_app import study

from .test_study_page import APP, begin, commit, press, words

pytestmark = pytest.mark.slow


@pytest.fixture
def app(own_cache):
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    return test.switch_page("app_pages/study.py").run()


def test_the_end_names_the_network_and_each_answer_carries_what_read_it(app):
    one, other = [card for card in registry.classifiers().values() if "served" in card.files][:2]
    app.session_state["analyze_model"] = one.name
    test = press(commit(begin(app)), "Next case")
    test.session_state["study_model"] = (other.name, TTA)
    test = press(press(commit(test.run()), "Next case"), "End the round")
    assert not test.exception
    digests = [Classifier.load(card.name).digest() for card in (one, other)]
    named = [f"{card.title} (`{card.name}`)" for card in (one, other)]
    told = words(test)
    assert f"The network of this round: {named[0]}, one view, sha256 {digests[0][:12]}…" in told
    assert f"{named[1]}, mean of eight views, sha256 {digests[1][:12]}…" in told
    rows = read_back(test)
    assert [row["model"] for row in rows] == [one.name, other.name]
    assert [row["model_sha256"] for row in rows] == digests
    assert [row["views"] for row in rows] == ["1", "8"]


def test_an_answer_keeps_the_file_that_read_its_case_when_another_takes_its_name(app):
    bundled = registry.default_card()
    folder = registry.installed_folder() / "mine.v1"
    folder.mkdir(parents=True)
    file = folder / "mine.v1.tflite"
    file.write_bytes(bundled.file("served").read_bytes())
    table = {"name": "mine.v1", "labels": bundled.labels, "scaling": "inside"}
    table |= {"files": {"served": {"file": file.name}}}
    (folder / "mine.v1.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    test = begin(app.run().selectbox(key="analyze_model").set_value("mine.v1").run())
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes() + bytes(16))  # which changes nothing but the hash
    test = press(press(commit(test), "Next case"), "End the round")
    assert not test.exception
    (row,) = read_back(test)  # the case was read before
    assert (row["model"], row["model_sha256"]) == ("mine.v1", before)


def read_back(test) -> list[dict[str, str]]:
    written = study.to_csv(test.session_state["study_round"].answers, NOTICE).decode("utf-8-sig")
    return list(csv.DictReader(written.splitlines()))[:-1]
