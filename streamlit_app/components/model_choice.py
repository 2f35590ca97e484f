"""Which model reads the photo, and how its weights come here if they are not."""

import os

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.loading import check_compiler
from model_zoo.store import fetch
from model_zoo.trust import SINGLE, TTA
from streamlit_app.content import text


def choose_model() -> Card | None:
    """The card of the chosen model, or None while its weights are not here."""
    for fault in registry.problems():
        st.warning(str(fault), icon=":material/error:")
    cards = registry.classifiers()
    names = list(cards)
    first = _default_name(names)
    if first is None and not os.environ.get(registry.OWN_MODEL):
        first = names[0]
    name = st.selectbox(
        text("analyze.model"),
        names,
        index=None if first is None else names.index(first),
        format_func=lambda name: cards[name].title or name,
        key="analyze_model",
    )
    if name is None:
        return None
    card = cards[name]
    if card.source is not None and not card.file("keras").is_file():
        _offer_download(card)
        return None
    return card


def choose_mode() -> str:
    """How the model is to be asked: one of `trust.SINGLE`, `trust.TTA`."""
    eight = st.toggle(text("analyze.tta"), help=text("analyze.tta_help"), key="analyze_tta")
    return TTA if eight else SINGLE


def _default_name(names: list[str]) -> str | None:
    """The default model's name, or None when the user's own one cannot be used."""
    try:
        name = registry.default_card().name
    except ZooError:
        return None
    return name if name in names else None


def model_line(card: Card) -> str:
    """One sentence on the model with its held-out figures, from its card."""
    title = card.title or card.name
    measured = card.metrics.get("native")
    if not measured:
        return text("analyze.model_line_unmeasured", title=title)
    accuracy, balanced = measured["accuracy"], measured["balanced_accuracy"]
    numbers = {
        "accuracy": accuracy["value"],
        "accuracy_low": accuracy["low"],
        "accuracy_high": accuracy["high"],
        "balanced": balanced["value"],
        "balanced_low": balanced["low"],
        "balanced_high": balanced["high"],
    }
    shown = {key: f"{value:.2f}" for key, value in numbers.items()}
    return text("analyze.model_line", title=title, n=measured["n"], **shown)


def _offer_download(card: Card) -> None:
    try:
        check_compiler(card.file("keras").name)  # before hundreds of megabytes come for nothing
    except ZooError as fault:
        st.info(str(fault), icon=":material/deployed_code:")
        return
    label = text("analyze.fetch", title=card.title)
    if not st.button(label, icon=":material/download:"):
        return
    bar = st.progress(0.0)

    def show(done: int, size: int | None) -> None:
        share = min(1.0, done / size) if size else 0.0
        of = f" / {size / 1e6:.0f}" if size else ""
        bar.progress(share, text("analyze.fetching", done=f"{done / 1e6:.0f}{of}"))

    try:
        fetch(card.source, card.file("keras"), show)
    except ZooError as fault:
        st.error(str(fault), icon=":material/error:")
        return
    st.rerun()
