"""Whether two scored archives hold the same rows, such as those of the two engines.

    python benchmarks/archive_equal.py ONE.parquet OTHER.parquet

Prints rows, bytes a row, paths that one alone has, and of each column that differs how many rows do
and the largest difference of its numbers. Ends with status 1 where rows differ.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def rows_of(folder: Path) -> pd.DataFrame:
    """The rows of a scored archive, by their paths."""
    return pd.read_parquet(folder).set_index("path").sort_index()


def bytes_of(folder: Path) -> int:
    """What the parts of a scored archive take on the disk."""
    return sum(file.stat().st_size for file in folder.glob("part-*.parquet"))


def differing(one: pd.Series, other: pd.Series) -> tuple[int, float]:
    """How many rows differ, and the largest difference of numbers, nan where there are none."""
    apart = [str(a) != str(b) for a, b in zip(one, other, strict=True)]
    if not pd.api.types.is_float_dtype(one) or not any(apart):
        return sum(apart), float("nan")
    return sum(apart), float(np.nanmax(np.abs(one - other)))


def main() -> int:
    """0 where the rows are the same; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs=2, type=Path, metavar="FOLDER")
    folders = parser.parse_args().folders
    one, other = map(rows_of, folders)
    for folder, rows in zip(folders, (one, other), strict=True):
        errors = int(rows["error"].notna().sum())
        each = bytes_of(folder) / len(rows)
        print(f"{folder}: {len(rows)} rows, {errors} with an error, {each:.0f} bytes a row")
    alone = one.index.symmetric_difference(other.index)
    print(f"paths that one alone has: {len(alone)}")
    common = one.index.intersection(other.index)
    found = {c: differing(one.loc[common, c], other.loc[common, c]) for c in one.columns}
    found = {column: gap for column, gap in found.items() if gap[0]}
    print(f"columns that differ: {len(found)} of {len(one.columns)}")
    for column, (count, largest) in found.items():
        print(f"| {column} | {count} rows | {largest:.2g} |")
    return 1 if found or len(alone) else 0


if __name__ == "__main__":
    sys.exit(main())
