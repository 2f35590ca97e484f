"""About: what it is for, limits before results, how it works, privacy, sources, what runs here."""

import streamlit as st

from model_zoo import registry
from model_zoo.card import CLASSIFICATION, SEGMENTATION, Card
from model_zoo.errors import ZooError
from model_zoo.trust import NOVELTY, foreign
from streamlit_app.cache import classifier
from streamlit_app.components.charts import shown, table
from streamlit_app.components.how_it_works import how_it_works
from streamlit_app.components.outline_card import outline_card
from streamlit_app.content import card_words, listed, text, told
from streamlit_app.startup import started

OVERALL = ("accuracy", "balanced_accuracy", "macro_auc")


def page() -> None:
    """Nothing; draws the page, from the cards of the default models as far as these can be read."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        _purpose()
        limits = st.container()
        _section("privacy")
        st.markdown(text("about.privacy_body"))
    with limits:
        card = _default(CLASSIFICATION)
        if card is not None:
            _limits(card)
    with right:
        _section("how")
        how_it_works()
        if card is not None:
            _how(card)
            _measured(card)
        _section("sources")
        if card is not None:
            lines = filter(None, (*card.citations, card.licence))
            st.markdown("\n".join(f"- {card_words(line)}" for line in lines))
        st.markdown(text("about.sources_more"))
    if card is None:
        return  # what keeps its card from being read mostly keeps the other's as well
    outliner = _default(SEGMENTATION)
    if outliner is not None:
        outline_card(outliner)
    _running(outliner)


def _default(task: str) -> Card | None:
    """The card of the model that answers by default; where it cannot be read, the page says why."""
    try:
        return registry.default_card(task)
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return None


def _section(name: str) -> None:
    st.header(text(f"about.{name}"), anchor=False)


def _purpose() -> None:
    _section("intended")
    yes, no = st.columns(2, gap="medium")
    with yes.container(border=True, height="stretch"):
        st.markdown(f"**{text('about.yes')}**")
        st.markdown(text("about.yes_body"))
    with no.container(border=True, height="stretch"):
        st.markdown(f"**{text('about.no')}**")
        st.markdown(text("about.no_body"))


def _limits(card: Card) -> None:
    _section("limits")
    limits = [*(card_words(limit) for limit in card.limits), _refusal(card)]
    st.markdown("\n".join(f"- {limit}" for limit in limits))


def _refusal(card: Card) -> str:
    """Whether foreign pictures are refused, and of which kinds how many."""
    try:
        guarded = bool(classifier(card.name).guards)
    except ZooError:  # told below, where it is said what runs here
        guarded = NOVELTY in card.trust
    if not guarded:
        return text("about.limits_unchecked")
    try:
        measured = foreign(card)
    except ZooError as fault:
        return told(fault)
    shares = listed(
        text(f"about.of_{found.kind}", share=f"{found.refused:.3f}", n=found.n)
        for found in measured
    )
    known = text("about.refusal_measured", told=shares) if shares else ""
    return text("about.limits_refusal", measured=known or text("about.refusal_unmeasured"))


def _how(card: Card) -> None:
    side, grid = _sizes(card)
    design = f" ({card.backbone})" if card.backbone else ""
    sentences = (
        text("about.how_square", side=side) if side else text("about.how_square_unsized"),
        text("about.how_network", design=design, grid=grid)
        if grid
        else text("about.how_network_plain", design=design),
        text("about.how_outline"),
    )
    st.markdown(" ".join(sentences))
    st.caption(text("about.heatmap_source"))


def _sizes(card: Card) -> tuple[int, int]:
    """The pixels that the network reads and the cells of a heatmap along one side, 0 if unknown."""
    try:
        engine = classifier(card.name).engine
    except ZooError:  # told below, where it is said what runs here
        return card.side, card.grid
    return engine.side, engine.grid or 0


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


def _running(outliner: Card | None) -> None:
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
        ("outliner", "–" if outliner is None else outliner.name),
        ("seconds", f"{here.seconds:.2f} s"),
    ]
    table(
        [text("models.fact"), text("models.value")],
        [(text(f"about.running_{name}"), value) for name, value in rows],
        numbers=False,
    )


page()
