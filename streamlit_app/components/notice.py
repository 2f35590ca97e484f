"""The notice of every page, and the acknowledgement of a first visit."""

import streamlit as st

from streamlit_app.content import text


def banner() -> None:
    """Nothing; draws the notice that stays on every page."""
    st.markdown(f":orange-background[{text('notice.banner')}]")


def acknowledge() -> None:
    """Nothing; opens the notice in full until this visitor has agreed to it once."""
    if not st.session_state.get("notice_agreed"):
        _dialog()


@st.dialog(text("notice.title"), dismissible=False, icon=":material/school:")
def _dialog() -> None:
    st.markdown(text("notice.body"))
    if st.button(text("notice.agree"), type="primary", width="stretch"):
        st.session_state["notice_agreed"] = True
        st.rerun()
