"""The manifest of a folder of rows: which model gave them, with what settings, and how many."""

import json
import platform
from pathlib import Path

from model_zoo import NOTICE
from model_zoo.errors import ZooError
from training.scoring import lock, parts
from training.scoring.answers import differences, named, versions
from training.scoring.durable import written_whole
from training.scoring.job import Job

# Readers of Parquet folders leave out names that begin with an underscore.
NAME = "_manifest.json"
PACKAGES = ("lesionlens", "pyarrow", "ray")  # beside those in `answers`, which decide rows


def check_folder(out: Path) -> None:
    """Nothing where rows may be written to a folder; changes nothing there.

    Raises `ZooError` if it holds something else.
    """
    if out.exists() and not out.is_dir():
        raise ZooError("no_folder", path=out)
    if not out.is_dir() or (out / NAME).is_file():
        return
    # A run may have been killed before it had a manifest.
    if any(file.name != lock.NAME and not parts.is_partial(file) for file in out.iterdir()):
        raise ZooError("score_foreign_folder", folder=out)


def begin(job: Job, answers: dict) -> None:
    """Nothing; writes the manifest of a new folder, or checks that it holds rows of such answers.

    Counts are empty while a run is under way, and after one that was stopped. answers: see
    `answers.describe`. Raises `ZooError` if it holds others.
    """
    if not (job.out / NAME).is_file():
        _write(job.out, {"notice": NOTICE, "answers": answers, "counts": {}, "runs": []})
        return
    whole = read(job.out)
    if differing := differences(whole["answers"], answers):
        raise ZooError("score_differs", folder=job.out, what=named(differing))
    _write(job.out, {**whole, "counts": {}})  # until this run has come to its end
    parts.remove_partials(job.out)


def finish(job: Job, run: dict) -> dict:
    """The whole manifest, after a run to the end; counts are those of all rows in the folder.

    run: its engine, photos, seconds and folders that were closed to it.
    """
    by_error = parts.errors_in(job.out)
    answered = by_error.pop(None, 0)
    unread = sum(by_error[code] for code in parts.UNREAD)
    whole = read(job.out)
    whole["counts"] = {
        "photos": answered + by_error.total(),
        "answered": answered,
        "refused": by_error.total() - unread,
        "unread": unread,
        "errors": dict(sorted((+by_error).items())),
    }
    used = {"python": platform.python_version(), **versions(PACKAGES)}
    whole["runs"].append({**run, "versions": used})
    _write(job.out, whole)
    return whole


def read(folder: Path) -> dict:
    """What the manifest of a folder says. Raises `ZooError` if it is damaged."""
    try:
        whole = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return {key: whole[key] for key in ("notice", "answers", "counts", "runs")}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise ZooError("score_bad_manifest", file=folder / NAME) from fault


def _write(folder: Path, whole: dict) -> None:
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    with written_whole(folder / NAME) as partial:
        partial.write_text(text, encoding="utf-8")
