"""What a card lacks, and the command that writes it."""

import streamlit as st

from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.training_ids import training_ids
from streamlit_app.components.faults import fault_told
from streamlit_app.content import told


def absent(card: Card, sentence: str, command: str) -> None:
    """Nothing; draws the sentence and the command, or why the command would refuse this model."""
    with fault_told():
        if training_ids(card) is None:
            st.info(told(ZooError("unlisted", name=card.name)), icon=":material/block:")
            return
        st.info(sentence, icon=":material/pending:")
        st.code(command, language="bash", wrap_lines=True)
