"""The panel of similar cases on the Analyze page, with an index that the command makes."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.__main__ import main
from model_zoo.cases import GROUND_TRUTH, METADATA, PHOTOS
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from model_zoo.training_ids import training_rows
from streamlit_app.components import teaching
from streamlit_app.content import class_name, text
from streamlit_app.samples.draw import draw

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
# Image and class of each case, and what is drawn for it with which seed.
CASES = {
    "ISIC_9000001": ("NV", "globules", 101),
    "ISIC_9000002": ("MEL", "globules", 102),
    "ISIC_9000003": ("VASC", "lacunae", 103),
    "ISIC_9000004": ("BCC", "vessels", 104),
    "ISIC_9000005": ("BKL", "cysts", 105),
    "ISIC_9000006": ("DF", "scar", 106),
    "ISIC_9000007": ("NV", "network", 107),
}
TAUGHT, UNTOLD = "ISIC_9000001", "ISIC_9000002"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Drawn cases in the ISIC 2019 layout, one of a lesion that the default model was trained on.

    One has no lesion id; the others have some that the model's list could have.
    """
    root = tmp_path_factory.mktemp("cases")
    (root / PHOTOS).mkdir()
    lesions = {image: f"HAM_99{place:05}" for place, image in enumerate(CASES)}
    rows = training_rows(registry.default_card())
    lesions[TAUGHT] = next(lesion for _, lesion in rows if lesion.startswith("HAM_"))
    lesions[UNTOLD] = ""
    truth, about = [["image", *CODES]], [["image", "lesion_id"]]
    for image, (label, scene, seed) in CASES.items():
        Image.fromarray(draw(scene, seed)).save(root / PHOTOS / f"{image}.jpg", quality=92)
        truth.append([image, *(int(code == label) for code in CODES)])
        about.append([image, lesions[image]])
    for name, table in ((GROUND_TRUTH, truth), (METADATA, about)):
        with (root / name).open("w", newline="") as stream:
            csv.writer(stream).writerows(table)
    return root


@pytest.fixture
def photo(folder):
    """A photo that is not among the cases, and nearest to that of the lesion trained on."""
    mirrored = cv2.imread(str(folder / PHOTOS / f"{TAUGHT}.jpg"))[:, ::-1]
    return cv2.imencode(".png", mirrored)[1].tobytes()


@pytest.fixture
def upload(photo):
    """The page of a model that looks at the photo."""
    teaching._index.clear()  # what other tests have made is kept for all visitors

    def show(**chosen):
        test = AppTest.from_file(str(APP), default_timeout=60)
        test.session_state["notice_agreed"] = True
        test.query_params.update(chosen)
        test.run()
        return test.file_uploader[0].set_value(("own.png", photo, "image/png")).run()

    yield show
    teaching._index.clear()


def words(test) -> str:
    return "\n".join(str(part.value) for part in (*test.markdown, *test.caption))


def nearest(folder, photo) -> list[str]:
    """The images by how near they are in the features of the default model, worked out here."""
    classifier = Classifier.load()

    def features(data):
        pooled = classifier.analyse(data).pooled.astype(float)
        return pooled / np.linalg.norm(pooled)

    asked = features(photo)
    near = {i: asked @ features((folder / PHOTOS / f"{i}.jpg").read_bytes()) for i in CASES}
    return sorted(near, key=near.get, reverse=True)


def drawn_cases(test) -> list[str]:
    """The images of the panel in their order, each told by what stands below it."""
    told = [part.value for part in test.markdown]
    return [
        image
        for line in told
        for image, (label, _, _) in CASES.items()
        if line == f"**{class_name(label)}**  \n{image}"
    ]


def badges(test) -> dict[str, str]:
    """What is marked below a case, by image."""
    found, image = {}, ""
    for part in test.markdown:
        image = next((one for one in CASES if part.value.endswith(f"  \n{one}")), image)
        if "-badge[" in part.value and image:
            found[image] = part.value
    return found


def test_an_index_that_is_made_meanwhile_is_found_and_shows_the_five_nearest(upload, folder, photo):
    test = upload()
    assert text("similar.how") in words(test)
    assert not drawn_cases(test)
    assert main(["index", str(folder)]) == 0
    test.run()
    assert not test.exception
    assert text("similar.how") not in words(test)
    expected = nearest(folder, photo)[:5]
    assert expected[0] == TAUGHT
    assert drawn_cases(test) == expected
    alts = [picture.alt for part in test.get("image") for picture in part.proto.imgs]
    assert [alt for alt in alts if "confirmed case" in alt] == [
        text("similar.alt", name=image) for image in expected
    ]
    assert text("similar.note") in words(test)
    assert "Several networks" not in words(test)


def test_an_index_that_is_made_anew_takes_the_place_of_the_one_shown(upload, folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    assert main(["index", str(own)]) == 0
    test = upload()
    first = drawn_cases(test)
    assert len(first) == 5
    (own / PHOTOS / f"{first[0]}.jpg").unlink()
    assert main(["index", str(own)]) == 0
    test.run()
    assert drawn_cases(test)[:4] == first[1:]


def test_what_is_known_of_each_case_is_marked(upload, folder):
    assert main(["index", str(folder)]) == 0
    test = upload()
    shown, marked = drawn_cases(test), badges(test)
    assert text("similar.known") in marked.pop(TAUGHT)
    assert set(marked) == {UNTOLD} < set(shown)
    assert text("similar.known_unknown") in marked[UNTOLD]


def test_of_an_ensemble_it_says_whose_features_tell(upload, folder):
    name = registry.default_card().name
    place = registry.installed_folder() / "pair"
    place.mkdir(parents=True)
    labels = str(list(registry.default_card().labels)).replace("'", '"')
    card = f'name = "pair"\nlabels = {labels}\nscaling = "inside"\nmembers = ["{name}", "{name}"]\n'
    (place / "pair.toml").write_text(card)
    assert main(["index", str(folder), "--model", "pair"]) == 0
    test = upload(model="pair")
    assert not test.exception
    assert drawn_cases(test)[0] == TAUGHT
    assert text("similar.first_member", name=name) in words(test)
