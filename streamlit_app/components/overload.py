"""What a page shows instead of its answer while too many want one."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from model_zoo.errors import ZooError
from streamlit_app.content import text, told
from streamlit_app.log import log


@contextmanager
def overload_told() -> Iterator[None]:
    """Nothing; where there is no turn to be had, says so and offers to ask again.

    What was chosen above it on the page stays: only what is drawn inside of this is missing.
    """
    try:
        yield
    except ZooError as fault:
        if fault.code != "busy":
            raise
        log("busy")
        st.warning(told(fault), icon=":material/hourglass_top:")
        st.button(text("app.again"), icon=":material/refresh:")
