"""The app: navigation, and the notice that stands on every page.

streamlit run streamlit_app/app.py
"""

from contextlib import suppress

import streamlit as st

from model_zoo.errors import ZooError
from streamlit_app.cache import forget_second
from streamlit_app.components.language_choice import (
    choose_language,
    name_language,
    prepare_language,
)
from streamlit_app.components.look import look
from streamlit_app.components.notice import acknowledge, banner, remember
from streamlit_app.content import LOGO, text
from streamlit_app.startup import started
from streamlit_app.uploads import forget_replaced, keep_uploads_in_memory

keep_uploads_in_memory()
prepare_language()
st.logo(LOGO, size="large")
# No icons: for one the browser would fetch the tab's picture from Google's servers.
analyze = st.Page("app_pages/analyze.py", title=text("pages.analyze"), default=True)
page = st.navigation(
    [
        analyze,
        st.Page("app_pages/study.py", title=text("pages.study")),
        st.Page("app_pages/batch.py", title=text("pages.batch")),
        st.Page("app_pages/models.py", title=text("pages.models")),
        st.Page("app_pages/about.py", title=text("pages.about")),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · LesionLens", page_icon=LOGO, layout="wide")
look()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(page.title, anchor=False, width="content")
    banner()
    choose_language()
acknowledge()
# Below the notice, since a default model that has to be compiled takes a minute.
with suppress(ZooError), st.spinner(text("app.loading"), show_time=True):
    started()  # a page that needs a model says what is wrong with it
page.run()
if page != analyze:
    forget_second()
name_language()
remember()
forget_replaced()
