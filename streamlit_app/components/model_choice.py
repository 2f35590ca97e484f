"""Which model reads the photo, and how it is asked: chosen on one page, kept on all of them."""

import os

import streamlit as st

from model_zoo import registry
from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.trust import SINGLE, TTA
from streamlit_app import downloads
from streamlit_app.components.weights import offer_download
from streamlit_app.content import card_words, listed, text, told
from streamlit_app.exports import plain_name

MODEL, EIGHT_VIEWS = "analyze_model", "analyze_tta"
LINKED = "model"  # the parameter of an address that names a model


def choose_model() -> Card | None:
    """The card of the chosen model, or None while its weights are not here."""
    card = choose_card()
    if card is not None and downloads.lacking(card):
        offer_download(card)
        return None
    return card


def choose_card() -> Card | None:
    """The card of the chosen model, whether its weights are here or not; None if none is chosen."""
    for fault in registry.problems():
        st.warning(told(fault), icon=":material/error:")
    cards = registry.classifiers()
    _prepare(list(cards))
    name = st.selectbox(
        text("analyze.model"),
        list(cards),
        index=None if st.session_state[MODEL] is None else 0,  # else the choice could be cleared
        format_func=lambda name: card_words(cards[name].title or name),
        key=MODEL,
        persist_state="session",
    )
    card = cards.get(name)
    if card is not None and LINKED in st.query_params:
        link_to(card)  # an address that goes on naming another one would bring that back
    return card


def choose_mode() -> str:
    """How the model is to be asked: one of `trust.SINGLE`, `trust.TTA`."""
    eight = st.toggle(
        text("analyze.tta"),
        help=text("analyze.tta_help"),
        key=EIGHT_VIEWS,
        persist_state="session",
    )
    return TTA if eight else SINGLE


def link_to(card: Card) -> None:
    """Nothing; has the address of the page name the model, so that a link carries both."""
    st.session_state["model_of_link"] = card.name
    if st.query_params.get(LINKED) != card.name:
        st.query_params[LINKED] = card.name


def _prepare(names: list[str]) -> None:
    """Nothing; sets the choice to what was just opened, what the address names, or the default."""
    state = st.session_state
    linked = st.query_params.get(LINKED)
    if linked and linked != state.get("model_of_link"):
        state["model_of_link"] = linked
        if linked in names:
            state[MODEL] = linked
        else:
            st.warning(text("models.unknown_link", name=plain_name(linked)), icon=":material/link:")
    wanted = state.pop("model_wanted", None)
    if wanted in names:
        state[MODEL] = wanted
    if state.get(MODEL) not in names:
        first = _default_name(names)
        if first is None and not os.environ.get(registry.OWN_MODEL):
            first = names[0]
        state[MODEL] = first
    else:
        # Said anew at every run: a choice that was set here before its box was first drawn is
        # otherwise lost on the next page (Streamlit 1.67, `persist_state`).
        state[MODEL] = state[MODEL]


def _default_name(names: list[str]) -> str | None:
    """The default model's name, or None when the user's own one cannot be used."""
    try:
        name = registry.default_card().name
    except ZooError:
        return None
    return name if name in names else None


def named(name: str) -> str:
    """A model's title with its name in Markdown; the name alone once its card is gone."""
    card = registry.cards().get(name)
    return (
        f"{card_words(card.title)} (`{name}`)" if card is not None and card.title else f"`{name}`"
    )


def figures_of(card: Card, analysis: Analysis) -> tuple[dict | None, str]:
    """The held-out figures of a card for an answer, and how they were measured if otherwise.

    The second is empty where they were measured as the photo was read.
    """
    measured = card.metrics.get("native_tta" if analysis.mode == TTA else "native")
    how = [] if analysis.centred else [text("analyze.of_centre")]
    if measured is None and analysis.mode == TTA:
        measured = card.metrics.get("native")
        how.insert(0, text("analyze.of_one_view"))
    return measured, listed(how)


def model_line(card: Card, analysis: Analysis) -> str:
    """One sentence on the model with its held-out figures, from its card, as far as they fit."""
    title = card_words(card.title or card.name)
    measured, how = figures_of(card, analysis)
    if not measured:
        return text("analyze.model_line_unmeasured", title=title)
    entries = {
        "accuracy": measured["accuracy"],
        "balanced": measured["balanced_accuracy"],
        "melanoma": measured["per_class"].get("MEL", {}).get("recall", {}),
    }
    shown = {}
    for name, entry in entries.items():
        # No melanoma among the photos or the classes, no sensitivity.
        value, low, high = (
            f"{entry[key]:.2f}" if key in entry else "–" for key in ("value", "low", "high")
        )
        shown |= {name: value, f"{name}_low": low, f"{name}_high": high}
    line = text("analyze.model_line", title=title, n=measured["n"], **shown)
    return f"{line} · {how}" if how else line
