"""Training of outlines: frames and masks stay together, and a tiny U-Net learns from them."""

import json

import cv2
import numpy as np
import pytest

from model_zoo import artefacts, quality, registry
from model_zoo.card import SEGMENTATION
from model_zoo.errors import BadData, BadModel
from model_zoo.frames import frame
from model_zoo.segmentation import Outliner
from training import outline_measures, outlines, splits
from training.export import Place, export
from training.fit import fit
from training.learner import Data
from training.losses import CrossEntropyDice
from training.segmentation import overlap

from .outlined import SIDE, draw_outlined, know_tiny_unet, recipe, rows_of_parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_outlined(tmp_path_factory.mktemp("outlines"))


@pytest.fixture
def rows():
    return rows_of_parts()


@pytest.fixture
def tiny_unet(monkeypatch):
    return know_tiny_unet(monkeypatch)


def test_a_mask_lies_on_its_lesion_whatever_the_frame(folder, rows):
    kept = outlines.load_outlined(folder, rows, SIDE).pixels
    for square in kept:
        dark = (square[..., 1] < 120) & (square[..., 3] != outlines.OUTSIDE)
        assert overlap((square[..., 3] > 127)[None], dark[None])[1][0] > 0.85
    assert (kept[..., 3] == outlines.OUTSIDE)[:, 0].all()  # 4:3 in a square: bars above and below
    assert not (kept[..., 3] == outlines.OUTSIDE)[:, :, 0].all()


def test_the_mask_of_a_round_field_of_view_is_cropped_with_it():
    rgb = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(rgb, (150, 100), 95, (215, 175, 160), -1)
    cv2.circle(rgb, (150, 100), 30, (120, 70, 50), -1)
    mask = np.zeros((400, 600), np.uint8)
    cv2.circle(mask, (300, 200), 60, 255, -1)
    seen = frame(rgb, SIDE)
    laid = outlines.mask_in_frame(mask, seen, rgb.shape)
    dark = (np.abs(seen.pixels.astype(int) - (120, 70, 50)) < 30).all(axis=2)
    assert overlap((laid > 127)[None], dark[None])[1][0] > 0.85


def test_changes_keep_photo_and_mask_together(folder, rows):
    kept = outlines.load_outlined(folder, rows, 80).pixels
    shares = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        changed, _ = outlines.change(kept[seed % len(kept)], SIDE, random)
        assert changed.shape == (SIDE, SIDE, 4)
        lesion = changed[..., 3] > 127
        shares.append(lesion.mean())
        inner = cv2.erode(lesion.astype(np.uint8), np.ones((5, 5))).astype(bool)
        if inner.sum() > 30:  # dark inside, but for hair and ink it may hold anything
            assert np.median(changed[..., 1][inner]) < 130
    assert 0 in shares  # bare skin
    assert max(shares) > 0.2


@pytest.mark.parametrize("name", quality.ARTEFACTS)
def test_a_batch_says_what_was_drawn_in_front_of_each_photo(folder, rows, monkeypatch, name):
    photos = outlines.load_outlined(folder, rows, SIDE)
    batches = outlines.OutlineBatches(photos, recipe("Tiny", 1), SIDE)
    monkeypatch.setattr(outlines, "WITH_ARTEFACT", 0)
    plain, (masks, none) = batches[0]
    assert (plain.shape, masks.shape, none.shape) == ((4, 64, 64, 3), (4, 64, 64, 1), (4, 3))
    assert not none.any()
    monkeypatch.setattr(outlines, "WITH_ARTEFACT", 1)
    monkeypatch.setattr(artefacts, "DRAWN", {name: artefacts.DRAWN[name]})
    behind, (_, drawn) = batches[0]
    assert (drawn == [name == other for other in quality.ARTEFACTS]).all()
    changed = np.abs(behind.astype(int) - plain).max(axis=3) > 30
    assert changed.any(axis=(1, 2)).all()
    black = plain.max(axis=3) == 0
    # The bars beside a frame of another format: nothing is drawn on them.
    bars = black.all(axis=1, keepdims=True) | black.all(axis=2, keepdims=True)
    assert bars.any()
    assert not (changed & bars).any()


def test_what_cannot_be_seen_does_not_count_as_drawn(monkeypatch):
    monkeypatch.setattr(outlines, "WITH_ARTEFACT", 1)
    random = np.random.default_rng(0)
    black = np.zeros((SIDE, SIDE, 4), np.uint8)
    monkeypatch.setattr(artefacts, "DRAWN", {"ruler": artefacts.ruler})
    assert outlines._with_artefacts(black, random)[1] == set()
    black[..., :3] = 200
    assert outlines._with_artefacts(black, random)[1] == {"ruler"}


def test_bare_skin_is_the_largest_free_square():
    mask = np.zeros((60, 80), np.uint8)
    mask[10:40, 50:75] = 255
    left, top, right, bottom = outlines.bare_skin(mask)
    assert right - left == bottom - top >= 44
    assert right <= 47  # dilated by 5 pixels, less one step of its kernel
    assert outlines.bare_skin(np.full((60, 80), 255, np.uint8)) is None


def test_the_loss_is_zero_for_a_perfect_mask_and_grows_with_the_gap():
    truth = np.zeros((2, 8, 8, 1), np.float32)
    truth[0, 2:6, 2:6] = 1  # the second photo has no lesion
    loss = CrossEntropyDice()
    perfect = float(loss(truth, 60 * (truth - 0.5)))
    shifted = float(loss(truth, 60 * (np.roll(truth, 1, axis=1) - 0.5)))
    assert perfect == pytest.approx(0, abs=1e-5)
    assert shifted > 1
    p = 1 / (1 + np.exp(-0.3))  # by hand for even logits
    entropy = -(16 * np.log(p) + 48 * np.log(1 - p)) / 64
    dice = (2 * 16 * p + 1) / (16 + 64 * p + 1)
    even = loss(truth[:1], np.full((1, 8, 8, 1), 0.3, np.float32))
    assert float(even) == pytest.approx(entropy + 1 - dice, rel=1e-5)


def test_overlap_of_nothing_with_nothing_is_whole():
    empty, full = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    assert [float(v[0]) for v in overlap(empty, empty)] == [1, 1]
    assert [float(v[0]) for v in overlap(full, empty)] == pytest.approx([0, 0], abs=1e-6)
    half = full.copy()
    half[:, :2] = False
    assert [float(v[0]) for v in overlap(full, half)] == pytest.approx([2 / 3, 1 / 2])


def test_from_folder_to_served_outline(folder, rows, tiny_unet, tmp_path):
    train, validation, held_out = (splits.part_of(rows, part) for part in splits.PARTS)
    images = tmp_path / "list.csv"
    splits.write_list(rows, images)
    fit(recipe(tiny_unet, 30), Data(folder, images, train, validation), tmp_path / "run")
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history[-1]["val_dice"] > 0.8 > history[0]["val_dice"]

    place = registry.installed_folder() / "outline.test"
    export(
        tmp_path / "run",
        Place("outline.test", place, place / "outline.test.toml"),
        title="Test",
        default=False,
    )
    card = registry.find("outline.test")
    assert (card.task, card.labels) == (SEGMENTATION, ("lesion",))
    assert "outline.test" not in registry.classifiers()
    assert {row["precision"] for row in card.training["precisions"]} >= {"float32", "int8"}

    outliner = Outliner.load("outline.test")
    masks, seen = outliner.run(np.zeros((3, SIDE, SIDE, 3), np.uint8))
    assert (masks.shape, seen.shape) == ((3, SIDE, SIDE), (3, len(quality.ARTEFACTS)))
    assert ((seen > 0) & (seen < 1)).all()

    measured = outline_measures.evaluate(outliner, folder, held_out, "test")
    assert measured.result["dice"]["value"] > 0.75
    assert set(measured.result["with"]) == {"hair", "ink", "ruler", "dark_corners"}
    assert "untouched" in outline_measures.summary(measured.result)
    views = outline_measures.evaluate(outliner, folder, held_out, "test", tta=True).result
    assert (measured.result["tta"], views["tta"]) == (False, True)
    assert views["iou"] != measured.result["iou"]
    assert "mean of eight views" in outline_measures.summary(views)
    outline_measures.write(measured, tmp_path / "results")
    assert (tmp_path / "results" / "predictions.csv").read_text().startswith("image,dice,iou\nP18,")


def test_an_outliner_is_no_classifier_and_the_reverse():
    from model_zoo.classifier import Classifier

    name = registry.default_card().name
    with pytest.raises(BadModel, match="is a model for classification"):
        Outliner.load(name)
    assert Classifier.load(name).card.name == name


def test_a_folder_without_masks_is_refused(small_isic, rows):
    with pytest.raises(BadData, match=r"masks/<image>_segmentation\.png"):
        outlines.outlined_rows(rows, small_isic)
