"""The measured pair: one recipe trained twice, on a split by image and on one by lesion.

`python -m training leak-pair` writes the file; where nobody has measured the pair there is none.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from model_zoo.errors import BadModel
from model_zoo.labels import CODES

FILE = Path(__file__).with_name("leak_pair.toml")
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc")
OF_CLASS = ("recall", "precision")


@dataclass(frozen=True)
class Half:
    """One of the two models.

    seen: how many of the photos it was measured on show a lesion that it was trained on. measured:
    the table that `training evaluate` writes, each value with its 95 % interval.
    """

    seen: int
    measured: dict


@dataclass(frozen=True)
class LeakPair:
    """One recipe with the leak between training and test part, and without it."""

    recipe: str
    by_image: Half
    by_lesion: Half


def read() -> LeakPair | None:
    """The measured pair, or None where it was not measured. Raises `BadModel` if it is damaged."""
    return read_file(FILE)


def read_file(file: Path) -> LeakPair | None:
    """As `read`, of another file.

    It holds `recipe`, and tables `by_image` and `by_lesion` with `seen` (a count) and `measured`.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise BadModel("bad_leak_pair", file=file.name, problem=str(fault)) from fault
    try:
        by_image, by_lesion = (_half(table[name]) for name in ("by_image", "by_lesion"))
        return LeakPair(str(table["recipe"]), by_image, by_lesion)
    except (KeyError, TypeError, ValueError) as fault:
        problem = f"{type(fault).__name__} {fault}"
        raise BadModel("bad_leak_pair", file=file.name, problem=problem) from fault


def difference(one: dict, other: dict) -> dict:
    """How much more one measure is than another one of other photos: value, low, high.

    The 95 % interval follows from both intervals, whatever their shape (MOVER: Zou and Donner 2008,
    Stat Med 27:1693-1702). Empty where either has no value.
    """
    if one.get("value") is None or other.get("value") is None:
        return {}
    value = one["value"] - other["value"]
    below = math.hypot(one["value"] - one["low"], other["high"] - other["value"])
    above = math.hypot(one["high"] - one["value"], other["value"] - other["low"])
    return {"value": value, "low": value - below, "high": value + above}


def _half(table: dict) -> Half:
    measured, seen = table["measured"], int(table["seen"])
    if not 0 <= seen <= int(measured["n"]):
        raise ValueError(f"seen is {seen} of {measured['n']} photos")
    entries = [measured[name] for name in MEASURES]
    for code in CODES:
        of_class = measured["per_class"][code]
        int(of_class["support"])
        entries += [of_class[name] for name in OF_CLASS]
    for entry in entries:
        # A class that is never called has no precision, and then no value.
        if "value" in entry and not entry["low"] <= entry["value"] <= entry["high"]:
            raise ValueError(f"{entry} is no value within its interval")
    return Half(seen, measured)
