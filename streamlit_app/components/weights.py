"""How the weights of a model come here: fetched on request, or opened by path."""

import os

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.loading import check_compiler
from streamlit_app import downloads
from streamlit_app.cache import classifier
from streamlit_app.content import card_words, text, told

REFRESH_SECONDS = 1.0
# "0" where visitors are no users of the server's machine, whatever address they seem to come from.
LOCAL_PATHS = "LESIONLENS_LOCAL_PATHS"
# Set by whatever stands between a visitor and this server.
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def offer_download(card: Card) -> None:
    """Nothing; draws the button that fetches a model's weights, and how far they are."""
    under_way = downloads.of(card)
    running = under_way is not None and under_way.running
    # While bytes come, the part below draws itself anew; the page and other visitors do not wait.
    st.fragment(_download, run_every=REFRESH_SECONDS if running else None)(card)


def _download(card: Card) -> None:
    under_way = downloads.of(card)
    if under_way is not None and under_way.running:
        _bar(under_way)
        return
    if not downloads.lacking(card):
        st.rerun()  # it has come: the whole page can go on
    try:
        check_compiler(card.file("keras").name)  # before hundreds of megabytes come for nothing
    except ZooError as fault:
        st.info(told(fault), icon=":material/deployed_code:")
        return
    if under_way is not None and under_way.fault is not None:
        st.error(told(under_way.fault), icon=":material/error:")
    label = text("analyze.fetch", title=card_words(card.title or card.name))
    if st.button(label, icon=":material/download:", key=f"fetch_{card.name}"):
        downloads.begin(card)
        st.rerun()


def _bar(under_way: downloads.Download) -> None:
    done, total = under_way.done, under_way.total
    of = f" / {total / 1e6:.0f}" if total else ""
    share = min(1.0, done / total) if total else 0.0
    st.progress(share, text("analyze.fetching", done=f"{done / 1e6:.0f}{of}"))
    if st.button(text("models.pause"), icon=":material/pause:", key="fetch_pause"):
        under_way.stop()


def own_model() -> None:
    """Nothing; lets whoever sits at this machine open a model file of theirs by its path."""
    with st.expander(text("models.own"), icon=":material/folder_open:"):
        st.markdown(text("models.own_how"))
        st.code(text("models.own_card"), language="toml", wrap_lines=True)
        if not _visitor_is_here():
            st.caption(text("models.own_elsewhere", variable=registry.OWN_MODEL))
            return
        path = st.text_input(text("models.own_path"), key="own_path", placeholder="~/model.keras")
        if st.button(text("models.own_open"), disabled=not path, key="own_open"):
            _open(path)
        elif opened := st.session_state.pop("own_opened", None):
            st.success(text("models.own_opened", name=opened), icon=":material/check:")


def _open(path: str) -> None:
    card = None
    try:
        card = registry.open_own(path)
        with st.spinner(text("app.loading")):
            classifier(card.name)
    except ZooError as fault:
        if card is not None:
            registry.close_own(card)
        st.error(told(fault), icon=":material/error:")
        return
    st.session_state["own_opened"] = card.title or card.name
    st.session_state["model_wanted"] = card.name
    st.rerun()


def _visitor_is_here() -> bool:
    """Whether the browser runs on the server's own machine, whose files are its user's own.

    A proxy on that machine that adds no header looks alike, so the deployed server says no.
    """
    if os.environ.get(LOCAL_PATHS, "1") == "0":
        return False
    proxied = any(name in st.context.headers for name in PROXY_HEADERS)
    return st.context.ip_address is None and not proxied
