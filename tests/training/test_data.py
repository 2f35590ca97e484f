"""Tables, splits and batches."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS, Case, photo_path, read_cases
from model_zoo.errors import BadData
from model_zoo.images import decode_rgb, square
from model_zoo.labels import CODES
from training import dataset, isic2019, splits
from training.dataset import Batches, Photos, load_photos, mix
from training.recipe import Augment, Phase, PublishedAugment, Recipe


def copy_tables(source, target, change=lambda name, text: text):
    (target / PHOTOS).mkdir()
    for photo in (source / PHOTOS).iterdir():
        (target / PHOTOS / photo.name).write_bytes(photo.read_bytes())
    for name in (GROUND_TRUTH, METADATA):
        (target / name).write_text(change(name, (source / name).read_text()))
    return target


def test_report_counts(small_isic):
    report = isic2019.check(small_isic)
    assert report.by_label == dict.fromkeys(CODES, 6)
    assert report.lesions == 24
    assert report.by_source == {"HAM": 48}
    assert "48 images of 24 lesions" in str(report)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ISIC_0024306,0", "ISIC_0024306,1", "line 2: expected a single 1"),
        ("ISIC_0024307,", "ISIC_0024306,", "line 3: ISIC_0024306 comes twice"),
        ("image,MEL", "image,MELANOMA", "no column MEL"),
        ("ISIC_0024306,0,0,0,1,0,0,0,0,0", "ISIC_0024306,0,0,0,0,0,0,0,0,1", "the class is UNK"),
        ("ISIC_0024306,0", "ISIC_0024306,x", "could not convert"),
    ],
)
def test_a_bad_table_is_named_with_its_line(small_isic, tmp_path, old, new, says):
    def change(name, text):
        return text.replace(old, new, 1) if name == GROUND_TRUTH else text

    with pytest.raises(BadData, match=says):
        isic2019.check(copy_tables(small_isic, tmp_path, change))


def test_an_inspection_counts_all_that_is_wrong(small_isic, tmp_path):
    def change(name, text):
        if name != GROUND_TRUTH:
            return text
        text = text.replace("ISIC_0024306,0", "ISIC_0024306,1").replace("24308,", "24307,")
        return text.replace("ISIC_0024309,0", "ISIC_0024309,x")

    folder = copy_tables(small_isic, tmp_path, change)
    photo_path(folder, "ISIC_0024311").unlink()
    photo_path(folder, "ISIC_0024312").write_bytes(photo_path(folder, "ISIC_0024313").read_bytes())
    report = isic2019.inspect(folder, compare=True)
    assert len(report.faults) == 3
    assert report.missing == ["ISIC_0024311"]
    assert report.equal == 1
    assert "bad rows: 3" in str(report)
    assert "line 4: ISIC_0024307 comes twice" in str(report)


def test_a_missing_photo_is_named_or_left_out(small_isic, tmp_path):
    folder = copy_tables(small_isic, tmp_path)
    photo_path(folder, "ISIC_0024310").unlink()
    with pytest.raises(BadData, match="ISIC_0024310"):
        isic2019.check(folder)
    report = isic2019.check(folder, skip_missing=True)
    assert report.missing == ["ISIC_0024310"]
    assert len(report.cases) == 47


def test_sources_are_told_by_number():
    assert Case("ISIC_0024306", "NV").source == "HAM"
    assert Case("ISIC_0034320", "NV").source == "HAM"
    assert Case("ISIC_0053454", "NV").source == "BCN"
    assert Case("ISIC_0000017_downsampled", "NV").source == "MSK"


def test_committed_list_keeps_lesions_together():
    rows = splits.read_list()
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row.lesion_id, set()).add(row.part)
    assert [lesion for lesion, found in parts.items() if len(found) > 1] == []
    assert len({row.image for row in rows}) == len(rows) == 16124


def test_committed_list_has_its_shares():
    rows = splits.read_list()
    for part, share in ((splits.TRAIN, 0.76), (splits.VALIDATION, 0.12), (splits.HELD_OUT, 0.12)):
        of_part = splits.part_of(rows, part)
        assert len(of_part) / len(rows) == pytest.approx(share, abs=0.005)
        for code in CODES:
            of_class = [row for row in rows if row.label == code]
            inside = sum(row.part == part for row in of_class)
            assert inside / len(of_class) == pytest.approx(share, abs=0.03)


@pytest.mark.photos
def test_committed_list_is_what_the_program_makes(photos_folder):
    cases = read_cases(photos_folder)
    rows = splits.development_list(cases, splits.lesion_groups(cases, photos_folder))
    assert rows == splits.read_list()


def test_equal_photos_join_one_group(small_isic, tmp_path):
    folder = copy_tables(small_isic, tmp_path)
    one, other = (photo_path(folder, f"ISIC_00{n}") for n in (24306, 24307))
    other.write_bytes(one.read_bytes())
    cases = read_cases(folder)
    groups = splits.lesion_groups(cases, folder)
    assert groups[0] == groups[1]
    assert len(set(groups)) == 23


def test_a_list_of_other_images_is_refused(small_isic, tmp_path):
    rows = [splits.Row("ISIC_9999999", "NV", "L", splits.TRAIN)]
    with pytest.raises(BadData, match="ISIC_9999999"):
        splits.require(rows, {"ISIC_0024306"}, tmp_path / "list.csv")


def rows_of(folder):
    return [splits.Row(c.image, c.label, c.lesion_id, splits.TRAIN) for c in read_cases(folder)]


def test_training_and_serving_see_the_same_pixels(small_isic):
    """The parity of both walks: what training reads is `square` of `decode_rgb`, byte for byte."""
    rows = rows_of(small_isic)
    photos = load_photos(small_isic, rows, 32)
    for index in (0, 7, 47):
        data = photo_path(small_isic, rows[index].image).read_bytes()
        assert (photos.pixels[index] == square(decode_rgb(data), 32).pixels).all()
    assert [CODES[t] for t in photos.targets] == [row.label for row in rows]


def test_a_broken_photo_is_named_or_left_out(small_isic, tmp_path, capsys):
    folder = copy_tables(small_isic, tmp_path)
    photo_path(folder, "ISIC_0024309").write_bytes(b"\xff\xd8\xff broken")
    rows = rows_of(folder)
    with pytest.raises(BadData, match="ISIC_0024309"):
        load_photos(folder, rows, 32)
    kept = load_photos(folder, rows, 32, skip_broken=True)
    assert "left out: ISIC_0024309" in capsys.readouterr().err
    assert len(kept.pixels) == len(kept.rows) == len(kept.targets) == 47
    assert isinstance(kept.pixels, np.memmap)  # all of them in memory would be gigabytes
    assert "ISIC_0024309" not in [row.image for row in kept.rows]


def test_a_photo_that_the_disk_does_not_give_is_named_and_not_kept_as_broken(
    small_isic, monkeypatch
):
    def failing(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(dataset, "decode_rgb", failing)
        with pytest.raises(BadData, match="Input/output error"):
            load_photos(small_isic, rows_of(small_isic), 33, skip_broken=True)
    assert len(load_photos(small_isic, rows_of(small_isic), 33).rows) == 48


def test_two_processes_may_make_the_same_squares(small_isic, monkeypatch):
    """Each writes a file of its own: nobody reads squares that another is still making."""
    inside = []
    real = dataset.decode_rgb

    def meanwhile(data):
        if not inside:
            inside.append(True)
            load_photos(small_isic, rows_of(small_isic), 32)
        return real(data)

    monkeypatch.setattr(dataset, "decode_rgb", meanwhile)
    photos = load_photos(small_isic, rows_of(small_isic), 32)
    assert photos.pixels.max(axis=(1, 2, 3)).min() > 0


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system promises no room")
def test_a_disk_that_fills_after_it_was_looked_at_is_told(small_isic, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(BadData, match="MB"):
        load_photos(small_isic, rows_of(small_isic), 34)


def test_a_full_disk_is_told_before_photos_are_made(small_isic, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(BadData, match="no room for the photos"):
        load_photos(small_isic, rows_of(small_isic), 31)


def test_one_resolution_removes_detail(small_isic):
    rows = rows_of(small_isic)[:4]
    native = load_photos(small_isic, rows, 32).pixels.astype(float)
    coarse = load_photos(small_isic, rows, 32, at=8).pixels.astype(float)
    assert np.abs(np.diff(coarse, axis=1)).mean() < 0.5 * np.abs(np.diff(native, axis=1)).mean()


def drawn(power, **settings):
    return Recipe("drawn", "Tiny", (Phase(16, 1),), batch=8, sampling_power=power, **settings)


def test_an_epoch_is_seeded_and_every_epoch_another(small_isic):
    photos = load_photos(small_isic, rows_of(small_isic), 16)
    first, again = (Batches(photos, drawn(1, seed=3)) for _ in range(2))
    assert (first.order == again.order).all()
    again.begin_epoch(1)
    assert (first.order != again.order).any()
    assert sorted(first.order) == list(range(48))


def test_sampling_power_levels_the_classes(small_isic):
    photos = load_photos(small_isic, rows_of(small_isic), 16)
    keep = np.flatnonzero((photos.targets != 0) | (np.arange(48) < 8))  # one AK, six of the rest
    few = type(photos)(photos.pixels[keep], photos.targets[keep], [])
    counts = {}
    for power in (1, 0):
        batches = Batches(few, drawn(power))
        counts[power] = np.bincount(few.targets[batches.order], minlength=8)
    assert counts[1][0] == 1
    assert counts[0][0] >= 5
    assert len(batches) == 5
    pixels, targets = batches[0]
    assert pixels.shape == (8, 16, 16, 3)
    assert pixels.dtype == np.uint8
    assert (targets.sum(axis=1) == 1).all()


def test_oversampling_adds_copies_of_the_asked_classes_only(small_isic):
    photos = load_photos(small_isic, rows_of(small_isic), 16)
    batches = Batches(photos, drawn(1, oversample=("DF", "AK"), oversample_copies=3))
    counts = np.bincount(photos.targets[batches.order], minlength=8)
    assert counts[[CODES.index(code) for code in ("DF", "AK")]].tolist() == [24, 24]
    assert counts.sum() == 48 + 2 * 18
    assert set(batches.order) == set(range(48))


SHADES = np.array([10, 60, 110, 160, 210], np.uint8)


def plain_photos(side=32):
    """Five photos of one shade each, and their targets."""
    pixels = np.broadcast_to(SHADES[:, None, None, None], (5, side, side, 3)).copy()
    return pixels, np.eye(8, dtype=np.float32)[:5]


@pytest.mark.parametrize(
    ("mixup", "cutmix", "shown"), [(0.4, 0.0, 0.75), (0.0, 1.0, 1.0), (0.0, 1.0, 0.75)]
)
def test_a_mixture_has_targets_in_the_share_of_its_pixels(mixup, cutmix, shown):
    """CutMix, of the pixels that the closest crop shows."""
    pixels, targets = plain_photos()
    middle = np.s_[4:28] if cutmix and shown < 1 else np.s_[:]
    shares = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        mixed, told = mix(pixels, targets, mixup, cutmix, random, shown)
        assert np.allclose(told.sum(axis=1), 1, atol=1e-6)
        expected = told[:, :5] @ SHADES
        assert np.abs(mixed[:, middle, middle].mean(axis=(1, 2, 3)) - expected).max() < 0.6
        shares.append(told.max(axis=1).min())
    assert np.ptp(shares) > 0.1
    assert (pixels[:, 0, 0, 0] == SHADES).all()  # the photos themselves are not changed


@pytest.mark.parametrize(
    ("settings", "middle"),
    [
        ({"augment": Augment(area=(0.25, 1.0))}, 16),
        ({"published_augment": PublishedAugment(zoom=0.25)}, 24),
    ],
    ids=["own", "published"],
)
def test_what_cutmix_pastes_is_in_the_closest_crop(settings, middle):
    pixels, targets = plain_photos()
    batches = Batches(
        Photos(pixels, targets.argmax(axis=1), []),
        Recipe("cut", "Tiny", (Phase(32, 1),), batch=5, cutmix=1.0, **settings),
    )
    pasted = np.zeros((32, 32), bool)
    for epoch in range(40):
        batches.begin_epoch(epoch)
        mixed, told = batches[0]
        own = mixed[:, :1, :1]  # the corner of a photo stays as it is
        pasted |= (mixed != own).any(axis=(0, 3))
        assert ((told.diagonal() < 1) == (mixed != own).any(axis=(1, 2, 3))).all()
    rows, columns = np.flatnonzero(pasted.any(axis=1)), np.flatnonzero(pasted.any(axis=0))
    edge = (32 - middle) // 2
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (edge, 31 - edge)


def test_mixed_batches_are_seeded_by_epoch(small_isic):
    photos = load_photos(small_isic, rows_of(small_isic), 16)
    one, other = (Batches(photos, drawn(1, mixup=0.3)) for _ in range(2))
    assert (one[1][0] == other[1][0]).all()
    other.begin_epoch(1)
    assert (one[1][0] != other[1][0]).any()
