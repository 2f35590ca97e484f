"""The little of the look that the theme's settings do not reach."""

import streamlit as st

from streamlit_app.components.charts import palette
from streamlit_app.content import direction

# Streamlit's captions and, in the dark theme, its primary buttons have less contrast than WCAG 2.2
# asks for (1.4.3: 4.5 to 1). The page begins right under the navigation, so that a photo, its
# probabilities and what can be made of them stand on one screen of a laptop.
STYLE = """<style>
.stMainBlockContainer {{ padding-top: 4.6rem; padding-bottom: 3rem; }}
@media (max-width: 640px) {{
  .stMainBlockContainer {{ padding-left: 1rem; padding-right: 1rem; }}
  .stMainBlockContainer [data-testid="stHorizontalBlock"] {{ row-gap: 1rem; }} }}
.stMarkdown [data-testid="stCaptionContainer"] {{ color: {soft}; opacity: 1; }}
.stMarkdown [data-testid="stCaptionContainer"] p {{ color: inherit; }}
[data-testid="stBaseButton-primary"] {{ color: {ground}; }}
[data-testid="stBaseButton-primary"] p {{ color: inherit; }}
</style>"""
# Streamlit has no setting for it. Charts, code and sliders keep their numbers from left to right.
RIGHT_TO_LEFT = """<style>
[data-testid="stMain"], [data-testid="stSidebarContent"], [data-testid="stDialog"],
[data-testid="stTooltipContent"], [data-testid="stSelectboxVirtualDropdown"] {
  direction: rtl; text-align: start; }
[data-testid="stMarkdown"], [data-testid="stMarkdownContainer"], [data-testid="stHeading"] {
  text-align: start !important; }
[data-testid="stButtonGroup"] button { border-radius: 0.6rem !important; }
[data-testid="stTooltipIcon"] { margin-inline-start: 0.4rem; }
[data-testid="stPlotlyChart"], [data-testid="stDataFrame"], [data-testid="stCode"],
[data-testid="stImage"], [data-testid="stSlider"] [data-baseweb="slider"], code, pre {
  direction: ltr; }
</style>"""


def look() -> None:
    """Nothing; sets the room around pages, and letters where they would be too pale."""
    colours = palette()
    st.html(STYLE.format(soft=colours.soft, ground=colours.ground))
    if direction() == "rtl":
        st.html(RIGHT_TO_LEFT)
