"""Scoring of an archive: both engines, broken photos, killed workers, runs that go on."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from model_zoo import NOTICE
from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from model_zoo.segmentation import bundled_outliner
from model_zoo.store import sha256_of
from training.scoring import engines, manifest, parts
from training.scoring.answers import describe
from training.scoring.job import Job, absolute
from training.scoring.listing import photos_in
from training.scoring.rows import without_answer
from training.scoring.run import score
from training.scoring.scorer import load

from .archived import BROKEN, SAMPLES, rows_of, same, settled

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # workers import it by its name, too
import mortal  # noqa: E402

pytestmark = pytest.mark.slow

# So that another process sees the first part before the last one is written.
SLOW = """
import sys, time
from training.scoring.scorer import Scorer
from training.__main__ import main
read = Scorer.read
Scorer.read = lambda self, name: time.sleep(0.5) or read(self, name)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def ray():
    """One small Ray for the module."""
    import ray

    environment = {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        ray.init(
            num_cpus=2,
            object_store_memory=100 * 2**20,
            include_dashboard=False,
            logging_level=logging.ERROR,
        )
        yield ray
        ray.shutdown()


def test_a_row_is_what_the_app_says(archive, scored):
    rows = rows_of(scored)
    assert len(rows) == len(SAMPLES) + len(BROKEN) + 1
    classifier = Classifier.load(outliner=bundled_outliner())
    for name in ("0/blue.jpg", "1/veil.jpg"):
        file = next(archive.rglob(Path(name).name))
        row, analysis = rows[str(file.relative_to(archive))], classifier.analyse(file.read_bytes())
        assert row["sha256"] == sha256_of(file)
        assert row["error"] is None
        assert row["status"] == analysis.status
        assert tuple(row["prediction_set"]) == analysis.prediction_set
        assert row["malignant_probability"] == pytest.approx(
            analysis.malignant_probability, abs=1e-6
        )
        assert sum(row[f"raw_{code}"] for code in analysis.labels) == pytest.approx(1, abs=1e-6)
        for code in analysis.labels:
            assert row[f"calibrated_{code}"] == pytest.approx(analysis.probability(code), abs=1e-6)
        for code, check in analysis.checks.items():
            assert row[code] == pytest.approx(check.value, abs=1e-4)
            assert row[f"{code}_ok"] == check.ok
        assert row["outline"]["colours"] == list(analysis.abcd.colours)


def test_broken_photos_carry_their_codes(scored):
    rows = rows_of(scored)
    for name, (code, _) in BROKEN.items():
        row = rows[f"1/{name}"]
        assert row["error"] == code
        assert row["sha256"] is not None
        assert row["status"] is row["raw_MEL"] is row["outline"] is None
    assert rows["gone.jpg"]["error"] == "missing_file"
    assert rows["gone.jpg"]["sha256"] is None


def test_the_manifest_says_what_the_rows_are(scored):
    whole = manifest.read(scored)
    assert whole["notice"] == NOTICE
    assert whole["counts"]["photos"] == 16
    assert whole["counts"]["answered"] == len(SAMPLES)
    codes = ["empty_file", "missing_file", "text_as_image", "truncated"]
    assert whole["counts"]["errors"] == dict.fromkeys(codes, 1)
    assert (whole["counts"]["refused"], whole["counts"]["unread"]) == (3, 1)
    answers, card, outliner = whole["answers"], Classifier.load().card, bundled_outliner().card
    assert answers["model"]["sha256"] == card.files["served"].sha256
    assert answers["model"]["novelty_sha256"] == card.files["novelty"].sha256
    assert answers["model"]["labels"] == list(card.labels)
    assert answers["outliner"]["sha256"] == outliner.files["served"].sha256
    assert {"numpy", "pillow", "opencv", "ai-edge-litert"} <= answers["packages"].keys()
    assert {"python", "pyarrow"} <= whole["runs"][0]["versions"].keys()


def score_with_ray(job, scorer):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.ENGINES, "ray", lambda *given: engines.run_ray(*given, scorer=scorer))
        return score(job, "ray")


def test_ray_gives_the_same_rows_though_a_worker_is_killed(archive, scored, tmp_path, ray):
    score_with_ray(Job(archive, tmp_path / "ray.parquet", part=4), mortal.KilledOnce)
    there = (tmp_path / "killed").read_text()
    assert ".begun-" in there
    assert "part-" not in there
    one, other = rows_of(scored), rows_of(tmp_path / "ray.parquet")
    assert one.keys() == other.keys()
    assert all(same(one[path], other[path]) for path in one)


def test_a_photo_that_ends_workers_gets_a_row_and_the_run_ends(archive, scored, tmp_path, ray):
    whole = score_with_ray(Job(archive, tmp_path / "rows", part=8), mortal.DiesOfOnePhoto)
    assert whole["counts"]["errors"]["photo_ends_worker"] == 1
    one, other = rows_of(scored), rows_of(tmp_path / "rows")
    assert one.keys() == other.keys()
    assert [path for path in one if not same(one[path], other[path])] == [mortal.DEADLY]
    assert other[mortal.DEADLY]["error"] == "photo_ends_worker"
    assert other[mortal.DEADLY]["sha256"] == one[mortal.DEADLY]["sha256"]
    assert not list((tmp_path / "rows").glob(".begun-*"))


def test_a_photo_that_fails_as_nobody_expects_gets_a_row_and_the_others_theirs(
    archive, scored, tmp_path
):
    job = absolute(Job(archive, tmp_path, part=8))
    answers = describe(job, load(job))
    names = sorted(photos_in(archive))
    list(engines.run_local(job, answers, iter([names]), scorer=mortal.FailsAtOnePhoto))
    one, other = rows_of(scored), rows_of(tmp_path)
    assert [path for path in other if not same(one[path], other[path])] == [mortal.DEADLY]
    assert other[mortal.DEADLY]["error"] == "photo_ends_worker"
    assert other[mortal.DEADLY]["sha256"] == one[mortal.DEADLY]["sha256"]


def test_a_part_that_is_whole_is_not_scored_again(archive, tmp_path):
    job = absolute(Job(archive, tmp_path))
    answers = describe(job, load(job))
    assert list(engines.run_local(job, answers, iter([["0/blue.jpg"]]))) == [(1, 0)]
    (part,) = tmp_path.glob("part-*")
    before = part.stat().st_mtime_ns
    assert list(engines.run_local(job, answers, iter([["0/blue.jpg"]]))) == [(1, 0)]
    assert part.stat().st_mtime_ns == before


def test_rows_that_a_worker_wrote_after_its_run_are_dropped(archive, scored, tmp_path):
    out = tmp_path / "rows"
    shutil.copytree(scored, out)
    some = [row for row in pq.read_table(out).to_pylist() if row["error"] is None][:6]
    for count in (3, 2, 1):  # cut otherwise than those of the run, before and after them by name
        parts.write(
            [without_answer(row["path"], None, "missing_file") for row in some[:count]], out
        )
        parts.write(some[-count:], out)
    assert parts.drop_doubles(out) == 12
    parts.write(some[:3], out)
    whole = score(Job(archive, out, part=4))
    assert whole["counts"]["photos"] == len(rows_of(scored))
    assert all(same(row, rows_of(out)[path]) for path, row in rows_of(scored).items())


def test_workers_that_end_as_they_begin_are_not_replaced_for_ever(archive, tmp_path, ray):
    out = tmp_path / "rows"
    with pytest.raises(ZooError, match="end as they begin"):
        score_with_ray(Job(archive, out), mortal.EndsAsItBegins)
    assert list(out.glob(".starting-*"))
    assert score(Job(archive, out))["counts"]["answered"]  # the next run begins anew


def test_a_worker_with_another_model_is_told_so(archive, tmp_path, ray):
    job = Job(archive, tmp_path)
    answers = describe(job, load(job))
    answers["model"]["novelty_sha256"] = "0" * 64
    with pytest.raises(ZooError, match=r"A worker has other .*model\.novelty_sha256"):
        list(engines.run_ray(job, answers, iter([["0/blue.jpg"]])))


def test_a_killed_run_goes_on_with_what_is_missing(archive, scored, tmp_path):
    out = tmp_path / "rows"
    command = [sys.executable, "-c", SLOW, "score", "--photos", archive, "--out", out]
    process = subprocess.Popen([*map(str, command), "--part", "2"], stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(out.glob("part-*")):
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL  # and not at its end
    (out / ".part-0.parquet.partial").write_bytes(b"half a row")
    before = settled(out)
    # Two parts are under way at a time: the link that leads nowhere may be in neither or in one.
    codes = [row["error"] for row in rows_of(out).values()]
    done = len(codes) - codes.count("missing_file")  # which is asked for again
    assert 1 <= done < 16
    assert not manifest.read(out)["counts"]
    whole = score(Job(archive, out, part=2))
    assert whole["runs"][-1]["scored"] == 16 - done
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert all(same(row, rows_of(out)[path]) for path, row in rows_of(scored).items())
    assert not list(out.glob(".part*"))


def test_without_the_extra_it_says_how_to_get_it():
    hidden = "import sys; sys.modules.update(dict.fromkeys(('pyarrow', 'ray', 'jax')))"
    code = f"{hidden}; from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    asked = ["score", "--photos", ".", "--out", "rows"]
    for arguments, status, said in (
        (["--help"], 0, "score"),
        (asked, 1, "pip install -e '.[scale]'"),
    ):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
