"""Analyze: one photo, eight probabilities, and the Grad-CAM heatmap of any class."""

import json

import streamlit as st

from model_zoo import NOTICE
from model_zoo.card import Card
from model_zoo.errors import BadImage, ZooError
from model_zoo.labels import BY_CODE
from streamlit_app.cache import Viewed, classifier, last_viewed, view
from streamlit_app.components.model_choice import choose_model, model_line
from streamlit_app.components.photo_source import Chosen, choose_photo
from streamlit_app.components.photo_view import photo_view
from streamlit_app.components.probabilities import probability_chart, probability_table
from streamlit_app.content import text
from streamlit_app.exports import plain_name


def page() -> None:
    """Nothing; draws the page."""
    top_left, top_right = st.columns([7, 4], gap="large")
    with top_left:
        chosen = choose_photo()
    with top_right:
        card = choose_model()
    if card is None:
        return
    photo, answer = st.columns([1, 1], gap="large")
    with photo:
        viewed = _viewed(chosen, card)
    if viewed is None:
        return
    with photo:
        if viewed.example:
            st.badge(text("analyze.example", name=viewed.name), icon=":material/draw:")
        photo_view(viewed)
    with answer:
        _answer(viewed, card)


def _viewed(chosen: Chosen, card: Card) -> Viewed | None:
    """The analysis to show; where the photo is bad, its sentence and the one shown before."""
    try:
        with st.spinner(text("analyze.loading")):
            classifier(card.name)
        with st.spinner(text("analyze.busy"), show_time=False):
            return view(chosen.name, chosen.data, card.name, example=chosen.example)
    except BadImage as fault:
        st.error(
            text("analyze.faulty", name=plain_name(chosen.name), sentence=fault),
            icon=":material/broken_image:",
        )
        before = last_viewed()
        if before is None or before.analysis.model != card.name:
            return None  # another model's answer is never shown under this one's name
        st.caption(text("analyze.still", name=plain_name(before.name)))
        return before
    except ZooError as fault:
        st.error(str(fault), icon=":material/error:")
        return None


def _answer(viewed: Viewed, card: Card) -> None:
    analysis = viewed.analysis
    st.subheader(text("analyze.probabilities"), anchor=False)
    probability_chart(analysis)
    st.caption(text("analyze.probabilities_note"))
    leading = BY_CODE[analysis.label]
    with st.container(border=True):
        st.markdown(f"**{text('analyze.learn', name=leading.name)}**")
        st.markdown(text(f"classes.{leading.code}.text"))
        source = text(f"classes.{leading.code}.source")
        st.caption(text("analyze.source_of_text", source=source))
    with st.expander(text("analyze.as_table")):
        probability_table(analysis)
    record = {**analysis.record(viewed.name), "notice": NOTICE}
    st.download_button(
        text("analyze.download"),
        json.dumps(record, ensure_ascii=False, indent=1),
        "lesionlens.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
    )
    st.caption(model_line(card))


page()
