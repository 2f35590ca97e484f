"""The manifest of a folder of rows: which model gave them, with what settings, and how many."""

import importlib.metadata
import json
import platform
import secrets
from pathlib import Path

from model_zoo import NOTICE
from model_zoo.errors import ZooError
from model_zoo.store import sha256_of
from training.scoring import parts
from training.scoring.job import Job
from training.scoring.scorer import load

# Readers of Parquet folders leave out names that begin with an underscore.
NAME = "_manifest.json"
PACKAGES = ("lesionlens", "numpy", "pillow", "pillow-heif", "opencv-python-headless")
PACKAGES += ("ai-edge-litert", "pyarrow", "ray")


def describe(job: Job) -> dict:
    """All that the answers of a job depend on. Loads the model; raises `BadModel`."""
    classifier = load(job)
    outliner = classifier.outliner
    trust = classifier.trust
    file = outliner.interpreters.file
    return {
        "photos": str(job.photos.resolve()),
        "model": {"name": classifier.card.name, "sha256": classifier.digest()},
        "views": classifier.mode,
        "temperature": trust.temperature,
        "set_threshold": trust.set_threshold,
        "coverage": trust.coverage,
        "novelty_threshold": trust.novelty_threshold,
        "outliner": {"name": outliner.card.name, "sha256": sha256_of(file)},
        "quality_thresholds": outliner.thresholds,
        "outlines": job.outlines,
    }


def begin(job: Job, answers: dict) -> None:
    """Nothing; makes the folder of the rows, or checks that it holds rows of the same answers.

    Raises `ZooError` if it holds others, or something else.
    """
    file = job.out / NAME
    if job.out.exists() and not job.out.is_dir():
        raise ZooError("no_folder", path=job.out)
    if not file.is_file():
        if job.out.is_dir() and any(job.out.iterdir()):
            raise ZooError("score_foreign_folder", folder=job.out)
        _write(job.out, {"notice": NOTICE, "answers": answers, "counts": {}, "runs": []})
        return
    begun = read(job.out)["answers"]
    for key, value in json.loads(json.dumps(answers)).items():
        if begun.get(key) != value:
            raise ZooError(
                "score_differs", folder=job.out, key=key, begun=begun.get(key), asked=value
            )
    parts.remove_partials(job.out)


def finish(job: Job, engine: str, scored: int, seconds: float) -> dict:
    """The whole manifest, after a run to the end; counts are those of all rows in the folder."""
    by_error = parts.errors_in(job.out)
    answered = by_error.pop(None, 0)
    whole = read(job.out)
    whole["counts"] = {
        "photos": answered + by_error.total(),
        "answered": answered,
        "errors": dict(sorted(by_error.items())),
    }
    run = {"engine": engine, "scored": scored, "seconds": round(seconds, 1)}
    whole["runs"].append({**run, "versions": _versions()})
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
    draft = folder / f".{NAME}.{secrets.token_hex(4)}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
        draft.replace(folder / NAME)
    except OSError as fault:
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
