"""The README's pictures: where each ends, in which theme, and how tall it is."""

from collections.abc import Callable
from dataclasses import dataclass

from streamlit_app.demo import storyboard
from streamlit_app.demo.stage import Stage

WIDTH = 1280


@dataclass(frozen=True)
class Picture:
    """The last frame of a scene of the storyboard, `WIDTH` pixels wide.

    theme: "light" or "dark". height: pixels, so that all that matters is on it.
    """

    scene: Callable[[Stage], None]
    theme: str
    height: int


PICTURES = {
    "analyze.png": Picture(storyboard.upload, "light", 900),
    "study.png": Picture(storyboard.study, "dark", 800),
    "models.png": Picture(storyboard.card, "light", 1300),
}
