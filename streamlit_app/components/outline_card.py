"""The card of the network that outlines the lesion and checks the photo, read aloud."""

import streamlit as st

from model_zoo.card import Card
from streamlit_app.components.charts import shown, table
from streamlit_app.content import card_words, text


def outline_card(card: Card) -> None:
    """Nothing; draws limits, held-out figures, checks of the photo, licence and hash."""
    st.header(text("outline.title"), anchor=False)
    st.markdown(card_words(card.intended_use) or text("models.not_said"))
    limits, figures = st.columns([1, 1], gap="large")
    with limits:
        st.markdown("\n".join(f"- {card_words(limit)}" for limit in card.limits))
        st.markdown(f"**{text('models.licence')}**: {card_words(card.licence)}")
        st.markdown(f"**{text('models.files')}**: `{card.name}`")
        served = card.files.get("served")
        if served is not None and served.sha256:
            st.code(f"sha256 {served.sha256}", language=None, wrap_lines=True)
        st.markdown("\n".join(f"- {card_words(line)}" for line in card.citations))
    with figures:
        _measured(card)
        _checks(card)


def _measured(card: Card) -> None:
    """Nothing; draws how well its outlines fit those of the data set, on lesions held out."""
    measured = card.metrics.get("native")
    if not measured:
        st.info(text("outline.unmeasured"), icon=":material/pending:")
        return
    rows = [(text("outline.held_out"), measured["n"], measured)]
    views = card.metrics.get("native_tta")
    if views:
        rows.append((text("outline.views"), views["n"], views))
    rows += [
        (text(f"changes.{name}"), measured["n"], entry)
        for name, entry in measured.get("with", {}).items()
    ]
    at_border = measured.get("at_border", {})
    if at_border.get("n"):
        rows.append((text("outline.at_border"), at_border["n"], at_border))
    table(
        [text("outline.photos"), text("outline.count"), "Dice", "IoU"],
        [(name, n, shown(found["dice"], 3), shown(found["iou"], 3)) for name, n, found in rows],
    )
    protocol = card_words(measured["protocol"])
    st.caption(text("outline.note", protocol=protocol, lesions=measured["lesions"]))
    skin = measured.get("bare_skin", {})
    if skin.get("n"):
        share = f"{skin['nothing_found']:.0%}"
        st.markdown(text("outline.bare_skin", n=skin["n"], share=share))


def _checks(card: Card) -> None:
    """Nothing; draws how often each check of the photo flags what it should, and what not."""
    measured = card.trust.get("quality_measured", {})
    if not measured:
        return
    table(
        [
            text("outline.check"),
            text("outline.count"),
            text("outline.drawn"),
            text("outline.as_is"),
        ],
        [
            (
                text(f"checks.{code}"),
                entry["n"],
                f"{entry['flagged']:.1%}",
                f"{entry['untouched_flagged']:.1%}",
            )
            for code, entry in measured.items()
        ],
    )
    st.caption(text("outline.checks_note"))
