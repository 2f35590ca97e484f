"""A small archive of photos and broken files, and how the rows that were scored of it are read."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

SAMPLES = sorted((Path(__file__).parents[2] / "streamlit_app" / "samples").glob("*.jpg"))
BROKEN = {
    "empty.jpg": ("empty_file", b""),
    "text.png": ("text_as_image", b"no photo at all, only words"),
    "cut.jpg": ("truncated", SAMPLES[0].read_bytes()[:2000]),
}


def rows_of(folder):
    rows = pq.read_table(folder).to_pylist()
    assert len({row["path"] for row in rows}) == len(rows)
    return {row["path"]: row for row in rows}


def settled(folder):
    """When the parts were written of which every photo could be read."""
    found = {file: pq.read_table(file)["error"].to_pylist() for file in folder.glob("part-*")}
    settled = (file for file, codes in found.items() if "missing_file" not in codes)
    return {file: file.stat().st_mtime_ns for file in settled}


def same(one, other):
    """Whether two values of a row are equal, numbers to 1e-6."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return other == pytest.approx(one, abs=1e-6)
    return one == other
