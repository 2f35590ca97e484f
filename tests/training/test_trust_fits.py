"""Fits of trust: lesions count once, and what is promised holds on data drawn for it."""

import numpy as np
import pytest

from model_zoo.labels import CODES
from model_zoo.trust import in_set
from training import trust_fits


def drawn(n, seed, shares=(0.4,) * 8):
    """Probabilities that mean what they say: each true class is drawn from its own row."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(shares, n)
    targets = np.array([random.choice(8, p=row) for row in probabilities])
    return targets, probabilities


def named(n):
    """The names of n lesions of one photo each."""
    return [str(i) for i in range(n)]


def test_sets_hold_nine_of_ten_lesions_of_every_class():
    # Skewed as real answers are: what holds nine of ten lesions would hold few of a rare class.
    shares = (0.05, 0.1, 0.1, 0.04, 0.2, 1.2, 0.05, 0.04)
    targets, probabilities = drawn(60_000, 0, shares)
    thresholds = trust_fits.set_thresholds(targets, probabilities, named(60_000), 0.9)
    unseen, answers = drawn(60_000, 1, shares)
    sets = in_set(CODES, answers, thresholds)
    covered = sets[np.arange(len(sets)), unseen]
    for label in range(8):
        leading = answers[unseen == label].argmax(axis=1) == label
        expected = max(0.9, leading.mean())  # the leading class is in the set, come what may
        assert covered[unseen == label].mean() == pytest.approx(expected, abs=0.03)
    assert 1 < sets.sum(axis=1).mean() < 4


def test_a_class_of_too_few_lesions_is_left_in_every_set():
    targets, probabilities = drawn(400, 4)
    eight = np.flatnonzero(targets == 3)[:8]
    kept = np.r_[np.flatnonzero(targets != 3), eight]
    # Eight lesions, none, and eight of two photos each.
    for rows in (kept, kept[:-8], np.r_[kept, eight]):
        groups = [str(i) for i in rows]
        found = trust_fits.set_thresholds(targets[rows], probabilities[rows], groups, 0.9)
        assert found["DF"] == 0
    nine = np.r_[kept, np.flatnonzero(targets == 3)[8]]
    found = trust_fits.set_thresholds(targets[nine], probabilities[nine], named(len(nine)), 0.9)
    assert found["DF"] == probabilities[nine][targets[nine] == 3, 3].min()


def test_a_lesion_counts_once_however_often_it_was_photographed():
    targets, probabilities = drawn(400, 2)
    groups = named(400)
    once = trust_fits.set_thresholds(targets, probabilities, groups, 0.8)
    repeats = np.concatenate([np.arange(400), np.full(1000, 7)])
    often = trust_fits.set_thresholds(
        targets[repeats], probabilities[repeats], [groups[i] for i in repeats], 0.8
    )
    assert often == pytest.approx(once)
    value, low, high = trust_fits.weighted_mean(np.r_[1.0, np.zeros(9)], ["a"] + ["b"] * 9)
    assert value == 0.5
    assert low <= 0.5 <= high


def test_thresholds_reach_the_sensitivity_and_no_lower_one_would_be_needed():
    random = np.random.default_rng(3)
    positive = random.random(500) < 0.3
    scores = random.normal(positive * 1.5, 1)
    groups = [str(i) for i in range(500)]
    threshold = trust_fits.threshold_for(scores, positive, groups, 0.9)
    reached = (scores[positive] >= threshold).mean()
    assert 0.9 <= reached < 0.9 + 1.01 / positive.sum()


def test_a_sensitivity_of_one_takes_the_lowest_positive():
    scores, positive = np.array([0.9, 0.2, 0.5]), np.array([True, True, False])
    assert trust_fits.threshold_for(scores, positive, ["a", "b", "c"], 1.0) == 0.2
