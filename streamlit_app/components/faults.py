"""What a page shows instead of a part of it that a fault of the model's card leaves undrawn."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from model_zoo.errors import BadModel
from streamlit_app.content import told


@contextmanager
def fault_told() -> Iterator[None]:
    """Nothing; where a card cannot be used for what is drawn inside, says why in its place."""
    try:
        yield
    except BadModel as fault:
        st.error(told(fault), icon=":material/error:")
