"""One `Analysis` of one photo: what a model says of it, and how far that can be trusted."""

from dataclasses import dataclass, field

import numpy as np

from model_zoo.abcd import Abcd
from model_zoo.errors import BadModel
from model_zoo.labels import CODES
from model_zoo.segmentation import Outline
from model_zoo.trust import (
    NOT_DERMOSCOPIC,
    NOVELTY,
    POOR_QUALITY,
    SINGLE,
    Check,
    calibrated,
    group_probability,
    known_group,
    status_of,
)

SQUARE_GRID = (16, 16)  # cells in which the square is searched for the lesion, 16 steps each


@dataclass(frozen=True)
class Analysis:
    """What a model says of one photo.

    labels: class codes in the order of the numbers. probabilities: float (K,), calibrated, sum 1.
    heatmaps: float32 (h, w, K), rectified Grad-CAM, not scaled, or None. box: what the model saw
    (left, top, right, bottom in pixels of the photo), size: width, height of the photo.
    randomised: heatmaps with the last layer shuffled (see `grad_cam`), or None.
    pooled: float32 (C,), the features behind the answer, of an ensemble those of its first member,
    or None. answers: float (A, K), what each view of the photo and each member of an ensemble says,
    before `temperature`. members: of an ensemble the names of its members, each of which gave as
    many of `answers` as the others, one after the other. prediction_set: codes, None where none was
    fitted. checks: by code, of those that were made.
    outline, abcd: of the lesion, None where none is found or looked for. mode: how the model was
    asked (see `trust`): of eight views probabilities and outline are means, and whether there is a
    lesion is told by that outline; all else is of the photo as it is. centred: whether `box` is the
    square in the middle, on which all that the card knows was fitted and measured, and not one that
    was chosen. read: that square as the network read it, uint8 (S, S, 3).
    """

    model: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    heatmaps: np.ndarray | None
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    randomised: np.ndarray | None = None
    pooled: np.ndarray | None = None
    answers: np.ndarray | None = None
    members: tuple[str, ...] = ()
    prediction_set: tuple[str, ...] | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    outline: Outline | None = None
    abcd: Abcd | None = None
    mode: str = SINGLE
    centred: bool = True
    temperature: float = 1.0
    read: np.ndarray | None = None

    @property
    def label(self) -> str:
        """The code of the most probable class."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def malignant_probability(self) -> float | None:
        """The probability of `trust.MALIGNANT_GROUP`, 0 to 1; None if the model knows none of it.

        A sum of no classes would be 0 and pass for a clear.
        """
        if not known_group(self.labels):
            return None
        return float(group_probability(self.labels, self.probabilities))

    @property
    def status(self) -> str:
        """One of `trust.STATUSES`."""
        size = None if self.prediction_set is None else len(self.prediction_set)
        return status_of(self.checks, size, len(self.labels))

    @property
    def readable(self) -> bool:
        """Whether the photo allows reading the answer; else it would mislead."""
        return self.status not in (POOR_QUALITY, NOT_DERMOSCOPIC)

    @property
    def dermoscopic(self) -> bool:
        """Whether it may show a lesion by dermoscopy, be it badly: else it has no measures."""
        return self.status != NOT_DERMOSCOPIC

    @property
    def without_lesion(self) -> bool:
        """Whether it is refused for want of a lesion alone, and not as unlike training photos."""
        novelty = self.checks.get(NOVELTY)
        return self.status == NOT_DERMOSCOPIC and (novelty is None or novelty.ok)

    @property
    def calibrated_answers(self) -> np.ndarray | None:
        """What each view and member says, (A, K), at the temperature of the probabilities."""
        return None if self.answers is None else calibrated(self.answers, self.temperature)

    @property
    def spread(self) -> tuple[float, float, int] | None:
        """Of the leading class the least and the most that a view or member gives it, and how many
        of them it leads in; None where there are not several."""
        answers = self.calibrated_answers
        if answers is None or len(answers) < 2:
            return None
        index = self.labels.index(self.label)
        values, leading = answers[:, index], answers.argmax(axis=1)
        return float(values.min()), float(values.max()), int((leading == index).sum())

    @property
    def by_member(self) -> dict[str, float]:
        """What each member gives the leading class, by name, the mean of its views, at the
        temperature of all together; empty of one network."""
        answers = self.answers
        if answers is None or not self.members:
            return {}
        means = answers.reshape(len(self.members), -1, len(self.labels)).mean(axis=1)
        said = calibrated(means, self.temperature)[:, self.labels.index(self.label)]
        return dict(zip(self.members, said.tolist(), strict=True))

    def probability(self, label: str) -> float:
        """The probability of one class, 0 to 1."""
        return float(self.probabilities[self.labels.index(label)])

    def ranked(self) -> list[tuple[str, float]]:
        """Class codes with probabilities, the largest first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    def heatmap(self, label: str, *, randomised: bool = False) -> np.ndarray | None:
        """The Grad-CAM of one class, float32 (h, w), scaled to 0..1; all zeros if it has none.

        randomised: that of the same network with its last layer shuffled, to compare. None where
        the model has no such heatmaps. Raises `BadModel` for an unknown class.
        """
        if label not in self.labels:
            raise BadModel("unknown_label", label=label, known=", ".join(self.labels))
        maps = self.randomised if randomised else self.heatmaps
        if maps is None:
            return None
        values = maps[:, :, self.labels.index(label)]
        peak = float(values.max())
        return values / peak if peak > 0 else np.zeros_like(values)

    def heatmap_inside(self, label: str, *, randomised: bool = False) -> float | None:
        """The share of a class's heatmap that lies on the lesion, 0 to 1.

        None without an outline or a heatmap, and where the heatmap is all zeros. randomised: see
        `heatmap`.
        """
        heatmap = self.heatmap(label, randomised=randomised)
        if heatmap is None or self.outline is None or heatmap.max() <= 0:
            return None
        within = self.outline.within(self.box, heatmap.shape)
        return float((heatmap * within).sum() / heatmap.sum())

    @property
    def lesion_in_square(self) -> float | None:
        """The share of what the model saw that the lesion fills, 0 to 1; None without an outline.

        What `heatmap_inside` would be of a heatmap that is the same everywhere.
        """
        if self.outline is None:
            return None
        return float(self.outline.within(self.box, SQUARE_GRID).mean())

    def record(self, file: str) -> dict:
        """The analysis as it is written to JSON (see analysis.schema.json)."""
        inside = self.heatmap_inside(self.label)
        lesion, malignant = self.lesion_in_square, self.malignant_probability
        return {
            "file": file,
            "model": self.model,
            "mode": self.mode,
            "square": "centre" if self.centred else "chosen",
            "box": list(self.box),
            "label": self.label,
            "probabilities": {
                code: round(self.probability(code), 6) for code in CODES if code in self.labels
            },
            "malignant_probability": None if malignant is None else round(malignant, 6),
            "prediction_set": None if self.prediction_set is None else list(self.prediction_set),
            "status": self.status,
            "checks": {
                code: {
                    "value": float(f"{check.value:.6g}"),
                    "threshold": float(f"{check.threshold:.6g}"),
                    "ok": check.ok,
                }
                for code, check in self.checks.items()
            },
            "segmentation": self.outline_record(),
            "heatmap_inside": None if inside is None else round(inside, 4),
            "lesion_in_square": None if lesion is None else round(lesion, 4),
            "spread": self.spread_record(),
        }

    def spread_record(self) -> dict | None:
        """How far views and members are apart as it is written to JSON, None without several."""
        if self.spread is None:
            return None
        least, most, leading = self.spread
        return {
            "answers": len(self.answers),
            "least": round(least, 6),
            "most": round(most, 6),
            "leading": leading,
            "by_member": {name: round(value, 6) for name, value in self.by_member.items()},
        }

    def outline_record(self) -> dict | None:
        """The numbers of the outline as they are written to JSON, None without one."""
        if self.outline is None or self.abcd is None:
            return None
        return {
            "area_fraction": round(self.outline.area_fraction, 4),
            "box": list(self.outline.box),
            "touches_border": self.outline.touches_border,
            "asymmetry_major": round(self.abcd.asymmetry_major, 4),
            "asymmetry_minor": round(self.abcd.asymmetry_minor, 4),
            "border_irregularity": round(self.abcd.border_irregularity, 3),
            "colours": list(self.abcd.colours),
            "diameter_fraction": round(self.abcd.diameter_fraction, 4),
        }
