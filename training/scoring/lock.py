"""One run a folder of rows: two would write the same rows twice."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock

from model_zoo.errors import SENTENCES, ZooError

# Readers of Parquet folders leave out names that begin with an underscore.
NAME = "_lock"


@contextlib.contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Nothing; while it lasts, no other run gets here for the same folder, which is made if absent.

    The system itself holds the lock (`flock`) and lets go of it when a process ends, however it
    ends: the file stays and means nothing. Raises `ZooError` where another run has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault
    # What it would fall back to, a file that means something, outlives a run that is killed.
    lock = filelock.FileLock(folder / NAME, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as fault:
        raise ZooError("score_locked", folder=folder) from fault
    except PermissionError as fault:
        raise ZooError("score_not_written", folder=folder, problem=fault) from fault
    except (OSError, NotImplementedError) as fault:  # a network disk whose server locks nothing
        said = SENTENCES["score_no_lock"].format(folder=folder, problem=fault)
        print(said, file=sys.stderr, flush=True)
    try:
        yield
    finally:
        lock.release()
