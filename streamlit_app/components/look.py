"""The little of the look that the theme's settings do not reach."""

import streamlit as st

# The page begins right under the navigation, so that a photo, its probabilities and what can be
# made of them stand on one screen of a laptop.
STYLE = """<style>
.stMainBlockContainer { padding-top: 4.6rem; padding-bottom: 3rem; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; }
  .stMainBlockContainer [data-testid="stHorizontalBlock"] { row-gap: 1rem; } }
</style>"""


def look() -> None:
    """Nothing; sets the room around pages."""
    st.html(STYLE)
