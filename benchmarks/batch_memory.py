"""The peak memory of a batch as the Batch page reads it, photo after photo, beside that of one.

    python -m benchmarks.batch_memory [--photos 500] [--side 2800]

Photos are drawn samples, enlarged to this many pixels on the longer side, each another one, in one
zip that stays below the page's limit of bytes. Each row is a process of its own.
"""

import argparse
import io
import resource
import subprocess
import sys
import time
import zipfile

import cv2
import numpy as np

from model_zoo.classifier import Classifier
from model_zoo.images import decode_rgb
from model_zoo.segmentation import bundled_outliner
from streamlit_app.batch import MOST_BYTES, Job, queue
from streamlit_app.local_server import SAMPLES

MIB = 2**20
QUALITY = 60  # small enough for 500 large photos within the limit of bytes


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--side", type=int, default=2800)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)  # a row's own process
    options = parser.parse_args()
    if options.count:
        print(_row(options.count, options.side))
        return
    print("| photos | read | zip, MiB | photos/s | peak memory, MiB | of it before |")
    print("|---:|---:|---:|---:|---:|---:|", flush=True)
    for count in (1, options.photos):
        words = ["--count", str(count), "--side", str(options.side)]
        command = [sys.executable, "-m", "benchmarks.batch_memory", *words]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(1)  # it has said why


def _row(count: int, side: int) -> str:
    """A line of the table."""
    archive = _archive(count, side)
    reader = Classifier.load(outliner=bundled_outliner())
    before = _peak()
    began = time.perf_counter()
    found = queue([("photos.zip", archive)])
    job = Job(reader, found.photos)
    job.wait()
    seconds = time.perf_counter() - began
    read = sum(row.status != "unreadable" for row in job.rows)
    size = len(archive) / MIB
    rate = count / seconds
    return f"| {count} | {read} | {size:.0f} | {rate:.1f} | {_peak():.0f} | {before:.0f} |"


def _archive(count: int, side: int) -> bytes:
    """A zip of so many photos, all different, within the page's limit of bytes."""
    stream = io.BytesIO()
    samples = [decode_rgb(file.read_bytes()) for file in sorted(SAMPLES.glob("*.jpg"))]
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(count):
            rgb = np.roll(samples[number % len(samples)], number, axis=1)
            scale = side / max(rgb.shape[:2])
            large = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
            setting = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
            encoded = cv2.imencode(".jpg", large[..., ::-1], setting)[1].tobytes()
            archive.writestr(f"{number}.jpg", encoded)
    if stream.tell() > MOST_BYTES:
        raise SystemExit(f"{stream.tell() / MIB:.0f} MiB are over the page's limit: --side smaller")
    return stream.getvalue()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


if __name__ == "__main__":
    main()
