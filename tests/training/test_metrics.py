"""Our measures against scikit-learn's, and intervals on cases with known answers."""

import numpy as np
import pytest
from sklearn import metrics as sk

from training import metrics


@pytest.fixture(scope="module")
def answers():
    random = np.random.default_rng(0)
    targets = random.integers(0, 8, 400)
    logits = random.normal(size=(400, 8)) + 1.5 * np.eye(8)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return targets, probabilities


def test_against_scikit_learn(answers):
    targets, p = answers
    called = p.argmax(axis=1)
    assert metrics.accuracy(*answers) == pytest.approx(sk.accuracy_score(targets, called))
    expected = sk.balanced_accuracy_score(targets, called)
    assert metrics.balanced_accuracy(*answers) == pytest.approx(expected)
    assert metrics.macro_f1(*answers) == pytest.approx(
        sk.f1_score(targets, called, average="macro")
    )
    expected = sk.f1_score(targets, called, average="weighted")
    assert metrics.weighted_f1(*answers) == pytest.approx(expected)
    expected = sk.roc_auc_score(targets, p, multi_class="ovr", average="macro")
    assert metrics.macro_auc(*answers) == pytest.approx(expected)
    assert metrics.cross_entropy(*answers) == pytest.approx(sk.log_loss(targets, p))
    assert (metrics.confusion(*answers) == sk.confusion_matrix(targets, called)).all()


def test_a_class_that_does_not_occur_does_not_count():
    targets = np.array([0, 0, 1])
    probabilities = np.eye(3)[[0, 0, 1]]
    assert metrics.balanced_accuracy(targets, probabilities) == 1
    assert metrics.macro_f1(targets, probabilities) == 1
    assert metrics.macro_auc(targets, probabilities) == 1


def test_calibration_error_of_known_cases():
    targets = np.zeros(200, dtype=int)
    targets[:60] = 1
    sure = np.tile([1.0, 0.0], (200, 1))
    assert metrics.expected_calibration_error(targets, sure) == pytest.approx(0.3)
    right = np.tile([0.7, 0.3], (200, 1))
    shuffled = np.random.default_rng(0).permutation(targets)
    assert metrics.expected_calibration_error(shuffled, right, bins=1) == pytest.approx(0)
    assert metrics.brier(targets[:1], sure[:1]) == 2


def test_intervals_hold_the_value_and_widen_when_photos_share_lesions(answers):
    targets, probabilities = answers
    alone = [str(i) for i in range(400)]
    low, high = metrics.interval(metrics.accuracy, targets, probabilities, alone, draws=300)
    assert low < metrics.accuracy(targets, probabilities) < high
    # Each photo ten times under one lesion id: no more is known than from the 400.
    tenfold = (np.repeat(targets, 10), np.repeat(probabilities, 10, axis=0))
    groups = [str(i) for i in np.repeat(np.arange(400), 10)]
    low2, high2 = metrics.interval(metrics.accuracy, *tenfold, groups, draws=300)
    assert high2 - low2 == pytest.approx(high - low, rel=0.25)


def test_the_interval_of_a_calibration_error_reaches_down_to_none_where_all_is_calibrated():
    random = np.random.default_rng(5)
    measure = metrics.expected_calibration_error
    for _ in range(5):
        logits = random.normal(0, 2, (1000, 8))
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        targets = (random.random((1000, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 7)
        groups = [str(i) for i in range(1000)]
        low, high = metrics.interval(measure, targets, p, groups, draws=200)
        assert low < 0.012
        assert low < measure(targets, p) < high + 0.02
        wrong = p**3 / (p**3).sum(axis=1, keepdims=True)
        low, high = metrics.interval(measure, targets, wrong, groups, draws=200)
        assert 0.03 < low < measure(targets, wrong) < high


def test_roc_points_lie_on_the_curve_of_scikit_learn():
    from sklearn.metrics import roc_curve

    random = np.random.default_rng(4)
    positive = random.random(300) < 0.3
    score = random.normal(positive * 1.2, 1)
    points = np.array(metrics.roc_points(positive, score))
    fpr, tpr, _ = roc_curve(positive, score, drop_intermediate=False)
    expected = [tpr[fpr <= rate + 1e-9].max() for rate, _ in points]
    assert points[:, 1] == pytest.approx(expected, abs=1e-3)
    assert metrics.roc_points(np.ones(3, bool), score[:3]) == []


def test_reliability_bins_add_up_to_the_calibration_error():
    random = np.random.default_rng(5)
    probabilities = random.dirichlet(np.ones(8), 200)
    targets = random.integers(0, 8, 200)
    bins = metrics.reliability_bins(targets, probabilities)
    assert sum(count for _, _, count in bins) == 200
    gap = sum(abs(said - right) * count for said, right, count in bins) / 200
    expected = metrics.expected_calibration_error(targets, probabilities)
    assert gap == pytest.approx(expected, abs=1e-3)
