"""The eight probabilities as a chart, and under a fold as a table that a screen reader can read."""

from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.labels import BENIGN, BY_CODE, MALIGNANT, PREMALIGNANT
from streamlit_app.components.charts import as_table, palette, shown, with_below
from streamlit_app.components.model_choice import figures_of
from streamlit_app.content import class_name, group_name, text

ROW, AXIS = 30, 24  # pixels that a class and the axis below all of them are tall


def answer_bars(analysis: Analysis, card: Card, *, key: str) -> None:
    """Nothing; draws the probabilities of an analysis, each class with what the model reached."""
    figures, how = figures_of(card, analysis)
    measured = (figures or {}).get("per_class", {})
    bars_with_table(analysis.ranked(), key=key, measured=measured)
    if measured and how:
        st.caption(text("analyze.figures_how", how=how))


def bars_with_table(
    pairs: list[tuple[str, float]],
    *,
    key: str,
    truth: str | None = None,
    measured: Mapping[str, dict] | None = None,
) -> None:
    """Nothing; draws class codes with their probabilities as bars, and under a fold as a table.

    truth: the code of the confirmed class, which is marked. measured: a card's held-out measures by
    class code, as in `per_class`; none of a class that was not measured.
    """
    measured = measured or {}
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    alt = ", ".join(_told(code, p, measured.get(code)) for code, p in ranked)
    figure = _bars(ranked, truth, measured)
    with st.container(gap=None):
        if measured:
            st.caption(text("analyze.in_small"))
        st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt, key=key)
    note = text("models.by_class_note") if measured else ""
    as_table(*_table(ranked, measured), note=note)


def _bars(
    ranked: list[tuple[str, float]], truth: str | None, measured: Mapping[str, dict]
) -> go.Figure:
    """Bars, the first on top, axis 0 to 1."""
    labels = {code: _axis_label(code, truth, measured.get(code)) for code, _ in ranked}
    ink, colours = palette().ink, _group_colours()
    figure = go.Figure(
        go.Bar(
            x=[p for _, p in ranked],
            y=list(labels.values()),
            orientation="h",
            marker_color=[colours[BY_CODE[code].group] for code, _ in ranked],
            text=[f"{p:.3f}" for _, p in ranked],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=ROW * len(ranked) + AXIS + 4,
        margin={"l": 0, "r": 44, "t": 4, "b": AXIS},
        bargap=0.4,
        xaxis={
            "range": [0, 1],
            "fixedrange": True,
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "tickfont": {"size": 13, "color": ink},
        },
        yaxis={"autorange": "reversed", "fixedrange": True, "tickfont": {"size": 14, "color": ink}},
        font={"size": 14, "color": ink},
    )
    return figure


def _group_colours() -> dict[str, str]:
    """The colour of each group in the visitor's theme; the group is also in words."""
    colours = palette()
    return {
        MALIGNANT: colours.malignant,
        PREMALIGNANT: colours.premalignant,
        BENIGN: colours.benign,
    }


def _axis_label(code: str, truth: str | None, entry: dict | None) -> str:
    """The name of a class; in small its group and, if measured, sensitivity and precision."""
    name, group = class_name(code), group_name(code)
    name = f"<b>✓ {name}</b>" if code == truth else name
    under = f"{group} · {_value(entry, 'recall')} / {_value(entry, 'precision')}"
    return with_below(name, under if entry else group)


def _told(code: str, probability: float, entry: dict | None) -> str:
    """A class with its probability in words and, if measured, how far it can be relied on."""
    words = f"{class_name(code)} {probability:.3f}"
    if not entry:
        return words
    values = {"sensitivity": _value(entry, "recall"), "precision": _value(entry, "precision")}
    return f"{words} ({text('analyze.class_measures', **values)})"


def _value(entry: dict | None, measure: str) -> str:
    """A measure without its interval, a dash where there is none."""
    value = (entry or {}).get(measure, {}).get("value")
    return "–" if value is None else f"{value:.2f}"


def _table(
    ranked: list[tuple[str, float]], measured: Mapping[str, dict]
) -> tuple[list[str], list[list[object]]]:
    """The columns and rows of class codes with their probabilities and what was measured."""
    columns = [text("analyze.class_column"), text("analyze.probability_column")]
    if measured:
        columns += [text(f"models.{name}") for name in ("recall", "precision", "support")]
    columns.append(text("analyze.group_column"))
    rows = []
    for code, p in ranked:
        row: list[object] = [f"{class_name(code)} ({code})", f"{p:.4f}"]
        if measured:
            entry = measured.get(code, {})
            figures = (shown(entry.get(name)) for name in ("recall", "precision"))
            row += [*figures, entry.get("support", "–")]
        rows.append([*row, group_name(code)])
    return columns, rows
