"""What workers leave in the folder of rows, so that those that end are not replaced for ever."""

import os
import shutil
from pathlib import Path

import pytest

from model_zoo.errors import ZooError
from training.scoring import apart, engines
from training.scoring.job import Job
from training.scoring.run import score

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "blue.jpg"
LIMIT = 3


@pytest.fixture(autouse=True)
def host(monkeypatch):
    """The name of this host, one on which a third worker that ends is the last."""
    monkeypatch.setattr(apart.socket, "gethostname", lambda: "node")
    monkeypatch.setattr(apart, "usable_cores", lambda: 1)
    monkeypatch.setattr(apart, "STARTS", LIMIT - 1)
    return "node"


def marks(folder):
    return sorted(file.name for file in folder.iterdir())


def ended(folder, host, count):
    """Nothing; so many workers of this host ended as they began."""
    for number in range(count):
        (folder / f"{apart.STARTING}{host}-{10**8 + number}").touch()


def test_workers_that_end_as_they_begin_are_given_up(tmp_path, host):
    ended(tmp_path, host, LIMIT)
    with (
        pytest.raises(ZooError, match="Workers on node end as they begin"),
        apart.starting(tmp_path),
    ):
        pytest.fail("it began")
    assert len(marks(tmp_path)) == LIMIT


def test_those_before_one_that_came_through_count_no_more(tmp_path, host):
    ended(tmp_path, "other", 1)
    for _ in range(LIMIT):  # more deaths in all than the limit
        ended(tmp_path, host, LIMIT - 1)
        with apart.starting(tmp_path):
            assert f"{apart.STARTING}{host}-{os.getpid()}" in marks(tmp_path)
        assert marks(tmp_path) == [f"{apart.STARTING}other-{10**8}"]


def test_one_that_says_why_it_does_not_begin_is_no_good_start(tmp_path, host):
    ended(tmp_path, host, 1)
    with pytest.raises(ZooError), apart.starting(tmp_path):
        raise ZooError("score_worker_differs", what="a model")
    assert marks(tmp_path) == [f"{apart.STARTING}{host}-{10**8}"]


@pytest.mark.parametrize("other", ["node-1", "node-1-2", "node.cluster", "anode"])
def test_a_host_whose_name_is_like_it_is_another(tmp_path, other):
    ended(tmp_path, other, LIMIT)
    with apart.starting(tmp_path):
        pass
    assert len(marks(tmp_path)) == LIMIT


@pytest.mark.parametrize("name", ["no[de", "no*e"])
def test_the_name_of_a_host_is_no_pattern(tmp_path, monkeypatch, name):
    monkeypatch.setattr(apart.socket, "gethostname", lambda: name)
    ended(tmp_path, name, LIMIT)
    with pytest.raises(ZooError, match="end as they begin"), apart.starting(tmp_path):
        pytest.fail("it began")


def test_a_worker_that_cannot_leave_its_mark_does_not_begin(tmp_path):
    with pytest.raises(ZooError) as caught, apart.starting(tmp_path / "gone"):
        pytest.fail("it began")
    assert caught.value.code == "score_not_written"
    assert str(tmp_path / "gone") in str(caught.value)


def test_a_run_that_ends_well_leaves_no_marks(tmp_path, host, monkeypatch):
    photos, out = tmp_path / "photos", tmp_path / "rows"
    photos.mkdir()
    shutil.copy(SAMPLE, photos)

    def with_deaths(job, *given):
        yield from engines.run_local(job, *given)
        ended(job.out, host, 1)  # of a worker that was not needed
        (job.out / f"{apart.BEGUN}0").touch()

    monkeypatch.setitem(engines.ENGINES, "local", with_deaths)
    assert score(Job(photos, out, outlines=False))["counts"]["answered"] == 1
    assert [name for name in marks(out) if name.startswith((apart.STARTING, apart.BEGUN))] == []
