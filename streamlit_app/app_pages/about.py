"""About: limits before results, then how it works, privacy and sources."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.labels import BY_CODE
from streamlit_app.content import text


def page() -> None:
    """Nothing; draws the page, from the card of the default model."""
    card = registry.default_card()
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader(text("about.intended"), anchor=False)
        st.markdown(card.intended_use)
        st.subheader(text("about.limits"), anchor=False)
        st.markdown("\n".join(f"- {limit}" for limit in card.limits))
        st.subheader(text("about.privacy"), anchor=False)
        st.markdown(text("about.privacy_body"))
    with right:
        _measured(card)
        st.subheader(text("about.how"), anchor=False)
        st.markdown(text("about.how_body", side=card.side, backbone=card.backbone, grid=card.grid))
        st.caption(text("about.heatmap_source"))
        st.subheader(text("about.sources"), anchor=False)
        st.markdown("\n".join(f"- {line}" for line in (*card.citations, card.licence)))


def _measured(card: Card) -> None:
    measured = card.metrics.get("native")
    if not measured:
        return
    st.subheader(text("about.measured"), anchor=False)
    names = ("accuracy", "balanced_accuracy", "macro_auc")
    st.markdown(text("about.overall", **{name: _shown(measured[name]) for name in names}))
    rows = [
        f"| {BY_CODE[code].name} | {entry['support']} | {_shown(entry['recall'])} "
        f"| {_shown(entry['precision'])} | {_shown(entry['auc'])} |"
        for code, entry in measured["per_class"].items()
    ]
    st.markdown("\n".join([text("about.class_table"), *rows]))
    rows = [
        f"| {name} | {entry['n']} | {_shown(entry['accuracy'])} "
        f"| {_shown(entry['balanced_accuracy'])} |"
        for name, entry in measured["by_source"].items()
    ]
    st.markdown("\n".join([text("about.source_table"), *rows]))
    st.caption(
        text(
            "about.measured_note",
            protocol=measured["protocol"],
            n=measured["n"],
            lesions=measured["lesions"],
        )
    )


def _shown(entry: dict) -> str:
    """A value with its interval, as text."""
    if "value" not in entry:
        return "–"
    return f"{entry['value']:.2f} ({entry.get('low', 0):.2f} to {entry.get('high', 1):.2f})"


page()
