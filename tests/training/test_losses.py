import keras
import numpy as np
import pytest

from training.losses import LOSSES, BinaryFocalOverSoftmax, recipe_loss
from training.recipe import Phase, Recipe
from training.recipe_file import TASKS

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(50, 8)).astype("float32")
TARGETS = np.eye(8, dtype="float32")[RANDOM.integers(0, 8, 50)]
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
TRUE = (P * TARGETS).sum(axis=1)
EVEN = np.full(8, 1 / 8)


def value(of, logits=LOGITS):
    return float(of(TARGETS, logits))


def loss(name="cross_entropy", prior=EVEN, **settings):
    settings = {"label_smoothing": 0.0, **settings}
    return recipe_loss(Recipe("loss", "Tiny", (Phase(8, 1),), loss=name, **settings), prior)


def test_a_recipe_may_name_every_loss():
    named = {loss for losses, _ in TASKS.values() for loss in losses}
    assert set(LOSSES) == named


def test_the_published_focal_loss_is_a_binary_one_over_the_softmax():
    pt = TARGETS * P + (1 - TARGETS) * (1 - P)
    expected = np.mean(-0.25 * (1 - pt) ** 2 * np.log(pt))
    assert value(loss("binary_focal_over_softmax")) == pytest.approx(expected)
    binary = keras.losses.BinaryFocalCrossentropy(alpha=0.25, gamma=2)  # no class balancing
    assert value(BinaryFocalOverSoftmax()) == pytest.approx(0.25 * float(binary(TARGETS, P)), 1e-4)


def test_class_weights_scale_the_published_focal_loss_by_their_mean_over_the_batch():
    weights = np.linspace(0.1, 13, 50, dtype="float32")
    plain = value(loss("binary_focal_over_softmax"))
    weighted = float(loss("binary_focal_over_softmax")(TARGETS, LOGITS, sample_weight=weights))
    assert weighted == pytest.approx(plain * weights.mean(), rel=1e-5)


def test_the_categorical_focal_loss_looks_at_the_true_class_alone():
    expected = np.mean(-0.25 * (1 - TRUE) ** 2 * np.log(TRUE))
    assert value(loss("categorical_focal")) == pytest.approx(expected, rel=1e-4)


def test_logit_adjustment_adds_the_log_prior_and_nothing_for_equal_priors():
    plain = value(loss(label_smoothing=0.1))
    prior = np.arange(1, 9) / 36
    adjusted = {
        name: loss(prior=of, label_smoothing=0.1, logit_adjustment=1.0)
        for name, of in (("even", EVEN), ("prior", prior))
    }
    assert value(adjusted["even"]) == pytest.approx(plain, rel=1e-5)
    shifted = value(loss(label_smoothing=0.1), logits=LOGITS + np.log(prior))
    assert value(adjusted["prior"]) == pytest.approx(shifted, rel=1e-5)
    assert value(adjusted["prior"]) != pytest.approx(plain, rel=1e-2)
