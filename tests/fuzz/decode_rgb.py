"""Coverage-guided fuzzing of the decoder: python -m tests.fuzz.decode_rgb -max_total_time=600

Begins with the corpus of hostile files. Two decodes at once, as on a server; stops with status 1 at
the first file that raises anything but `BadImage`, takes over two seconds, or over 1 GB of memory.
Options are libFuzzer's. Instrumented are the project's own decoder and the Python part of Pillow;
the C libraries below are fuzzed by their own projects.
"""

import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["model_zoo.images", "PIL"]):
    from model_zoo.errors import BadImage
    from model_zoo.images import decode_rgb

from tests.model_zoo.hostile import corpus

LIMITS = ["-timeout=2", "-rss_limit_mb=1024", "-max_len=262144"]
pool = ThreadPoolExecutor(1)


def target(data: bytes) -> None:
    """Nothing; raises on whatever may not happen."""
    beside = pool.submit(_decode, data)
    _decode(data)
    beside.result()


def _decode(data: bytes) -> None:
    try:
        rgb = decode_rgb(data)
    except BadImage as fault:
        if not str(fault).endswith("."):
            raise AssertionError(f"No sentence: {fault}") from fault
        return
    if rgb.dtype.name != "uint8" or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise AssertionError(f"Expected uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")


def main() -> None:
    """Nothing; fuzzes until a limit of libFuzzer ends it."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as seeds:
        for number, (_, data) in enumerate(corpus()):
            if len(data) <= 262_144:
                Path(seeds, str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:], seeds], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
