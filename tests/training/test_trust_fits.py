"""Fits of trust: lesions count once, and what is promised holds on data drawn for it."""

import numpy as np
import pytest

from training import trust_fits


def drawn(n, seed):
    """Probabilities that mean what they say: each true class is drawn from its own row."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(8, 0.4), n)
    targets = np.array([random.choice(8, p=row) for row in probabilities])
    return targets, probabilities


def test_sets_hold_the_class_of_nine_lesions_in_ten():
    targets, probabilities = drawn(4000, 0)
    groups = [str(i) for i in range(4000)]
    threshold = trust_fits.set_threshold(targets, probabilities, groups, 0.9)
    covered = trust_fits.in_sets(*drawn(4000, 1), threshold).mean()
    assert covered == pytest.approx(0.9, abs=0.02)
    assert 1 < trust_fits.set_sizes(drawn(4000, 1)[1], threshold).mean() < 4


def test_a_lesion_counts_once_however_often_it_was_photographed():
    targets, probabilities = drawn(400, 2)
    groups = [str(i) for i in range(400)]
    once = trust_fits.set_threshold(targets, probabilities, groups, 0.8)
    repeats = np.concatenate([np.arange(400), np.full(1000, 7)])
    often = trust_fits.set_threshold(
        targets[repeats], probabilities[repeats], [groups[i] for i in repeats], 0.8
    )
    assert often == once
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
