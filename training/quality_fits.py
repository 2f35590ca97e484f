"""Thresholds of photo quality, fitted on photos as they are and the same ones degraded.

A photo smaller than `NATIVE` is left out: it was reduced before it came here, which is a fault that
every check of sharpness would rightly see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit

from model_zoo import artefacts, quality
from model_zoo.card import Card
from model_zoo.cases import photo_path
from model_zoo.frames import Frame, frame
from model_zoo.images import decode_rgb
from model_zoo.quality import SMALL
from model_zoo.seal import sealed
from model_zoo.segmentation import Outliner
from training import splits

NATIVE = 200  # pixels of the shorter side
SMALLEST = 100  # a photo below this shows no structure that a reader could name
FLAGGED = 0.03  # of untouched validation photos; the goal is at most 5 % of held-out ones
# Of degraded validation photos, for what is read off the pixels: more lenient than `FLAGGED` where
# that is enough, since a refusal hides the answer, and since skin may be darker than the skin of
# the archives. Not for what a network sees: it is less sure of real hair than of drawn hair.
DETECTED = 0.95
Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]
# Each fault at the strength for which it is measured.
DEGRADED: dict[str, Draw] = {
    "hair": artefacts.hair,
    "ink": artefacts.ink,
    "ruler": artefacts.ruler,
    "blur": lambda rgb, _: artefacts.blurred(rgb, 0.010),
    "dim": lambda rgb, _: artefacts.brightened(rgb, 0.35),
    "bright": lambda rgb, _: artefacts.brightened(rgb, 2.0),
}


# Of the measures as they are printed.
COLUMNS = (
    "flagged",
    "untouched_flagged",
    "round_flagged",
    "oblong_flagged",
    "oblong_untouched_flagged",
)
# The network sees fewer lines of an oblong photo, as most cameras take them; most photos here are
# square. 4 to 3 is above this.
OBLONG = 1.2


@dataclass(frozen=True)
class Seen:
    """The value of each check of one photo, by code, and whether its field of view is oblong."""

    values: dict[str, float]
    oblong: bool


def fit(outliner: Outliner, folder: Path, rows: list[splits.Row]) -> tuple[dict, dict]:
    """The threshold of each check, and what it does on held-out photos.

    The measures: share of degraded photos that are flagged for their fault, of untouched ones, and
    of untouched ones in a round field of view; the first two also of the oblong photos alone.
    """
    _, validation, held_out = (splits.part_of(rows, part) for part in splits.PARTS)
    plain = list(_values(outliner, folder, validation, None))
    untouched = list(_values(outliner, folder, held_out, None))
    in_round = list(_values(outliner, folder, held_out, artefacts.dark_corners))
    thresholds, measures = {SMALL: float(SMALLEST)}, {}
    for code, draw in DEGRADED.items():
        if code not in plain[0].values:  # a network that says nothing of artefacts
            continue
        limit = float(np.quantile([seen.values[code] for seen in plain], 1 - FLAGGED))
        if code not in quality.ARTEFACTS:
            faulty = [seen.values[code] for seen in _pixels(outliner, folder, validation, draw)]
            limit = max(limit, float(np.quantile(faulty, 1 - DETECTED)))
        thresholds[code] = limit
        degraded = _values if code in quality.ARTEFACTS else _pixels
        changed = list(degraded(outliner, folder, held_out, draw))
        measures[code] = {
            "n": len(changed),
            "flagged": _share(changed, code, limit),
            "untouched_flagged": _share(untouched, code, limit),
            "round_flagged": _share(in_round, code, limit),
        }
        if any(seen.oblong for seen in untouched):
            changed, plainly = ([s for s in part if s.oblong] for part in (changed, untouched))
            measures[code] |= {
                "oblong_n": len(plainly),
                "oblong_flagged": _share(changed, code, limit),
                "oblong_untouched_flagged": _share(plainly, code, limit),
            }
    return thresholds, measures


def write(card: Card, thresholds: dict, measures: dict) -> None:
    """Nothing; puts them into the card, keeping all else."""
    document = tomlkit.parse(card.path.read_text(encoding="utf-8"))
    trust = document.get("trust", {})
    trust["quality"] = thresholds
    trust["quality_measured"] = measures
    document["trust"] = trust
    card.path.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def summary(thresholds: dict, measures: dict) -> str:
    """Thresholds and measures as lines of text."""
    heads = ("threshold", *COLUMNS)
    lines = ["check   " + "".join(f"{head:>26}" for head in heads)]
    for code, entry in measures.items():
        numbers = (thresholds[code], *(entry.get(column, float("nan")) for column in COLUMNS))
        lines.append(f"{code:8}" + "".join(f"{number:26.3f}" for number in numbers))
    return "\n".join(lines)


def _share(seen: list[Seen], code: str, threshold: float) -> float:
    return round(float(np.mean([one.values[code] > threshold for one in seen])), 4)


def _values(
    outliner: Outliner, folder: Path, rows: list[splits.Row], draw: Draw | None
) -> Iterator[Seen]:
    """The qualities of each photo, degraded if it is to be."""
    for whole in _frames(outliner, folder, rows, draw):
        said = outliner.run(whole.pixels[None])[1]
        artefacts_seen = quality.of_artefacts(None if said is None else said[0])
        yield Seen(quality.measure(whole) | artefacts_seen, _oblong(whole))


def _pixels(outliner: Outliner, folder: Path, rows: list[splits.Row], draw: Draw) -> Iterator[Seen]:
    """Those of each degraded photo that are read off the pixels, without asking the network."""
    for whole in _frames(outliner, folder, rows, draw):
        yield Seen(quality.measure(whole), _oblong(whole))


def _oblong(whole: Frame) -> bool:
    left, top, right, bottom = whole.inside
    return max(right - left, bottom - top) >= OBLONG * min(right - left, bottom - top)


def _frames(
    outliner: Outliner, folder: Path, rows: list[splits.Row], draw: Draw | None
) -> Iterator[Frame]:
    for image, rgb in _photos(folder, rows):
        yield frame(rgb if draw is None else draw(rgb, _random(image)), outliner.side)


def _photos(folder: Path, rows: list[splits.Row]) -> Iterator[tuple[str, np.ndarray]]:
    for row in rows:
        rgb = decode_rgb(photo_path(folder, row.image).read_bytes())
        if min(rgb.shape[:2]) >= NATIVE:
            yield row.image, rgb


def _random(image: str) -> np.random.Generator:
    """Another draw for every photo, the same in every run."""
    return np.random.default_rng(list(image.encode()))
