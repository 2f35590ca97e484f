"""Downloads of weights: one a model for the whole server, each in a thread of its own.

No page waits for one, and a visitor who leaves and comes back finds it where it is.
"""

import threading

from model_zoo.card import Card
from model_zoo.download import fetch
from model_zoo.errors import ZooError
from streamlit_app.log import log_fault

_under_way: dict[str, "Download"] = {}
_beginning = threading.Lock()


class Download:
    """One download. done, total: bytes, total None while unknown; fault: why it failed, or None."""

    def __init__(self, card: Card) -> None:
        self.done, self.total = 0, card.source.size_bytes
        self.fault: ZooError | None = None
        self._card, self._stop = card, threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"fetch {card.name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether bytes are still to come."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Nothing; breaks off. What came is kept, and another one goes on from there."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Nothing; waits until it has ended, at most so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            fetch(self._card.source, self._card.file("keras"), self._report, self._stop)
        except ZooError as fault:
            self.fault = fault
        except Exception as fault:  # nobody waits for this thread who would hear of it
            log_fault(fault)
            self.fault = ZooError("download_fault", name=self._card.name)

    def _report(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total or self.total


def begin(card: Card) -> Download:
    """The download of a model's weights, begun now or already under way."""
    with _beginning:
        found = _under_way.get(card.name)
        if found is None or not found.running:
            found = _under_way[card.name] = Download(card)
        return found


def of(card: Card) -> Download | None:
    """The last download of a model's weights since the server started, or None."""
    return _under_way.get(card.name)


def lacking(card: Card) -> bool:
    """Whether the weights of a model have to be fetched before it can be used."""
    return card.source is not None and not card.file("keras").is_file()
