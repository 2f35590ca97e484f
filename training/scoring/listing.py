"""The photos of an archive, in order of folders and names, never all of them in memory."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from model_zoo.images import SUFFIXES


def photos_in(root: Path, closed: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """The photos below a folder, by their paths in it; links to folders are followed.

    A link to a folder that the way to it leads through is not, so that the list has an end. closed:
    told why a folder cannot be listed, whose photos are then left out.
    """
    for folder, below, files in os.walk(root, onerror=closed, followlinks=True):
        below[:] = sorted(name for name in below if not _leads_back(Path(folder, name)))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES):
                yield os.path.relpath(os.path.join(folder, name), root)


def shown(name: str) -> str:
    """A path as it is written into a row: with `/`, and bytes that are no text as `\\xNN`.

    A backslash that is part of a name is doubled, so that no other name is written like it.
    """
    raw = os.fsencode(name)
    if os.sep == "/":
        raw = raw.replace(b"\\", b"\\\\")
    return raw.decode("utf-8", errors="backslashreplace").replace(os.sep, "/")


def _leads_back(folder: Path) -> bool:
    if not folder.is_symlink():
        return False
    target = folder.resolve()
    # Each folder on the way as it was reached, for two links may lead to one another's place.
    return any(above.resolve().is_relative_to(target) for above in folder.parents)
