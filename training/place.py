"""Where a process stands among those of one run."""

import importlib.util
import os
import re
from dataclasses import dataclass

from model_zoo.errors import ZooError

BACKEND = "jax"


@dataclass(frozen=True)
class Place:
    """One process of a run. address: HOST:PORT of process 0. process: from 0 to processes - 1."""

    address: str
    processes: int
    process: int


def place_of(address: str | None, processes: int | None, process: int | None) -> Place | None:
    """The place that a command line gives, None where it gives none; Keras will run on JAX then.

    To be called before Keras is imported. Raises `ZooError`.
    """
    given = (address, processes, process)
    if all(value is None for value in given):
        return None
    if any(value is None for value in given):
        raise ZooError("hosts_options")
    if not re.fullmatch(r"\S+:\d{1,5}", address):
        raise ZooError("bad_address", address=address)
    if processes < 2 or not 0 <= process < processes:
        raise ZooError("bad_process", process=process, processes=processes)
    backend = os.environ.setdefault("KERAS_BACKEND", BACKEND)
    if backend != BACKEND:
        raise ZooError("hosts_need_jax", backend=backend)
    if importlib.util.find_spec("jax") is None:
        raise ZooError("no_scale", need="Training on several hosts", package="jax")
    return Place(address, processes, process)
