"""The eight probabilities as a chart and, for those who prefer it, as a table."""

import plotly.graph_objects as go
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.labels import BENIGN, BY_CODE, MALIGNANT, PREMALIGNANT
from streamlit_app.components.charts import as_table, palette, table
from streamlit_app.components.model_choice import figures_of
from streamlit_app.content import class_name, group_name, text


def probability_chart(analysis: Analysis, card: Card) -> None:
    """Nothing; draws the probabilities of an analysis, each class with what the model reached."""
    figures, how = figures_of(card, analysis)
    measured = _measured(figures or {})
    probability_bars(analysis.ranked(), key="analyze_chart", measured=measured)
    if measured and how:
        st.caption(text("analyze.figures_how", how=how))


def _measured(figures: dict) -> dict[str, str]:
    """Held-out sensitivity and precision by class code, in words; empty if not measured."""
    per_class = figures.get("per_class", {})
    return {
        code: text(
            "analyze.class_measures",
            sensitivity=_number(entry["recall"]),
            precision=_number(entry["precision"]),
        )
        for code, entry in per_class.items()
    }


def _number(entry: dict) -> str:
    return f"{entry['value']:.2f}" if entry.get("value") is not None else "–"


def probability_bars(
    pairs: list[tuple[str, float]],
    *,
    key: str,
    truth: str | None = None,
    measured: dict[str, str] | None = None,
) -> None:
    """Nothing; draws class codes with their probabilities, the largest on top, axis 0 to 1.

    truth: the code of the confirmed class, which is marked. measured: words under a class's name.
    """
    measured = measured or {}
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    figure = go.Figure()
    for group, colour in _group_colours().items():
        of_group = [(BY_CODE[code], p) for code, p in ranked if BY_CODE[code].group == group]
        figure.add_bar(
            x=[p for _, p in of_group],
            y=[_axis_label(label.code, truth, measured) for label, _ in of_group],
            orientation="h",
            name=text(f"groups.{group}"),
            marker_color=colour,
            text=[f"{p:.3f}" for _, p in of_group],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
    order = [_axis_label(code, truth, measured) for code, _ in reversed(ranked)]
    figure.update_layout(
        height=38 * len(ranked) + 46,
        margin={"l": 0, "r": 44, "t": 6, "b": 30},
        bargap=0.42,
        barmode="overlay",
        legend={"orientation": "h", "y": -0.09, "x": 0},
        xaxis={
            "range": [0, 1],
            "fixedrange": True,
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "tickfont": {"size": 13, "color": palette().ink},
        },
        yaxis={
            "categoryorder": "array",
            "categoryarray": order,
            "fixedrange": True,
            "tickfont": {"size": 14, "color": palette().ink},
        },
        font={"size": 14, "color": palette().ink},
    )
    told = ", ".join(f"{class_name(code)} {p:.3f}" for code, p in ranked)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=told, key=key)


def _group_colours() -> dict[str, str]:
    """The colour of each group in the visitor's theme; the group is also in words."""
    colours = palette()
    return {
        MALIGNANT: colours.malignant,
        PREMALIGNANT: colours.premalignant,
        BENIGN: colours.benign,
    }


def bars_with_table(pairs: list[tuple[str, float]], *, key: str, truth: str | None = None) -> None:
    """Nothing; draws the chart of `probability_bars`, and under a fold its numbers as a table."""
    probability_bars(pairs, key=key, truth=truth)
    as_table(*_table(pairs))


def probability_table(pairs: list[tuple[str, float]]) -> None:
    """Nothing; draws the same numbers as a table that a screen reader can read."""
    table(*_table(pairs))


def _table(pairs: list[tuple[str, float]]) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of class codes with their probabilities, the largest on top."""
    columns = [text(f"analyze.{name}_column") for name in ("class", "probability", "group")]
    rows = [
        [f"{class_name(code)} ({code})", f"{p:.4f}", group_name(code)]
        for code, p in sorted(pairs, key=lambda pair: -pair[1])
    ]
    return columns, rows


def _axis_label(code: str, truth: str | None, measured: dict[str, str]) -> str:
    under = " · ".join(filter(None, (group_name(code), measured.get(code))))
    name = class_name(code)
    name = f"<b>✓ {name}</b>" if code == truth else name
    return f"{name}<br><sup>{under}</sup>"
