"""The published split, id for id, its leak, and the split that has none."""

import csv
import json

import pytest

from model_zoo import registry
from model_zoo.cases import GROUND_TRUTH, Case, join_tables, photo_path
from model_zoo.labels import CODES
from model_zoo.training_ids import training_rows
from training import protocols
from training.__main__ import main

# Counts of the published test part (its README), in class order.
PUBLISHED_TEST = dict(zip(CODES, (130, 499, 393, 36, 679, 1931, 94, 38), strict=True))


def made_up_cases() -> list[Case]:
    """Eight classes, 60 lesions each, some with two photos."""
    cases, number = [], 24306
    for code in CODES:
        for lesion in range(60):
            for _ in range(1 + lesion % 2):
                cases.append(Case(f"ISIC_00{number}", code, f"{code}_{lesion}"))
                number += 1
    return cases


@pytest.mark.parametrize("protocol", ["reference", "lesion"])
def test_parts_are_disjoint_and_whole(protocol):
    cases = made_up_cases()
    parts = protocols.split(cases, protocol)
    images = [case.image for part in parts.values() for case in part]
    assert sorted(images) == sorted(case.image for case in cases)
    assert len(parts["train"]) / len(cases) == pytest.approx(0.7, abs=0.03)
    seen = sum(protocols.seen_in_training(parts).values())
    assert (seen == 0) == (protocol == "lesion")


def test_another_seed_is_another_split():
    cases = made_up_cases()
    assert protocols.split(cases, "lesion", 1) != protocols.split(cases, "lesion", 2)
    assert protocols.split(cases, "lesion", 1) == protocols.split(cases, "lesion", 1)


# The first lines of the published results/test_split.csv, in its order.
PUBLISHED_FIRST = [
    "ISIC_0055470",
    "ISIC_0030234",
    "ISIC_0058265",
    "ISIC_0032830",
    "ISIC_0065565",
    "ISIC_0060216",
    "ISIC_0059750",
    "ISIC_0067057",
    "ISIC_0031880",
    "ISIC_0068938",
    "ISIC_0062632",
    "ISIC_0056740",
]


@pytest.mark.photos
@pytest.mark.parametrize(("protocol", "seen"), [("reference", 2190), ("lesion", 0)])
def test_the_full_table(photos_folder, tmp_path, capsys, protocol, seen):
    labels, metadata = (
        photos_folder / "full_labels" / f"ISIC_2019_Training_{name}.csv"
        for name in ("GroundTruth", "Metadata")
    )
    tables = ["--labels", str(labels), "--metadata", str(metadata)]
    assert main(["split", *tables, "--protocol", protocol, "--out", str(tmp_path)]) == 0
    about = json.loads((tmp_path / "split.json").read_text())
    assert about["test_images_of_training_lesions"] == seen
    assert f"{seen} of" in capsys.readouterr().out
    if protocol == "reference":
        assert about["images"] == {"train": 17731, "val": 3800, "test": 3800}
        assert about["test_by_class"] == PUBLISHED_TEST
        assert about["test_images_of_training_lesions_by_class"]["MEL"] == 512
        with (tmp_path / "train.csv").open(encoding="utf-8") as stream:
            train = [(row["image"], row["lesion_id"]) for row in csv.DictReader(stream)]
        with (tmp_path / "test.csv").open(encoding="utf-8") as stream:
            assert [row["image"] for row in csv.DictReader(stream)][:12] == PUBLISHED_FIRST
        listed = training_rows(registry.find("resnet50.isic2019_reference"))
        assert listed == [(image, lesion or image) for image, lesion in train]
    else:
        for part, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
            assert about["images"][part] / 25331 == pytest.approx(share, abs=0.01)
        for code, count in about["test_by_class"].items():
            assert count == pytest.approx(PUBLISHED_TEST[code], rel=0.15), code


@pytest.mark.photos
def test_no_photo_at_hand_is_of_the_published_test_part(photos_folder):
    full = photos_folder / "full_labels"
    cases = join_tables(
        full / "ISIC_2019_Training_GroundTruth.csv", full / "ISIC_2019_Training_Metadata.csv"
    )
    test = {case.image for case in protocols.split(cases, "reference")["test"]}
    at_hand = {case.image for case in join_tables(photos_folder / GROUND_TRUTH, None)}
    assert test & at_hand == set()


def test_without_lesion_ids_there_is_no_split_by_lesion(small_isic, tmp_path, capsys):
    table = small_isic / GROUND_TRUTH
    arguments = ["--labels", str(table), "--protocol", "lesion", "--out", str(tmp_path)]
    assert main(["split", *arguments]) == 1
    assert "--metadata" in capsys.readouterr().err


def test_without_lesion_ids_nobody_says_that_nothing_leaks(tmp_path, capsys):
    table = tmp_path / GROUND_TRUTH
    classes = (*CODES, "UNK")
    lines = [",".join(["image", *classes])]
    for index in range(10 * len(CODES)):
        code = CODES[index % len(CODES)]
        lines.append(",".join([f"ISIC_{index:07}", *(str(float(c == code)) for c in classes)]))
    table.write_text("\n".join(lines))
    arguments = ["--labels", str(table), "--protocol", "reference", "--out", str(tmp_path)]
    assert main(["split", *arguments]) == 0
    assert "not known; give --metadata" in capsys.readouterr().out
    about = json.loads((tmp_path / "split.json").read_text())
    assert about["test_images_of_training_lesions"] is None


def test_equal_photos_under_two_ids_stay_in_one_part_where_the_photos_are_at_hand(tmp_path):
    cases = made_up_cases()
    (tmp_path / "ISIC_2019_Training_Input").mkdir()
    for case in cases:
        photo_path(tmp_path, case.image).write_bytes(case.image.encode())
    parts = protocols.split(cases, "lesion", 1)
    one, other = parts["train"][0], next(c for c in parts["test"] if c.lesion_id)
    photo_path(tmp_path, other.image).write_bytes(photo_path(tmp_path, one.image).read_bytes())
    again = protocols.split(cases, "lesion", 1, tmp_path)
    held = [name for name, of in again.items() for case in of if case in (one, other)]
    assert len(held) == 2
    assert len(set(held)) == 1
