"""Many users at once on one server: is every answer right, how long does it take, does memory grow?

    python -m benchmarks.load                           25 users for 5 minutes, beside one alone
    python -m benchmarks.load --users 5 --seconds 30
    python -m benchmarks.load --users 150 --pause 0     more than it can serve: how fast is "busy"?

Starts the app as it is deployed, on loopback. Every photo is another one, and every answer is
compared with the one that the model gives here: exit status 1 if any differs, or on any error.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from benchmarks.streamlit_client import Visitor
from model_zoo.classifier import Classifier
from model_zoo.errors import SENTENCES
from model_zoo.images import decode_rgb
from streamlit_app.local_server import SAMPLES, running, wait_for

PHOTOS = sorted(SAMPLES.glob("*.jpg"))
TOLERANCE = 1e-4  # the JSON has probabilities with six decimals
ALONE_SECONDS = 20
MIB = 2**20


@dataclass
class Outcome:
    """What one user met.

    answers: (photo's number, record); seconds, busy: how long each took; asked_again: requests that
    had to be sent twice, since the server closed a kept connection just then.
    """

    answers: list[tuple[int, dict]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    asked_again: int = 0


def main() -> int:
    """0 where every answer was right and no error came; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--pause", type=float, default=5.0, help="mean seconds between two photos")
    parser.add_argument("--url", help="of a server that runs already; memory is not measured then")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        server, url = None, options.url
        if url:
            wait_for(url)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            # As in the Dockerfile: else the C library keeps what threads freed apart, for each.
            started = running(Path(folder), MALLOC_ARENA_MAX="2")
            server, url = stack.enter_context(started)
        alone = crowd(url, 1, min(ALONE_SECONDS, options.seconds), 0.2)
        memory = Memory(server.pid) if server else None
        many = crowd(url, options.users, options.seconds, options.pause)
        grown = memory.stop() if memory else []
    wrong = wrong_answers(alone + many)
    report(options, alone, many, grown, wrong)
    return 1 if wrong or any(one.errors for one in alone + many) else 0


def photo(number: int) -> bytes:
    """A photo of its own for every number: a drawn sample, moved, dimmed and encoded anew."""
    random = np.random.default_rng(number)
    rgb = decode_rgb(PHOTOS[number % len(PHOTOS)].read_bytes())
    rgb = np.roll(rgb, random.integers(-40, 40, 2), (0, 1))
    rgb = np.clip(rgb * random.uniform(0.75, 1.1, 3), 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def crowd(url: str, users: int, seconds: float, pause: float) -> list[Outcome]:
    """What each of so many users met in so many seconds, pausing between photos.

    All have the page open and a photo at hand before the clock runs.
    """
    outcomes = [Outcome() for _ in range(users)]
    ready = threading.Barrier(users)
    threads = [
        threading.Thread(target=_user, args=(url, place, ready, seconds, pause, outcome))
        for place, outcome in enumerate(outcomes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def _user(
    url: str,
    place: int,
    ready: threading.Barrier,
    seconds: float,
    pause: float,
    outcome: Outcome,
) -> None:
    random = np.random.default_rng(place)
    number = place * 100_000
    data = photo(number)
    try:
        visitor = Visitor(url)
        ready.wait(300)
        end = time.monotonic() + seconds
        time.sleep(random.uniform(0, pause))
        while time.monotonic() < end:
            told = visitor.analyse(f"{number}.jpg", data)
            if SENTENCES["busy"] in told.warnings:
                outcome.busy.append(told.seconds)  # the same photo comes again
            else:
                if told.record is None:
                    outcome.errors.append(f"{number}.jpg: {told.warnings}")
                else:
                    outcome.answers.append((number, told.record))
                    outcome.seconds.append(told.seconds)
                number += 1
                data = photo(number)
            time.sleep(random.exponential(pause) if pause else 0)
        outcome.asked_again = visitor.asked_again
        visitor.close()
    except Exception as fault:
        ready.abort()
        outcome.errors.append(f"{type(fault).__name__}: {fault}")


def wrong_answers(outcomes: list[Outcome]) -> list[str]:
    """A line for each answer that is not the one of its user's photo."""
    reader = Classifier.load()
    found = []
    for number, record in [answer for one in outcomes for answer in one.answers]:
        expected = reader.analyse(photo(number))
        apart = max(
            abs(expected.probability(code) - probability)
            for code, probability in record["probabilities"].items()
        )
        if record["file"] != f"{number}.jpg" or apart > TOLERANCE:
            found.append(f"{number}: the page told of {record['file']}, {apart:.2g} apart")
    return found


class Memory:
    """The server's resident memory, read each second from /proc until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._samples: list[float] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[float]:
        """MiB, second by second."""
        self._stopped.set()
        self._thread.join()
        return self._samples

    def _watch(self) -> None:
        while not self._stopped.wait(1):
            line = next(
                line for line in self._status.read_text().splitlines() if line.startswith("VmRSS")
            )
            self._samples.append(int(line.split()[1]) * 1024 / MIB)


def report(
    options: argparse.Namespace,
    alone: list[Outcome],
    many: list[Outcome],
    memory: list[float],
    wrong: list[str],
) -> None:
    """Nothing; prints the table."""
    print(f"| {'':24} | one alone | {options.users} users | ratio |")
    print("|---|---:|---:|---:|")
    rows = [np.concatenate([one.seconds for one in group] or [[]]) for group in (alone, many)]
    for title, share in (("median, s", 50), ("95th percentile, s", 95), ("longest, s", 100)):
        one, crowded = (np.percentile(row, share) if len(row) else np.nan for row in rows)
        print(f"| {title:24} | {one:.3f} | {crowded:.3f} | {crowded / one:.1f} |")
    print(f"| {'answers':24} | {len(rows[0])} | {len(rows[1])} | |")
    busy = [seconds for one in many for seconds in one.busy]
    print(f"| {'told to try again':24} | 0 | {len(busy)} | |")
    if busy:
        longest = f"| {max(busy):.2f} | |"
        print(f"| {'  until told, median, s':24} | | {np.median(busy):.2f} | |")
        print(f"| {'  until told, longest, s':24} | {longest}")
    errors = [line for one in alone + many for line in one.errors]
    print(f"| {'errors':24} | | {len(errors)} | |")
    print(f"| {'requests sent again':24} | | {sum(one.asked_again for one in many)} | |")
    print(f"| {'answers of another photo':24} | | {len(wrong)} | |")
    for second in range(60, len(memory), 60):
        title = f"memory after {second // 60} min, MiB"
        print(f"| {title:24} | | {np.mean(memory[second - 5 : second]):.0f} | |")
    for line in (errors + wrong)[:10]:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
