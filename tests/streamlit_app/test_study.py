"""A round of study: what is drawn, what the learner is shown, and the numbers of its end."""

import codecs
import csv
import dataclasses

import numpy as np
import pytest

from model_zoo.labels import CODES
from model_zoo.trust import SINGLE, TTA
from streamlit_app import study
from streamlit_app.exports import FORMULA_STARTS, safe_cell, to_csv_file
from streamlit_app.reader import Reader
from streamlit_app.study import Answer, StudyCase

READER = Reader("model.v1", "ab" * 32, SINGLE)


def case(name, label, known=False):
    return StudyCase(name, label, b"", known)


def sure_of(label, value=0.72):
    probabilities = np.full(8, (1 - value) / 7)
    probabilities[CODES.index(label)] = value
    return probabilities


def answer(label, first, model, *, confidence="sure", known=False, last=None, shown=None):
    seen = sure_of(shown or model)
    asked = case(f"of {label}", label, known)
    return Answer(asked, first, confidence, last or first, sure_of(model), seen, READER)


def read_back(file: bytes) -> list[str]:
    """The lines of a CSV file, read as a spreadsheet does that looks for the mark of UTF-8."""
    assert file.startswith(codecs.BOM_UTF8)
    return file.decode("utf-8-sig").splitlines()


def test_a_round_draws_classes_evenly_and_each_case_once():
    cases = [case(f"nv{i}", "NV") for i in range(60)] + [case(f"mel{i}", "MEL") for i in range(9)]
    drawn = study.begin(cases, 12, drill=False, seed=1)
    labels = [one.label for one in drawn.cases]
    assert (labels.count("NV"), labels.count("MEL")) == (6, 6)
    assert len({one.name for one in drawn.cases}) == 12
    assert drawn == study.begin(cases, 12, drill=False, seed=1)
    assert drawn != study.begin(cases, 12, drill=False, seed=2)


def test_a_round_is_as_long_as_there_are_cases():
    assert len(study.begin([case("a", "NV")], 10, drill=False, seed=1).cases) == 1
    assert study.begin([], 10, drill=False, seed=1).current is None


def test_the_case_moves_on_with_each_answer():
    drawn = study.begin([case("a", "NV"), case("b", "MEL")], 2, drill=False, seed=1)
    first = drawn.current
    again = drawn.answered(answer(first.label, "NV", "NV"))
    assert again.current != first
    assert again.answered(answer("MEL", "NV", "NV")).current is None
    assert drawn.answers == ()


def test_a_round_can_be_ended_with_the_answers_so_far():
    drawn = study.begin([case(str(i), "MEL") for i in range(5)], 5, drill=True, seed=1)
    given = dataclasses.replace(answer("MEL", "NV", "MEL"), case=drawn.current)
    later = drawn.answered(given)
    for over in (drawn.ended(given), later.ended(None)):
        assert over.current is None
        assert over.answers == (given,)
        assert over.cases == drawn.cases[:1]
        assert over.drill
    assert drawn.ended(None).answers == drawn.ended(None).cases == ()


def test_a_case_that_the_model_was_trained_on_counts_for_neither():
    fair = (answer("MEL", "MEL", "NV"), answer("NV", "NV", "NV"))
    known = answer("BCC", "SCC", "BCC", known=True)
    assert study.scores((*fair, known)) == study.scores(fair)
    learner, model = study.scores(fair)
    assert (learner.n, learner.hits, model.hits) == (2, 1.0, 0.5)
    assert study.scores((known,)) is None
    row = next(csv.DictReader(read_back(study.to_csv((known,), "notice"))))
    assert row["model_trained_on_lesion"] == "yes"


def test_brier_is_the_squared_distance_from_the_truth():
    right, wrong = answer("MEL", "MEL", "MEL"), answer("MEL", "NV", "MEL")
    rest = 0.05 / 7
    assert study.brier(study.learner_probabilities(right), "MEL") == pytest.approx(
        0.05**2 + 7 * rest**2
    )
    assert study.brier(study.learner_probabilities(wrong), "MEL") == pytest.approx(
        0.95**2 + (1 - rest) ** 2 + 6 * rest**2
    )
    learner, model = study.scores((right,))
    assert model.brier == pytest.approx(0.28**2 + 7 * 0.04**2)
    assert learner.brier < model.brier


def whole_round(drawn, says):
    """A round whose cases are all answered; says: what the model says of a case."""
    while drawn.current is not None:
        model = sure_of(says(drawn.current))
        given = Answer(drawn.current, "NV", "sure", "NV", model, drawn.shown(model), READER)
        drawn = drawn.answered(given)
    return drawn


def test_a_drill_makes_about_three_of_ten_right_answers_wrong():
    cases = [case(str(i), CODES[i % 8]) for i in range(200)]
    done = whole_round(study.begin(cases, 200, drill=True, seed=5), lambda one: one.label)
    for given in done.answers:
        assert sorted(given.shown) == sorted(given.model)
        assert given.misled == (study.leading(given.shown) != given.case.label)
    became = study.drilled(done.answers)
    assert len(became.misled) == pytest.approx(60, abs=20)
    assert became.own_faults == 0


def test_a_drill_names_a_class_that_the_model_holds_likely_too():
    values = np.array([0.02, 0.1, 0.15, 0.01, 0.5, 0.2, 0.015, 0.005])  # MEL, then NV, BKL, BCC
    shown = []
    for seed in range(200):
        drill = study.begin([case("a", "MEL")], 1, drill=True, seed=seed)
        (again, other) = (study.leading(drill.shown(values)) for _ in range(2))
        assert again == other
        shown.append(again)
    assert set(shown) == {"NV", "BKL", "BCC"}
    assert all(shown.count(code) > 40 for code in set(shown))


def test_a_drill_makes_at_least_one_answer_wrong():
    cases = [case(str(i), CODES[i % 8]) for i in range(5)]
    counts = [
        len(study.drilled(whole_round(drawn, lambda one: one.label).answers).misled)
        for drawn in (study.begin(cases, 5, drill=True, seed=seed) for seed in range(100))
    ]
    assert min(counts) == 1  # drawn one by one, about 17 of 100 rounds would have none
    assert max(counts) > 1


def test_an_answer_that_is_wrong_already_is_no_answer_made_wrong():
    cases = [case(str(i), "MEL") for i in range(20)]
    drawn = study.begin(cases, 20, drill=True, seed=3)
    done = whole_round(drawn, lambda one: "MEL" if one.name in ("7", "8", "9") else "NV")
    became = study.drilled(done.answers)
    # What was due before a right answer came is made up for by the right ones.
    assert 1 <= len(became.misled) <= 3
    for given in done.answers:
        assert given.misled or np.array_equal(given.shown, given.model)
        assert not given.misled or given.case.name in ("7", "8", "9")
    assert became.own_faults == 17


def test_a_drill_keeps_to_it_when_a_case_is_left_out():
    cases = [case(str(i), CODES[i % 8]) for i in range(5)]
    for seed in range(60):
        drawn = study.begin(cases, 5, drill=True, seed=seed).without_current()
        done = whole_round(drawn, lambda one: one.label)
        assert len(done.answers) == 4
        assert study.drilled(done.answers).misled


def test_a_drill_shows_no_class_that_the_model_does_not_know():
    cases = [case(str(i), "NV") for i in range(40)]
    model = np.where(np.isin(CODES, ("NV", "BKL")), 0.3, 0.0)
    model[CODES.index("NV")] = 0.7
    drawn, seen = study.begin(cases, 40, drill=True, seed=2), []
    while drawn.current is not None:
        shown = drawn.shown(model)
        seen.append(study.leading(shown))
        drawn = drawn.answered(Answer(drawn.current, "NV", "sure", "NV", model, shown, READER))
    assert set(seen) == {"NV", "BKL"}
    alone = np.where(np.array(CODES) == "NV", 1.0, 0.0)
    assert np.array_equal(study.begin(cases, 1, drill=True, seed=2).shown(alone), alone)


def test_without_a_drill_the_model_is_shown_as_it_is():
    drawn = study.begin([case(str(i), "MEL") for i in range(50)], 50, drill=False, seed=5)
    assert all(np.array_equal(drawn.shown(sure_of("NV")), sure_of("NV")) for _ in range(3))


def test_following_counts_only_changes_to_a_misleading_answer():
    answers = (
        answer("MEL", "MEL", "MEL", last="BCC", shown="BCC"),
        answer("MEL", "MEL", "MEL", last="MEL", shown="BCC"),
        answer("MEL", "BCC", "MEL", last="BCC", shown="BCC"),
        answer("MEL", "NV", "MEL", last="MEL"),
    )
    became = study.drilled(answers)
    assert (became.followed, len(became.misled), became.own_faults) == (1, 3, 0)


def test_tables_are_of_the_first_answers():
    answers = (
        answer("MEL", "MEL", "MEL"),
        answer("MEL", "NV", "MEL", last="MEL"),
        answer("NV", "NV", "BKL"),
    )
    assert study.by_class(answers) == {"MEL": (1, 2), "NV": (1, 1)}
    counts = study.confusion(answers)
    assert counts[CODES.index("MEL"), CODES.index("NV")] == 1
    assert counts.sum() == 3
    assert [a.case.label for a in study.disagreements(answers)] == ["MEL", "NV"]


@pytest.mark.parametrize("known", [True, None])
def test_a_case_that_does_not_count_is_in_no_table(known):
    fair = (answer("MEL", "MEL", "NV"), answer("NV", "BKL", "NV"))
    other = answer("MEL", "BCC", "MEL", known=known)
    answers = (other, *fair)
    assert study.counted(answers) == fair
    assert study.by_class(answers) == study.by_class(fair) == {"MEL": (1, 1), "NV": (0, 1)}
    assert np.array_equal(study.confusion(answers), study.confusion(fair))
    assert other not in study.disagreements(answers)
    rows = list(csv.DictReader(read_back(study.to_csv(answers, "notice"))))
    assert [row["counts"] for row in rows[:3]] == ["no", "yes", "yes"]


def test_what_was_made_wrong_is_listed_whether_it_counts_or_not():
    known = answer("MEL", "MEL", "MEL", known=True, shown="BCC")
    own_fault = answer("MEL", "MEL", "NV", shown="NV")
    became = study.drilled((known, own_fault))
    assert became.misled == (known,)
    assert became.own_faults == 1


@pytest.mark.parametrize(
    "start", ["", " ", "\t", "\r", "\x00", "\ufeff", "\u00a0", "\u200b", "\u3000"]
)
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "＝1+1", "＋1", "－1", "＠x"])
def test_no_cell_is_taken_for_a_formula(start, text):
    assert str(safe_cell(start + text)).startswith("'")


@pytest.mark.parametrize(
    "text", ["x;=1+1", "x; =1+1", 'x;"=1+1"', "x|@a", "x;-1", "x;;\t+1", "x;＝1"]
)
def test_no_cell_becomes_a_formula_where_another_separator_splits_it(text):
    _, written, _ = read_back(to_csv_file([{"name": text, "n": 1}], "notice"))
    for separator in (";", "|"):
        cells = written.split(separator)
        assert not any(cell.lstrip(' "').startswith(FORMULA_STARTS) for cell in cells)
    assert written.count("'") == 1


def test_names_and_numbers_stay_as_they_are():
    assert safe_cell("photo (1).jpg") == "photo (1).jpg"
    assert safe_cell("a - b; c, d = e.jpg") == "a - b; c, d = e.jpg"
    assert safe_cell(-0.5) == -0.5
    assert safe_cell("a\nb\u202ec") == "a b c"


def test_results_can_be_read_back_and_end_with_the_notice():
    told = study.to_csv((answer("MEL", "NV", "MEL", shown="BCC"),), "Research only")
    rows = list(csv.reader(read_back(told)))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["case"], first["truth"], first["first_answer"]) == ("of MEL", "MEL", "NV")
    shown = (first["model_answer"], first["model_shown"], first["made_wrong"])
    assert shown == ("MEL", "BCC", "yes")
    assert rows[-1] == ["Research only"]


def test_each_row_names_what_read_its_case():
    other = dataclasses.replace(answer("NV", "NV", "NV"), reader=Reader("other.v2", "cd" * 32, TTA))
    told = read_back(study.to_csv((answer("MEL", "NV", "MEL"), other), "Research only"))
    rows = list(csv.DictReader(told))[:2]
    named = [(row["model"], row["model_sha256"], row["views"]) for row in rows]
    assert named == [("model.v1", "ab" * 32, "1"), ("other.v2", "cd" * 32, "8")]


def test_no_letter_is_lost_in_a_spreadsheet():
    name = "Müller Fußsohle خال.jpg"
    assert read_back(to_csv_file([{"name": name}], "notice"))[1] == name
