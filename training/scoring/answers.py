"""All that the rows of an archive depend on, so that rows of one folder have one origin."""

import functools
import hashlib
import importlib.metadata
import json
from pathlib import Path

import cv2

import model_zoo
from model_zoo.classifier import Classifier
from training.scoring.job import Job
from training.scoring.listing import shown

# Their code decides what a pixel is and what a network says of it.
DECIDING = ("numpy", "pillow", "pillow-heif", "ai-edge-litert")
ROW_CODE = ("apart.py", "listing.py", "parts.py", "rows.py", "scorer.py")  # of this package
SHOWN = 5  # differences that are named in a sentence


def describe(job: Job, classifier: Classifier) -> dict:
    """What decides the rows: models by the sha256 of the very bytes that run, settings, versions.

    classifier: of the job, with its outliner.
    """
    outliner, trust = classifier.outliner, classifier.trust
    return {
        "photos": shown(str(job.photos.resolve())),
        "model": {
            "name": classifier.card.name,
            "labels": list(classifier.card.labels),
            "sha256": classifier.digest(),
            "novelty_sha256": classifier.novelty_sha256,
        },
        "views": classifier.mode,
        "temperature": trust.temperature,
        "set_thresholds": json.dumps(trust.set_thresholds),  # one difference, not one a class
        "coverage": trust.coverage,
        "novelty_thresholds": [guard.limit for guard in classifier.guards],
        "novelty_limit": classifier.novelty_limit,
        "outliner": {
            "name": outliner.card.name,
            "sha256": outliner.interpreters.sha256,
        },
        "quality_thresholds": outliner.thresholds,
        "outlines": job.outlines,
        "code": _code_sha256(),
        "packages": {"opencv": cv2.__version__, **versions(DECIDING)},
    }


def differences(known: dict, asked: dict) -> list[str]:
    """What differs between two descriptions, a text each: `packages.numpy (2.3.1, now 2.4.0)`."""
    one, other = _flat(known), _flat(json.loads(json.dumps(asked)))
    return [
        f"{key} ({_shown(one.get(key))}, now {_shown(other.get(key))})"
        for key in sorted({**one, **other})
        if one.get(key) != other.get(key)
    ]


def named(differing: list[str]) -> str:
    """Differences as part of a sentence: the first few, and how many more there are."""
    more = len(differing) - SHOWN
    return "; ".join(differing[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _flat(table: dict, before: str = "") -> dict[str, object]:
    """The values of nested tables by their keys, such as `outliner.sha256`."""
    flat = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat


def _shown(value: object) -> str:
    """A value as it stands in a sentence: None in words, hashes by their beginning."""
    text = "none" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


@functools.cache
def _code_sha256() -> str:
    """The sha256 in hex of the project's own code from photo to row, whatever ends its lines."""
    zoo, here = Path(model_zoo.__file__).parent, Path(__file__).parent
    files = [*sorted(zoo.glob("*.py")), *(here / name for name in ROW_CODE)]
    lines = [f"{file.name}\n{file.read_text(encoding='utf-8')}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
