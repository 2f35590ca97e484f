"""Photos of the archive for all visitors: asked once, and none that fails ends a round."""

from collections import Counter

import pytest

from model_zoo import registry
from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from streamlit_app import archive_shared, isic_archive
from streamlit_app.components import study_sources

from .isic_server import result


@pytest.fixture
def named(archive):
    """The archive, which names the lesion of each of its nine photos."""
    archive.pages = [[result(n, lesion_id=f"IL_{n}") for n in range(9)], []]
    archive.of_lesion = {f"IL_{n}": [result(n)] for n in range(9)}
    return archive


def drawn(count=3, seed=1, faults=None):
    faults = [] if faults is None else faults
    return [p.isic_id for p in archive_shared.photos("NV", count, seed=seed, faults=faults)]


def photos_asked(archive):
    return [path for path, _ in archive.asked if path.endswith(".jpg")]


def test_the_archive_is_asked_once_and_the_draw_is_seeded(named):
    first, again, other = drawn(), drawn(), drawn(seed=2)
    assert first == again != other
    assert len(set(first)) == 3
    assert sorted(photos_asked(named)) == sorted(f"/{one}.jpg" for one in {*first, *other})
    listings = [
        query for _, query in named.asked if "limit" in query and "lesion_id" not in str(query)
    ]
    assert len(listings) == 1


def test_a_photo_that_cannot_be_had_is_left_out_for_the_next(named):
    first, second, third = drawn()
    archive_shared._photo.clear()
    named.broken[f"/{first}.jpg"] = (404, b"")
    named.broken[f"/{third}.jpg"] = (200, b"x" * (isic_archive.MAX_BYTES + 1))
    faults = []
    found = drawn(faults=faults)
    assert len(found) == 3
    assert found[0] == second
    assert not {first, third} & set(found)
    assert [fault.code for fault in faults] == ["archive_refused", "archive_too_large"]


def test_after_many_faults_nothing_more_is_asked(named):
    named.broken = {f"/ISIC_{n}.jpg": (503, b"") for n in range(9)}
    with pytest.raises(ZooError, match="error 503"):
        drawn()
    assert len(photos_asked(named)) == archive_shared.MOST_FAULTS + 1


def test_a_class_that_cannot_be_listed_is_a_fault_and_no_connection_ends_at_once(
    named, monkeypatch
):
    named.broken["/images/search/"] = (503, b"")
    faults = []
    assert drawn(faults=faults) == []
    assert [fault.code for fault in faults] == ["archive_refused"]
    monkeypatch.setenv(isic_archive.API_VARIABLE, "http://127.0.0.1:9/")
    with pytest.raises(ZooError, match="cannot be reached"):
        drawn(faults=faults)
    assert len(faults) == 1


def round_of(length):
    return study_sources.cases(study_sources.ARCHIVE, registry.default_card(), length, 1)


def test_a_round_of_study_goes_on_without_photos_that_fail(named):
    named.failing = archive_shared.MOST_FAULTS
    found = round_of(10)
    assert Counter(case.label for case in found) == dict.fromkeys(CODES, 3)
    assert not named.failing


def test_a_round_that_lacks_photos_says_how_many_came(named):
    named.pages = [[result(1, lesion_id="IL_1")], []]
    assert len(round_of(10)) == 8  # the archive has no more, which is no fault
    archive_shared._photo.clear()
    named.failing = 1
    with pytest.raises(ZooError, match="only 7 could be had, and the round needs 10"):
        round_of(10)
