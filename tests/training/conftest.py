"""A small folder in the ISIC 2019 layout, of coloured noise, and a backbone that trains fast."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from model_zoo import architectures
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS, read_cases
from model_zoo.labels import CODES
from training import splits
from training.__main__ import main
from training.learner import Data

from .archived import BROKEN, SAMPLES

COLUMNS = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
PER_CLASS = 6


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def own_precision(monkeypatch):
    """What a training sets for its process is taken back; TensorFlow rounds nothing by itself."""
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def small_isic(tmp_path_factory):
    """48 photos of 24 lesions, each class in its own colour."""
    folder = tmp_path_factory.mktemp("isic")
    (folder / PHOTOS).mkdir()
    random = np.random.default_rng(0)
    labels, metadata = [], []
    for index in range(PER_CLASS * len(CODES)):
        code = CODES[index % len(CODES)]
        image = f"ISIC_00{24306 + index}"
        colour = np.array([(37 * CODES.index(code)) % 200, 30 * CODES.index(code), 120])
        noise = random.integers(0, 40, (40, 48, 3))
        Image.fromarray((colour + noise).clip(0, 255).astype("uint8")).save(
            folder / PHOTOS / f"{image}.jpg", quality=95
        )
        labels.append([image, *(int(code == column) for column in COLUMNS)])
        lesion = f"L{index % len(CODES)}_{index // len(CODES) // 2}"
        metadata.append([image, 45.0, "palms/soles", lesion, "female"])
    for name, head, rows in (
        (GROUND_TRUTH, ["image", *COLUMNS], labels),
        (METADATA, ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"], metadata),
    ):
        with (folder / name).open("w", newline="") as stream:
            csv.writer(stream).writerows([head, *rows])
    return folder


@pytest.fixture
def data(small_isic, tmp_path):
    cases = read_cases(small_isic)
    rows = [
        splits.Row(c.image, c.label, c.lesion_id, splits.TRAIN if i < 32 else splits.VALIDATION)
        for i, c in enumerate(cases)
    ]
    images = tmp_path / "list.csv"
    splits.write_list(rows, images)
    train, validation = (splits.part_of(rows, p) for p in (splits.TRAIN, splits.VALIDATION))
    return Data(small_isic, images, train, validation)


def make_tiny(include_top, weights, input_tensor):
    """A backbone of two convolutions, as `keras.applications` make theirs."""
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(input_tensor)
    x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Activation("relu")(x)
    x = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(keras.utils.get_source_inputs(x)[0], x)


@pytest.fixture
def tiny_backbone(monkeypatch):
    """The name of that backbone, known to `architectures.build`."""
    know_tiny(monkeypatch)
    return "Tiny"


def know_tiny(patch):
    """Nothing; `architectures.build` knows the backbone "Tiny" until the patch is undone."""
    tiny = architectures.Backbone(make_tiny, "tf", 32)
    patch.setitem(architectures.BACKBONES, "Tiny", tiny)


@pytest.fixture(scope="module")
def tiny_backbone_of_module():
    """As `tiny_backbone`, for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        know_tiny(patch)
        yield "Tiny"


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """Twelve drawn samples in two folders, three broken files and a link that leads nowhere."""
    folder = tmp_path_factory.mktemp("archive")
    for index, file in enumerate(SAMPLES):
        below = folder / f"{index % 2}"
        below.mkdir(exist_ok=True)
        shutil.copy(file, below)
    for name, (_, content) in BROKEN.items():
        (folder / "1" / name).write_bytes(content)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "notes.txt").write_text("not looked at")
    return folder


@pytest.fixture(scope="session")
def scored(archive, tmp_path_factory):
    """The folder of rows of the local engine."""
    from training.scoring.job import Job
    from training.scoring.run import score

    job = Job(archive, tmp_path_factory.mktemp("rows") / "local.parquet", part=4)
    score(job)
    return job.out


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
