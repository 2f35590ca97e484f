"""Choices that are kept over pages, where what is on offer may have changed in between."""

from collections.abc import Container

import streamlit as st


def forget_unless_offered(key: str, options: Container[object]) -> None:
    """Nothing; forgets a kept choice that is not on offer now, so that the default stands again.

    To be called before the choice is drawn.
    """
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
