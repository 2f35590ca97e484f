"""Folders of real photos, which are no part of the project: tests that need them skip."""

import os
import tempfile
from pathlib import Path

import pytest

# Before any test module is read: models that the user installed are no part of the tests.
os.environ["LESIONLENS_CACHE"] = tempfile.mkdtemp(prefix="lesionlens-tests-")
os.environ.pop("LESIONLENS_MODEL", None)

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture(scope="session")
def photos_folder() -> Path:
    """A folder in the ISIC 2019 layout, with some photos as published in `native`."""
    return _folder("isic2019", "ISIC_2019_Training_Input")


@pytest.fixture(scope="session")
def frames_folder() -> Path:
    """The folder of whole HAM10000 frames, from before they were cropped for ISIC 2019."""
    return _folder("ham10000_segmentation", "images") / "images"


def _folder(name: str, part: str) -> Path:
    folder = SHARED / name
    if not (folder / part).is_dir():
        pytest.skip(f"no folder of real photos beside the project (shared/{name}/{part})")
    return folder
