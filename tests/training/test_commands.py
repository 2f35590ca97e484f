"""The command line, from a folder of photos to figures."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from model_zoo import novelty, registry
from model_zoo.card import SEGMENTATION
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS, read_cases
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from model_zoo.views import eight_views
from training import held_out, splits
from training.__main__ import main
from training.calibrate import fit_temperature
from training.dataset import load_photos

pytestmark = pytest.mark.slow

LIGHT = """backbone = "Tiny"
weights = "none"
precision = "float32"
batch = 16
[[phases]]
side = 32
epochs = 1
"""


def parts(folder):
    """16 of the 24 lesions to train on; of the rest four classes to validate and four to test."""
    cases = read_cases(folder)
    rest = {True: [], False: []}
    for case in cases[32:]:
        rest[CODES.index(case.label) < 4].append(case)
    return cases[:32], rest[True], rest[False]


@pytest.fixture(scope="module")
def installed(small_isic, tmp_path_factory, tiny_backbone_of_module):
    """A tiny network, trained and installed by the commands alone."""
    folder = tmp_path_factory.mktemp("commands")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESIONLENS_CACHE", str(folder / "cache"))
        patch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT")
        (folder / "light.toml").write_text(LIGHT)
        (folder / "lists").mkdir()
        for name, cases in zip(("train", "val", "test"), parts(small_isic), strict=True):
            rows = [(case.image, case.label, case.lesion_id) for case in cases]
            with (folder / "lists" / f"{name}.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([("image", "label", "lesion_id"), *rows])
        lists = str(folder / "lists")
        recipe = ["--recipe", str(folder / "light.toml"), "--images", lists]
        run = str(folder / "run")
        assert main(["fit", *recipe, "--data", str(small_isic), "--out", run]) == 0
        assert main(["export", run, "--install", "light.v1", "--data", str(small_isic)]) == 0
    return folder


@pytest.fixture
def evaluated(installed, small_isic, tmp_path, monkeypatch):
    # A copy: what one test writes into the card no other one finds there.
    shutil.copytree(installed / "cache" / "models", tmp_path / "cache" / "models")
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))

    def run(*options):
        given = ["--model", "light.v1", "--data", str(small_isic), "--out", str(tmp_path)]
        assert main(["evaluate", *given, *options]) == 0
        return json.loads((tmp_path / "metrics.json").read_text())

    return run


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


def test_calibration_goes_into_the_card(evaluated, installed, small_isic, capsys):
    lists = str(installed / "lists")
    arguments = ["--model", "light.v1", "--data", str(small_isic), "--images", lists]
    assert main(["calibrate", *arguments]) == 0
    assert "sets hold the class of" in capsys.readouterr().out
    card = registry.find("light.v1")
    for mode in ("single", "tta"):
        table = card.trust[mode]
        assert table["ece_before"] != table["ece"]
        assert 0 <= table["ece"][1] <= min(table["ece"][0], table["ece"][2])
        # No photo of the validation part is a melanoma, so nothing is fitted for it.
        assert [point["group"] for point in table["operating_points"]] == ["malignant"] * 2
    classifier = Classifier.load("light.v1")
    photo = next((small_isic / PHOTOS).glob("*.jpg")).read_bytes()
    analysis = classifier.analyse(photo)
    assert analysis.label in analysis.prediction_set
    assert analysis.checks["novelty"].threshold == card.trust["novelty"]["threshold"]


def test_what_novelty_is_told_by_stays_until_it_is_asked_for_anew(evaluated, installed, small_isic):
    arguments = ["--data", str(small_isic), "--images", str(installed / "lists")]
    for asked in (["--directions", "2", "--unit"], [], ["--no-unit"]):
        assert main(["calibrate", "--model", "light.v1", *arguments, *asked]) == 0
        remembered = Classifier.load("light.v1").guards[0].novelty
        assert remembered.basis.shape[1] == 2
        assert remembered.unit is ("--no-unit" not in asked)


def test_novelty_of_an_older_layout_is_fitted_by_the_defaults(
    evaluated, installed, small_isic, monkeypatch
):
    arguments = ["--data", str(small_isic), "--images", str(installed / "lists")]
    command = ["calibrate", "--model", "light.v1", *arguments]
    with monkeypatch.context() as older:
        older.setattr(novelty, "POWER", 1.0)
        assert main([*command, "--directions", "2", "--unit"]) == 0
    assert main(command) == 0
    remembered = Classifier.load("light.v1").guards[0].novelty
    assert (remembered.power, remembered.unit) == (novelty.POWER, False)
    assert remembered.basis.shape[1] > 2


def test_novelty_is_not_asked_for_without_photos_to_train_on(
    evaluated, installed, small_isic, tmp_path, capsys
):
    rows = [r for r in splits.read_list(installed / "lists") if r.part != splits.TRAIN]
    splits.write_list(rows, tmp_path / "list.csv")
    arguments = ["--data", str(small_isic), "--images", str(tmp_path / "list.csv")]
    assert main(["calibrate", "--model", "light.v1", *arguments, "--no-unit"]) == 1
    assert "--directions and --unit are about novelty" in capsys.readouterr().err


def test_the_temperature_is_found():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 8))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([random.choice(8, p=row) for row in p])
    assert fit_temperature(logits, targets) == pytest.approx(1, abs=0.06)
    assert fit_temperature(3 * logits, targets) == pytest.approx(3, abs=0.2)


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


def test_photos_trained_on_are_counted_and_never_calibrated_on(
    evaluated, installed, small_isic, tmp_path, capsys
):
    lists = installed / "lists"
    result = evaluated("--images", str(lists), "--part", "train")
    assert result["trained_on"] == result["n"] == 32
    assert evaluated("--images", str(lists))["trained_on"] == 0
    swapped = tmp_path / "swapped"
    swapped.mkdir()
    for name, source in (("train", "test"), ("val", "train"), ("test", "val")):
        (swapped / f"{name}.csv").write_text((lists / f"{source}.csv").read_text())
    capsys.readouterr()
    arguments = ["--model", "light.v1", "--data", str(small_isic), "--images", str(swapped)]
    assert main(["calibrate", *arguments]) == 1
    assert "was trained on" in capsys.readouterr().err


def test_what_is_trained_on_is_left_out_of_a_calibration_on_request(
    evaluated, installed, small_isic, tmp_path, capsys
):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    texts = {n: (installed / "lists" / f"{n}.csv").read_text() for n in ("train", "val", "test")}
    known = texts["train"].splitlines(keepends=True)[1:5]
    for name, text in texts.items():
        (mixed / f"{name}.csv").write_text(text + "".join(known) * (name == "val"))
    arguments = ["--model", "light.v1", "--data", str(small_isic), "--images", str(mixed)]
    assert main(["calibrate", *arguments]) == 1
    assert "4 of the photos" in capsys.readouterr().err
    assert main(["calibrate", *arguments, "--unseen"]) == 0
    told = capsys.readouterr().out
    assert "left out: 4 photos" in told
    assert f"fitted on {len(texts['val'].splitlines()) - 1} validation photos" in told


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
