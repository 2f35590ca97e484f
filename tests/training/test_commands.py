"""The command line, from a folder of photos to figures."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from model_zoo import registry
from model_zoo.card import SEGMENTATION
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS, read_cases
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from model_zoo.views import eight_views
from training import held_out, splits
from training.__main__ import main
from training.dataset import load_photos

pytestmark = pytest.mark.slow


def test_a_folder_of_other_photos_is_measured_without_those_trained_on(
    evaluated, small_isic, tmp_path, capsys
):
    result = evaluated()
    assert "left out: 32 photos" in capsys.readouterr().out
    assert result["n"] == 16
    assert result["protocol"].startswith("photos of")
    assert sum(map(sum, result["confusion_matrix"])) == 16
    assert {"by_source", "by_sex", "by_age", "by_site", "weights_sha256"} <= set(result)
    assert sum(group["n"] for group in result["by_status"].values()) == 16
    assert not {"ok", "uncertain"} & set(result["by_status"])  # 40 pixels and no lesion
    for entry in result["per_class"].values():
        assert entry["support"] == 2
        assert set(entry) == {"precision", "recall", "f1", "auc", "support", "mean_probability"}
    with (tmp_path / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    right = {r["image"]: max(CODES, key=lambda code: float(r[code])) == r["label"] for r in rows}
    sexes = {case.image: case.sex for case in read_cases(small_isic)}
    for sex, group in result["by_sex"].items():
        hits = [of for image, of in right.items() if (sexes[image] or "unknown") == sex]
        assert (group["n"], len(hits)) == (len(hits), group["n"])
        assert group["accuracy"]["value"] == pytest.approx(np.mean(hits), abs=1e-3)
    hits = sum(right.values())
    assert hits / 16 == pytest.approx(result["accuracy"]["value"], abs=1e-3)
    for name in (
        "final_confusion_matrix",
        "roc",
        "precision_recall",
        "reliability",
        "training_history",
    ):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 10


def test_a_list_without_parts_or_labels_is_measured(evaluated, tmp_path):
    named = tmp_path / "some.csv"
    named.write_text("image\nISIC_0024306\nISIC_0024311\n")
    assert evaluated("--images", str(named))["n"] == 2


def test_test_time_augmentation_is_the_mean_of_eight_views(evaluated, small_isic, tmp_path):
    named = tmp_path / "first.csv"
    named.write_text("image\nISIC_0024306\n")
    with_views = evaluated("--tta", "--images", str(named))
    assert with_views["tta"] is True
    rows = [splits.Row("ISIC_0024306", "AK", "L", "")]
    pixels = load_photos(small_isic, rows, 32).pixels
    classifier = Classifier.load("light.v1")
    assert classifier.trust.temperature == 1.0  # else the mean would be of other numbers
    views = eight_views(pixels)
    assert len({view.tobytes() for view in views}) == 8
    expected = classifier.probabilities(views).mean(axis=0)
    with (tmp_path / "predictions.csv").open() as stream:
        first = next(csv.DictReader(stream))
    assert [float(first[code]) for code in CODES] == pytest.approx(expected.tolist(), abs=1e-4)


def test_only_held_out_figures_go_into_a_card(evaluated, installed, small_isic, tmp_path, capsys):
    arguments = ["--model", "light.v1", "--data", str(small_isic), "--out", str(tmp_path)]
    arguments += ["--images", str(installed / "lists"), "--part", "validation"]
    assert main(["evaluate", *arguments, "--write-card"]) == 1
    assert "held-out" in capsys.readouterr().err


def test_there_is_one_default_however_it_is_bundled(
    installed, small_isic, tmp_path, monkeypatch, capsys
):
    old = registry.default_card()
    cards, weights = tmp_path / "cards", tmp_path / "weights"
    cards.mkdir()
    outline = registry.default_card(SEGMENTATION)
    for card in (old, outline):
        shutil.copy(card.path, cards)
    monkeypatch.setattr(registry, "BUNDLED_CARDS", cards)
    monkeypatch.setattr(registry, "BUNDLED_WEIGHTS", weights)
    export = ["export", str(installed / "run"), "--data", str(small_isic), "--default"]
    assert main([*export, "--install", "new.v1"]) == 1
    assert "--default goes with --bundle" in capsys.readouterr().err
    assert main([*export, "--bundle", "new.v1"]) == 0
    marked = {name: card.default for name, card in registry.cards().items() if card.sealed}
    assert marked == {old.name: False, "new.v1": True, outline.name: True}
    assert registry.default_card().name == "new.v1"


def test_photos_trained_on_are_left_out_of_a_list_on_request(
    evaluated, installed, small_isic, tmp_path, monkeypatch, capsys
):
    mixed = tmp_path / "mixed.csv"
    columns = ("image", "label", "lesion_id")
    parts = [splits.read_list(installed / "lists" / f"{name}.csv") for name in ("train", "test")]
    lines = [[getattr(row, name) for name in columns] for rows in parts for row in rows]
    with mixed.open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *lines])
    assert evaluated("--images", str(mixed))["trained_on"] == len(parts[0])
    result = evaluated("--images", str(mixed), "--unseen")
    assert (result["n"], result["trained_on"]) == (len(parts[1]), 0)
    assert result["protocol"] == "mixed, without lesions trained on"
    monkeypatch.setattr(held_out, "training_ids", lambda card: None)
    given = ["--model", "light.v1", "--data", str(small_isic), "--out", str(tmp_path / "none")]
    for images in ([], ["--images", str(mixed)]):
        capsys.readouterr()
        assert main(["evaluate", *given, *images, "--unseen"]) == 1
        assert "Nobody knows which photos light.v1" in capsys.readouterr().err


def test_comparison_is_a_table(evaluated, tmp_path, capsys):
    evaluated()
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "metrics.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(f"| {tmp_path.name} | 16, native | 0.")


def test_faults_are_sentences(small_isic, tmp_path, capsys):
    arguments = ["--data", str(small_isic), "--out", str(tmp_path / "run")]
    assert main(["fit", "--recipe", "nothing", *arguments]) == 1
    assert "no such recipe" in capsys.readouterr().err
    tables = ["--labels", small_isic / GROUND_TRUTH, "--metadata", small_isic / METADATA]
    few = ["split", *map(str, tables), "--protocol", "lesion", "--out", str(tmp_path / "lists")]
    assert main(few) == 1
    assert "at least 20 images of one class" in capsys.readouterr().err
    bare = tmp_path / "bare.csv"
    bare.write_text("image,label\nISIC_0024306,AK\n")
    assert main(["fit", "--recipe", "mobilenetv2", "--images", str(bare), *arguments]) == 1
    assert "no photos to train on" in capsys.readouterr().err
    bare.write_text("image,label\nISIC_0024306,WART\n")
    assert main(["fit", "--recipe", "mobilenetv2", "--images", str(bare), *arguments]) == 1
    assert "line 2: expected a class" in capsys.readouterr().err


def test_what_nobody_knows_is_not_called_held_out(
    evaluated, installed, small_isic, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(held_out, "training_ids", lambda card: None)
    lists = ["--data", str(small_isic), "--images", str(installed / "lists")]
    capsys.readouterr()
    assert main(["calibrate", "--model", "light.v1", *lists]) == 1
    assert "Nobody knows which photos light.v1" in capsys.readouterr().err
    out = ["--out", str(tmp_path / "results")]
    assert main(["evaluate", "--model", "light.v1", *lists, *out]) == 0
    assert "trained on: not known" in capsys.readouterr().out


def test_a_network_is_measured_by_the_name_of_its_file(evaluated, small_isic, tmp_path):
    named = evaluated()
    file = registry.find("light.v1").file("served")
    given = ["--model", str(file), "--data", str(small_isic), "--out", str(tmp_path)]
    assert main(["evaluate", *given]) == 0
    assert json.loads((tmp_path / "metrics.json").read_text()) == named


def test_a_photo_that_cannot_be_read_is_left_out_of_a_training_on_request(
    installed, small_isic, tmp_path, capsys
):
    folder = tmp_path / "photos"
    shutil.copytree(small_isic, folder)
    broken = next(iter(read_cases(folder))).image
    (folder / PHOTOS / f"{broken}.jpg").write_bytes(b"\xff\xd8\xff broken")
    recipe = ["--recipe", str(installed / "light.toml"), "--images", str(installed / "lists")]
    command = ["fit", *recipe, "--data", str(folder), "--out", str(tmp_path / "run")]
    assert main(command) == 1
    assert broken in capsys.readouterr().err
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert main([*command, "--skip-broken"]) == 0
    assert f"left out: {broken}" in capsys.readouterr().err
    (epoch,) = json.loads((tmp_path / "run" / "history.json").read_text())
    assert 0 < epoch["loss"] < 10
    assert main(["export", str(tmp_path / "run"), "--install", "less.v1"]) == 0
    assert Classifier.load("less.v1").side == 32
