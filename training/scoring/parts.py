"""Parquet parts: the columns of a row, and files that are either whole or not there."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model_zoo.errors import ZooError
from model_zoo.labels import CODES

# Codes of the checks that an analysis can hold (see `model_zoo.classifier`).
CHECKS = ("novelty", "small", "blur", "bright", "dim", "hair", "ink", "ruler")
OUTLINE = pa.struct(
    [
        ("area_fraction", pa.float64()),
        ("box", pa.list_(pa.int32())),
        ("touches_border", pa.bool_()),
        ("asymmetry_major", pa.float64()),
        ("asymmetry_minor", pa.float64()),
        ("border_irregularity", pa.float64()),
        ("colours", pa.list_(pa.string())),
        ("diameter_fraction", pa.float64()),
    ]
)
# path: in the archive. sha256: of the file, null where it cannot be read. error: a code of
# `errors.toml`; with one, all that follows is null. raw_*: probabilities before the temperature,
# calibrated_*: after it, 0..1. <check>, <check>_ok: its value and whether it passed, null where it
# is not made.
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("error", pa.string()),
        *((f"raw_{code}", pa.float64()) for code in CODES),
        *((f"calibrated_{code}", pa.float64()) for code in CODES),
        ("malignant_probability", pa.float64()),
        ("prediction_set", pa.list_(pa.string())),
        ("status", pa.string()),
        *((code, pa.float64()) for code in CHECKS),
        *((f"{code}_ok", pa.bool_()) for code in CHECKS),
        ("outline", OUTLINE),
    ]
)


def write(rows: list[dict], folder: Path) -> Path:
    """The file that these rows are now in, named after their paths.

    The same rows scored again take the place of the first. Raises `ZooError` on a full disk.
    """
    key = hashlib.sha256("\n".join(row["path"] for row in rows).encode()).hexdigest()[:24]
    target = folder / f"part-{key}.parquet"
    partial = folder / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), partial, compression="zstd")
        partial.replace(target)
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault
    return target


def remove_partials(folder: Path) -> None:
    """Nothing; removes what workers that were killed have left unfinished."""
    for file in folder.glob(".part-*.partial"):
        file.unlink(missing_ok=True)


def paths_in(folder: Path) -> set[str]:
    """The paths of all photos that have a row. Raises `ZooError` for a damaged part."""
    return {path for column in _columns(folder, "path") for path in column}


def errors_in(folder: Path) -> Counter:
    """How many rows there are by their error code, None for those with an answer."""
    return Counter(code for column in _columns(folder, "error") for code in column)


def _columns(folder: Path, name: str) -> Iterator[list]:
    for file in sorted(folder.glob("part-*.parquet")):
        try:
            yield pq.read_table(file, columns=[name], partitioning=None)[name].to_pylist()
        except (OSError, pa.ArrowException) as fault:
            raise ZooError("score_bad_part", file=file, problem=fault) from fault
