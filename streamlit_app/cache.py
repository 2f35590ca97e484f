"""What the app keeps between runs of a page: models for all users, one analysis for each user.

A user's photo lives in that user's session alone; only models and our own drawings are shared.
"""

import hashlib
import time
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st

from model_zoo import registry
from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from model_zoo.images import decode_rgb
from model_zoo.loading import fingerprint
from model_zoo.overlay import outlined
from model_zoo.segmentation import bundled_outliner
from model_zoo.trust import SINGLE, TTA
from streamlit_app.log import log

# No screen shows a photo larger than this; drawing on a smaller copy keeps sliders quick.
DISPLAY_SIDE = 900
# Where a session keeps the photo that is looked at, and the one that it is compared with.
FIRST, SECOND = "analyze_viewed", "analyze_second_viewed"


@dataclass(frozen=True)
class Viewed:
    """One photo with its analysis, ready to be drawn.

    shown: uint8 (H, W, 3) RGB, at most `DISPLAY_SIDE` pixels long; scale: its size over the
    photo's. digest: of the photo's bytes, in hex. example: nobody chose it. mode: how the model was
    asked (see `trust`). zoomed: whether it was shown the square around the outline. model_sha256:
    of what read it, whatever stands under the model's name now.
    """

    name: str
    shown: np.ndarray
    scale: float
    analysis: Analysis
    digest: str
    example: bool
    mode: str = SINGLE
    zoomed: bool = False
    model_sha256: str = ""

    def shows(self, data: bytes) -> bool:
        """Whether it is of the photo with these bytes."""
        return self.digest == hashlib.sha256(data).hexdigest()

    @property
    def side(self) -> int:
        """How many pixels the network reads along one side."""
        return self.analysis.read.shape[0]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """What the model saw: left, top, right, bottom in pixels of `shown`."""
        height, width = self.shown.shape[:2]
        left, top, right, bottom = (round(edge * self.scale) for edge in self.analysis.box)
        return left, top, min(right, width), min(bottom, height)

    @property
    def contour(self) -> np.ndarray:
        """The outline of the lesion, float32 (N, 2) in pixels of `shown`; it must have one."""
        return self.analysis.outline.contour * self.scale

    def with_outline(self) -> np.ndarray:
        """The photo with the outline, if there is one, uint8 (H, W, 3) RGB."""
        return self.shown if self.analysis.outline is None else outlined(self.shown, self.contour)


def classifier(name: str, mode: str = SINGLE) -> Classifier:
    """The loaded model of a card's name with the outliner, for all users. Raises `BadModel`."""
    return _load(name, mode, content_of(name))


def content_of(name: str) -> str:
    """What tells whether a model is still what it was, in hex. Raises `BadModel`."""
    return fingerprint(registry.find(name))


@st.cache_resource(show_spinner=False, max_entries=8)
def _load(name: str, mode: str, content: str) -> Classifier:
    """The loaded model; a card or file that was written anew is another entry of the cache."""
    return Classifier.load(name, tta=mode == TTA, outliner=bundled_outliner())


def view(
    name: str,
    data: bytes,
    model: str,
    *,
    example: bool,
    mode: str = SINGLE,
    zoomed: bool = False,
    slot: str = FIRST,
) -> Viewed:
    """The analysis of a photo for this user, kept in the session until another one is chosen.

    zoomed: let the model read the square around the outline, if there is one. slot: `FIRST`, or
    `SECOND` for the one it is compared with. Raises `BadImage` or `BadModel`; what was kept before
    stays.
    """
    digest = hashlib.sha256(data).hexdigest()
    key = (digest, model, name, example, mode, zoomed, content_of(model))
    kept = st.session_state.get(slot)
    if kept is None or kept[0] != key:
        kept = (key, _logged(data, classifier(model, mode), key))
        st.session_state[slot] = kept
    return kept[1]


def last_viewed() -> Viewed | None:
    """What this user looked at last, or None."""
    kept = st.session_state.get(FIRST)
    return kept[1] if kept else None


def forget_second() -> None:
    """Nothing; lets go of the photo that was compared with, which no other page shows."""
    st.session_state.pop(SECOND, None)


def _logged(data: bytes, reader: Classifier, key: tuple) -> Viewed:
    """The analysis of a photo; the log says that there was one, and nothing of the photo."""
    began = time.perf_counter()
    try:
        viewed = _analyse(data, reader, *key)
    except ZooError as fault:
        log("refused", model=reader.card.name, code=fault.code)
        raise
    log(
        "analysis",
        model=reader.card.name,
        mode=viewed.mode,
        status=viewed.analysis.status,
        milliseconds=round((time.perf_counter() - began) * 1e3, 1),
    )
    return viewed


def _analyse(
    data: bytes,
    reader: Classifier,
    digest: str,
    _: str,
    name: str,
    example: bool,
    mode: str,
    zoomed: bool,
    _content: str,
) -> Viewed:
    rgb = decode_rgb(data)
    analysis = reader.analyse(rgb)
    if zoomed and analysis.outline is not None:
        analysis = reader.analyse_within(rgb, analysis.outline.square(analysis.size))
    scale = min(1.0, DISPLAY_SIDE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    shown = rgb if scale == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Viewed(name, shown, scale, analysis, digest, example, mode, zoomed, reader.digest())
