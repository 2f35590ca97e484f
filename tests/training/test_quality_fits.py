"""Thresholds of photo quality, fitted by the command to a tiny network that outlines."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from model_zoo import artefacts, quality, registry
from model_zoo.cases import GROUND_TRUTH, PHOTOS, photo_path
from model_zoo.frames import frame
from model_zoo.images import decode_rgb
from model_zoo.labels import CODES
from model_zoo.segmentation import Outliner
from training import quality_fits, splits
from training.__main__ import main
from training.export import Place, export
from training.fit import fit
from training.learner import Data

from .outlined import draw_outlined, know_tiny_unet, recipe, rows_of_parts

NAME = "outline.tiny"
EACH = 8  # photos of a part
PARTS = {splits.TRAIN: "T", splits.VALIDATION: "V", splits.HELD_OUT: "H"}
REDUCED = "V_small"  # a validation photo that was made smaller before it came


def picture(random, height=220, brightness=1.0):
    """Skin with a darker lesion, uint8 RGB, no two of the same light and sharpness."""
    y, x = np.mgrid[:height, : height * 4 // 3]
    place = random.uniform(0.35, 0.65, 2) * y.shape
    far = np.hypot(y - place[0], x - place[1]) / height
    lesion = 1 / (1 + np.exp((far - random.uniform(0.1, 0.25)) * random.uniform(20, 80)))
    skin = np.array([215, 165, 145]) * random.uniform(0.8, 1.1) * brightness
    rgb = skin - lesion[..., None] * (90, 95, 90)
    noisy = rgb + random.normal(0, random.uniform(2, 12), rgb.shape)
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A cache folder with a network of one epoch, installed."""
    root = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESIONLENS_CACHE", str(root / "cache"))
        backbone, rows = know_tiny_unet(patch), rows_of_parts()
        splits.write_list(rows, root / "list.csv")
        train, validation = (
            splits.part_of(rows, part) for part in (splits.TRAIN, splits.VALIDATION)
        )
        (root / "frames").mkdir()
        folder = draw_outlined(root / "frames")
        fit(recipe(backbone, 1), Data(folder, root / "list.csv", train, validation), root / "run")
        place = registry.installed_folder() / NAME
        card = Place(NAME, place, place / f"{NAME}.toml")
        export(root / "run", card, title="Tiny", default=False)
    return root / "cache"


@pytest.fixture
def photos(tmp_path):
    """A folder in the ISIC 2019 layout and a list of it, of drawn photos in three parts."""
    folder, random = tmp_path / "photos", np.random.default_rng(0)
    (folder / PHOTOS).mkdir(parents=True)
    rows = [
        splits.Row(f"{letter}{number}", "NV", f"L_{letter}{number}", part)
        for part, letter in PARTS.items()
        for number in range(EACH)
    ]
    for row in rows:
        Image.fromarray(picture(random)).save(photo_path(folder, row.image), quality=92)
    rows.append(splits.Row(REDUCED, "NV", "L_small", splits.VALIDATION))
    small = picture(random, height=quality_fits.NATIVE - 1, brightness=0.2)
    Image.fromarray(small).save(photo_path(folder, REDUCED), quality=92)
    with (folder / GROUND_TRUTH).open("w", newline="") as stream:
        marks = [int(code == "NV") for code in CODES]
        csv.writer(stream).writerows([["image", *CODES], *([row.image, *marks] for row in rows)])
    splits.write_list(rows, folder / "list.csv")
    return folder


@pytest.fixture
def calibrated(exported, photos, tmp_path, monkeypatch):
    """Runs the command on a copy of the installed network; gives what its card holds then."""
    shutil.copytree(exported, tmp_path / "cache")
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))

    def run(status=0):
        given = ["--data", str(photos), "--images", str(photos / "list.csv")]
        assert main(["calibrate", "--model", NAME, *given]) == status
        return registry.find(NAME)

    return run


def redraw(photos, part, brightness=1.0):
    """Nothing; puts other photos in the place of those of a part."""
    random = np.random.default_rng(99)
    for number in range(EACH):
        file = photo_path(photos, f"{PARTS[part]}{number}")
        Image.fromarray(picture(random, brightness=brightness)).save(file, quality=92)


def qualities(photos, part, change=lambda rgb: rgb):
    """What each untouched photo of a part measures, worked out here."""
    outliner, found = Outliner.load(NAME), []
    for number in range(EACH):
        rgb = decode_rgb(photo_path(photos, f"{PARTS[part]}{number}").read_bytes())
        seen = frame(change(rgb), outliner.side)
        _, drawn = outliner.run(seen.pixels[None])
        found.append(quality.measure(seen) | quality.of_artefacts(drawn[0]))
    return found


def test_thresholds_and_what_they_do_are_in_the_sealed_card(calibrated, photos, capsys):
    before = registry.find(NAME)
    card = calibrated()
    assert card.sealed
    assert (card.metrics, card.training) == (before.metrics, before.training)
    thresholds, measures = card.trust["quality"], card.trust["quality_measured"]
    assert set(thresholds) == {quality.SMALL, *quality_fits.DEGRADED}
    assert set(measures) == set(quality_fits.DEGRADED)
    assert Outliner.load(NAME).thresholds == pytest.approx(thresholds)
    told = capsys.readouterr().out
    for code, entry in measures.items():
        assert entry["n"] == EACH
        assert f"{code:8}{thresholds[code]:26.3f}{entry['flagged']:26.3f}" in told
        assert entry["oblong_n"] == EACH
        assert entry["oblong_flagged"] == entry["flagged"]
        assert entry["oblong_untouched_flagged"] == entry["untouched_flagged"]


def test_square_photos_are_not_among_the_oblong_ones(calibrated, photos):
    for number in range(EACH - 1):
        file = photo_path(photos, f"H{number}")
        with Image.open(file) as drawn:
            drawn.crop((0, 0, drawn.height, drawn.height)).save(file, quality=92)
    measures = calibrated().trust["quality_measured"]
    for entry in measures.values():
        assert (entry["n"], entry["oblong_n"]) == (EACH, 1)
        assert entry["oblong_flagged"] in (0, 1)


def test_a_threshold_is_that_of_validation_photos_and_its_measures_of_held_out_ones(
    calibrated, photos
):
    trust = calibrated().trust
    thresholds, measures = trust["quality"], trust["quality_measured"]
    seen = qualities(photos, splits.VALIDATION)
    faulty = qualities(photos, splits.VALIDATION, lambda rgb: artefacts.brightened(rgb, 0.35))
    untouched = np.quantile([one["hair"] for one in seen], 1 - quality_fits.FLAGGED)
    assert thresholds["hair"] == pytest.approx(untouched)
    lenient = np.quantile([one["dim"] for one in faulty], 1 - quality_fits.DETECTED)
    strict = np.quantile([one["dim"] for one in seen], 1 - quality_fits.FLAGGED)
    assert thresholds["dim"] == pytest.approx(max(lenient, strict))
    unseen = qualities(photos, splits.HELD_OUT)
    for code in quality_fits.DEGRADED:
        flagged = np.mean([one[code] > thresholds[code] for one in unseen])
        assert measures[code]["untouched_flagged"] == pytest.approx(flagged, abs=1e-4)


def test_held_out_photos_move_no_threshold(calibrated, photos):
    first = calibrated().trust
    redraw(photos, splits.HELD_OUT, brightness=0.3)
    again = calibrated().trust
    assert again["quality"] == first["quality"]
    assert again["quality_measured"] != first["quality_measured"]
    redraw(photos, splits.VALIDATION)
    third = calibrated().trust["quality"]
    assert [code for code in third if third[code] == again["quality"][code]] == [quality.SMALL]


def test_without_validation_photos_nothing_is_fitted(calibrated, photos, capsys):
    before = registry.find(NAME).path.read_bytes()
    rows = splits.read_list(photos / "list.csv")
    splits.write_list(splits.part_of(rows, splits.HELD_OUT), photos / "list.csv")
    assert calibrated(status=1).path.read_bytes() == before
    assert "validation" in capsys.readouterr().err
