"""Whose photo is read and drawn now, who waits, and who is told that the server is busy.

A network reads one photo on all cores, and Python draws one page at a time, so more at once are not
faster; what arrives beyond a short queue gets a sentence at once instead of a page that hangs.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from model_zoo.cores import usable_cores
from model_zoo.errors import ZooError

# Longer than this nobody is left to wonder; "busy" comes within two seconds, drawing included.
PATIENCE_SECONDS = 0.5
# Twice as many at a time served no more users, and each of them waited three times as long
# (benchmarks/load.py with 60 users: 2.4 s instead of 0.7).
SLOTS = usable_cores()
QUEUE = 6 * SLOTS


class Turnstile:
    """Lets `slots` threads in at a time and `queue` wait; refuses the others with a sentence."""

    def __init__(self, slots: int, queue: int, patience: float) -> None:
        """slots, queue: at least 1 and 0; patience: seconds that one may wait for a turn."""
        self._room = threading.BoundedSemaphore(slots + queue)
        self._slots = threading.BoundedSemaphore(slots)
        self._patient = threading.Lock()
        self._patience = patience

    @contextmanager
    def turn(self, *, patient: bool = False, patience: float | None = None) -> Iterator[None]:
        """A turn; patient: wait as long as it takes, for what no one is looking at meanwhile.

        The patient take one slot at a time between them and no place in the queue, so that however
        many they are, the others do not hear "busy" for it. Not to be nested. patience: in seconds,
        if not the usual one, for who was let in before and has work to lose. Raises `ZooError` with
        the code `busy` where the queue is full or the wait too long.
        """
        if patient:
            with self._patient, self._slots:
                yield
            return
        if not self._room.acquire(blocking=False):
            raise ZooError("busy")
        try:
            if not self._slots.acquire(timeout=self._patience if patience is None else patience):
                raise ZooError("busy")
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._room.release()


turns = Turnstile(SLOTS, QUEUE, PATIENCE_SECONDS)
