"""Pixels made once by the functions that serve, and kept in the cache for all runs after."""

import hashlib
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

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
    which tells what else the pixels depend on. Raises `BadData` naming the first unreadable photo,
    or leaves such out with `skip_broken`, and when there is no room.
    """
    place = _place(files, shape, about)
    if not place.exists():
        _make(files, shape, read, place)
    broken = _read_broken(place)
    if broken and not skip_broken:
        name, problem = next(iter(broken.items()))
        raise BadData("unreadable_images", count=len(broken), first=name, problem=problem)
    made = np.load(place, mmap_mode="r")
    if not broken:
        return made, np.arange(len(files))
    kept = np.array([i for i, file in enumerate(files) if file.stem not in broken], dtype=int)
    return made[kept], kept


def _place(files: list[Path], shape: tuple[int, int, int], about: str) -> Path:
    states = (file.stat() for file in files)
    lines = (f"{f.stem} {s.st_size} {s.st_mtime_ns}" for f, s in zip(files, states, strict=True))
    folder = files[0].parent.resolve() if files else ""
    key = "\n".join([str(folder), "x".join(map(str, shape)), about, *lines])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return cache_folder("squares") / f"{len(files)}x{shape[0]}-{digest}.npy"


def _make(
    files: list[Path], shape: tuple[int, int, int], read: Callable[[int], np.ndarray], place: Path
) -> None:
    # Another process may make the same pixels at the same time.
    partial = place.with_suffix(f".{secrets.token_hex(4)}.partial")
    size = len(files) * int(np.prod(shape))
    if shutil.disk_usage(place.parent).free < size + 2**20:  # a mapped file would end the process
        raise BadData("no_room", folder=place.parent, megabytes=size / 1e6)
    made = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(files), *shape))
    broken: dict[str, str] = {}
    bar = keras.utils.Progbar(len(files), unit_name="photo")

    def put(index: int) -> None:
        try:
            made[index] = read(index)
        except BadImage as fault:
            broken[files[index].stem] = str(fault)

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


def _read_broken(place: Path) -> dict[str, str]:
    lines = place.with_suffix(".broken").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)
