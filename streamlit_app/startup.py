"""What runs here: the version, the model that answers by default, how long it took to be ready."""

import gc
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import plotly.graph_objects  # noqa: F401  (imported before `_settle`)

from model_zoo import registry
from streamlit_app.cache import classifier
from streamlit_app.log import log

_BEGAN = time.perf_counter()


@dataclass(frozen=True)
class Started:
    """One running app. sha256: of the file that serves the model; seconds: until it was loaded."""

    version: str
    model: str
    sha256: str
    seconds: float


@cache
def started() -> Started:
    """What runs here, found once a process and logged then. Raises `ZooError` without a model.

    The model is left where the pages look for it, so that the first visitor does not wait.
    """
    card = registry.default_card()
    reader = classifier(card.name)
    _settle()
    found = Started(software_version(), card.name, reader.digest(), time.perf_counter() - _BEGAN)
    log(
        "start",
        version=found.version,
        model=found.model,
        sha256=found.sha256,
        seconds=round(found.seconds, 3),
    )
    return found


def _settle() -> None:
    """Nothing; takes what stays for good out of the garbage collector's rounds.

    Each full round went through 150,000 objects of the imported libraries, 0.14 s in which no other
    page is drawn.
    """
    gc.collect()
    gc.freeze()


def software_version() -> str:
    """The version of this software, as its package was installed."""
    try:
        return version("lesionlens")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "not installed"
