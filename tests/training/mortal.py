"""Workers that die: found by its name in processes that are begun afresh."""

import os
import signal
import time

from training.scoring import apart
from training.scoring.scorer import Scorer

DEADLY = "0/veil.jpg"  # of the drawn samples


class KilledOnce(Scorer):
    """Is killed while it works on the first part of all."""

    def __call__(self, batch):
        marker = self.job.out.parent / "killed"
        if not marker.exists():
            marker.touch()
            self._pool.submit(self._write_part, batch["names"][0])
            time.sleep(0.3)  # until the part is under way
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


class DiesOfOnePhoto(Scorer):
    """Ends with its process at one photo, as a decoder that crashes would."""

    def read(self, name, classifier):
        if name == DEADLY:
            os._exit(1)
        return super().read(name, classifier)


class EndsAsItBegins(Scorer):
    """Ends with its process before it has loaded anything, as one without memory would."""

    def __init__(self, *given):
        # Sooner than in earnest, and as soon on a machine with many cores.
        apart.STARTS, apart.usable_cores = 1, lambda: 1
        super().__init__(*given)

    def _load(self):
        os._exit(1)
