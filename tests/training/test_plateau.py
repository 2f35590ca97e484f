"""Our functions of the history against the callbacks that the published recipe used."""

import keras
import numpy as np
import pytest

from training.plateau import is_over, learning_rate
from training.recipe import Plateau


def histories():
    random = np.random.default_rng(0)
    for number in range(40):
        steps = random.normal(0, 0.02, 20) * random.choice([1, 0.005])  # some below min_delta
        yield [round(float(x), 7) for x in np.maximum(0.01, 1 - 0.01 * number + steps.cumsum())]


@pytest.mark.parametrize(("factor", "patience", "least"), [(0.2, 3, 1e-6), (0.5, 3, 1e-7)])
def test_the_rate_falls_when_the_callback_lowers_it(factor, patience, least):
    settings = Plateau(factor, patience, least)
    lowered = 0
    for losses in histories():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(1e-3), "mse")
        callback = keras.callbacks.ReduceLROnPlateau(
            "val_loss", factor=factor, patience=patience, min_lr=least
        )
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, value in enumerate(losses):
            callback.on_epoch_end(epoch, {"val_loss": value})
            expected = float(model.optimizer.learning_rate)
            rate = learning_rate(1e-3, settings, losses[: epoch + 1])
            assert rate == pytest.approx(expected, rel=1e-5)
        lowered += expected < 1e-3
    assert lowered > 10


@pytest.mark.parametrize("patience", [5, 7])
def test_the_run_ends_when_the_callback_stops_it(patience):
    ends = 0
    for losses in histories():
        callback = keras.callbacks.EarlyStopping("val_loss", patience=patience)
        callback.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
        callback.model.compile("sgd", "mse")
        callback.on_train_begin()
        for epoch, value in enumerate(losses):
            callback.on_epoch_end(epoch, {"val_loss": value})
            assert is_over(patience, losses[: epoch + 1]) == callback.model.stop_training
            if callback.model.stop_training:
                ends += 1
                break
    assert ends > 10
