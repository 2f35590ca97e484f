"""Learning rate and end of a run, told by the history of the validation loss alone.

As functions of the history, they say the same in a resumed run as in an uninterrupted one. Same
rules as `keras.callbacks.ReduceLROnPlateau` and `EarlyStopping`, whose state lives in memory.
"""

from training.recipe import Plateau

MIN_DELTA = 1e-4  # of ReduceLROnPlateau; a smaller fall of the loss does not count


def learning_rate(peak: float, settings: Plateau, losses: list[float]) -> float:
    """The rate of the next epoch, after epochs that ended with these validation losses."""
    rate, best, waited = peak, float("inf"), 0
    for loss in losses:
        if loss < best - MIN_DELTA:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= settings.patience and rate > settings.minimum:
            rate, waited = max(rate * settings.factor, settings.minimum), 0
    return rate


def is_over(patience: int, losses: list[float]) -> bool:
    """Whether the loss has not fallen for `patience` epochs, at least one."""
    return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= patience
