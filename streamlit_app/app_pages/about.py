"""About: what it is for, limits before results, how it works, privacy, sources, what runs here."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import SEGMENTATION, Card
from model_zoo.errors import ZooError
from streamlit_app.components.charts import shown, table
from streamlit_app.components.how_it_works import how_it_works
from streamlit_app.components.outline_card import outline_card
from streamlit_app.content import card_words, text, told
from streamlit_app.startup import started

OVERALL = ("accuracy", "balanced_accuracy", "macro_auc")


def page() -> None:
    """Nothing; draws the page, from the cards of the default models."""
    try:
        card, outliner = registry.default_card(), registry.default_card(SEGMENTATION)
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return
    left, right = st.columns([1, 1], gap="large")
    with left:
        _purpose(card)
        _section("privacy")
        st.markdown(text("about.privacy_body"))
    with right:
        _section("how")
        how_it_works()
        st.markdown(text("about.how_body", side=card.side, backbone=card.backbone, grid=card.grid))
        st.caption(text("about.heatmap_source"))
        _measured(card)
        _section("sources")
        st.markdown("\n".join(f"- {card_words(line)}" for line in (*card.citations, card.licence)))
        st.markdown(text("about.sources_more"))
    outline_card(outliner)
    _running(outliner)


def _section(name: str) -> None:
    st.header(text(f"about.{name}"), anchor=False)


def _purpose(card: Card) -> None:
    _section("intended")
    yes, no = st.columns(2, gap="medium")
    with yes.container(border=True, height="stretch"):
        st.markdown(f"**{text('about.yes')}**")
        st.markdown(card_words(card.intended_use) or text("models.not_said"))
    with no.container(border=True, height="stretch"):
        st.markdown(f"**{text('about.no')}**")
        st.markdown(text("about.no_body"))
    _section("limits")
    refusal = "refusal" if "novelty" in card.trust else "unchecked"
    limits = [*(card_words(limit) for limit in card.limits), text(f"about.limits_{refusal}")]
    st.markdown("\n".join(f"- {limit}" for limit in limits))


def _measured(card: Card) -> None:
    measured = card.metrics.get("native")
    if not measured:
        return
    _section("measured")
    st.markdown(text("about.overall", **{name: shown(measured[name]) for name in OVERALL}))
    numbers = {"n": measured["n"], "lesions": measured["lesions"]}
    protocol = card_words(measured["protocol"])
    st.caption(text("about.measured_note", protocol=protocol, **numbers))
    st.page_link(
        "app_pages/models.py", label=text("about.all_figures"), icon=":material/neurology:"
    )


def _running(outliner: Card) -> None:
    """Nothing; draws what this server runs, so that an answer can be traced to it."""
    _section("running")
    try:
        here = started()
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return
    rows = [
        ("version", here.version),
        ("model", here.model),
        ("sha256", here.sha256),
        ("outliner", outliner.name),
        ("seconds", f"{here.seconds:.2f} s"),
    ]
    table(
        [text("models.fact"), text("models.value")],
        [(text(f"about.running_{name}"), value) for name, value in rows],
        numbers=False,
    )


page()
