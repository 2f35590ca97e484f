"""The client of the ISIC Archive, against a local server that speaks its API."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from model_zoo.training_ids import TrainingIds
from streamlit_app import isic_archive
from streamlit_app.content import text


class Archive(BaseHTTPRequestHandler):
    """Two pages of results; photos are their own id as bytes."""

    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.asked.append((parts.path, parse_qs(parts.query)))
        if parts.path in self.server.broken:
            status, body = self.server.broken[parts.path]
        elif "lesion_id:" in parts.query or "lesion_id%3A" in parts.query:
            page = {"results": self.server.of_lesion, "next": None}
            status, body = 200, json.dumps(page).encode()
        elif parts.path == "/images/search/":
            second = "cursor" in parts.query
            status, body = 200, json.dumps(self.page(second)).encode()
        else:
            status, body = 200, parts.path.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, second):
        host = f"http://127.0.0.1:{self.server.server_port}"
        results = self.server.pages[second]
        for result in results:
            result["files"] = {"full": {"url": f"{host}/{result['isic_id']}.jpg", "size": 12}}
        following = f"{host}/images/search/?cursor=2" if not second else None
        return {"results": results, "next": self.server.following or following}

    def log_message(self, *_):
        pass


def result(number, licence="CC-0", kind="dermoscopic", **clinical):
    return {
        "isic_id": f"ISIC_{number}",
        "copyright_license": licence,
        "attribution": f"Clinic {number}",
        "metadata": {"acquisition": {"image_type": kind}, "clinical": clinical},
    }


@pytest.fixture
def archive(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    server.asked, server.broken, server.following = [], {}, None
    server.of_lesion = [result(1), result(2), result(7, "CC-BY-NC")]
    server.pages = [
        [
            result(1, lesion_id="IL_1"),
            result(2, lesion_id="IL_1"),
            result(3, "CC-BY-NC"),
            result(4, kind="clinical: close-up"),
        ],
        [result(5), result(6)],
    ]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv(isic_archive.API_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(isic_archive, "TIMEOUTS", (1, 1))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_public_domain_dermoscopy_and_one_photo_a_lesion(archive):
    found = isic_archive.find("MEL", 10, seed=1)
    assert {photo.isic_id for photo in found} == {"ISIC_1", "ISIC_5", "ISIC_6"}
    first = next(photo for photo in found if photo.isic_id == "ISIC_1")
    assert (first.label, first.attribution) == ("MEL", "Clinic 1")
    assert first.lesion_photos == ("ISIC_1", "ISIC_2", "ISIC_7")
    assert first.data == b"/ISIC_1.jpg"


def test_it_asks_for_the_class_and_the_licence(archive):
    isic_archive.find("SCC", 1, seed=1)
    path, query = archive.asked[0]
    assert path == "/images/search/"
    assert 'copyright_license:"CC-0"' in query["query"][0]
    assert "Squamous cell carcinoma" in query["query"][0]
    assert tuple(isic_archive.QUERIES) == CODES


def test_no_more_photos_are_fetched_than_asked_for_and_the_draw_is_seeded(archive):
    draws = [[p.isic_id for p in isic_archive.find("NV", 2, seed=seed)] for seed in (1, 1, 4, 5, 6)]
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) > 1
    assert sum(path.endswith(".jpg") for path, _ in archive.asked) == 10


def photo_of_lesion():
    lesions = isic_archive.listing("MEL")
    return isic_archive.fetch("MEL", next(one for one in lesions if len(one) == 2))


def test_a_lesion_is_known_by_any_of_its_photos_whatever_their_licence(archive):
    photo = photo_of_lesion()
    asked = [query["query"][0] for path, query in archive.asked if "query" in query]
    assert asked[-1] == 'lesion_id:"IL_1"'
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_7"}))) is True
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_5"}))) is False
    assert photo.trained_on(None) is None


@pytest.mark.parametrize("of_lesion", [[], [{}], [{"isic_id": "ISIC_9"}]])
def test_where_the_archive_does_not_tell_the_photos_of_a_lesion_it_is_unknown(archive, of_lesion):
    archive.of_lesion = of_lesion
    photo = photo_of_lesion()
    assert photo.lesion_photos is None
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_5"}))) is None
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_1"}))) is True


def test_a_lesion_that_the_archive_does_not_name_is_unknown_unless_its_photo_is_not(archive):
    found = isic_archive.find("MEL", 10, seed=1)
    photo = next(photo for photo in found if photo.isic_id == "ISIC_5")
    assert photo.lesion_photos == ()
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_1"}))) is None
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_5"}))) is True
    assert photo.trained_on(None) is None


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("histopathology", "histopathology"),
        ("single image expert consensus", "consensus"),
        ("a new way", "otherwise"),
        (None, "unsaid"),
    ],
)
def test_it_is_kept_how_the_diagnosis_was_confirmed(archive, said, word):
    archive.pages = [[result(5, diagnosis_confirm_type=said)], []]
    assert isic_archive.find("NV", 1, seed=1)[0].confirmation == word


def test_every_way_to_confirm_has_its_words():
    for word in (*isic_archive.CONFIRMATIONS.values(), isic_archive.OTHERWISE):
        assert "Diagnosis of the ISIC Archive" in text(f"archive.by_{word}")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (503, b"", "answered with the error 503"),
        (200, b"<html>", "does not understand"),
        (200, b'{"results": [{}], "next": null}', "does not understand"),
        (200, b"[]", "does not understand"),
    ],
)
def test_answers_that_cannot_be_used_give_a_sentence(archive, status, body, sentence):
    archive.broken["/images/search/"] = (status, body)
    with pytest.raises(ZooError, match=sentence):
        isic_archive.find("NV", 1, seed=1)


def test_without_a_network_it_says_so(archive, monkeypatch):
    monkeypatch.setenv(isic_archive.API_VARIABLE, "http://127.0.0.1:9/")
    with pytest.raises(ZooError, match="cannot be reached"):
        isic_archive.find("NV", 1, seed=1)


def test_a_next_page_elsewhere_and_other_schemes_are_not_followed(archive):
    archive.following = "http://elsewhere.example/images/search/"
    with pytest.raises(ZooError, match=r"not followed \(http://elsewhere\.example"):
        isic_archive.find("NV", 1, seed=1)
    archive.following = f"ftp://127.0.0.1:{archive.server_port}/x"
    with pytest.raises(ZooError, match=r"not followed \(ftp"):
        isic_archive.find("NV", 1, seed=1)


def test_too_large_a_photo_is_left(archive, monkeypatch):
    monkeypatch.setattr(isic_archive, "MAX_BYTES", 4)
    with pytest.raises(ZooError, match="MB"):
        isic_archive.find("NV", 1, seed=1)
