import tomllib

import cv2
import numpy as np
import pytest

from model_zoo.labels import CODES
from streamlit_app.samples.draw import FOLDER, SCENES, draw, index


@pytest.fixture(scope="module")
def listed() -> dict:
    return tomllib.loads((FOLDER / "index.toml").read_text(encoding="utf-8"))


# Each drawing takes about a second: two scenes of unlike parts stand for all.
@pytest.mark.parametrize("name", ["vessels", "hair"])
def test_a_seed_always_draws_the_same_picture_and_another_seed_another(name: str) -> None:
    first, again, other = draw(name, 1), draw(name, 1), draw(name, 2)
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 1


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_picture_we_ship_is_what_the_program_draws(scene) -> None:
    drawn = draw(scene.name, scene.seed)
    assert drawn.shape == (450, 600, 3)
    assert drawn.dtype == np.uint8
    shipped = cv2.imread(str(FOLDER / f"{scene.name}.jpg"))
    assert shipped is not None
    # JPEG and another build of OpenCV move a pixel by one or two, another drawing by far more.
    assert np.abs(cv2.cvtColor(shipped, cv2.COLOR_BGR2RGB).astype(int) - drawn).mean() < 3


def test_the_index_is_the_one_the_program_writes(listed: dict) -> None:
    assert listed == tomllib.loads(index())
    assert list(listed) == list(SCENES)


def test_every_entry_names_a_file_and_what_is_drawn(listed: dict) -> None:
    for name, entry in listed.items():
        assert set(entry) == {"file", "title", "pattern_of", "description"}
        assert entry["pattern_of"] in CODES
        assert (FOLDER / entry["file"]).is_file(), name
        assert entry["title"].startswith("Drawn: ")
        assert entry["description"].endswith(".")
    files = {file.name for file in FOLDER.glob("*.jpg")}
    assert files == {entry["file"] for entry in listed.values()}


def test_no_title_or_description_is_a_diagnosis(listed: dict) -> None:
    words = " ".join(e["title"] + " " + e["description"] for e in listed.values()).lower()
    for diagnosis in ("melanom", "nevus", "naev", "carcinom", "kerato", "angiom", "fibrom"):
        assert diagnosis not in words
