"""How far an answer can be trusted: calibration, prediction sets, operating points, status.

Numbers are fitted on validation lesions by `python -m training calibrate` and kept in the card,
one table for each way in which the model can be asked (`SINGLE`, `TTA`).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from model_zoo.card import Card
from model_zoo.engine import softmax
from model_zoo.errors import BadModel
from model_zoo.labels import BY_CODE, MALIGNANT, PREMALIGNANT

# The ways in which a model can be asked: one view, or the mean of eight flips and quarter turns.
SINGLE, TTA = "single", "tta"

OK, UNCERTAIN, POOR_QUALITY, NOT_DERMOSCOPIC = (
    "ok",
    "uncertain",
    "poor_quality",
    "not_dermoscopic",
)
STATUSES = (OK, UNCERTAIN, POOR_QUALITY, NOT_DERMOSCOPIC)
# Classes for which somebody would be sent on: the malignant ones and actinic keratosis, which can
# become one.
MALIGNANT_GROUP = tuple(
    code for code, label in BY_CODE.items() if label.group in (MALIGNANT, PREMALIGNANT)
)
GROUPS: dict[str, tuple[str, ...]] = {"malignant": MALIGNANT_GROUP, "melanoma": ("MEL",)}
# Checks without which a photo has nothing to be read: it is unlike the training photos, or the
# network that outlines lesions found none in it.
NOVELTY, LESION = "novelty", "lesion"
# A prediction set of more classes than this leaves a reader about where they were: on validation
# lesions the leading class of such answers is right in half of them, otherwise in four of five.
LARGEST_SURE_SET = 3


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the probability of a group of classes, and what it was fitted to.

    group: a key of `GROUPS`. target: the sensitivity it was chosen for on validation lesions, 0..1.
    sensitivity, specificity: what it has on held-out ones, each (value, low, high).
    """

    group: str
    target: float
    threshold: float
    sensitivity: tuple[float, float, float] | None = None
    specificity: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Trust:
    """What was fitted for one way of asking a model.

    temperature: logits are divided by it. set_thresholds: by class code, the probability from which
    a class is in the prediction set; empty if not fitted. coverage: the share of the lesions
    of each class whose class the sets are to hold, 0..1. covered: the share of held-out lesions
    whose class they do hold, (value, low, high), None if not measured;
    covered_by_class: the same by class code. set_size: classes in a set on average, in the same
    form. novelty_threshold: the distance from which a photo is refused, of an ensemble that of
    `novelty.strangeness`; None if not fitted.
    """

    temperature: float = 1.0
    set_thresholds: dict[str, float] = field(default_factory=dict)
    coverage: float = 0.9
    covered: tuple[float, float, float] | None = None
    covered_by_class: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    set_size: tuple[float, float, float] | None = None
    operating_points: tuple[OperatingPoint, ...] = ()
    novelty_threshold: float | None = None


@dataclass(frozen=True)
class Check:
    """One check of a photo: its value, the threshold it was held against, and whether it passed."""

    value: float
    threshold: float
    ok: bool


@dataclass(frozen=True)
class Foreign:
    """What a model made of foreign pictures of one kind (benchmarks/strange_pictures.py).

    kind: "things", "drawings", "pages", "noise", "skin". n: pictures. auroc: of the distance, 0..1.
    strange: the share that is too far away, refused: that is refused for this or for want of a
    lesion, 0..1.
    """

    kind: str
    n: int
    auroc: float
    strange: float
    refused: float


FOREIGN = ("things", "drawings", "pages", "noise", "skin")


def foreign(card: Card) -> list[Foreign]:
    """What was measured of foreign pictures, empty if nothing was. Raises `BadModel`."""
    rows = table_of(card, card.trust, "novelty").get("foreign", [])
    if not isinstance(rows, list):
        raise _bad(card, "foreign", "a list of tables", rows)
    return [_foreign(card, row) for row in rows]


def _foreign(card: Card, row: object) -> Foreign:
    if not isinstance(row, dict) or row.get("kind") not in FOREIGN:
        raise _bad(card, "foreign", f"tables with a kind of {', '.join(FOREIGN)}", row)
    return Foreign(
        kind=row["kind"],
        n=int(number_of(card, row, "n", (1, math.inf))),
        auroc=number_of(card, row, "auroc", (0, 1)),
        strange=number_of(card, row, "strange", (0, 1)),
        refused=number_of(card, row, "refused", (0, 1)),
    )


def of_card(card: Card, mode: str) -> Trust:
    """What a card's table `trust` holds for one way of asking; without one, its temperature.

    Raises `BadModel` that names what is not as `training calibrate` writes it.
    """
    table = table_of(card, card.trust, mode)
    points = table.get("operating_points", [])
    if not isinstance(points, list):
        raise _bad(card, "operating_points", "a list of tables", points)
    by_class = table_of(card, table, "covered_by_class")
    limits = table_of(card, table, "set_thresholds")
    if limits and set(limits) != set(card.labels):
        raise _bad(card, "set_thresholds", f"one of each of {', '.join(card.labels)}", limits)
    novel = table_of(card, card.trust, "novelty")
    return Trust(
        temperature=number_of(card, table, "temperature", (0.05, 20), card.temperature),
        set_thresholds={code: number_of(card, limits, code, (0, 1)) for code in limits},
        coverage=number_of(card, table, "coverage", (0, 1), 0.9),
        covered=_interval(card, table, "covered"),
        covered_by_class={
            code: _interval(card, by_class, code) for code in card.labels if code in by_class
        },
        set_size=_interval(card, table, "set_size", (1, len(card.labels))),
        operating_points=tuple(_point(card, point) for point in points),
        novelty_threshold=number_of(card, novel, "threshold", (0, math.inf), None),
    )


def _point(card: Card, point: object) -> OperatingPoint:
    if not isinstance(point, dict) or point.get("group") not in list(GROUPS):
        raise _bad(card, "operating_points", f"tables with a group of {', '.join(GROUPS)}", point)
    return OperatingPoint(
        group=point["group"],
        target=number_of(card, point, "target", (0, 1)),
        threshold=number_of(card, point, "threshold", (0, 1)),
        sensitivity=_interval(card, point, "sensitivity"),
        specificity=_interval(card, point, "specificity"),
    )


def _interval(
    card: Card, table: dict, key: str, within: tuple[float, float] = (0, 1)
) -> tuple[float, float, float] | None:
    values = table.get(key)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 3:
        raise _bad(card, key, f"three numbers from {within[0]} to {within[1]}", values)
    value, low, high = (number_of(card, {key: value}, key, within) for value in values)
    return value, low, high


def table_of(card: Card, table: dict, key: str) -> dict:
    """A table within a table of a card, empty if it is not there. Raises `BadModel`."""
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _bad(card, key, "a table", value)
    return value


def number_of(
    card: Card, table: dict, key: str, within: tuple[float, float], default: object = ...
) -> float:
    """A number within two bounds in a table of a card, or the default. Raises `BadModel`."""
    value = table.get(key, default)
    if key not in table and default is not ...:
        return value
    low, high = within
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not low <= value <= high:
        raise _bad(card, key, f"a number from {low} to {high}", value)
    return float(value)


def _bad(card: Card, key: str, expected: str, found: object) -> BadModel:
    problem = f"trust: {key} must be {expected}, got {found!r:.80}"
    return BadModel("bad_card", file=card.path.name, problem=problem)


def known_group(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes of the malignant group among those that a model knows."""
    known = set(labels)
    return tuple(code for code in MALIGNANT_GROUP if code in known)


def calibrated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (..., K) as they are once their logits are divided by a temperature."""
    return softmax(np.log(np.clip(probabilities, 1e-12, 1)) / temperature)


def group_probability(
    labels: tuple[str, ...], probabilities: np.ndarray, group: str = "malignant"
) -> np.ndarray:
    """The probability of a group of classes, (...), of probabilities (..., K) in label order."""
    members = [index for index, code in enumerate(labels) if code in GROUPS[group]]
    return probabilities[..., members].sum(axis=-1)


def in_set(
    labels: tuple[str, ...], probabilities: np.ndarray, thresholds: dict[str, float]
) -> np.ndarray:
    """Which classes each answer leaves possible, bool (N, K), of calibrated probabilities (N, K).

    A class is left where its probability reaches its own threshold, so that each class is missed
    equally often and not the frequent ones seldom and melanoma often: the least ambiguous sets
    with bounded error levels of Sadinle et al. 2019, arXiv 1609.00451, section 2. The leading
    class is always left: a set without any class would tell nothing.
    """
    left = probabilities >= np.array([thresholds[code] for code in labels])
    left[np.arange(len(left)), probabilities.argmax(axis=1)] = True
    return left


def prediction_set(
    labels: tuple[str, ...], probabilities: np.ndarray, thresholds: dict[str, float]
) -> tuple[str, ...]:
    """The classes that one answer, (K,), leaves possible, the most probable first; at least one.

    thresholds: by class code, see `in_set`.
    """
    left = in_set(labels, probabilities[None], thresholds)[0]
    order = np.argsort(-probabilities, kind="stable")
    return tuple(labels[index] for index in order if left[index])


def status_of(checks: dict[str, Check], set_size: int | None, classes: int) -> str:
    """One of `STATUSES`: the gravest that holds.

    set_size: how many classes are left possible, None where no set was fitted. classes: how many
    the model knows; where all of them are left, the answer tells nothing, however few they are.
    """
    failed = {code for code, check in checks.items() if not check.ok}
    if failed & {NOVELTY, LESION}:
        return NOT_DERMOSCOPIC
    if failed:
        return POOR_QUALITY
    if set_size is not None and set_size > min(LARGEST_SURE_SET, max(1, classes - 1)):
        return UNCERTAIN
    return OK


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """The positive and the negative predictive value at a prevalence; all 0..1 (Bayes)."""
    positive = sensitivity * prevalence
    called = positive + (1 - specificity) * (1 - prevalence)
    negative = specificity * (1 - prevalence)
    cleared = negative + (1 - sensitivity) * prevalence
    return (
        positive / called if called else float("nan"),
        negative / cleared if cleared else float("nan"),
    )
