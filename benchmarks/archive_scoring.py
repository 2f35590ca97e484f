"""Scoring of an archive: photos per second of both engines, beside the bare forward pass.

    python benchmarks/archive_scoring.py --photos FOLDER [--count 2000] [--batch 8]

The bare pass runs the same two networks (classes, outline) on squares that lie in memory, as fast
as it can on all cores: the faster of one caller with a thread a core, and one caller a core, each
the mean of a run at the beginning and one at the end. Every file is read once before. "checks": all
columns but the outline, which is neither traced nor measured; "all": that too. An engine's rate
counts from when every core has written its first part, so its start stands apart. "core ms": time
of a processor core that this process took for a photo, which says more than the rate where
something else runs too; Ray's workers are other processes. Memory is that of this process, of Ray
that of its workers together, after a quarter and at the end (Linux). All in turn in one run; run it
when nothing else runs. `--count` may exceed the photos in the folder: they come again then.
"""

import argparse
import itertools
import math
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from model_zoo.classifier import Classifier
from model_zoo.cores import usable_cores
from model_zoo.images import decode_rgb
from model_zoo.segmentation import Outliner
from training.scoring.answers import describe
from training.scoring.engines import ENGINES, LOCAL
from training.scoring.job import Job, absolute
from training.scoring.listing import photos_in
from training.scoring.scorer import load

CORES = usable_cores()
IN_MEMORY = 256  # squares of the bare pass
PARTS = 20  # in each run of an engine


def networks(threads: int) -> Classifier:
    """The default classifier with its outliner, each call on so many threads."""
    return Classifier.load(outliner=Outliner.load(threads=threads), threads=threads)


def bare_rates(files: list[Path], count: int, batch: int) -> list[tuple[float, float]]:
    """Photos per second and core ms, of one caller with a thread a core, of one caller a core."""
    alone = networks(CORES)
    prepared = [alone.prepare(decode_rgb(file.read_bytes())) for file in files]
    squares = np.stack([photo.square.pixels for photo in prepared])
    frames = np.stack([photo.frame.pixels for photo in prepared])
    starts = [at % (len(squares) - batch + 1) for at in range(0, count, batch)]

    def run(classifier: Classifier, chosen: list[int]) -> None:
        for at in chosen:
            classifier.engine.run(squares[at : at + batch])
            classifier.outliner.run(frames[at : at + batch])

    def rate(callers: list[Classifier]) -> tuple[float, float]:
        for caller in callers:
            run(caller, starts[:1])
        shares = [starts[n :: len(callers)] for n in range(len(callers))]
        with ThreadPoolExecutor(len(callers)) as pool:
            began, used = time.perf_counter(), time.process_time()
            list(pool.map(run, callers, shares))
            seconds, used = time.perf_counter() - began, time.process_time() - used
        photos = len(starts) * batch
        return photos / seconds, 1000 * used / photos

    return [rate([alone]), rate([networks(1) for _ in range(CORES)])]


def engine_row(engine: str, job: Job, names: list[str]) -> tuple[float, float | None, list[float]]:
    """Photos per second, core ms, and: seconds of the start, MB after a quarter, MB at the end."""
    answers = describe(job, load(job))
    waiting = (names[at : at + job.part] for at in range(0, len(names), job.part))
    began, ends, used, megabytes = time.perf_counter(), [], [], []
    for _ in ENGINES[engine](job, answers, waiting):
        ends.append(time.perf_counter() - began)
        used.append(time.process_time())
        megabytes.append(resident(engine))
    first = min(CORES, len(ends) - 1) - 1
    later = len(names) - (first + 1) * job.part
    rate = later / (ends[-1] - ends[first])
    cores = 1000 * (used[-1] - used[first]) / later if engine == LOCAL else None
    start = ends[first] - (first + 1) * job.part / rate
    return rate, cores, [start, megabytes[len(megabytes) // 4], megabytes[-1]]


def resident(engine: str) -> float:
    """Memory in MB of this process, or of Ray's workers that have begun to score."""
    folders = [Path("/proc/self")]
    if engine != LOCAL:
        folders = [file.parent for file in Path("/proc").glob("[0-9]*/cmdline") if _scores(file)]
    return sum(map(_pages, folders)) * os.sysconf("SC_PAGESIZE") / 2**20


def _pages(folder: Path) -> int:
    try:
        return int((folder / "statm").read_text("ascii").split()[1])
    except OSError:  # it has ended
        return 0


def _scores(command: Path) -> bool:
    try:
        return command.read_bytes().startswith(b"ray::") and b"Worker" in command.read_bytes()
    except OSError:  # it has ended
        return False


def main() -> int:
    """0; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of readable photos")
    parser.add_argument("--count", type=int, default=2000, help="photos for each row")
    parser.add_argument("--batch", type=int, default=8, help="photos in one call of the networks")
    options = parser.parse_args()
    # Ray begins its workers at a lower priority, and anything else that runs would pass them.
    os.environ.setdefault("RAY_worker_niceness", "0")
    found = list(itertools.islice(photos_in(options.photos), options.count))
    names = list(itertools.islice(itertools.cycle(found), options.count))
    for name in found:  # no row is to be the first to wait for the disk
        (options.photos / name).read_bytes()
    files = [options.photos / name for name in found[:IN_MEMORY]]
    part = -(-options.count // PARTS // options.batch) * options.batch
    if len(found) < options.count and math.lcm(part, len(found)) < options.count:
        parser.error(f"{len(found)} photos in parts of {part} come to equal parts: other --count")

    bare = bare_rates(files, options.count, options.batch)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for engine, outlines in itertools.product(ENGINES, (False, True)):
            out = Path(folder, f"{engine}{outlines}")
            out.mkdir()
            job = Job(options.photos, out, outlines=outlines, part=part, batch=options.batch)
            kind = "all" if outlines else "checks"
            rows.append((f"{engine}, {kind}", *engine_row(engine, absolute(job), names)))
            print(rows[-1], file=sys.stderr, flush=True)
    again = bare_rates(files, options.count, options.batch)
    best = max((one + other) / 2 for (one, _), (other, _) in zip(bare, again, strict=True))
    print(f"{options.count} photos, {CORES} cores, {options.batch} photos a call")
    print("| | photos/s | ratio | core ms | start, s | MB after a quarter | MB at the end |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    kinds = ("a thread a core", "a caller a core")
    for when, rates in (("first", bare), ("last", again)):
        for kind, (rate, cores) in zip(kinds, rates, strict=True):
            print(f"| bare, {kind}, {when} | {rate:.1f} | {rate / best:.2f} | {cores:.1f} | | | |")
    for name, rate, cores, (start, quarter, end) in rows:
        spent = "" if cores is None else f"{cores:.1f}"
        memory = f"{start:.1f} | {quarter:.0f} | {end:.0f}"
        print(f"| {name} | {rate:.1f} | {rate / best:.2f} | {spent} | {memory} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
