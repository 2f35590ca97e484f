"""How a photo becomes an answer, in one picture that takes its colours from the theme."""

from html import escape
from pathlib import Path

import streamlit as st

from streamlit_app.components.charts import palette
from streamlit_app.content import text

PICTURE = Path(__file__).parents[1] / "content" / "how.svg"
LABELS = (
    "photo",
    "square",
    "network",
    "outline",
    "heatmap",
    "probabilities",
    "familiar",
    "status",
    "status_note",
)


def how_it_works() -> None:
    """Nothing; draws the picture, its labels in the words of the page."""
    labels = {name: escape(text(f"how.{name}")) for name in LABELS}
    drawn = PICTURE.read_text(encoding="utf-8").format(ink=palette().ink, **labels)
    st.image(drawn, alt=text("how.alt"), width="stretch")
