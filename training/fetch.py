"""The official ISIC 2019 training data, fetched into the folder layout that training reads."""

import errno
import sys
import time
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import requests

from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS
from model_zoo.download import TIMEOUTS
from model_zoo.errors import BadDownload

# The challenge's own store (challenge.isic-archive.com/data); the photos are about 9 GB.
ADDRESS = "https://isic-challenge-data.s3.amazonaws.com/2019"
ARCHIVE = f"{PHOTOS}.zip"
COMPLETE = ".complete"  # beside the photos once all are there; holds how many
PIECE = 2**16  # what is lost when a connection ends within a piece


def fetch(out: Path, address: str) -> None:
    """Nothing; afterwards `out` holds both tables and the photos.

    What is complete is not fetched again, and a download that broke off goes on where it stopped.
    Every photo is checked by the checksum of the archive. Raises `BadDownload`.
    """
    if out.exists() and not out.is_dir():
        raise BadDownload("no_folder", path=out)
    out.mkdir(parents=True, exist_ok=True)
    for name in (GROUND_TRUTH, METADATA):
        if not (out / name).is_file():
            download(f"{address}/{name}", out / name)
    done = out / PHOTOS / COMPLETE
    if done.is_file() and _photos(out) >= int(done.read_text(encoding="utf-8") or 0):
        (out / ARCHIVE).unlink(missing_ok=True)
        return
    done.unlink(missing_ok=True)  # photos were lost since
    if not (out / ARCHIVE).is_file():
        download(f"{address}/{ARCHIVE}", out / ARCHIVE)
    unpack(out / ARCHIVE, out / PHOTOS)
    done.write_text(str(_photos(out)), encoding="utf-8")
    (out / ARCHIVE).unlink()  # 9 GB that are in the folder now


def _photos(out: Path) -> int:
    return sum(1 for _ in (out / PHOTOS).glob("*.jpg"))


def download(url: str, target: Path) -> None:
    """Nothing; the file lies at `target` once it is whole. Raises `BadDownload`.

    A part that is already here (`.partial`) is gone on with, if the server still has the same file.
    """
    partial, tag = (target.with_name(target.name + end) for end in (".partial", ".partial.etag"))
    have = partial.stat().st_size if partial.is_file() and tag.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text(encoding="utf-8")}
    try:
        with requests.get(url, headers=headers, timeout=TIMEOUTS, stream=True) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                partial.unlink()
                return download(url, target)
            answer.raise_for_status()
            if "html" in answer.headers.get("Content-Type", ""):
                raise BadDownload("download_web_page", url=url)
            have = have if answer.status_code == requests.codes.partial_content else 0
            tag.write_text(answer.headers.get("ETag", ""), encoding="utf-8")
            length = answer.headers.get("Content-Length", "")
            total = have + int(length) if length.isdecimal() else None
            _receive(answer, partial, have, total)
    except requests.HTTPError as fault:
        status = f"{fault.response.status_code} {fault.response.reason}"
        raise BadDownload("download_refused", url=url, status=status) from fault
    except requests.RequestException as fault:
        kept = partial.stat().st_size if partial.is_file() else 0
        raise BadDownload("download_paused", file=target.name, found=kept) from fault
    except OSError as fault:
        raise _not_written(fault, target) from fault
    found = partial.stat().st_size
    if total is not None and found != total:
        raise BadDownload("download_paused", file=target.name, found=found)
    tag.unlink()
    partial.replace(target)
    return None


def _receive(answer: requests.Response, partial: Path, have: int, total: int | None) -> None:
    began, done = time.monotonic(), have
    with partial.open("ab" if have else "wb") as stream:
        for piece in answer.iter_content(PIECE):
            stream.write(piece)
            done += len(piece)
            _show(partial.name.removesuffix(".partial"), done, total, done - have, began)
    print(file=sys.stderr)


def _show(name: str, done: int, total: int | None, received: int, began: float) -> None:
    text = f"\r{name}: {done / 1e6:,.0f} MB"
    if total:
        left = (total - done) * (time.monotonic() - began) / max(received, 1)
        text += f" of {total / 1e6:,.0f}, {left / 60:.0f} min left "
    print(text, end="", file=sys.stderr, flush=True)


def unpack(archive: Path, folder: Path) -> None:
    """Nothing; the photos of the archive lie in `folder`, each with the right checksum.

    Names inside the archive choose no place outside the folder. Raises `BadDownload` for a damaged
    archive, and removes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            photos = [e for e in opened.infolist() if e.filename.lower().endswith(".jpg")]
            for number, entry in enumerate(photos, start=1):
                name = PurePosixPath(entry.filename.replace("\\", "/").replace(":", "/")).name
                target = folder / name
                if not target.is_file() or zlib.crc32(target.read_bytes()) != entry.CRC:
                    part = target.with_suffix(".partial")
                    part.write_bytes(opened.read(entry))  # checks the checksum
                    part.replace(target)
                if number % 500 == 0 or number == len(photos):
                    print(f"\r{number} of {len(photos)} photos", end="", file=sys.stderr)
    except (zipfile.BadZipFile, zlib.error) as fault:
        archive.unlink()
        raise BadDownload("archive_damaged", file=archive.name, problem=fault) from fault
    except OSError as fault:
        raise _not_written(fault, folder) from fault
    print(file=sys.stderr)


def _not_written(fault: OSError, target: Path) -> BadDownload:
    full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
    problem = "the disk is full" if full else (fault.strerror or str(fault))
    return BadDownload("data_not_written", file=target.name, folder=target.parent, problem=problem)
