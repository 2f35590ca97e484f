"""Which language the words of the app are in: chosen on any page, kept on all of them."""

import streamlit as st

from streamlit_app.content import CHOSEN, ENGLISH, LANGUAGES, language, text

LINKED = "lang"  # the parameter of an address that names a language
_OF_LINK = "language_of_link"

_name_language = st.components.v2.component(
    "lesionlens_language",
    js="export default function ({ data }) { document.documentElement.lang = data; }",
)


def prepare_language() -> None:
    """Nothing; sets the language to what the address names, what was chosen, or the browser's.

    To be called before anything that has words.
    """
    state = st.session_state
    linked = st.query_params.get(LINKED)
    if linked in LANGUAGES and linked != state.get(_OF_LINK):
        state[_OF_LINK] = state[CHOSEN] = linked
    elif state.get(CHOSEN) not in LANGUAGES:
        state[CHOSEN] = _of_browser()
    else:
        state[CHOSEN] = state[CHOSEN]  # for the reason given in model_choice.py


def choose_language() -> None:
    """Nothing; draws the choice, and has the address of the page carry it."""
    with st.popover(LANGUAGES[language()], type="tertiary", icon=":material/language:"):
        chosen = st.radio(
            text("language.choose"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            key=CHOSEN,
            persist_state="session",
        )
    st.session_state[_OF_LINK] = chosen
    # An address without a language is English to whoever has no other language of ours.
    plain = chosen == ENGLISH == _of_browser()
    if not plain and st.query_params.get(LINKED) != chosen:
        st.query_params[LINKED] = chosen
    elif plain and LINKED in st.query_params:
        del st.query_params[LINKED]


def name_language() -> None:
    """Nothing; has the page say its language, so that a screen reader speaks it.

    To be called after the page, so that nothing on it moves.
    """
    _name_language(data=language(), key="language_of_page")


def _of_browser() -> str:
    """The browser's language if it is one of ours, else English."""
    code = (st.context.locale or ENGLISH).split("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH
