"""A round of study: the learner commits first, then sees the truth and the model's view.

No Streamlit here: a round is data that pages draw, and every number of its end is worked out in
this file. Scores are Brier scores (Brier 1950, Mon Weather Rev 78:1-3), 0 for a sure hit, 2 for a
sure miss, of the learner as of the model.
"""

import dataclasses
import random
from dataclasses import dataclass

import numpy as np

from model_zoo.labels import CODES
from streamlit_app.exports import to_csv_text

# How sure the learner is, in words of the page by these keys, as a probability of the chosen class.
CONFIDENCES: dict[str, float] = {"guess": 0.25, "leaning": 0.5, "fairly_sure": 0.75, "sure": 0.95}
# In a drill this share of the model's answers is wrong on purpose.
MISLEADING = 0.3
# Whether the model was trained on a case's lesion, in the CSV.
KNOWN = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True)
class StudyCase:
    """A photo with a confirmed diagnosis. known: whether the model was trained on its
    lesion, None where nothing tells.

    attribution: whom to thank for it, "" if nobody is named.
    """

    name: str
    label: str
    data: bytes
    known: bool | None
    attribution: str = ""


@dataclass(frozen=True)
class Answer:
    """What was said of one case.

    first: the learner's class before the model was seen; last: after it, the same unless changed.
    confidence: a key of `CONFIDENCES`, of the first. model: the model's probabilities, (K,) in the
    order of `CODES`; shown: those that the learner saw, others where the drill misled.
    """

    case: StudyCase
    first: str
    confidence: str
    last: str
    model: np.ndarray
    shown: np.ndarray

    @property
    def misled(self) -> bool:
        """Whether the learner was shown another class on top than the model's own."""
        return leading(self.model) != leading(self.shown)


@dataclass(frozen=True)
class Round:
    """A round of fixed length: its cases, the answers so far, and whether it is a drill."""

    cases: tuple[StudyCase, ...]
    answers: tuple[Answer, ...] = ()
    drill: bool = False
    seed: int = 0

    @property
    def current(self) -> StudyCase | None:
        """The case that is to be answered next, None at the end."""
        return self.cases[len(self.answers)] if len(self.answers) < len(self.cases) else None

    def answered(self, answer: Answer) -> "Round":
        """The round after an answer to its current case."""
        return dataclasses.replace(self, answers=(*self.answers, answer))

    def shown(self, probabilities: np.ndarray) -> np.ndarray:
        """What the learner is shown of the current case: in a drill now and then a wrong answer.

        probabilities: the model's, (K,) in the order of `CODES`. A wrong answer is the model's own
        with the leading class and a drawn other one, not the true one, exchanged.
        """
        place = len(self.answers)
        drawn = random.Random(f"{self.seed} {place}")
        if not self.drill or drawn.random() >= MISLEADING:
            return probabilities
        first = int(probabilities.argmax())
        truth = CODES.index(self.cases[place].label)
        other = drawn.choice([i for i in range(len(CODES)) if i not in (first, truth)])
        changed = probabilities.copy()
        changed[[first, other]] = changed[[other, first]]
        return changed


@dataclass(frozen=True)
class Scores:
    """A share of hits and a mean Brier score, over `n` cases."""

    n: int
    hits: float
    brier: float


def begin(cases: list[StudyCase], length: int, *, drill: bool, seed: int) -> Round:
    """A round of `length` cases, drawn so that classes come as evenly as there are cases of them.

    The order is drawn as well, and no class is certain to come.
    """
    drawn = random.Random(seed)
    waiting = {code: [case for case in cases if case.label == code] for code in CODES}
    for of_class in waiting.values():
        drawn.shuffle(of_class)
    chosen: list[StudyCase] = []
    while len(chosen) < length and any(waiting.values()):
        codes = [code for code, of_class in waiting.items() if of_class]
        drawn.shuffle(codes)
        chosen += [waiting[code].pop() for code in codes[: length - len(chosen)]]
    drawn.shuffle(chosen)
    return Round(tuple(chosen), drill=drill, seed=seed)


def learner_probabilities(answer: Answer) -> np.ndarray:
    """The learner's answer as probabilities, (K,): the rest is shared by the other classes."""
    sure = CONFIDENCES[answer.confidence]
    values = np.full(len(CODES), (1 - sure) / (len(CODES) - 1))
    values[CODES.index(answer.first)] = sure
    return values


def brier(probabilities: np.ndarray, label: str) -> float:
    """The squared distance of probabilities, (K,), from the truth, 0 to 2."""
    truth = np.eye(len(CODES))[CODES.index(label)]
    return float(((probabilities - truth) ** 2).sum())


def scores(answers: tuple[Answer, ...]) -> tuple[Scores, Scores] | None:
    """The learner's scores and the model's, on the cases that neither was taught; None if none is.

    A case whose lesion the model was trained on is left out of both: it would flatter the model. So
    is one of which nothing tells.
    """
    fair = [answer for answer in answers if answer.case.known is False]
    if not fair:
        return None
    learner = [(a.case.label, a.first, learner_probabilities(a)) for a in fair]
    model = [(a.case.label, leading(a.model), a.model) for a in fair]
    return _scores(learner), _scores(model)


def leading(probabilities: np.ndarray) -> str:
    """The code of the most probable class, of (K,) in the order of `CODES`."""
    return CODES[int(probabilities.argmax())]


def _scores(answers: list[tuple[str, str, np.ndarray]]) -> Scores:
    hits = [truth == said for truth, said, _ in answers]
    gaps = [brier(probabilities, truth) for truth, _, probabilities in answers]
    return Scores(len(answers), float(np.mean(hits)), float(np.mean(gaps)))


def by_class(answers: tuple[Answer, ...]) -> dict[str, tuple[int, int]]:
    """Hits and cases of the learner, by class code, of the classes that came."""
    table: dict[str, tuple[int, int]] = {}
    for answer in answers:
        hits, cases = table.get(answer.case.label, (0, 0))
        table[answer.case.label] = (hits + (answer.first == answer.case.label), cases + 1)
    return {code: table[code] for code in CODES if code in table}


def confusion(answers: tuple[Answer, ...]) -> np.ndarray:
    """Counts int (K, K) of the learner's first answers: rows true, columns said."""
    counts = np.zeros((len(CODES), len(CODES)), int)
    for answer in answers:
        counts[CODES.index(answer.case.label), CODES.index(answer.first)] += 1
    return counts


def disagreements(answers: tuple[Answer, ...]) -> list[Answer]:
    """The answers in which the learner, before seeing it, and the model named different classes."""
    return [answer for answer in answers if answer.first != leading(answer.model)]


def followed(answers: tuple[Answer, ...]) -> tuple[int, int]:
    """How often the learner changed to the class of a misleading answer, and of how many."""
    misled = [answer for answer in answers if answer.misled]
    fell = [a for a in misled if a.last == leading(a.shown) and a.last != a.first]
    return len(fell), len(misled)


def to_csv(answers: tuple[Answer, ...], notice: str) -> str:
    """The learner's own results as CSV, safe to open in a spreadsheet; the notice ends it."""
    rows = [
        {
            "case": a.case.name,
            "truth": a.case.label,
            "first_answer": a.first,
            "confidence": CONFIDENCES[a.confidence],
            "last_answer": a.last,
            "model": leading(a.model),
            "model_shown": leading(a.shown),
            "learner_brier": round(brier(learner_probabilities(a), a.case.label), 4),
            "model_brier": round(brier(a.model, a.case.label), 4),
            "model_trained_on_lesion": KNOWN[a.case.known],
        }
        for a in answers
    ]
    return to_csv_text(rows, notice)
