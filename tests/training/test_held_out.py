"""Photos that a model is measured on are those of lesions that it cannot know."""

import pytest

from model_zoo import registry
from model_zoo.errors import ZooError
from model_zoo.training_ids import training_rows
from training.held_out import without_known
from training.splits import Row

CARD = registry.default_card()


def row(image, lesion):
    return Row(image, "NV", lesion, "")


def test_lesions_of_another_naming_are_left_out_with_those_it_knows(capsys):
    known = next(pair for pair in training_rows(CARD) if pair[1].startswith("HAM"))
    fair = [
        row("ISIC_9000001", "HAM_9000001"),
        row("ISIC_9000002", ""),  # a lesion of its own, as in ISIC 2019's table
        row("mine_1", "OWN_1"),
    ]
    rows = [row(*known), row("ISIC_9000003", known[1]), row("ISIC_9000004", "IL_9000004"), *fair]
    assert without_known(rows, CARD) == fair
    told = capsys.readouterr().out
    assert "left out: 2 photos of lesions of the training part" in told
    assert "left out: 1 photos of lesions whose ids are not named as in the model's list" in told


def test_where_nothing_is_left_it_is_a_sentence():
    with pytest.raises(ZooError):
        without_known([row("ISIC_9000004", "IL_9000004")], CARD)
