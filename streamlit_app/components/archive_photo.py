"""A real photo beside the drawn samples: from the ISIC Archive, its diagnosis hidden at first."""

import random

import streamlit as st

from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from model_zoo.training_ids import training_ids
from streamlit_app import archive_shared, isic_archive
from streamlit_app.content import class_name, text, told
from streamlit_app.exports import plain_name
from streamlit_app.isic_archive import ArchivePhoto

PHOTO, TOLD = "analyze_archive", "analyze_archive_told"


def choose_archive_photo() -> ArchivePhoto | None:
    """The public-domain photo that the user asked for, or None while there is none."""
    words = text("archive.help", most=isic_archive.MOST)
    row = st.container(horizontal=True)
    if row.button(text("archive.ask"), icon=":material/public:", help=words):
        _ask()
    photo = st.session_state.get(PHOTO)
    if photo is not None:
        row.button(text("archive.back"), icon=":material/undo:", on_click=put_away)
    return photo


def put_away() -> None:
    """Nothing; forgets the photo of the archive."""
    st.session_state.pop(PHOTO, None)
    st.session_state.pop(TOLD, None)


def _ask() -> None:
    """Nothing; draws a class, then a photo of it; without a network the old photo stays."""
    drawn = random.SystemRandom()
    faults: list[ZooError] = []
    try:
        with st.spinner(text("archive.busy")):
            found = archive_shared.photos(
                drawn.choice(CODES), 1, seed=drawn.randrange(2**31), faults=faults
            )
        if faults and not found:
            raise faults[-1]
    except ZooError as fault:
        st.warning(told(fault), icon=":material/cloud_off:")
        return
    if not found:
        st.warning(text("archive.none"), icon=":material/cloud_off:")
        return
    st.session_state[PHOTO] = found[0]
    st.session_state.pop(TOLD, None)


def told_of_photo(photo: ArchivePhoto, card: Card) -> None:
    """Nothing; draws whom to thank for the photo, whether the model was trained on its lesion, and
    its diagnosis once asked for."""
    st.caption(
        text("archive.thanks", name=photo.isic_id, attribution=plain_name(photo.attribution))
    )
    known = photo.trained_on(training_ids(card))
    if known is None:
        st.badge(text("archive.known_unknown"), icon=":material/help:", color="gray")
    elif known:
        st.badge(text("archive.known"), icon=":material/history_edu:", color="orange")
    if not st.session_state.get(TOLD):
        st.button(text("archive.tell"), icon=":material/visibility:", on_click=_tell)
        return
    st.markdown(text("archive.truth", label=class_name(photo.label)))
    st.caption(text(f"archive.by_{photo.confirmation}"))


def _tell() -> None:
    st.session_state[TOLD] = True
