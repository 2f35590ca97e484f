"""Pixels made once by the functions that serve, and kept in the cache for all runs after."""

import errno
import functools
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from model_zoo import frames, images, jpeg
from model_zoo.cores import reading_threads
from model_zoo.errors import BadData, BadImage
from model_zoo.store import cache_folder


def pixels(
    files: list[Path],
    shape: tuple[int, int, int],
    about: str,
    read: Callable[[int], np.ndarray],
    *,
    skip_broken: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """What `read` gives of each file by its index, uint8 (N, *shape), mapped, and their indices.

    Made on the first call and kept under the names, sizes and dates of the files and `about`,
    which tells what else the pixels depend on, and under the code that reads photos. Raises
    `BadData` naming the first unreadable photo, or with `skip_broken` names such and leaves them
    out, and when there is no room.
    """
    place = _place(files, shape, about)
    if not place.exists():
        _make(files, shape, read, place)
    broken = _read_broken(place)
    if broken and not skip_broken:
        name, problem = next(iter(broken.items()))
        raise BadData("unreadable_images", count=len(broken), first=name, problem=problem)
    if not broken:
        return np.load(place, mmap_mode="r"), np.arange(len(files))
    for name, problem in broken.items():
        print(f"left out: {name}: {problem}", file=sys.stderr)
    kept = np.array([i for i, file in enumerate(files) if file.stem not in broken], dtype=int)
    if not kept.size:
        return np.empty((0, *shape), np.uint8), kept
    # Made once more of the whole ones alone: to pick them out of the map would fill the memory.
    whole, _ = pixels([files[i] for i in kept], shape, about, lambda i: read(int(kept[i])))
    return whole, kept


def _place(files: list[Path], shape: tuple[int, int, int], about: str) -> Path:
    states = (file.stat() for file in files)
    lines = (f"{f.stem} {s.st_size} {s.st_mtime_ns}" for f, s in zip(files, states, strict=True))
    folder = files[0].parent.resolve() if files else ""
    key = "\n".join([str(folder), "x".join(map(str, shape)), about, _code(), *lines])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return cache_folder("squares") / f"{len(files)}x{shape[0]}-{digest}.npy"


@functools.cache
def _code() -> str:
    """The sha256 of the modules that make pixels of a photo, so that no change of them goes by."""
    sources = (Path(module.__file__).read_bytes() for module in (images, jpeg, frames))
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _make(
    files: list[Path], shape: tuple[int, int, int], read: Callable[[int], np.ndarray], place: Path
) -> None:
    # Another process may make the same pixels at the same time.
    partial = place.with_suffix(f".{secrets.token_hex(4)}.partial")
    try:
        _fill(files, shape, read, partial, place)
    finally:
        partial.unlink(missing_ok=True)


def _fill(
    files: list[Path],
    shape: tuple[int, int, int],
    read: Callable[[int], np.ndarray],
    partial: Path,
    place: Path,
) -> None:
    size = len(files) * int(np.prod(shape))
    if shutil.disk_usage(place.parent).free < size + 2**20:  # a mapped file would end the process
        raise BadData("no_room", folder=place.parent, megabytes=size / 1e6)
    made = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(files), *shape))
    _take_room(partial, size)
    broken: dict[str, str] = {}
    bar = keras.utils.Progbar(len(files), unit_name="photo")

    def put(index: int) -> None:
        try:
            made[index] = read(index)
        except BadImage as fault:
            broken[files[index].stem] = str(fault)
        except OSError as fault:
            if fault.errno is None:  # Pillow's, of what a mask holds
                broken[files[index].stem] = str(fault)
                return
            # Of the disk: it may be another at the next call, so nothing of it is kept.
            name, problem = files[index].stem, fault.strerror
            raise BadData("unreadable_images", count=1, first=name, problem=problem) from fault

    with ThreadPoolExecutor(reading_threads()) as pool:
        for done, _ in enumerate(pool.map(put, range(len(files))), start=1):
            if done % 100 == 0 or done == len(files):
                bar.update(done)
    made.flush()
    place.with_suffix(".broken").write_text(
        "".join(f"{name}\t{problem}\n" for name, problem in sorted(broken.items())),
        encoding="utf-8",
    )
    partial.replace(place)


def _take_room(file: Path, size: int) -> None:
    """Nothing; takes the room of a mapped file now, where the system can.

    Another process may have taken it since it was counted, and a page of the map that finds none
    would end this one without a word.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BadData("no_room", folder=file.parent, megabytes=size / 1e6) from fault
        # A file system that cannot promise room is written to all the same.


def _read_broken(place: Path) -> dict[str, str]:
    lines = place.with_suffix(".broken").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)
