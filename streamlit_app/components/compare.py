"""Two photos side by side: what the same network says of each, and where the answers part."""

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.errors import BadImage
from model_zoo.images import MAX_BYTES, SUFFIXES
from model_zoo.trust import OK
from streamlit_app.cache import SECOND, Viewed, view
from streamlit_app.components.charts import as_table, draw, palette, with_below
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.components.photo_view import heatmap_told, picture
from streamlit_app.components.probabilities import answer_bars
from streamlit_app.components.verdict import verdict
from streamlit_app.content import class_name, sample_title, text, told
from streamlit_app.exports import plain_name

OPACITY = 50  # in percent
LEADING = ""  # in the place of a class: that which leads in each photo


@dataclass(frozen=True)
class Look:
    """How both photos are drawn: the heatmap of a class or of `LEADING`, its opacity 0..1."""

    label: str
    opacity: float


def wants_to_compare() -> bool:
    """Whether the user wants a second photo beside the first."""
    wanted = st.toggle(
        text("compare.toggle"),
        key="analyze_compare",
        help=text("compare.help"),
        persist_state="session",
    )
    if not wanted:
        st.session_state.pop(SECOND, None)  # nothing of a photo is kept that nobody looks at
    return wanted


def compare(first: Viewed, card: Card, *, zoomed: bool) -> None:
    """Nothing; draws both photos with their answers, and a chart of the differences."""
    upload, *choices = st.columns([6, 4, 3], gap="medium")
    with upload:
        second = _second(card, first.mode, zoomed=zoomed)
    look = _look(card, *choices)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"## {text('compare.first')}")
        _one(first, card, "first", look)
    with right:
        st.markdown(f"## {text('compare.second')}")
        if second is None:
            st.info(text("compare.waiting"), icon=":material/add_photo_alternate:")
            return
        _one(second, card, "second", look)
    _differences(first.analysis, second.analysis)


def _second(card: Card, mode: str, *, zoomed: bool) -> Viewed | None:
    given = st.file_uploader(
        text("compare.upload"),
        type=list(SUFFIXES),
        max_upload_size=MAX_BYTES >> 20,
        key="analyze_second",
    )
    if given is None:
        st.session_state.pop(SECOND, None)
        return None
    options = {"example": False, "mode": mode, "zoomed": zoomed, "slot": SECOND}
    try:
        return view(given.name, given.getvalue(), card.name, **options)
    except BadImage as fault:
        words = text("analyze.faulty", name=plain_name(given.name), sentence=told(fault))
        st.error(words, icon=":material/broken_image:")
        return None


def _look(card: Card, of_class: DeltaGenerator, opacity: DeltaGenerator) -> Look:
    """What the user chose to see on both photos alike, drawn at these places."""
    forget_unless_offered("compare_label", [LEADING, *card.labels])
    label = of_class.selectbox(
        text("analyze.heatmap_of"),
        [LEADING, *card.labels],
        format_func=lambda code: class_name(code) if code else text("compare.leading"),
        key="compare_label",
        persist_state="session",
    )
    share = opacity.slider(
        text("analyze.opacity"),
        0,
        100,
        OPACITY,
        5,
        format="%d %%",
        key="compare_opacity",
        persist_state="session",
    )
    return Look(label, share / 100)


def _one(viewed: Viewed, card: Card, key: str, look: Look) -> None:
    """Nothing; draws a photo with its answer, under a fold unless nothing speaks against it."""
    analysis = viewed.analysis
    if analysis.status == OK:
        _picture(viewed, look)
        verdict(analysis, card, viewed.mode)
        _answer(analysis, card, key, look)
        return
    _plain(viewed)
    verdict(analysis, card, viewed.mode)
    with st.expander(text("analyze.folded")):
        if analysis.heatmaps is not None:
            _picture(viewed, look)
        _answer(analysis, card, key, look)


def _answer(analysis: Analysis, card: Card, key: str, look: Look) -> None:
    """Nothing; draws the probabilities, and says below them what the heatmap shows."""
    answer_bars(analysis, card, key=f"compare_{key}")
    if analysis.heatmaps is not None:
        st.caption(heatmap_told(analysis, look.label or analysis.label))


def _picture(viewed: Viewed, look: Look) -> None:
    """Nothing; draws a photo with outline and the heatmap that is asked for, if it has some."""
    analysis = viewed.analysis
    if analysis.heatmaps is None:
        _plain(viewed)
        return
    code = look.label or analysis.label
    shown = picture(viewed, code, look.opacity, outline=analysis.outline is not None)
    name = sample_title(plain_name(viewed.name))
    alt = text("analyze.alt_heatmap", label=class_name(code), name=name)
    st.image(shown, alt=alt, width="stretch", output_format="JPEG")


def _plain(viewed: Viewed) -> None:
    alt = text("analyze.alt_photo", name=sample_title(plain_name(viewed.name)))
    st.image(viewed.with_outline(), alt=alt, width="stretch")


def _differences(first: Analysis, second: Analysis) -> None:
    """Nothing; draws by how much each class's probability changes from the first to the second."""
    st.header(text("compare.differences"), anchor=False)
    if first.status == second.status == OK:
        _changes(first, second)
        return
    st.caption(text("compare.folded"))
    with st.expander(text("analyze.folded")):
        _changes(first, second)


def _changes(first: Analysis, second: Analysis) -> None:
    pairs = [
        (class_name(code), first.probability(code), second.probability(code))
        for code in first.labels
    ]
    pairs.sort(key=lambda row: -abs(row[2] - row[1]))
    colours = palette()
    changes = [after - before for _, before, after in pairs]
    figure = go.Figure(
        go.Bar(
            x=changes,
            # The number stands under the name, since a phone has no room for it beside the bar.
            y=[with_below(row[0], _signed(c)) for row, c in zip(pairs, changes, strict=True)],
            orientation="h",
            marker_color=[colours.second if change > 0 else colours.first for change in changes],
            hovertemplate="%{y}: %{x:+.4f}<extra></extra>",
        )
    )
    told = ", ".join(f"{row[0]} {_signed(c)}" for row, c in zip(pairs, changes, strict=True))
    draw(
        figure,
        key="compare_differences",
        alt=text("compare.alt", told=told),
        height=38 * len(pairs) + 50,
        xaxis={"range": [-1, 1], "title": text("compare.axis"), "zeroline": True},
        yaxis={"autorange": "reversed"},
        bargap=0.45,
    )
    as_table(
        [text("models.class"), text("compare.first"), text("compare.second"), text("compare.axis")],
        [
            [name, f"{before:.4f}", f"{after:.4f}", _signed(after - before)]
            for name, before, after in pairs
        ],
    )


def _signed(change: float) -> str:
    """A change with its sign, none where it rounds to nothing."""
    return f"{change:+.3f}" if abs(change) >= 0.0005 else "0.000"
