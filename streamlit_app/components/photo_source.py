"""Where a photo comes from: an upload, the camera, or one of the drawn samples."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from model_zoo.images import MAX_BYTES, SUFFIXES
from streamlit_app.components.archive_photo import choose_archive_photo, put_away
from streamlit_app.content import sample_title, text
from streamlit_app.exports import plain_name
from streamlit_app.isic_archive import ArchivePhoto

SAMPLES = Path(__file__).parents[1] / "samples"
UPLOAD, CAMERA, DRAWN = "upload", "camera", "samples"
# Where a session keeps the one photo that was given last, under where it came from: what a page's
# uploader holds goes away with the page.
GIVEN = "analyze_given"
SHOWN = 24  # letters of its name, so that it stays on one line


@dataclass(frozen=True)
class Chosen:
    """A photo as it came: a name to show and its bytes.

    example: nobody chose it. archive: what the ISIC Archive says of it, None for any other photo.
    """

    name: str
    data: bytes
    example: bool = False
    archive: ArchivePhoto | None = None


@st.cache_data(show_spinner=False)
def samples() -> dict[str, dict]:
    """The drawn samples: name to title, description and file name, in the order of the index."""
    return tomllib.loads((SAMPLES / "index.toml").read_text(encoding="utf-8"))


def choose_photo() -> tuple[Chosen, DeltaGenerator]:
    """What the user chose, or the first drawn sample, and a place beside it for a mark."""
    left, right = st.columns(2, vertical_alignment="top")
    place = left.segmented_control(
        text("analyze.source"),
        (UPLOAD, CAMERA, DRAWN),
        default=UPLOAD,
        required=True,
        format_func=lambda name: text(f"analyze.{name}"),
        key="analyze_source",
        persist_state="session",
        width="stretch",
    )
    mark = left.container()
    with right:
        if place == DRAWN:
            return _choose_sample(), mark
        given = _upload() if place == UPLOAD else _photograph()
    kept = st.session_state.get(GIVEN, {}).get(place)
    if given is None and kept is not None:
        with mark:
            _tell_of(kept.name)
    given = given or kept
    if given is None:
        return _sample(next(iter(samples())), example=True), mark
    return Chosen(given.name, given.getvalue()), mark


def _upload():
    return st.file_uploader(
        text("analyze.upload_label"),
        type=list(SUFFIXES),
        max_upload_size=MAX_BYTES >> 20,
        key="analyze_upload",
        on_change=_keep,
        args=(UPLOAD,),
    )


def _photograph():
    given = st.camera_input(
        text("analyze.camera_label"),
        key="analyze_camera",  # what has a key is let go of once it is replaced (see `uploads`)
        resolution="1080p",  # else as few pixels as the picture on the page has
        on_change=_keep,
        args=(CAMERA,),
    )
    st.caption(text("analyze.camera_note"))
    return given


def _keep(place: str) -> None:
    """Nothing; keeps what an uploader was just given, or forgets what was taken out of it."""
    given = st.session_state[f"analyze_{place}"]
    if isinstance(given, UploadedFile):
        st.session_state[GIVEN] = {place: given}  # itself: so it counts among the uploads held
    elif given is None:
        st.session_state.get(GIVEN, {}).pop(place, None)
    # Else it is being replaced, and the next one is on its way.


def _take_away() -> None:
    st.session_state.pop(GIVEN, None)


def _tell_of(name: str) -> None:
    """Nothing; names the photo that is still looked at, to be taken away where that is wished."""
    name = plain_name(name)
    st.button(
        text("analyze.take_away", name=name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"),
        key="analyze_take_away",
        help=text("analyze.kept"),
        on_click=_take_away,
        type="tertiary",
        icon=":material/close:",
    )


def _choose_sample() -> Chosen:
    name = st.selectbox(
        text("analyze.sample_label"),
        list(samples()),
        format_func=lambda name: sample_title(samples()[name]["title"]),
        help=text("analyze.sample_help"),
        key="analyze_sample",
        persist_state="session",
        on_change=put_away,
    )
    photo = choose_archive_photo()
    if photo is not None:
        return Chosen(photo.isic_id, photo.data, archive=photo)
    return _sample(name, example=False)


def _sample(name: str, *, example: bool) -> Chosen:
    entry = samples()[name]
    return Chosen(entry["title"], (SAMPLES / entry["file"]).read_bytes(), example)
