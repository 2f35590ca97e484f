"""Study: the learner commits first; then the truth, the model's view, and at the end the scores."""

import random

import streamlit as st

from model_zoo.card import Card
from model_zoo.errors import ZooError
from streamlit_app import study
from streamlit_app.components.model_choice import choose_mode, choose_model
from streamlit_app.components.study_case import study_case
from streamlit_app.components.study_end import study_end
from streamlit_app.components.study_sources import (
    ARCHIVE,
    DRAWN,
    FOLDER,
    cases,
    note,
    prevalence,
    sources,
)
from streamlit_app.content import text, told

LENGTHS = (5, 10, 20)


def page() -> None:
    """Nothing; draws the page."""
    under_way: study.Round | None = st.session_state.get("study_round")
    if under_way is None:
        _begin()
    elif under_way.current is not None:
        _tell_fewer(under_way)
        study_case(under_way, *st.session_state["study_model"])
    else:
        study_end(under_way)


def _begin() -> None:
    left, right = st.columns([3, 2], gap="large")
    with right:
        card = choose_model()
        mode = choose_mode()
    with left:
        st.header(text("study.title"), anchor=False)
        st.markdown(text("study.intro"))
        source = st.segmented_control(
            text("study.source"),
            sources(),
            default=sources()[0],
            required=True,
            format_func=lambda name: text(f"study.{name}"),
            key="study_source",
            help=None if FOLDER in sources() else text("study.no_folder"),
            persist_state="session",
        )
        st.caption(note(source))
        one, two = st.columns(2, vertical_alignment="bottom")
        length = one.segmented_control(
            text("study.length"),
            LENGTHS,
            default=10,
            required=True,
            key="study_length",
            persist_state="session",
        )
        drill = two.toggle(
            text("study.drill"),
            help=text("study.drill_help"),
            key="study_drill",
            persist_state="session",
        )
        st.info(prevalence(source), icon=":material/bar_chart:")
        pressed = st.button(text("study.start"), type="primary", disabled=card is None)
        if pressed or st.session_state.pop("study_drawn_instead", False):
            _start(source, (card, mode), length, drill=drill)


def _tell_fewer(under_way: study.Round) -> None:
    """Nothing; says before the first answer if the source has fewer cases than were asked for."""
    asked, count = st.session_state["study_asked"], len(under_way.cases)
    if not under_way.answers and count < asked:
        st.info(text("study.fewer", asked=asked, count=count), icon=":material/info:")


def _take_drawn() -> None:
    st.session_state["study_source"] = DRAWN
    st.session_state["study_drawn_instead"] = True


def _start(source: str, asked: tuple[Card, str], length: int, *, drill: bool) -> None:
    """Nothing; begins a round. asked: the model, and how (see `trust`)."""
    card, mode = asked
    seed = random.SystemRandom().randrange(2**31)
    try:
        found = cases(source, card, length, seed)
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        if source == ARCHIVE:
            st.button(text("study.drawn_instead"), on_click=_take_drawn)
        return
    if not found:
        st.error(text("study.no_cases"), icon=":material/error:")
        return
    st.session_state["study_round"] = study.begin(found, length, drill=drill, seed=seed)
    st.session_state["study_asked"] = length
    st.session_state["study_model"] = (card.name, mode)
    st.session_state["study_source_used"] = source
    st.rerun()


page()
