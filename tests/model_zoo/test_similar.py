"""Similar cases: built from a folder, found by features, marked where the model knows them."""

import csv
import gzip
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from model_zoo import registry, similar
from model_zoo.__main__ import main
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS, Case
from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from model_zoo.similar import SimilarCases

COLUMNS = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
CASES = [("ISIC_0000001", "MEL", "L1"), ("ISIC_0000002", "MEL", "L1"), ("ISIC_0000003", "NV", "L2")]
CASES += [("ISIC_0000004", "BCC", "L3"), ("ISIC_0000005", "DF", "")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("cases")
    (root / PHOTOS).mkdir()
    random = np.random.default_rng(0)
    colours = random.integers(0, 255, (len(CASES) - 1, 3))  # the last one has no photo
    colours[1] = colours[0] + 2
    for (image, _, _), colour in zip(CASES, colours, strict=False):
        pixels = colour + random.integers(0, 30, (60, 60, 3))
        Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(root / PHOTOS / f"{image}.jpg")
    with (root / GROUND_TRUTH).open("w", newline="") as stream:
        rows = [[image, *(int(label == c) for c in COLUMNS)] for image, label, _ in CASES]
        csv.writer(stream).writerows([["image", *COLUMNS], *rows])
    with (root / METADATA).open("w", newline="") as stream:
        head = ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"]
        csv.writer(stream).writerows(
            [head, *([image, "", "", lesion, ""] for image, _, lesion in CASES)]
        )
    return root


@pytest.fixture
def classifier(tmp_path, monkeypatch):
    """The bundled model, as if it had been trained on the lesion L2."""
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    bundled = registry.default_card()
    place = registry.installed_folder() / "copy.v1"
    place.mkdir(parents=True)
    shutil.copy(bundled.file("served"), place / "copy.v1.tflite")
    ids = b"image,lesion_id\nISIC_0000003,L2\n"
    (place / "ids.csv.gz").write_bytes(gzip.compress(ids))
    (place / "copy.v1.toml").write_text(
        f'name = "copy.v1"\nlabels = {list(bundled.labels)}\nscaling = "inside"\n'
        '[files.served]\nfile = "copy.v1.tflite"\n[files.training_ids]\nfile = "ids.csv.gz"\n'
    )
    return Classifier.load("copy.v1")


def test_the_nearest_cases_one_a_lesion_with_what_the_model_knows(folder, classifier):
    assert SimilarCases.load(classifier) is None
    assert similar.build(classifier, folder) == (4, ["ISIC_0000005"])
    cases = SimilarCases.load(classifier)
    photo = (folder / PHOTOS / "ISIC_0000002.jpg").read_bytes()
    found = cases.find(classifier.analyse(photo).pooled)
    assert found[0].image == "ISIC_0000002"
    assert len(found) == 3  # the other photo of its lesion is not a case of its own
    assert found[0].distance == pytest.approx(0, abs=0.01)
    assert [case.distance for case in found] == sorted(case.distance for case in found)
    assert {case.image: case.known for case in found}["ISIC_0000003"] is True
    assert sum(case.known for case in found) == 1
    assert all(case.photo.is_file() for case in found)


def test_many_photos_of_one_lesion_do_not_crowd_the_others_out(monkeypatch, classifier, folder):
    crowd = [("A", "MEL", "L1")] * 30 + [("B", "NV", "L2"), ("C", "DF", "")]
    from usearch.index import Index

    index = Index(ndim=2, metric="l2sq")
    points = np.zeros((32, 2), np.float32)
    points[:, 0] = np.arange(32)
    index.add(np.arange(32), points)
    cases = SimilarCases(index, [Case(*one) for one in crowd], folder, None)
    assert [one.image for one in cases.find(points[0], count=3)] == ["A", "B", "C"]
    assert [one.image for one in cases.find(points[0], count=2)] == ["A", "B"]


def test_without_a_training_list_nobody_knows(folder, classifier, monkeypatch):
    similar.build(classifier, folder)
    monkeypatch.setattr(similar, "training_ids", lambda _: None)
    pooled = classifier.analyse((folder / PHOTOS / "ISIC_0000003.jpg").read_bytes()).pooled
    assert {case.known for case in SimilarCases.load(classifier).find(pooled)} == {None}


def test_another_network_has_an_index_of_its_own(folder, classifier):
    similar.build(classifier, folder)
    other = Classifier.load("copy.v1")
    other.digest = lambda: "0" * 64
    assert SimilarCases.load(other) is None


def test_the_command_makes_it(folder, classifier, capsys):
    assert main(["index", str(folder), "--model", "copy.v1"]) == 0
    assert "4 cases can be found; 1 photos could not be read" in capsys.readouterr().out
    assert len(SimilarCases.load(classifier)) == 4


def test_without_the_library_and_with_a_damaged_index_it_says_so(folder, classifier, monkeypatch):
    similar.build(classifier, folder)
    place = similar._place(classifier, create=False)
    (place / similar.CASES).write_text("image,label,lesion_id\nISIC_1,MEL,\n")
    with pytest.raises(ZooError, match="is damaged"):
        SimilarCases.load(classifier)
    monkeypatch.setitem(sys.modules, "usearch", None)
    with pytest.raises(ZooError, match="pip install usearch"):
        similar.build(classifier, folder)
