"""Models: a card read aloud. What it is not for and where it fails, then what it reached."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.trust import SINGLE, TTA
from streamlit_app import downloads
from streamlit_app.components import curves, measured
from streamlit_app.components.decide import decide
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.components.leak import leak_pair, published
from streamlit_app.components.model_card import before_figures, heading, made_of
from streamlit_app.components.model_choice import choose_card, choose_mode, link_to
from streamlit_app.components.ways import ways
from streamlit_app.components.weights import offer_download, own_model
from streamlit_app.content import text


def page() -> None:
    """Nothing; draws the page."""
    choice, own = st.columns([4, 7], gap="large")
    with choice:
        card = choose_card()
        mode = choose_mode()
    with own:
        own_model()
    if card is None:
        return
    link_to(card)
    heading(card)
    if downloads.lacking(card):
        offer_download(card)
    before_figures(card)
    _figures(card, mode)
    measured.sets(card, mode)
    _decide(card, mode)
    ways()
    _leak(card)
    made_of(card)


def _figures(card: Card, mode: str) -> None:
    st.subheader(text("models.reached"), anchor=False)
    if mode == TTA:
        st.caption(text("models.of_eight_views"))
    found = measured.evaluations(card, mode)
    if not found:
        measured.unmeasured(card, mode, text("models.reached"))
        return
    measured.headline(card, mode, found, key="models_headline")
    name = next(iter(found))
    if len(found) > 1:
        forget_unless_offered(f"models_resolution_{mode}", found)
        name = st.segmented_control(
            text("models.photos"),
            list(found),
            default=name,
            required=True,
            format_func=lambda name: measured.resolution(found[name]),
            key=f"models_resolution_{mode}",
            persist_state="session",
        )
    elif mode == SINGLE:  # of eight views the photos as they are say enough
        measured.unmeasured(card, mode, text("models.at_px_figures", pixels=84), 84)
    _tabs(found[name], card, mode)


def _tabs(result: dict, card: Card, mode: str) -> None:
    by_class, confusion, roc, reliability, groups = st.tabs(
        [
            text(f"models.{name}")
            for name in ("classes", "confusion", "roc", "reliability", "groups")
        ]
    )
    with by_class:
        measured.by_class(result)
    with confusion:
        curves.confusion(result, key="models_confusion")
    with roc:
        curves.roc(result, card, mode, key="models_roc")
    with reliability:
        curves.reliability(result, card, mode, key="models_reliability")
    with groups:
        measured.by_group(result, key="models_groups")


def _decide(card: Card, mode: str) -> None:
    st.subheader(text("decide.title"), anchor=False)
    decide(card, mode, key="models_decide")


def _leak(card: Card) -> None:
    st.subheader(text("leak.title"), anchor=False)
    st.markdown(text("leak.why"))
    leak_pair()
    for other in registry.classifiers().values():
        if "published" in other.metrics:
            published(other)


page()
