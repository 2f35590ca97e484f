"""The client of the ISIC Archive, against a local server that speaks its API."""

import contextlib
import os

import pytest

from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from model_zoo.training_ids import TrainingIds
from streamlit_app import isic_archive
from streamlit_app.content import text

from .isic_server import result


def fetched(code="MEL"):
    return {
        photo.isic_id: photo
        for photo in (isic_archive.fetch(code, lesion) for lesion in isic_archive.listing(code))
    }


def test_only_public_domain_dermoscopy_and_one_photo_a_lesion(archive):
    found = fetched()
    assert set(found) == {"ISIC_1", "ISIC_5", "ISIC_6"}
    first = found["ISIC_1"]
    assert (first.label, first.attribution) == ("MEL", "Clinic 1")
    assert first.lesion_photos == ("ISIC_1", "ISIC_2", "ISIC_7")
    assert first.data == b"/ISIC_1.jpg"


@pytest.mark.parametrize("acquisition", [None, {"image_type": None}])
def test_a_photo_of_an_unknown_kind_is_left_out_and_the_others_come(archive, acquisition):
    odd = result(31)
    odd["metadata"]["acquisition"] = acquisition
    archive.pages[0].append(odd)
    found = fetched()
    assert {"ISIC_1", "ISIC_5", "ISIC_6"} <= set(found)
    assert ("ISIC_31" in found) is (acquisition is None)


def test_an_address_without_a_slash_at_its_end_will_do(archive, monkeypatch):
    monkeypatch.setenv(isic_archive.API_VARIABLE, isic_archive._base().rstrip("/"))
    assert fetched()


def test_it_asks_for_the_class_and_the_licence(archive):
    isic_archive.listing("SCC")
    path, query = archive.asked[0]
    assert path == "/images/search/"
    assert 'copyright_license:"CC-0"' in query["query"][0]
    assert "Squamous cell carcinoma" in query["query"][0]
    assert tuple(isic_archive.QUERIES) == CODES


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
    archive.of_lesion["IL_1"] = of_lesion
    photo = photo_of_lesion()
    assert photo.lesion_photos is None
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_5"}))) is None
    assert photo.trained_on(TrainingIds(images=frozenset({"ISIC_1"}))) is True


def test_a_lesion_that_the_archive_does_not_name_is_unknown_unless_its_photo_is_not(archive):
    photo = fetched()["ISIC_5"]
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
    assert fetched()["ISIC_5"].confirmation == word


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
        isic_archive.listing("NV")


def test_without_a_network_it_says_so(archive, monkeypatch):
    monkeypatch.setenv(isic_archive.API_VARIABLE, "http://127.0.0.1:9/")
    with pytest.raises(ZooError, match="cannot be reached"):
        isic_archive.listing("NV")


def test_a_next_page_elsewhere_and_other_schemes_are_not_followed(archive):
    archive.following = "http://elsewhere.example/images/search/"
    with pytest.raises(ZooError, match=r"not followed \(http: //elsewhere\.example"):
        isic_archive.listing("NV")
    archive.following = f"ftp://127.0.0.1:{archive.server_port}/x"
    with pytest.raises(ZooError, match=r"not followed \(ftp"):
        isic_archive.listing("NV")


def test_too_large_a_photo_is_left(archive, monkeypatch):
    monkeypatch.setattr(isic_archive, "MAX_BYTES", 4)
    lesion = [{"isic_id": "ISIC_5", "files": {"full": {"url": f"{base()}ISIC_5.jpg", "size": 3}}}]
    with pytest.raises(ZooError, match="MB"):  # whatever size it was said to have
        isic_archive.fetch("NV", lesion)


def base() -> str:
    return os.environ[isic_archive.API_VARIABLE]


def test_a_redirect_within_the_archive_is_followed(archive):
    archive.moved["/ISIC_5.jpg"] = "/elsewhere/ISIC_5.jpg"
    assert fetched()["ISIC_5"].data == b"/elsewhere/ISIC_5.jpg"
    archive.moved["/elsewhere/ISIC_5.jpg"] = "/ISIC_5.jpg"  # round and round
    with pytest.raises(ZooError, match="does not understand"):
        fetched()


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}/ISIC_5.jpg",
        "//localhost:{port}/ISIC_5.jpg",
        "https://isic-archive.com.elsewhere.example/ISIC_5.jpg",
        "https://notisic-archive.com/ISIC_5.jpg",
        "ftp://127.0.0.1:{port}/ISIC_5.jpg",
    ],
)
def test_no_redirect_leads_out_of_the_archive(archive, address):
    archive.moved["/ISIC_5.jpg"] = address.format(port=archive.server_port)
    with pytest.raises(ZooError) as refused:
        fetched()
    assert refused.value.code == "archive_elsewhere"
    assert [path for path, _ in archive.asked].count("/ISIC_5.jpg") == 1


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://content.isic-archive.com/x/ISIC_5.jpg?Signature=y", True),
        ("https://isic-archive.s3.amazonaws.com/images/ISIC_5.jpg", True),
        ("http://content.isic-archive.com/x/ISIC_5.jpg", False),
        ("https://127.0.0.1/ISIC_5.jpg", False),
    ],
)
def test_the_archive_itself_is_left_neither_for_http_nor_for_another_host(
    monkeypatch, address, followed
):
    monkeypatch.delenv(isic_archive.API_VARIABLE, raising=False)
    told = contextlib.nullcontext() if followed else pytest.raises(ZooError, match="not followed")
    with told:
        isic_archive._require_own(address, "api.isic-archive.com")
