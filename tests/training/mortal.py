"""Workers that die: found by its name in processes that are begun afresh."""

import os
import signal

from training.scoring import apart
from training.scoring.scorer import Scorer

DEADLY = "0/veil.jpg"  # of the drawn samples


class KilledOnce(Scorer):
    """Is killed once, in the middle of a part; the file `killed` says what lay there then."""

    def read(self, name):
        found = super().read(name)
        marker = self.job.out.parent / "killed"
        if not marker.exists():
            marker.write_text("\n".join(file.name for file in self.job.out.iterdir()))
            os.kill(os.getpid(), signal.SIGKILL)
        return found


class FailsAtOnePhoto(Scorer):
    """Raises what nobody expects at one photo, as a fault in a library would."""

    def read(self, name):
        if name == DEADLY:
            raise ValueError("no photo was ever like this")
        return super().read(name)


class DiesOfOnePhoto(Scorer):
    """Ends with its process at one photo, as a decoder that crashes would."""

    def read(self, name):
        if name == DEADLY:
            os._exit(1)
        return super().read(name)


class EndsAsItBegins(Scorer):
    """Ends with its process before it has loaded anything, as one without memory would."""

    def __init__(self, *given):
        # Sooner than in earnest, and as soon on a machine with many cores.
        apart.STARTS, apart.usable_cores = 1, lambda: 1
        super().__init__(*given)

    def _load(self):
        os._exit(1)
