"""The notice of every page, and the acknowledgement of a first visit."""

import streamlit as st

from streamlit_app.content import text

# A cookie of the visitor's own browser; it says that the notice was agreed to and nothing else.
COOKIE, COOKIE_SECONDS = "lesionlens_notice", 180 * 24 * 3600

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
    st.markdown(text("notice.body"))
    if st.button(text("notice.agree"), type="primary", width="stretch"):
        st.session_state["notice_agreed"] = True
        st.rerun()
