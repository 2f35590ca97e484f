"""The ways in which a model can be asked, side by side: what each reached, and what it costs."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import BadModel
from model_zoo.trust import SINGLE, TTA
from streamlit_app.components.charts import shown, table
from streamlit_app.components.measured import MEASURES, NATIVE, evaluations
from streamlit_app.content import card_words, text

VIEWS = {SINGLE: 1, TTA: 8}
NAMES = {SINGLE: "one_view", TTA: "eight_views"}


def ways() -> None:
    """Nothing; draws the measured ways of asking the models at hand, one row each."""
    rows = [
        [
            f"{card_words(card.title or card.name)} · {text(f'models.{NAMES[mode]}')}",
            measured.get("n", "–"),
            *(shown(measured.get(name)) for name in MEASURES),
            shown(measured["per_class"].get("MEL", {}).get("recall")),
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
    heads = ("way", "support", *MEASURES, "mel_recall", "passes", "file_megabytes")
    table([text(f"models.{name}") for name in heads], rows)


def megabytes(card: Card) -> str:
    """The size of what runs, of an ensemble that of its members; a dash where it is not known."""
    sizes = [_bytes(name) for name in card.members] if card.members else [_served(card)]
    return f"{sum(sizes) / 1e6:.0f}" if all(sizes) else "–"


def _bytes(name: str) -> int:
    try:
        return _served(registry.find(name))
    except BadModel:  # a member that is gone: the ensemble's own page says so
        return 0


def _served(card: Card) -> int:
    return card.files["served"].size_bytes if "served" in card.files else 0
