"""`calibrate`: what is fitted goes into the card, on photos that the model never saw."""

import shutil

import numpy as np
import pytest
import tomlkit

from model_zoo import novelty, registry
from model_zoo.cases import PHOTOS
from model_zoo.classifier import Classifier
from model_zoo.seal import sealed
from training import splits
from training.__main__ import main
from training.calibrate import fit_temperature

pytestmark = pytest.mark.slow


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


def test_an_ensemble_has_a_limit_of_novelty_of_its_own(evaluated, installed, small_isic, capsys):
    arguments = ["--data", str(small_isic), "--images", str(installed / "lists")]
    assert main(["calibrate", "--model", "light.v1", *arguments]) == 0
    card, other = registry.find("light.v1"), registry.installed_folder() / "other.v1"
    shutil.copytree(card.folder, other)
    document = tomlkit.parse((other / card.path.name).read_text())
    document["name"] = "other.v1"
    document["trust"]["novelty"]["threshold"] *= 2
    (other / card.path.name).unlink()
    (other / "other.v1.toml").write_text(sealed(tomlkit.dumps(document)))
    assert main(["ensemble", "light.v1", "other.v1", "--install", "both.v1"]) == 0
    assert Classifier.load("both.v1").novelty_limit == 1.0
    assert main(["calibrate", "--model", "both.v1", *arguments]) == 0
    # The mean of the distance over the limit that keeps 95 %, and over twice that limit.
    both, told = Classifier.load("both.v1"), capsys.readouterr().out
    assert f"strange above {both.novelty_limit:.4g} of what each member allows" in told
    assert both.novelty_limit == pytest.approx(0.75, abs=1e-3)
    photo = next((small_isic / PHOTOS).glob("*.jpg")).read_bytes()
    check = both.analyse(photo).checks["novelty"]
    assert check.threshold == both.novelty_limit
    alone = Classifier.load("light.v1").analyse(photo).checks["novelty"]
    assert check.value == pytest.approx(alone.value / alone.threshold * 0.75)
