"""Parquet parts: the columns of a row, and files that are either whole or not there."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from training.scoring.durable import PARTIAL, written_whole

# Codes of photos that the storage did not give. Their rows are no answer: such a photo is tried
# again, in this run and in the next. All other codes are of photos that were read.
MISSING, UNREADABLE = "missing_file", "unreadable_file"
UNREAD = (MISSING, UNREADABLE)

# Codes of the checks that an analysis can hold (see `model_zoo.classifier`).
CHECKS = ("novelty", "lesion", "small", "blur", "bright", "dim", "hair", "ink", "ruler")
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
# `errors.toml`, one of `UNREAD` where it could not be read; with one, all that follows is null.
# raw_*: probabilities before the temperature,
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


def key_of(paths: list[str]) -> str:
    """The key in hex of the part that holds the rows of these paths."""
    return hashlib.sha256("\n".join(paths).encode()).hexdigest()[:24]


def file_of(key: str, folder: Path) -> Path:
    """Where the part of a key lies."""
    return folder / f"part-{key}.parquet"


def codes_in(key: str, folder: Path) -> list[str | None] | None:
    """The error codes of the rows of the part of a key; None if there is no such part."""
    file = file_of(key, folder)
    return _column(file, "error") if file.is_file() else None


def write(rows: list[dict], folder: Path) -> Path:
    """The file that these rows are now in, named after their paths.

    The same rows scored again take the place of the first. Raises `ZooError` on a full disk.
    """
    target = file_of(key_of([row["path"] for row in rows]), folder)
    _write_table(pa.Table.from_pylist(rows, SCHEMA), target)
    return target


def drop(folder: Path, codes: tuple[str, ...] = UNREAD) -> int:
    """How many rows with one of these errors are now removed, for their photos to be tried again.

    Raises `ZooError` for a damaged part, and on a full disk.
    """
    dropped = 0
    for file in sorted(folder.glob("part-*.parquet")):
        dropped += _keep(file, [code not in codes for code in _column(file, "error")])
    return dropped


def drop_doubles(folder: Path) -> int:
    """How many rows are now removed whose photo has another one.

    A worker that outlived its run may have written them, in a part cut otherwise than those of the
    next run. A row with an answer is kept rather than one with an error. Raises `ZooError` for a
    damaged part, and on a full disk.
    """
    files = sorted(folder.glob("part-*.parquet"))
    rows = [(_column(file, "path"), _column(file, "error")) for file in files]
    answered = {
        path
        for paths, codes in rows
        for path, code in zip(paths, codes, strict=True)
        if code is None
    }
    seen: set[str] = set()
    dropped = 0
    for file, (paths, codes) in zip(files, rows, strict=True):
        kept = []
        for path, code in zip(paths, codes, strict=True):
            kept.append(path not in seen and (code is None or path not in answered))
            if kept[-1]:
                seen.add(path)
        dropped += _keep(file, kept)
    return dropped


def _keep(file: Path, kept: list[bool]) -> int:
    """How many rows of a part are now removed: those that are not kept."""
    if not any(kept):
        file.unlink(missing_ok=True)
    elif not all(kept):
        whole = pq.read_table(file, partitioning=None)
        _write_table(whole.filter(pa.array(kept)), file)
    return kept.count(False)


def remove_partials(folder: Path) -> None:
    """Nothing; removes what runs that were killed have left unfinished."""
    for file in filter(is_partial, list(folder.iterdir())):
        file.unlink(missing_ok=True)


def is_partial(file: Path) -> bool:
    """Whether a file is one that was not written to its end (see `durable`)."""
    return file.name.startswith(".") and file.name.endswith(PARTIAL)


def paths_in(folder: Path) -> set[str]:
    """The paths of all photos that have a row. Raises `ZooError` for a damaged part."""
    return {path for column in _columns(folder, "path") for path in column}


def errors_in(folder: Path) -> Counter:
    """How many rows there are by their error code, None for those with an answer."""
    return Counter(code for column in _columns(folder, "error") for code in column)


def _columns(folder: Path, name: str) -> Iterator[list]:
    for file in sorted(folder.glob("part-*.parquet")):
        yield _column(file, name)


def _column(file: Path, name: str) -> list:
    try:
        return pq.read_table(file, columns=[name], partitioning=None)[name].to_pylist()
    except (OSError, pa.ArrowException) as fault:
        raise ZooError("score_bad_part", file=file, problem=fault) from fault


def _write_table(table: pa.Table, target: Path) -> None:
    with written_whole(target) as partial:
        pq.write_table(table, partial, compression="zstd")
