"""A photo that a model was trained on is known under every name that archives give it."""

import csv

import pytest

from model_zoo import registry
from model_zoo.training_ids import SUFFIX, TrainingIds, naming, training_ids
from training.splits import DEV_LIST, HELD_OUT, TRAIN


def rows(part):
    with DEV_LIST.open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["part"] == part]


def test_the_bundled_list_knows_training_photos_by_their_archive_names():
    known = training_ids(registry.default_card())
    suffixed = [row["image"] for row in rows(TRAIN) if row["image"].endswith(SUFFIX)]
    assert len(suffixed) > 1000
    for image in suffixed:
        assert known.know(image)
        assert known.know(image.removesuffix(SUFFIX), "IL_1234567")  # the archive's own lesion id
    assert all(known.know(row["image"], row["lesion_id"]) for row in rows(TRAIN))
    assert not any(known.know(row["image"], row["lesion_id"]) for row in rows(HELD_OUT))
    assert not any(known.know(row["image"].removesuffix(SUFFIX)) for row in rows(HELD_OUT))


def test_without_a_lesion_id_only_the_photo_itself_can_tell():
    known = TrainingIds(frozenset({"ISIC_2"}), frozenset({"HAM_2"}))
    assert known.tell("ISIC_1", "HAM_2") is True
    assert known.tell("ISIC_1", "HAM_1") is False
    assert known.tell("ISIC_1", "") is None
    assert known.tell("ISIC_2", "") is True


@pytest.mark.parametrize(
    ("image", "lesion_id", "told"),
    [
        ("ISIC_1", "IL_1", None),  # the archive's own id, of a lesion that may be HAM_2
        ("ISIC_1", "OWN_1", None),
        ("own 1", "IL_1", None),
        ("HAM_7", "17", None),
        ("own 1", "OWN_1", False),
        ("1", "1", False),
        ("ISIC_1", "MSK5_1", False),  # one naming, whatever the number in it
        ("ISIC_2", "IL_1", True),
    ],
)
def test_a_lesion_id_of_another_naming_than_the_list_cannot_tell(image, lesion_id, told):
    known = TrainingIds(frozenset({"ISIC_2"}), frozenset({"HAM_2", "MSK4_2", ""}))
    assert known.tell(image, lesion_id) is told


def test_the_bundled_list_names_lesions_in_few_ways():
    for card in registry.classifiers().values():
        assert {naming(lesion) for lesion in training_ids(card).lesions} == {
            "BCN",
            "HAM",
            "ISIC",
            "MSK",
        }


def test_one_known_photo_of_a_lesion_is_enough():
    known = TrainingIds(images=frozenset({"ISIC_2"}))
    assert known.know_any(("ISIC_1", "ISIC_2"))
    assert not known.know_any(("ISIC_1", "ISIC_3"))
