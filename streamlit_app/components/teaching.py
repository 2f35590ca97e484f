"""Teaching numbers below the answer: ABCD, what views and members say, what would change it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain, repeat

import plotly.graph_objects as go
import streamlit as st

from model_zoo import registry, similar
from model_zoo.abcd import Abcd
from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.changes import CHANGES, Changed, spread, trace
from model_zoo.errors import ZooError
from model_zoo.registry import asked_as
from streamlit_app.admission import turns
from streamlit_app.cache import Viewed, classifier
from streamlit_app.components.charts import as_table, draw, palette
from streamlit_app.components.overload import overload_told
from streamlit_app.content import card_words, class_name, listed, text, told

# Each class by symbol as well as by colour; the colours stand out from either theme's ground.
MARKS = {
    "AK": ("triangle-up", "#b07a00"),
    "BCC": ("square", "#0072b2"),
    "BKL": ("diamond", "#009e73"),
    "DF": ("star", "#8c6d5c"),
    "MEL": ("circle", "#d55e00"),
    "NV": ("x", "#7b6fd0"),
    "SCC": ("pentagon", "#c0659a"),
    "VASC": ("cross", "#d0394b"),
}
# How long each question after the first one may wait for its turn, rather than lose the others.
LATER_SECONDS = 10.0
# Where a session keeps the answers under all changes, with what was asked, until it asks anew.
TRACED = "changes_traced"


def abcd_numbers(analysis: Analysis) -> None:
    """Nothing; draws the numbers of the ABCD rule, each with what it means and where it is from."""
    if analysis.abcd is None:
        st.info(text("abcd.no_lesion"), icon=":material/crop_free:")
        return
    for name, value in _numbers(analysis.abcd):
        words, number = st.columns([3, 1], vertical_alignment="top")
        words.markdown(f"**{text(f'abcd.{name}')}**  \n{text(f'abcd.{name}_meaning')}")
        number.markdown(f"**{value}**")
    if analysis.outline.touches_border:
        st.caption(text("abcd.touches_border"))
    st.caption(text("abcd.note"))


def abcd_strip(analysis: Analysis) -> None:
    """Nothing; draws the numbers of the ABCD rule in one row; their meaning is told elsewhere."""
    if analysis.abcd is None:
        return
    st.markdown(f"## {text('abcd.title')}")
    beside = {"horizontal": True, "horizontal_alignment": "distribute", "gap": "xsmall"}
    with st.container(border=True, **beside):
        short = dict(_numbers(analysis.abcd)) | {"colours": str(len(analysis.abcd.colours))}
        for name, value in short.items():
            words = f":small[{text(f'abcd.{name}_short')}]  \n**{value}**"
            st.markdown(words, width="content")
    if analysis.outline.touches_border:
        st.caption(text("abcd.touches_border"))


def _numbers(abcd: Abcd) -> list[tuple[str, str]]:
    colours = listed(text(f"colours.{name}") for name in abcd.colours)
    return [
        ("asymmetry", f"{abcd.asymmetry_major:.2f} · {abcd.asymmetry_minor:.2f}"),
        ("border", f"{abcd.border_irregularity:.2f}"),
        ("colours", f"{len(abcd.colours)}: {colours}" if colours else text("abcd.no_colour")),
        ("diameter", f"{abcd.diameter_fraction:.2f}"),
    ]


def spread_of_answers(analysis: Analysis, card: Card) -> None:
    """Nothing; draws how far views and members are apart, where there are several."""
    if analysis.spread is None:
        return
    low, high, agree = analysis.spread
    st.caption(
        text(
            "analyze.spread",
            answers=_answers(len(analysis.answers), card),
            label=class_name(analysis.label),
            low=f"{low:.2f}",
            high=f"{high:.2f}",
            agree=agree,
        )
    )
    if analysis.by_member:
        titles = {name: registry.find(name).title or name for name in analysis.by_member}
        said = listed(f"{card_words(titles[n])} {p:.2f}" for n, p in analysis.by_member.items())
        st.caption(text("analyze.spread_by_member", told=said))


def _answers(count: int, card: Card) -> str:
    """So many answers in words: of views, of members of an ensemble, or of both."""
    members = len(card.members)
    if not members:
        return text("analyze.spread_views", count=count)
    if count == members:
        return text("analyze.spread_members", count=count)
    return text("analyze.spread_both", count=count, members=members)


@st.fragment
def what_would_change_it(viewed: Viewed) -> None:
    """Nothing; on request draws the answer through turns, light, blur and artefacts."""
    st.caption(text("changes.intro"))
    asked = (viewed.digest, viewed.analysis.model, viewed.mode, viewed.zoomed)
    if TRACED in st.session_state and st.session_state[TRACED][0] != asked:
        del st.session_state[TRACED]  # of a photo or a way of reading that is no longer looked at
    with overload_told():
        if st.button(text("changes.ask"), key=f"changes_{viewed.digest}"):
            with st.spinner(text("changes.busy")):
                reader = classifier(viewed.analysis.model, viewed.mode)
                traced = trace(reader, viewed.analysis.read, _turns())
            st.session_state[TRACED] = (asked, traced)
        if TRACED in st.session_state:
            _traced(st.session_state[TRACED][1], viewed.analysis)


def _turns() -> Callable[[], AbstractContextManager[None]]:
    """What gives a turn for each question: the first one soon or "busy", the others may wait."""
    waits = chain([None], repeat(LATER_SECONDS))
    return lambda: turns.turn(patience=next(waits))


def _traced(traced: list[Changed], analysis: Analysis) -> None:
    """Nothing; draws the answers under all changes as a chart, and their numbers as a table."""
    draw(
        _chart(traced, analysis),
        key="changes_chart",
        alt=_told(traced, analysis),
        height=34 * (1 + len(CHANGES)) + 180,
        xaxis={"range": [-0.01, 1.01], "title": text("analyze.probability_column")},
        yaxis={
            "categoryorder": "array",
            "categoryarray": [text(f"changes.{kind}") for kind in reversed(["none", *CHANGES])],
        },
    )
    as_table(
        [text("changes.change"), *map(class_name, analysis.labels)],
        [[_named(change), *(f"{p:.3f}" for p in change.probabilities)] for change in traced],
    )


def _told(traced: list[Changed], analysis: Analysis) -> str:
    """What the chart shows of the leading class, in words."""
    ranges = spread(traced, analysis.labels.index(analysis.label))
    return text(
        "changes.alt",
        label=class_name(analysis.label),
        told=listed(
            f"{text(f'changes.{kind}')} {low:.3f}–{high:.3f}"
            for kind, (low, high) in ranges.items()
        ),
    )


def _named(change: Changed) -> str:
    """A change with its strength, such as "turned 45°"."""
    strengths = {
        "none": "",
        "rotation": f"{change.strength:g}°",
        "brightness": f"× {change.strength:g}",
        "blur": text("changes.of_side", value=f"{change.strength * 100:g}"),
    }
    drawing = text("changes.drawing", value=f"{change.strength:g}")
    return f"{text(f'changes.{change.kind}')} {strengths.get(change.kind, drawing)}".strip()


def _chart(traced: list[Changed], analysis: Analysis) -> go.Figure:
    """Points by kind of change, a series a class; those of classes that never lead are faint."""
    leading = {int(change.probabilities.argmax()) for change in traced}
    figure = go.Figure()
    for index in sorted(range(len(analysis.labels)), key=lambda index: index in leading):
        code = analysis.labels[index]
        symbol, colour = MARKS[code]
        look = {"color": colour, "size": 11}
        if index not in leading:
            look = {"color": palette().faint, "size": 8, "opacity": 0.6}
        figure.add_scatter(
            x=[float(change.probabilities[index]) for change in traced],
            y=[text(f"changes.{change.kind}") for change in traced],
            mode="markers",
            name=class_name(code),
            marker={"symbol": symbol, **look},
            customdata=[_named(change) for change in traced],
            hovertemplate="%{customdata}: %{x:.3f}<extra>%{fullData.name}</extra>",
        )
    return figure


def similar_cases(viewed: Viewed) -> None:
    """Nothing; draws the nearest confirmed cases, or says how they become findable."""
    try:
        reader = classifier(viewed.analysis.model, viewed.mode)
        written = similar.written(reader)
        of_model = (reader.card.name, viewed.mode, reader.digest())
        index = None if written is None else _index(*of_model, written)
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return
    if index is None or viewed.analysis.pooled is None:
        st.caption(text("similar.how"))
        command = text("similar.command", name=asked_as(reader.card))
        st.code(command, language="bash", wrap_lines=True)
        return
    for column, case in zip(st.columns(5), index.find(viewed.analysis.pooled), strict=False):
        with column:
            if case.photo.is_file():
                st.image(str(case.photo), alt=text("similar.alt", name=case.image))
            st.markdown(f"**{class_name(case.label)}**  \n{case.image}")
            if case.known:
                st.badge(text("similar.known"), color="orange")
            elif case.known is None:
                st.badge(text("similar.known_unknown"), color="gray")
    st.caption(text("similar.note"))
    if viewed.zoomed and not viewed.analysis.centred:
        st.caption(text("similar.zoomed"))
    if reader.card.members:
        st.caption(text("similar.first_member", name=reader.card.members[0]))


@st.cache_resource(show_spinner=False, max_entries=4)
def _index(model: str, mode: str, digest: str, written: int) -> similar.SimilarCases | None:
    """The index of a loaded model; a network or an index that was made anew is another entry."""
    return similar.SimilarCases.load(classifier(model, mode))
