"""`python -m training leak-pair`: from two evaluations and their lists to one file."""

import json

import pytest

from model_zoo import leak_pair as pairs
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training import leak_pair, splits
from training.__main__ import main
from training.held_out import protocol_of


def table(count, prefix=""):
    return "image,label\n" + "".join(f"{prefix}photo_{index},NV\n" for index in range(count))


def evaluation(folder, balanced, n=40):
    entry = {"value": balanced, "low": balanced - 0.1, "high": balanced + 0.1}
    of_class = {"support": 5, "f1": entry, "recall": entry}
    of_class["precision"] = {"value": None, "low": None, "high": None}
    result = {"protocol": "test", "resolution": "native", "n": n, "lesions": 30, "roc": {}}
    result |= dict.fromkeys(pairs.MEASURES, entry)
    result["per_class"] = dict.fromkeys(CODES, of_class)
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(result))
    (folder / "predictions.csv").write_text(table(n))
    return folder


def lists(folder, protocol, seen, n=40):
    about = {"protocol": protocol, "images": {"test": n}, "test_images_of_training_lesions": seen}
    folder.mkdir(parents=True)
    (folder / "split.json").write_text(json.dumps(about))
    for name, count in (("train", 3), ("val", 3), ("test", n)):
        (folder / f"{name}.csv").write_text(table(count, "" if name == "test" else name))
    return folder


def test_a_part_that_leaks_is_called_so(tmp_path):
    part = protocol_of(lists(tmp_path / "by_image", "reference", 23), splits.HELD_OUT)
    told = "reference split, test part, photos of training lesions: 23 of 40"
    assert part == f"by_image, {told}"
    part = protocol_of(lists(tmp_path / "untold", "reference", None), splits.HELD_OUT)
    assert part.endswith("photos of training lesions: not known")


@pytest.fixture
def folders(tmp_path):
    return {
        "by_image": (
            evaluation(tmp_path / "results" / "image", 0.8),
            lists(tmp_path / "lists" / "image", "reference", 23),
        ),
        "by_lesion": (
            evaluation(tmp_path / "results" / "lesion", 0.6),
            lists(tmp_path / "lists" / "lesion", "lesion", 0),
        ),
    }


def test_the_pair_holds_what_was_measured(folders, tmp_path):
    pair = leak_pair.write("some_recipe", **folders, file=tmp_path / "pair.toml")
    assert (pair.recipe, pair.by_image.seen, pair.by_lesion.seen) == ("some_recipe", 23, 0)
    assert pair.by_image.measured["balanced_accuracy"]["value"] == 0.8
    assert pair.by_lesion.measured["per_class"]["MEL"]["recall"]["low"] == pytest.approx(0.5)
    assert pair.by_lesion.measured["per_class"]["MEL"]["precision"] == {}
    assert pairs.read_file(tmp_path / "pair.toml") == pair


def test_the_command_writes_it_and_says_so(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(leak_pair.write, "__defaults__", (tmp_path / "pair.toml",))
    options = ["leak-pair", "--recipe", "some_recipe"]
    for name, pair in folders.items():
        options += [f"--{name.replace('_', '-')}", *map(str, pair)]
    assert main(options) == 0
    assert "by image: balanced accuracy 0.800 (0.700 to 0.900), 23 of 40" in capsys.readouterr().out
    assert (tmp_path / "pair.toml").is_file()


def test_folders_in_the_wrong_order_are_refused(folders, tmp_path):
    turned = {"by_image": folders["by_lesion"], "by_lesion": folders["by_image"]}
    with pytest.raises(BadData, match="--protocol lesion; reference was expected"):
        leak_pair.write("x", **turned, file=tmp_path / "pair.toml")
    assert not (tmp_path / "pair.toml").exists()


@pytest.mark.parametrize(("half", "known"), [("by_lesion", 12), ("by_image", 0)])
def test_an_evaluation_of_a_model_of_other_lists_is_refused(folders, tmp_path, half, known):
    file = folders[half][0] / "metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "trained_on": known}))
    with pytest.raises(BadData, match=rf"lesions of {known} of these photos"):
        leak_pair.write("x", **folders, file=tmp_path / "pair.toml")


def test_an_evaluation_of_other_photos_is_refused(folders, tmp_path):
    other = evaluation(tmp_path / "other", 0.9, n=12)
    mixed = {**folders, "by_image": (other, folders["by_image"][1])}
    with pytest.raises(BadData, match=r"is of 12 photos, the test part of .* has 40"):
        leak_pair.write("x", **mixed, file=tmp_path / "pair.toml")


def test_a_folder_without_an_evaluation_is_named(folders, tmp_path):
    empty = {**folders, "by_image": (tmp_path, folders["by_image"][1])}
    with pytest.raises(BadData, match=r"There is no file .*metrics\.json"):
        leak_pair.write("x", **empty, file=tmp_path / "pair.toml")


def test_an_evaluation_of_other_photos_is_refused_though_there_are_as_many(folders, tmp_path):
    results, _ = folders["by_lesion"]
    (results / "predictions.csv").write_text(table(40, "other_"))
    with pytest.raises(BadData, match="40 of the photos of the evaluation"):
        leak_pair.write("some_recipe", **folders, file=tmp_path / "pair.toml")


def test_lists_without_lesion_ids_make_no_pair(folders, tmp_path):
    _, by_image = folders["by_image"]
    split = json.loads((by_image / "split.json").read_text())
    split["test_images_of_training_lesions"] = None
    (by_image / "split.json").write_text(json.dumps(split))
    with pytest.raises(BadData, match="lesion ids are needed"):
        leak_pair.write("some_recipe", **folders, file=tmp_path / "pair.toml")
