"""From files to rows: read, decoded, analysed, and put into the columns of `parts.SCHEMA`."""

import hashlib
from pathlib import Path

from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier, Prepared
from model_zoo.errors import BadImage
from model_zoo.images import MAX_BYTES, decode_rgb
from model_zoo.predict import read_bytes
from model_zoo.store import sha256_of
from training.scoring.listing import shown


def read(file: Path, classifier: Classifier) -> tuple[str | None, Prepared | BadImage]:
    """The sha256 of a file, None where it cannot be read, and its photo or what is wrong.

    Where the storage fails, the code is one of `parts.UNREAD`.
    """
    digest = None
    try:
        data = read_bytes(file)
        whole = len(data) <= MAX_BYTES
        digest = hashlib.sha256(data).hexdigest() if whole else _sha256_of_large(file)
        return digest, classifier.prepare(decode_rgb(data))
    except BadImage as fault:
        return digest, fault


def without_answer(name: str, digest: str | None, code: str) -> dict:
    """The row of a photo that has an error code instead of an answer."""
    return {"path": shown(name), "sha256": digest, "error": code}


def with_answer(name: str, digest: str, analysis: Analysis) -> dict:
    """The row of a photo that was analysed."""
    row = {
        "path": shown(name),
        "sha256": digest,
        "error": None,
        "malignant_probability": analysis.malignant_probability,
        "prediction_set": analysis.prediction_set,
        "status": analysis.status,
        "outline": analysis.outline_record(),
    }
    raw = analysis.answers.mean(axis=0)
    for index, code in enumerate(analysis.labels):
        row[f"raw_{code}"] = float(raw[index])
        row[f"calibrated_{code}"] = float(analysis.probabilities[index])
    for code, check in analysis.checks.items():
        row |= {code: check.value, f"{code}_ok": check.ok}
    return row


def _sha256_of_large(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as fault:  # it was there a moment ago: one row must not end the run
        raise BadImage("unreadable_file", path=file, problem=fault.strerror) from fault
