"""The notice of every page, and the acknowledgement of a first visit."""

import streamlit as st

from streamlit_app.content import CHOSEN, LANGUAGES, language, text

# A cookie of the visitor's own browser; it says that the notice was agreed to and nothing else.
COOKIE, COOKIE_SECONDS = "lesionlens_notice", 180 * 24 * 3600

OPENED_IN = "notice_opened_in"  # the language of the page that the notice stands before

_write_cookie = st.components.v2.component(
    COOKIE,
    js=f"""export default function () {{
        document.cookie = "{COOKIE}=agreed; path=/; SameSite=Lax; max-age={COOKIE_SECONDS}";
    }}""",
)


def banner() -> None:
    """Nothing; draws the notice that stays on every page."""
    st.markdown(f":orange-background[{text('notice.banner')}]")


def acknowledge() -> None:
    """Nothing; opens the notice in full until this visitor has agreed to it once.

    A visitor whose browser keeps no cookies is asked again at each reload.
    """
    if not _has_agreed():
        st.session_state[OPENED_IN] = language()
        # Not as a decorator: its title is in the language of whoever sees it.
        st.dialog(text("notice.title"), dismissible=False, icon=":material/school:")(_notice)()


def remember() -> None:
    """Nothing; has the browser keep that the notice was agreed to.

    To be called after the page, so that nothing on it moves when the notice goes.
    """
    if _has_agreed() and not _is_remembered():
        _write_cookie()


def _has_agreed() -> bool:
    return _is_remembered() or bool(st.session_state.get("notice_agreed"))


def _is_remembered() -> bool:
    return st.context.cookies.get(COOKIE) == "agreed"


def _notice() -> None:
    # The dialog covers the choice of the page, and must be understood before it is agreed to.
    if st.session_state[OPENED_IN] != language():
        st.rerun()  # its title and the page behind it follow
    with st.container(horizontal=True, gap="small"):
        for code in LANGUAGES:
            if code != language():
                st.button(LANGUAGES[code], key=f"notice_{code}", on_click=_speak, args=(code,))
    st.markdown(text("notice.body"))
    if st.button(text("notice.agree"), type="primary", width="stretch"):
        st.session_state["notice_agreed"] = True
        st.rerun()


def _speak(code: str) -> None:
    st.session_state[CHOSEN] = code
