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
from streamlit_app.exports import to_csv_file
from streamlit_app.reader import Reader

# How sure the learner is, in words of the page by these keys, as a probability of the chosen class.
CONFIDENCES: dict[str, float] = {"guess": 0.25, "leaning": 0.5, "fairly_sure": 0.75, "sure": 0.95}
# In a drill so many answers, as a share of all cases, are made wrong on purpose, of those that are
# right: one at least, if the model gives a right one from the first drawn place on.
MISLEADING = 0.3
# A drill's wrong class is one of so many that come next in the model's answer: nobody takes over an
# absurd one.
NEXT = 3
# Answers to a question, in the CSV.
YES_NO = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True)
class StudyCase:
    """A photo with the diagnosis of its source. known: whether the model was trained on its
    lesion, None where nothing tells.

    attribution: whom to thank for it, "" if nobody is named. confirmation: how its source says that
    the diagnosis was confirmed, a word of `isic_archive.CONFIRMATIONS`, "" if it has no such word.
    """

    name: str
    label: str
    data: bytes
    known: bool | None
    attribution: str = ""
    confirmation: str = ""


@dataclass(frozen=True)
class Answer:
    """What was said of one case.

    first: the learner's class before the model was seen; last: after it, the same unless changed.
    confidence: a key of `CONFIDENCES`, of the first. model: the model's probabilities, (K,) in the
    order of `CODES`, 0 for a class that it does not know; shown: those that the learner saw, others
    where the drill misled. reader: which model this was, and how it was asked.
    """

    case: StudyCase
    first: str
    confidence: str
    last: str
    model: np.ndarray
    shown: np.ndarray
    reader: Reader

    @property
    def misled(self) -> bool:
        """Whether the model's right answer was made wrong before the learner saw it."""
        return leading(self.model) == self.case.label != leading(self.shown)

    @property
    def counts(self) -> bool:
        """Whether it counts: not if the model was trained on the lesion, or nothing tells."""
        return self.case.known is False


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

    def ended(self, last: Answer | None) -> "Round":
        """The round as it is over now. last: an answer to its current case, None without one."""
        answers = self.answers if last is None else (*self.answers, last)
        return dataclasses.replace(self, cases=self.cases[: len(answers)], answers=answers)

    def without_current(self) -> "Round":
        """The round without its current case, one that cannot be read."""
        place = len(self.answers)
        return dataclasses.replace(self, cases=self.cases[:place] + self.cases[place + 1 :])

    def shown(self, probabilities: np.ndarray) -> np.ndarray:
        """What the learner is shown of the current case: in a drill now and then a wrong answer.

        probabilities: the model's, (K,) in the order of `CODES`, 0 for a class that it does not
        know. A wrong answer is its own with the leading class and one of the `NEXT` exchanged. An
        answer that is wrong already stays as it is, and the next right one is made wrong in its
        place.
        """
        first, truth = leading(probabilities), self.current.label
        if not self.drill or first != truth or self._due() <= sum(a.misled for a in self.answers):
            return probabilities
        drawn = random.Random(f"{self.seed} {len(self.answers)} other")
        here, *others = (int(place) for place in np.argsort(-probabilities, kind="stable"))
        others = [place for place in others[:NEXT] if probabilities[place] > 0]
        if not others:
            return probabilities
        other = drawn.choice(others)
        changed = probabilities.copy()
        changed[[here, other]] = changed[[other, here]]
        return changed

    def _due(self) -> int:
        """How many answers are to have been made wrong up to the current case, this one included.

        One of the round at least: where none is drawn, a drawn place is taken.
        """
        places = range(len(self.cases))
        drawn = [random.Random(f"{self.seed} {n}").random() < MISLEADING for n in places]
        if not any(drawn):
            drawn[random.Random(f"{self.seed} one").choice(places)] = True
        return sum(drawn[: len(self.answers) + 1])


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
    """The learner's scores and the model's, on the cases that count; None if none does.

    A case whose lesion the model was trained on is left out of both: it would flatter the model. So
    is one of which nothing tells. The tables and the disagreements leave out the same.
    """
    fair = counted(answers)
    if not fair:
        return None
    learner = [(a.case.label, a.first, learner_probabilities(a)) for a in fair]
    model = [(a.case.label, leading(a.model), a.model) for a in fair]
    return _scores(learner), _scores(model)


def counted(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """The answers whose case counts, for the learner as for the model."""
    return tuple(answer for answer in answers if answer.counts)


def leading(probabilities: np.ndarray) -> str:
    """The code of the most probable class, of (K,) in the order of `CODES`."""
    return CODES[int(probabilities.argmax())]


def _scores(answers: list[tuple[str, str, np.ndarray]]) -> Scores:
    hits = [truth == said for truth, said, _ in answers]
    gaps = [brier(probabilities, truth) for truth, _, probabilities in answers]
    return Scores(len(answers), float(np.mean(hits)), float(np.mean(gaps)))


def by_class(answers: tuple[Answer, ...]) -> dict[str, tuple[int, int]]:
    """Hits and cases that count of the learner, by class code, of the classes that came."""
    table: dict[str, tuple[int, int]] = {}
    for answer in counted(answers):
        hits, cases = table.get(answer.case.label, (0, 0))
        table[answer.case.label] = (hits + (answer.first == answer.case.label), cases + 1)
    return {code: table[code] for code in CODES if code in table}


def confusion(answers: tuple[Answer, ...]) -> np.ndarray:
    """Counts int (K, K) of the learner's first answers that count: rows true, columns said."""
    counts = np.zeros((len(CODES), len(CODES)), int)
    for answer in counted(answers):
        counts[CODES.index(answer.case.label), CODES.index(answer.first)] += 1
    return counts


def disagreements(answers: tuple[Answer, ...]) -> list[Answer]:
    """The answers that count in which the learner, before seeing it, and the model itself named
    different classes."""
    return [answer for answer in counted(answers) if answer.first != leading(answer.model)]


@dataclass(frozen=True)
class Drill:
    """What became of a drill, over all of its cases, since none of it measures skill.

    misled: the answers that were made wrong. followed: in how many of these the learner changed to
    the wrong class. own_faults: how many of the model's answers were wrong without that.
    """

    misled: tuple[Answer, ...]
    followed: int
    own_faults: int


def drilled(answers: tuple[Answer, ...]) -> Drill:
    """What became of a drill."""
    misled = tuple(answer for answer in answers if answer.misled)
    fell = [a for a in misled if a.last == leading(a.shown) and a.last != a.first]
    own = [answer for answer in answers if leading(answer.model) != answer.case.label]
    return Drill(misled, len(fell), len(own))


def to_csv(answers: tuple[Answer, ...], notice: str) -> bytes:
    """The learner's own results as CSV, safe to open in a spreadsheet; the notice ends it."""
    rows = [
        {
            "case": a.case.name,
            "truth": a.case.label,
            "truth_confirmed_by": a.case.confirmation,
            "first_answer": a.first,
            "confidence": CONFIDENCES[a.confidence],
            "last_answer": a.last,
            "model_answer": leading(a.model),
            "model_shown": leading(a.shown),
            "made_wrong": YES_NO[a.misled],
            "learner_brier": round(brier(learner_probabilities(a), a.case.label), 4),
            "model_brier": round(brier(a.model, a.case.label), 4),
            "model_trained_on_lesion": YES_NO[a.case.known],
            "counts": YES_NO[a.counts],
            **a.reader.cells(),
        }
        for a in answers
    ]
    return to_csv_file(rows, notice)
