"""The model that a page needs: loaded before anybody takes a turn, with words for who waits."""

import streamlit as st

from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from streamlit_app.cache import classifier
from streamlit_app.content import text, told


def loaded(name: str, mode: str) -> Classifier | None:
    """The model of a card's name; None if it cannot be had, and the page says why.

    mode: how it is asked (see `trust`). To be called outside of a turn, since a model that has to
    be compiled takes a minute.
    """
    try:
        with st.spinner(text("app.loading"), show_time=True):
            return classifier(name, mode)
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return None
