"""Trust: sets, groups, status and predictive values on numbers worked out by hand."""

import dataclasses

import numpy as np
import pytest

from model_zoo import registry, trust
from model_zoo.errors import BadModel
from model_zoo.labels import CODES
from model_zoo.trust import Check

PROBABILITIES = np.array([0.02, 0.05, 0.1, 0.01, 0.5, 0.3, 0.015, 0.005])


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        ({}, ("MEL",)),  # the leading class alone, below its threshold as well
        ({"MEL": 0.4}, ("MEL",)),
        ({"NV": 0.3}, ("MEL", "NV")),  # reached exactly
        ({"NV": 0.31, "SCC": 0.01}, ("MEL", "SCC")),  # each class by its own
        ({"VASC": 0.0}, ("MEL", "VASC")),
        (dict.fromkeys(CODES, 0.0), ("MEL", "NV", "BKL", "BCC", "AK", "SCC", "DF", "VASC")),
    ],
)
def test_sets_hold_the_classes_that_reach_their_own_thresholds(thresholds, expected):
    complete = dict.fromkeys(CODES, 1.0) | thresholds
    assert trust.prediction_set(CODES, PROBABILITIES, complete) == expected


def test_the_malignant_group_has_actinic_keratosis_in_it():
    assert trust.MALIGNANT_GROUP == ("AK", "BCC", "MEL", "SCC")
    assert trust.group_probability(CODES, PROBABILITIES) == pytest.approx(0.585)
    assert trust.group_probability(CODES, PROBABILITIES, "melanoma") == pytest.approx(0.5)
    assert trust.group_probability(("NV", "MEL"), np.array([0.7, 0.3])) == pytest.approx(0.3)


def test_the_gravest_status_wins():
    good, bad = Check(1, 2, True), Check(3, 2, False)
    assert trust.status_of({"novelty": good, "blur": good}, 3, 8) == trust.OK
    assert trust.status_of({"novelty": good, "blur": good}, 4, 8) == trust.UNCERTAIN
    assert trust.status_of({"novelty": good, "blur": bad}, 4, 8) == trust.POOR_QUALITY
    assert trust.status_of({"novelty": bad, "blur": bad}, 1, 8) == trust.NOT_DERMOSCOPIC
    assert trust.status_of({"novelty": good, "lesion": bad}, 1, 8) == trust.NOT_DERMOSCOPIC
    assert trust.status_of({}, None, 8) == trust.OK


def test_a_set_of_all_classes_tells_nothing_however_few_they_are():
    assert trust.status_of({}, 2, 3) == trust.OK
    assert trust.status_of({}, 3, 3) == trust.UNCERTAIN
    assert trust.status_of({}, 2, 2) == trust.UNCERTAIN


def test_a_card_says_what_its_sets_hold():
    fitted = trust.of_card(registry.default_card(), trust.TTA)
    assert fitted.covered == (0.912, 0.8974, 0.926)
    assert fitted.covered_by_class["MEL"] == (0.9246, 0.8817, 0.9596)
    assert fitted.covered_by_class.keys() == set(CODES)
    assert fitted.set_size == (2.3779, 2.3019, 2.4485)
    plain = dataclasses.replace(registry.default_card(), trust={})
    assert trust.of_card(plain, trust.TTA).covered is None


def test_a_set_of_less_than_one_class_is_no_card():
    card = dataclasses.replace(registry.default_card(), trust={"single": {"set_size": [0.9, 1, 1]}})
    with pytest.raises(BadModel, match=r"set_size must be a number from 1 to 8, got 0\.9"):
        trust.of_card(card, trust.SINGLE)


def test_a_temperature_of_one_changes_nothing_and_a_higher_one_levels():
    assert trust.calibrated(PROBABILITIES, 1) == pytest.approx(PROBABILITIES)
    level = trust.calibrated(PROBABILITIES, 2)
    expected = np.sqrt(PROBABILITIES) / np.sqrt(PROBABILITIES).sum()
    assert level == pytest.approx(expected)


def test_predictive_values_follow_bayes():
    # Of 1,000 people 10 have it: 9 are called, 198 of the other 990 as well.
    ppv, npv = trust.predictive_values(0.9, 0.8, 0.01)
    assert ppv == pytest.approx(9 / 207)
    assert npv == pytest.approx(792 / 793)
    assert np.isnan(trust.predictive_values(0.0, 1.0, 0.5)[0])


ROW = {"kind": "things", "n": 409, "auroc": 0.99, "strange": 0.98, "refused": 0.985}


def test_what_was_found_of_foreign_pictures_is_read_from_the_card():
    card = dataclasses.replace(registry.default_card(), trust={"novelty": {"foreign": [ROW]}})
    assert trust.foreign(card) == [trust.Foreign("things", 409, 0.99, 0.98, 0.985)]
    assert trust.foreign(dataclasses.replace(card, trust={})) == []


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("many", "a list of tables"),
        ([ROW | {"kind": "cats"}], "tables with a kind of things"),
        ([ROW | {"refused": 2}], "refused must be a number from 0 to 1"),
        ([{"kind": "things"}], "n must be a number"),
    ],
)
def test_faulty_figures_of_foreign_pictures_are_named(rows, problem):
    card = dataclasses.replace(registry.default_card(), trust={"novelty": {"foreign": rows}})
    with pytest.raises(BadModel, match=problem):
        trust.foreign(card)
