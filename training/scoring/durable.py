"""Files that are whole on the disk, or not there at all, even where the power fails."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from model_zoo.errors import ZooError

PARTIAL = ".partial"


@contextlib.contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `target` once it has reached the disk.

    Raises `ZooError` on a full or faulty disk; then `target` is what it was before.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as fault:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ZooError("score_not_written", folder=target.parent, problem=fault) from fault


def _sync_folder(folder: Path) -> None:
    """Nothing; brings the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some network disks sync none
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
