"""Weights that are fetched on request: one download for all visitors, and no page waits for it."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import download, registry
from model_zoo.labels import CODES
from streamlit_app import downloads

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
NAME = "far.v1"


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("weights", bytes(300_000))
    return stream.getvalue()


WEIGHTS = archive()  # once, since it holds the time at which it was made


class Far(BaseHTTPRequestHandler):
    """Half of the file at once, the rest when `go_on` is set."""

    def do_GET(self):
        self.server.asked += 1
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        body = WEIGHTS
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.server.go_on.wait(300)
        self.wfile.write(body[len(body) // 2 :])

    def log_message(self, *_):
        pass


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A server with the weights of a model whose card is installed."""
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "RETRIES", 0)
    monkeypatch.setattr(download, "TIMEOUTS", (10, 300))
    monkeypatch.setattr(downloads, "_under_way", {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Far)
    server.asked, server.status, server.go_on = 0, 200, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    folder = registry.installed_folder() / NAME
    folder.mkdir(parents=True)
    address = f"http://127.0.0.1:{server.server_port}/best_final_model.keras"
    lines = [f'name = "{NAME}"', 'title = "Far"', 'scaling = "caffe"']
    lines += [f"labels = {list(CODES)}".replace("'", '"'), "[source]", f'url = "{address}"']
    lines += ["[files.keras]", 'file = "best_final_model.keras"']
    (folder / f"{NAME}.toml").write_text("\n".join(lines), encoding="utf-8")
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


def open_page():
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.query_params["model"] = NAME
    return test.switch_page("app_pages/models.py").run()


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def test_a_visitor_starts_it_and_another_sees_how_far_it_is(far):
    first = press(open_page(), "Download the weights of Far")
    assert not first.exception
    under_way = downloads.of(registry.cards()[NAME])
    assert under_way.running  # and the page was drawn to its end all the same
    assert [part.value for part in first.subheader][-1] == "What it is made of"
    second = open_page()
    labels = [button.label for button in second.button]
    assert "Pause" in labels
    assert "Download the weights of Far" not in labels
    far.go_on.set()
    under_way.join(60)
    assert under_way.fault is None
    second.run()
    assert not second.exception
    assert "Pause" not in [button.label for button in second.button]
    assert registry.cards()[NAME].file("keras").read_bytes() == WEIGHTS
    assert far.asked == 1


def test_what_went_wrong_is_said_to_whoever_looks(far):
    far.status = 404
    test = press(open_page(), "Download the weights of Far")
    downloads.of(registry.cards()[NAME]).join(60)
    test.run()
    assert not test.exception
    assert any("The server answered 404" in str(part.value) for part in test.error)
    far.status = 200
    far.go_on.set()
    press(test, "Download the weights of Far")
    downloads.of(registry.cards()[NAME]).join(60)
    assert registry.cards()[NAME].file("keras").is_file()


def test_one_download_for_all(far):
    card = registry.cards()[NAME]
    assert downloads.begin(card) is downloads.begin(card)


def test_a_fault_nobody_thought_of_is_told_and_logged(far, monkeypatch, capsys):
    def break_down(*_):
        raise RuntimeError("private words")

    monkeypatch.setattr(downloads, "fetch", break_down)
    under_way = downloads.begin(registry.cards()[NAME])
    under_way.join(60)
    assert under_way.fault.code == "download_fault"
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "private words" not in logged
