"""Views and members: the answer is the mean of theirs, whatever the order of their outputs."""

import gzip
import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from model_zoo import registry
from model_zoo.__main__ import main
from model_zoo.classifier import Classifier
from model_zoo.errors import BadModel
from model_zoo.images import decode_rgb, square
from model_zoo.training_ids import training_ids
from model_zoo.trust import NOT_DERMOSCOPIC, calibrated
from model_zoo.views import eight_views
from tests.model_zoo.test_classifier import SCHEMA

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "network.jpg"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Writes cards into a fresh cache: a copy of the bundled network, and ensembles."""
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    bundled = registry.default_card()

    def install(name, *, labels=None, members=(), limit=None, joint_limit=None, ids=()):
        folder = registry.installed_folder() / name
        folder.mkdir(parents=True)
        lines = [f'name = "{name}"', f"labels = {list(labels or bundled.labels)}"]
        lines += ['scaling = "inside"', f"members = {list(members)}"]
        if not members:
            shutil.copy(bundled.file("served"), folder / f"{name}.tflite")
            lines += ["[files.served]", f'file = "{name}.tflite"']
        if ids:
            rows = "".join(f"{image},IL_{image}\n" for image in ids)
            (folder / "ids.csv.gz").write_bytes(gzip.compress(f"image,lesion_id\n{rows}".encode()))
            lines += ["[files.training_ids]", 'file = "ids.csv.gz"']
        if limit is not None:
            shutil.copy(bundled.file("novelty"), folder / "novelty.npz")
            entry = bundled.files["novelty"]
            lines += ["[files.novelty]", 'file = "novelty.npz"', f"size_bytes = {entry.size_bytes}"]
            lines += [f'sha256 = "{entry.sha256}"', "[trust.novelty]", f"threshold = {limit}"]
        if joint_limit is not None:
            lines += ["[trust.novelty]", f"threshold = {joint_limit}"]
        (folder / f"{name}.toml").write_text("\n".join(lines).replace("'", '"'))

    return install


@pytest.fixture(scope="module")
def pixels():
    return square(decode_rgb(SAMPLE.read_bytes()), 224).pixels[None]


def test_eight_views_are_averaged(installed, pixels):
    installed("one.v1")
    one, eight = Classifier.load("one.v1"), Classifier.load("one.v1", tta=True)
    expected = one.probabilities(eight_views(pixels)).mean(axis=0)
    assert eight.probabilities(pixels)[0] == pytest.approx(expected, abs=1e-5)
    analysis = eight.analyse(SAMPLE.read_bytes())
    assert analysis.answers.shape == (8, 8)
    assert analysis.answers.mean(axis=0) == pytest.approx(analysis.probabilities, abs=1e-5)
    # The heatmap is that of the photo as it lies.
    plain = one.analyse(SAMPLE.read_bytes())
    assert np.abs(analysis.heatmaps - plain.heatmaps).max() < 1e-3 * plain.heatmaps.max()


def test_an_ensemble_is_the_mean_of_its_members_in_the_order_of_its_own_labels(installed, pixels):
    labels = registry.default_card().labels
    turned = labels[3:] + labels[:3]  # the same outputs under other names: another network
    installed("one.v1")
    installed("other.v1", labels=turned)
    installed("both", labels=labels[::-1], members=("one.v1", "other.v1"))
    one, other, both = (Classifier.load(name) for name in ("one.v1", "other.v1", "both"))
    answer = both.probabilities(pixels)[0]
    for code, value in zip(both.card.labels, answer, strict=True):
        said = [m.probabilities(pixels)[0][m.card.labels.index(code)] for m in (one, other)]
        assert value == pytest.approx(np.mean(said), abs=1e-5)
    analysis = both.analyse(SAMPLE.read_bytes())
    assert analysis.answers.shape == (2, 8)
    maps = [m.analyse(SAMPLE.read_bytes()).heatmap("MEL") for m in (one, other)]
    mean = np.mean(maps, axis=0)
    assert analysis.heatmap("MEL") == pytest.approx(mean / mean.max(), abs=1e-4)
    assert both.digest() not in (one.digest(), other.digest())


def test_members_must_name_the_same_classes_and_be_no_ensembles(installed):
    labels = registry.default_card().labels
    installed("one.v1")
    installed("both", members=("one.v1", "one.v1"))
    installed("nested", members=("both", "one.v1"))
    with pytest.raises(BadModel, match="is an ensemble itself"):
        Classifier.load("nested")
    installed("fewer", labels=labels[:5], members=("one.v1", "one.v1"))
    with pytest.raises(BadModel, match="has other classes"):
        Classifier.load("fewer")


FAR, NEAR = 1000.0, 0.001  # limits within which all photos lie, and none


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        ((NEAR, None), True),
        ((FAR, None), False),
        ((NEAR, NEAR), True),
        ((FAR, FAR, FAR), False),
    ],
)
def test_members_that_know_novelty_refuse_together(installed, limits, refused):
    names = [f"m{place}.v1" for place in range(len(limits))]
    for name, limit in zip(names, limits, strict=True):
        installed(name, limit=limit)
    installed("all", members=names)
    reader = Classifier.load("all")
    analysis = reader.analyse(SAMPLE.read_bytes())
    assert analysis.checks["novelty"].ok is not refused
    assert (analysis.status == NOT_DERMOSCOPIC) is refused
    assert len(reader.guards) == sum(limit is not None for limit in limits)
    assert reader.novelty_sha256


def test_members_without_novelty_leave_it_unchecked(installed):
    installed("one.v1")
    installed("both", members=("one.v1", "one.v1"))
    reader = Classifier.load("both")
    assert "novelty" not in reader.analyse(SAMPLE.read_bytes()).checks
    assert reader.novelty_sha256 is None


def test_an_ensemble_knows_what_its_members_were_trained_on(installed):
    installed("one.v1", ids=("ISIC_1", "ISIC_2"))
    installed("other.v1", ids=("ISIC_2", "ISIC_3"))
    installed("silent.v1")
    installed("both", members=("one.v1", "other.v1"))
    installed("more", members=("one.v1", "silent.v1"))
    known = training_ids(registry.find("both"))
    assert known.images == {"ISIC_1", "ISIC_2", "ISIC_3"}
    assert known.know("ISIC_9", "IL_ISIC_3")
    assert training_ids(registry.find("more")) is None


@pytest.mark.parametrize("content", [None, b"other"])
def test_a_file_beside_the_network_that_is_gone_or_another_is_refused(installed, content):
    installed("one.v1")
    card = registry.installed_folder() / "one.v1" / "one.v1.toml"
    lines = '[files.novelty]\nfile = "novelty.npz"\nsize_bytes = 5\n'
    card.write_text(f'{card.read_text()}\n{lines}sha256 = "{"0" * 64}"\n')
    if content is not None:
        (card.parent / "novelty.npz").write_bytes(content)
    with pytest.raises(BadModel, match=r"novelty\.npz"):
        Classifier.load("one.v1")


@pytest.mark.parametrize(("limit", "refused"), [(0.1, True), (10.0, False)])
def test_a_limit_that_was_fitted_to_all_members_counts_instead(installed, limit, refused):
    alone = Classifier.load().analyse(SAMPLE.read_bytes()).checks["novelty"]
    for name, own in (("one.v1", alone.threshold), ("two.v1", 2 * alone.threshold)):
        installed(name, limit=own)
    installed("both", members=("one.v1", "two.v1"), joint_limit=limit)
    check = Classifier.load("both").analyse(SAMPLE.read_bytes()).checks["novelty"]
    assert (check.threshold, check.ok) == (limit, not refused)
    assert check.value == pytest.approx(alone.value / alone.threshold * 0.75)  # mean of 1 and 1/2


@pytest.mark.slow
@pytest.mark.parametrize("tta", [False, True])
def test_the_bundled_ensemble_is_the_mean_of_its_members(tta, capsys):
    ensemble = next(card for card in registry.classifiers().values() if card.members)
    options = ["--tta"] * tta
    assert main(["predict", str(SAMPLE), "--model", ensemble.name, "--json", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    jsonschema.validate(record, SCHEMA)
    said = [
        np.exp(Classifier.load(name, tta=tta).logits(read_square(name))[0])
        for name in ensemble.members
    ]
    temperature = ensemble.trust["tta" if tta else "single"]["temperature"]
    expected = calibrated(np.mean(said, axis=0), temperature)
    told = [record["probabilities"][code] for code in ensemble.labels]
    assert told == pytest.approx(expected, abs=1e-4)
    assert record["spread"]["answers"] == (16 if tta else 2)
    leading = ensemble.labels.index(record["label"])
    for name, answer in zip(ensemble.members, said, strict=True):
        alone = calibrated(answer, temperature)[leading]
        assert record["spread"]["by_member"][name] == pytest.approx(alone, abs=1e-4)


def read_square(name):
    return square(decode_rgb(SAMPLE.read_bytes()), registry.find(name).side).pixels[None]
