"""The deployed server: its headers, its log, and what it says when too many want something."""

import json
import threading
import urllib.request

import pytest
import requests
from streamlit.testing.v1 import AppTest

from benchmarks.streamlit_client import Visitor
from model_zoo import registry
from model_zoo.errors import SENTENCES, ZooError
from streamlit_app import admission, server
from streamlit_app.admission import Turnstile
from streamlit_app.local_server import ROOT, SAMPLES, running
from streamlit_app.log import log

NAME = "Jane Doe 1961-04-02.jpg"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a server, and its log as a function that reads it."""
    folder = tmp_path_factory.mktemp("server")
    with running(folder) as (_, url):
        yield url, (folder / "server.log").read_text


def test_headers_are_on_every_answer(served):
    url, _ = served
    for path in ("/", "/_stcore/health", "/static/nowhere.js"):
        try:
            answer = urllib.request.urlopen(url + path, timeout=10)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            for name, value in server.HEADERS.items():
                assert answer.headers[name] == value, path


def test_the_log_says_what_runs_and_nothing_of_photos(served):
    url, log_text = served
    visitor = Visitor(url)
    visitor.analyse(NAME, (SAMPLES / "vessels.jpg").read_bytes())
    visitor.analyse(NAME, b"a letter, not a photo " * 20)
    visitor.close()
    events = [json.loads(line) for line in log_text().splitlines() if line.startswith("{")]
    start, refused = events[0], events[-1]
    assert start["event"] == "start"
    assert start["model"] == registry.default_card().name
    assert len(start["sha256"]) == 64
    assert start["seconds"] > 0
    assert refused["event"] == "refused"
    assert refused["code"] == "text_as_image"
    assert {"analysis", "refused"} <= {event["event"] for event in events}
    assert "Jane" not in log_text()
    assert "vessels" not in log_text()


def test_more_uploads_than_fit_into_memory_are_refused(tmp_path):
    photo = (SAMPLES / "vessels.jpg").read_bytes()
    large = photo + bytes(3 * 2**18)
    with running(tmp_path, LESIONLENS_UPLOADS_MEGABYTES="1") as (_, url):
        first, second = Visitor(url), Visitor(url)
        assert first.analyse("large.jpg", large).record
        with pytest.raises(requests.HTTPError, match="507"):
            second.analyse("large.jpg", large)
        # A visitor who leaves, or replaces a photo, makes room.
        assert first.analyse("small.jpg", photo).record
        assert second.analyse("large.jpg", large).record
        first.close()
        second.close()


def test_only_known_fields_are_logged(capsys):
    log("analysis", model="m.v1", milliseconds=3, file="Jane.jpg")
    told = json.loads(capsys.readouterr().err)
    assert told["model"] == "m.v1"
    assert "file" not in told


def test_a_faulty_page_is_logged_by_place_and_told_without_a_traceback(capsys):
    with pytest.raises(ValueError, match="Jane") as caught:
        int("Jane.jpg")
    assert server.on_fault(caught.value)
    said = capsys.readouterr().err.splitlines()
    (told,) = (json.loads(line) for line in said if line.startswith("{"))
    assert told["kind"] == "ValueError"
    assert told["where"].startswith("test_server.py:")
    assert "Jane" not in str(told)


def test_beyond_the_queue_one_is_told_at_once():
    turnstile = Turnstile(slots=1, queue=0, patience=60)
    with turnstile.turn(), pytest.raises(ZooError) as caught, turnstile.turn():
        pass
    assert caught.value.code == "busy"
    with turnstile.turn():  # and the turn was given back
        pass


def test_in_the_queue_one_waits_only_so_long_unless_patient():
    turnstile = Turnstile(slots=1, queue=1, patience=0.05)
    served = threading.Event()

    def wait_patiently():
        with turnstile.turn(patient=True):
            served.set()

    with turnstile.turn():
        with pytest.raises(ZooError), turnstile.turn():
            pass
        waiting = threading.Thread(target=wait_patiently)
        waiting.start()
        assert not served.wait(0.2)
    assert served.wait(10)
    waiting.join()


def test_who_was_let_in_before_may_wait_for_longer():
    turnstile = Turnstile(slots=1, queue=1, patience=0.05)
    inside, served = threading.Event(), threading.Event()

    def hold():
        with turnstile.turn():
            inside.set()
            assert not served.wait(0.3)

    holding = threading.Thread(target=hold)
    holding.start()
    assert inside.wait(10)
    with turnstile.turn(patience=30):
        served.set()
    holding.join()


def test_however_many_are_patient_others_are_let_in():
    turnstile = Turnstile(slots=2, queue=0, patience=10)
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def read_a_folder():
        with turnstile.turn(patient=True):
            inside.release()
            assert go_on.wait(30)

    folders = [threading.Thread(target=read_a_folder) for _ in range(20)]
    for folder in folders:
        folder.start()
    assert inside.acquire(timeout=10)
    with turnstile.turn():  # the second slot is free for whoever looks at a page
        assert not inside.acquire(timeout=0.2)
    go_on.set()
    for folder in folders:
        folder.join(30)
        assert not folder.is_alive()


def test_the_page_says_that_it_is_busy_and_keeps_the_choice(monkeypatch):
    full = Turnstile(slots=1, queue=0, patience=0)
    monkeypatch.setattr(admission.turns, "turn", full.turn)
    app = AppTest.from_file(str(ROOT / "streamlit_app" / "app.py"), default_timeout=60)
    app.session_state["notice_agreed"] = True
    with full.turn():
        app.run()
    assert SENTENCES["busy"] in [warning.value for warning in app.warning]
    assert app.get("file_uploader")
    assert not app.exception
    again = next(button for button in app.button if button.label == "Try again")
    again.click().run()
    assert SENTENCES["busy"] not in [warning.value for warning in app.warning]
    assert not app.exception
