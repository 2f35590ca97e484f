"""`tiny_run` as one process of several: python tiny_hosts.py ADDRESS PROCESSES PROCESS FOLDER OUT
EPOCHS [FLAG...].

Nothing heavy is imported here, since the parent only watches.
"""

import sys
from pathlib import Path

from model_zoo.errors import ZooError
from training import watch
from training.place import place_of


def work() -> None:
    import tiny_run

    tiny_run.main(Path(sys.argv[4]), Path(sys.argv[5]), int(sys.argv[6]), sys.argv[7:])


if __name__ == "__main__":
    place = place_of(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    try:
        sys.exit(watch.run(place, Path(sys.argv[5]), work))
    except ZooError as fault:
        sys.exit(str(fault))
