"""The ways in which a model can be asked, side by side: what each reached, and what it costs."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import BadModel
from model_zoo.trust import of_card
from streamlit_app.components.charts import as_entry, shown, table
from streamlit_app.components.measured import MEASURES, NATIVE, evaluations
from streamlit_app.content import card_words, text
from streamlit_app.reader import VIEWS


def ways() -> None:
    """Nothing; draws the measured ways of asking the models at hand, one row each."""
    rows = [
        [
            f"{card_words(card.title or card.name)} · {text(f'report.{mode}')}",
            measured.get("n", "–"),
            *(shown(measured.get(name)) for name in MEASURES),
            shown(measured["per_class"].get("MEL", {}).get("recall")),
            shown(measured.get("ece"), 3),
            _set_size(card, mode),
            VIEWS[mode] * max(1, len(card.members)),
            megabytes(card),
        ]
        for card in registry.classifiers().values()
        for mode in VIEWS
        for measured in evaluations(card, mode).values()
        if measured.get("resolution") == NATIVE
    ]
    if not rows:
        return
    st.subheader(text("models.ways"), anchor=False)
    st.caption(text("models.ways_note"))
    trust, cost = ("ece", "set_size"), ("passes", "file_megabytes")
    heads = ("way", "support", *MEASURES, "mel_recall", *trust, *cost)
    table([text(f"models.{name}") for name in heads], rows)


def _set_size(card: Card, mode: str) -> str:
    """The classes in a set on average, a dash where no sets were fitted."""
    try:
        size = of_card(card, mode).set_size
    except BadModel:  # told where the card itself is drawn
        size = None
    return shown(as_entry(size)) if size else "–"


def megabytes(card: Card) -> str:
    """The size of what runs; a dash where it is not known."""
    try:
        size = registry.served_bytes(card)
    except BadModel:  # a member that is gone: the ensemble's own page says so
        size = 0
    return f"{size / 1e6:.0f}" if size else "–"
