"""Files of the zoo: where they lie, whether they are the right ones, and how they are fetched."""

import os
from pathlib import Path

import platformdirs


def cache_folder(*parts: str) -> Path:
    """The writable folder for what is made at run time, created if absent.

    `LESIONLENS_CACHE`, or else the platform's cache folder of this user.
    """
    root = os.environ.get("LESIONLENS_CACHE") or platformdirs.user_cache_dir("lesionlens")
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
