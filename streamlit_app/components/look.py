"""The little of the look that the theme's settings do not reach."""

import streamlit as st

from streamlit_app.components.charts import palette
from streamlit_app.content import ENGLISH, direction, language, text

# Streamlit's captions and, in the dark theme, its primary buttons have less contrast than WCAG 2.2
# asks for (1.4.3: 4.5 to 1). The page begins right under the navigation, so that a photo, its
# probabilities and what can be made of them stand on one screen of a laptop.
STYLE = """<style>
.stMainBlockContainer {{ padding-top: 4rem; padding-bottom: 3rem; }}
@media (max-width: 640px) {{
  .stMainBlockContainer {{ padding-left: 1rem; padding-right: 1rem; }}
  .stMainBlockContainer [data-testid="stHorizontalBlock"] {{ row-gap: 1rem; }} }}
.stMainBlockContainer [data-testid="stAlertContainer"] {{ padding-block: 0.5rem; }}
.stMainBlockContainer h1 {{ padding: 0; }}
.stMainBlockContainer h2 {{ padding: 0.25rem 0; }}
[class*="st-key-picture_"] img:not([style*="max-height"]) {{ object-fit: contain;
  object-position: left; max-height: max(16rem, calc(100vh - 23rem)); }}
[class*="st-key-analyze_"] [data-testid="stFileUploaderDropzone"] {{ flex-direction: row;
  align-items: center; padding: 0.4rem 0.75rem; min-height: 0; }}
[class*="st-key-analyze_"] [data-testid="stFileChips"] {{ flex-direction: row; }}
.st-key-analyze_view [data-testid="stButtonGroup"] button {{ padding-inline: 0.35rem; }}
[data-testid="stPopoverButton"][kind="tertiary"] {{ min-height: 1.6rem; padding: 0; }}
.stMarkdown [data-testid="stCaptionContainer"] {{ color: {soft}; opacity: 1; }}
.stMarkdown [data-testid="stCaptionContainer"] p {{ color: inherit; }}
[data-testid^="stBaseButton-primary"] {{ color: {ground}; }}
[data-testid^="stBaseButton-primary"] p {{ color: inherit; }}
</style>"""
# Streamlit has no setting for it. Charts, code and sliders keep their numbers from left to right.
# Toggles, rows of buttons and of tabs are drawn for that direction too: they are mirrored, and
# their words mirrored back. The arrows beside tabs change sides with them.
RIGHT_TO_LEFT = """<style>
[data-testid="stApp"], [data-testid="stSidebarContent"], [data-testid="stDialog"],
[data-testid="stPopoverBody"], [data-testid="stTooltipContent"],
[data-testid="stSelectboxVirtualDropdown"] { direction: rtl; text-align: start; }
[data-testid="stMarkdown"], [data-testid="stMarkdownContainer"], [data-testid="stHeading"] {
  text-align: start !important; }
[data-testid="stButtonGroup"] > [role], [data-testid="stCheckbox"] label > span + div {
  direction: ltr; transform: scaleX(-1); }
[data-testid="stButtonGroup"] button > div {
  direction: rtl; transform: scaleX(-1); }
[data-testid="stExpandSidebarButton"], [data-testid="stSidebarCollapseButton"],
summary [data-testid="stIconMaterial"] { transform: scaleX(-1); }
[data-testid="stSidebar"][data-collapsed="true"] { visibility: hidden; }
[data-testid="stMarkdownContainer"] li { margin: 0.2em 1.15em 0.2em 0; padding: 0 0.3em 0 0; }
[data-testid="stTooltipIcon"] { margin-inline-start: 0.4rem; }
[data-testid="stTabs"] [role="tablist"] { direction: ltr; transform: scaleX(-1); }
[data-testid="stTab"] > [data-testid="stMarkdownContainer"] {
  direction: rtl; transform: scaleX(-1); }
[data-testid="stTabsScrollRight"] { right: auto; left: 0; transform: scaleX(-1); }
[data-testid="stTabsScrollLeft"] { left: auto; right: 0; transform: scaleX(-1); }
[data-testid="stPlotlyChart"], [data-testid="stDataFrame"], [data-testid="stCode"],
[data-testid="stImage"], [data-testid="stSlider"] [role="group"],
[data-testid="stFileUploaderDropzoneInstructions"], code, pre { direction: ltr; }
.js-plotly-plot text { unicode-bidi: plaintext; }
</style>"""
# Thumbs of sliders count from the right in a browser whose own language runs from there, whatever
# the language of the page (React Aria's useLocale); what is filled and the ends have to follow.
FROM_THE_RIGHT = {"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"}
MIRRORED_SLIDERS = """<style>
[data-testid="stSlider"] [data-orientation] > [data-orientation] > div:first-child {
  transform: scaleX(-1); }
[data-testid="stSliderTickBar"] { flex-direction: row-reverse; }
</style>"""
# The one word of Streamlit's own that stands on a page before anything is done.
UPLOAD = """<style>
[data-testid="stFileUploaderDropzone"] > span button p {{ font-size: 0; }}
[data-testid="stFileUploaderDropzone"] > span button p::after {{
  content: "{upload}"; font-size: 0.875rem; }}
</style>"""


def look() -> None:
    """Nothing; sets the room around pages, and letters where they would be too pale."""
    colours = palette()
    st.html(STYLE.format(soft=colours.soft, ground=colours.ground))
    if language() != ENGLISH:
        st.html(UPLOAD.format(upload=text("app.upload")))
    if direction() == "rtl":
        st.html(RIGHT_TO_LEFT)
    if (st.context.locale or ENGLISH).split("-")[0].lower() in FROM_THE_RIGHT:
        st.html(MIRRORED_SLIDERS)
