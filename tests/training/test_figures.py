"""Figures of an evaluation, by what is drawn in them."""

import pytest

from training.figures import training_history

ENTRY = {"loss": 2.0, "val_loss": 1.5, "val_accuracy": 0.5, "val_balanced_accuracy": 0.4}


def history(*places, **more):
    """One entry an epoch; places: its stage, None for a run without stages, and its side."""
    entries = []
    for epoch, (stage, side) in enumerate(places, start=1):
        of_stage = {} if stage is None else {"stage": stage}
        entries.append({"epoch": epoch, "side": side, **of_stage, **ENTRY, **more})
    return entries


@pytest.mark.parametrize(
    ("places", "lines"),
    [
        ([(None, 64), (None, 64), (None, 64)], []),
        ([(None, 64), (None, 96), (None, 96)], [1.5]),
        ([(1, 64), (2, 64), (2, 96)], [1.5, 2.5]),
    ],
    ids=str,
)
def test_a_line_stands_where_the_stage_or_the_side_changes(places, lines):
    for axes in training_history(history(*places), "model").axes:
        drawn = axes.get_lines()[2:]
        assert [line.get_xdata()[0] for line in drawn] == lines


def test_a_loss_stands_beside_the_same_loss():
    places = [(1, 64), (1, 64)]
    left = training_history(history(*places, val_objective=0.06), "model").axes[0]
    beside = {line.get_label(): list(line.get_ydata()) for line in left.get_lines()}
    assert beside == {"loss": [2.0, 2.0], "val objective": [0.06, 0.06]}
    left = training_history(history(*places), "model").axes[0]
    assert [line.get_label() for line in left.get_lines()] == ["loss", "val loss"]
