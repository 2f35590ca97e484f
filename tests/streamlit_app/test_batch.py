"""Batches: what is taken and what is refused, and that no photo stops the others."""

import csv
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_zoo.classifier import Classifier
from model_zoo.trust import SINGLE, TTA
from streamlit_app import batch
from streamlit_app.batch_csv import to_csv, without_answer
from streamlit_app.reader import Reader

READER = Reader("model.v1", "ab" * 32, SINGLE)
SAMPLE = (Path(__file__).parents[2] / "streamlit_app" / "samples" / "network.jpg").read_bytes()


def photo(colour=(200, 150, 130), size=(80, 60)):
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


def zipped(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load()


def test_photos_and_zips_are_queued_in_order_without_what_systems_add():
    archive = zipped(
        [
            ("day/a.jpg", photo()),
            ("__MACOSX/day/._a.jpg", b"x"),
            ("day/.DS_Store", b"x"),
            ("Thumbs.db", b"x"),
            ("day/b.PNG", photo()),
            ("notes.txt", b"x"),
        ]
    )
    found = batch.queue([("first.jpg", photo()), ("many.zip", archive)])
    assert [w.name for w in found.photos] == [
        "first.jpg",
        "many.zip: day/a.jpg",
        "many.zip: day/b.PNG",
    ]
    assert [name for name, _ in found.left_out] == ["many.zip: notes.txt"]
    assert batch.read(found.photos[1]) == photo()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../../etc/a.jpg", "points outside"),
        ("/etc/a.jpg", "points outside"),
        ("..\\..\\a.jpg", "points outside"),
        ("C:\\a.jpg", "points outside"),
        ("inner.zip", "No photo by its name"),
        ("page.html", "No photo by its name"),
    ],
)
def test_members_that_are_no_plain_photo_are_left_out(name, sentence):
    found = batch.queue([("x.zip", zipped([(name, photo())]))])
    assert found.photos == ()
    assert sentence in str(found.left_out[0][1])


def test_photos_of_one_name_in_two_folders_are_told_apart():
    archive = zipped([("a/1.jpg", photo()), ("b/1.jpg", photo()), ("c\\1.jpg", photo())])
    names = [waiting.name for waiting in batch.queue([("x.zip", archive)]).photos]
    assert names == ["x.zip: a/1.jpg", "x.zip: b/1.jpg", "x.zip: c/1.jpg"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/a.jpg", "etc/a.jpg"),
        ("/etc/a.jpg", "etc/a.jpg"),
        ("//host/a.jpg", "host/a.jpg"),
        ("..\\..\\a.jpg", "a.jpg"),
        ("C:\\photos\\a.jpg", "photos/a.jpg"),
        ("C:a.jpg", "a.jpg"),
        ("./day/./a.jpg", "day/a.jpg"),
    ],
)
def test_a_path_is_shown_as_one_below_the_zip(name, shown):
    found = batch.queue([("x.zip", zipped([(name, photo())]))])
    told = [waiting.name for waiting in found.photos] + [name for name, _ in found.left_out]
    assert told == [f"x.zip: {shown}"]


def test_bombs_are_refused_by_their_header_and_by_what_comes():
    bomb = zipped([("bomb.jpg", b"\0" * 20_000_000)], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 50_000
    assert "unpacks to far more" in str(batch.queue([("x.zip", bomb)]).left_out[0][1])
    # The same with a header that says less than comes.
    lying = bytearray(zipped([("a.jpg", b"\0" * 100_000)], zipfile.ZIP_DEFLATED))
    real = (100_000).to_bytes(4, "little")
    while (at := lying.find(real)) >= 0:
        lying[at : at + 4] = (2_000).to_bytes(4, "little")
    waiting = batch.queue([("x.zip", bytes(lying))]).photos[0]
    with pytest.raises(batch.ZooError):
        batch.read(waiting)


def test_encrypted_and_damaged_zips_are_named():
    data = bytearray(zipped([("a.jpg", photo())]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    assert "encrypted" in str(batch.queue([("x.zip", bytes(data))]).left_out[0][1])
    assert "no zip" in str(batch.queue([("x.zip", b"PK\x03\x04nothing")]).left_out[0][1])
    whole = bytearray(zipped([("a.jpg", photo())]))
    whole[60] ^= 0xFF  # inside the photo: the checksum no longer fits
    waiting = batch.queue([("x.zip", bytes(whole))]).photos[0]
    with pytest.raises(batch.ZooError, match="cannot be unpacked"):
        batch.read(waiting)


def test_more_than_the_limits_is_left_out_and_said(monkeypatch):
    one = photo()
    monkeypatch.setattr(batch, "MOST_PHOTOS", 3)
    found = batch.queue([(f"{i}.jpg", one) for i in range(5)])
    assert (len(found.photos), len(found.left_out)) == (3, 2)
    assert "at most 3 photos" in str(found.left_out[0][1])
    monkeypatch.setattr(batch, "MOST_BYTES", 2 * len(one))
    found = batch.queue([(f"{i}.jpg", one) for i in range(3)])
    assert (len(found.photos), len(found.left_out)) == (2, 1)
    monkeypatch.setattr(batch, "MOST_ENTRIES", 2)
    many = zipped([(f"{i}.txt", b"") for i in range(3)])
    assert "more than 2 entries" in str(batch.queue([("x.zip", many)]).left_out[0][1])


def test_a_long_list_of_contents_is_refused_before_it_is_read():
    long = zipped([(f"{number:0120}.jpg", b"") for number in range(7000)])
    (name, fault) = batch.queue([("x.zip", long)]).left_out[0]
    assert (name, fault.code) == ("x.zip", "batch_long_list")
    whole = zipped([(f"{number:090}.jpg", b"") for number in range(7000)])
    assert batch.queue([("x.zip", whole)]).left_out[0][1].code == "batch_many_entries"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_stored_and_deflated_photos_are_unpacked(method):
    found = batch.queue([("x.zip", zipped([("a.jpg", photo())], method))])
    assert found.photos == ()
    assert [fault.code for _, fault in found.left_out] == ["batch_packed"]
    whole = batch.queue([("x.zip", zipped([("a.jpg", photo())], zipfile.ZIP_DEFLATED))])
    assert batch.read(whole.photos[0]) == photo()


def test_a_job_reads_all_and_a_bad_photo_does_not_stop_it(classifier):
    uploads = [("good.jpg", SAMPLE), ("bad.jpg", b"\xff\xd8\xffno"), ("=cmd.jpg", photo())]
    job = batch.Job(classifier, batch.queue(uploads).photos)
    job.wait(60)
    assert not job.running
    assert [row.name for row in job.rows] == ["good.jpg", "bad.jpg", "=cmd.jpg"]
    good, bad, _ = job.rows
    assert sum(good.probabilities.values()) == pytest.approx(1)
    assert good.label == max(good.probabilities, key=good.probabilities.get)
    assert np.asarray(Image.open(io.BytesIO(good.thumbnail))).max() > 0
    assert (bad.status, bad.thumbnail) == ("unreadable", b"")
    assert bad.problem
    assert job.seconds_left == 0

    told = to_csv(job.rows, Reader("model.v1", "ab" * 32, TTA), "Research only")
    rows = list(csv.DictReader(told.decode("utf-8-sig").splitlines()))
    assert rows[0]["label"] == good.label
    assert rows[0]["views"] == "8"
    assert rows[1]["problem"] == bad.problem
    assert rows[2]["file"] == "'=cmd.jpg"
    assert rows[3]["file"] == "Research only"


def test_a_fault_that_nobody_thought_of_is_the_row_of_its_photo_alone(classifier, capsys):
    class Failing:
        calls = 0

        def analyse(self, rgb):
            self.calls += 1
            if self.calls == 1:
                raise MemoryError("first.jpg")
            return classifier.analyse(rgb)

    uploads = [("first.jpg", SAMPLE), ("second.jpg", SAMPLE)]
    job = batch.Job(Failing(), batch.queue(uploads).photos)
    job.wait(60)
    assert [row.status == "unreadable" for row in job.rows] == [True, False]
    assert job.rows[0].problem.endswith(".")
    told = capsys.readouterr().err
    assert "MemoryError" in told
    assert "first.jpg" not in told


def test_a_stopped_job_keeps_what_is_done(classifier, monkeypatch):
    slow = batch.analyse

    def wait(*arguments):
        time.sleep(0.05)
        return slow(*arguments)

    monkeypatch.setattr(batch, "analyse", wait)
    job = batch.Job(classifier, batch.queue([(f"{i}.jpg", SAMPLE) for i in range(50)]).photos)
    while not job.rows:
        time.sleep(0.01)
    job.stop()
    job.wait(60)
    assert not job.running
    assert 0 < len(job.rows) < 50
    assert job.unread == tuple(f"{i}.jpg" for i in range(len(job.rows), 50))
    assert not job.abandoned
    told = to_csv([*job.rows, *without_answer(job.unread, ())], READER, "Research only")
    rows = list(csv.DictReader(told.decode("utf-8-sig").splitlines()))
    assert [row["file"] for row in rows[:50]] == [f"{i}.jpg" for i in range(50)]
    assert rows[49]["status"] == "not_read"
    assert "stopped" in rows[49]["problem"]
    assert job.seconds_left > 0


def test_a_job_ends_when_its_visitor_stays_away(classifier, monkeypatch):
    photos = batch.queue([(f"{i}.jpg", SAMPLE) for i in range(20)]).photos
    there = iter([True] * 3 + [False] * 20)
    monkeypatch.setattr(batch, "ABSENT_SECONDS", 0.0)
    job = batch.Job(classifier, photos, lambda: next(there))
    job.wait(60)
    assert len(job.rows) == 3
    assert job.abandoned
    monkeypatch.setattr(batch, "ABSENT_SECONDS", 60.0)  # a tab that is loaded again comes back
    away = iter([True] + [False] * 3 + [True] * 20)
    job = batch.Job(classifier, photos[:6], lambda: next(away))
    job.wait(60)
    assert len(job.rows) == 6
    assert (job.unread, job.abandoned) == ((), False)


def test_what_was_left_out_is_in_the_csv_with_the_reason():
    left_out = batch.queue([("x.zip", zipped([(f"{i}.txt", b"x") for i in range(300)]))]).left_out
    told = to_csv(without_answer((), left_out), READER, "Research only")
    rows = list(csv.DictReader(told.decode("utf-8-sig").splitlines()))[:-1]
    assert len(rows) == 300
    assert {row["status"] for row in rows} == {"left_out"}
    assert all("No photo by its name" in row["problem"] for row in rows)


def test_a_table_that_grows_is_drawn_anew_ever_more_seldom():
    drawn = [0]
    for done in range(1, 501):  # a photo a second would be 500 drawings, 125,250 rows
        if batch.worth_drawing(drawn[-1], done):
            drawn.append(done)
    assert drawn[1:6] == [1, 2, 3, 4, 5]
    assert len(drawn) < 40
    assert sum(drawn) < 4000
