"""How charts look: colours of the visitor's theme, room, letters; and their numbers as a table."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
import streamlit as st

from streamlit_app.content import text


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as in .streamlit/config.toml, which plotly cannot read.

    ink: letters. soft: letters of notes. faint: lines that only guide. ground: of the page. pale:
    of a cell that counts nothing. first, second: of two series side by side. malignant,
    premalignant, benign: of the bars of these groups.
    """

    ink: str
    soft: str
    faint: str
    ground: str
    pale: str
    first: str
    second: str
    malignant: str
    premalignant: str
    benign: str


# Lines take their colour from the letters, which are the theme's.
TABLE_STYLE = """<style>
.lens-table { overflow-x: auto; }
.lens-table table { border-collapse: collapse; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
.lens-table th, .lens-table td { padding-block: 0.35rem; padding-inline: 0 0.5rem; text-align: end;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); white-space: nowrap; }
.lens-table.words td, .lens-table.words thead th { text-align: start; white-space: normal;
  overflow-wrap: anywhere; }
.lens-table td + td, .lens-table th + td, .lens-table th + th { padding-inline-start: 0.4rem; }
.lens-table th { font-weight: 600; }
.lens-table tbody th { font-weight: 400; }
.lens-table th:first-child { text-align: start; white-space: normal; min-width: 6.5rem; }
.lens-table thead th { border-bottom-width: 2px; font-size: 0.875em; vertical-align: bottom;
  white-space: normal; }
</style>"""

TITLE_WIDTH = 30  # letters that an axis on a phone is wide
SMALL = 12  # pixels of the letters under a name
# The groups after Okabe and Ito's palette: told apart with any kind of colour vision. Its orange
# has too little contrast on a light ground (WCAG 2.2, 1.4.11: 3 to 1), so it is darker there.
LIGHT = Palette(
    ink="#22272b",
    soft="#5a6064",
    faint="#8b8f8c",
    ground="#fbfaf7",
    pale="#f1eee8",
    first="#0f6b6b",
    second="#b3541e",
    malignant="#d55e00",
    premalignant="#b88100",
    benign="#3a86b7",
)
DARK = Palette(
    ink="#e9ece9",
    soft="#a8b1b5",
    faint="#7d8a90",
    ground="#12181c",
    pale="#1c252b",
    first="#52c2b5",
    second="#f0a35e",
    malignant="#d55e00",
    premalignant="#e69f00",
    benign="#3a86b7",
)


def palette() -> Palette:
    """The colours of the visitor's theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw(figure: go.Figure, *, key: str, alt: str, height: int, **layout: object) -> None:
    """Nothing; draws a figure in the app's look, with words for those who do not see it.

    height: in pixels. layout: what this figure has of its own.
    """
    ink = palette().ink
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 16, "t": 8, "b": 8},
        font={"size": 14, "color": ink},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        hoverlabel={"font": {"size": 13}},
    )
    axis = {
        "fixedrange": True,
        "automargin": True,
        "tickfont": {"size": 13, "color": ink},
        "title": {"font": {"size": 13, "color": ink}},
    }
    figure.update_layout(**layout)
    figure.update_xaxes(**axis)  # after the layout, whose titles bring letters of their own
    figure.update_yaxes(**axis)
    figure.for_each_xaxis(_break_title)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt, key=key)


def with_below(name: str, words: str) -> str:
    """A label of an axis: a name, and small words below it.

    These are raised, so that they stand nearer to their own name than to the next one.
    """
    return f'{name}<br><sup><span style="font-size:{SMALL}px">{words}</span></sup>'


def _break_title(axis: go.layout.XAxis) -> None:
    """Nothing; breaks a title that is wider than an axis on a phone, where it would be cut off."""
    if axis.title.text:
        axis.title.text = "<br>".join(textwrap.wrap(axis.title.text, TITLE_WIDTH))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: bool = True
) -> None:
    """Nothing; draws a table, the first column as names of the rows.

    numbers: the other columns hold numbers, which stand at the right and never break. One that is
    wider than the screen scrolls by itself, and can be reached by keyboard.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = [
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td><bdi>{escape(str(cell))}</bdi></td>" for cell in others)
        + "</tr>"
        for first, *others in rows
    ]
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    label = escape(", ".join(columns), quote=True)
    st.html(
        f"{TABLE_STYLE}<div class='lens-table {'numbers' if numbers else 'words'}' tabindex='0' "
        f'role="region" aria-label="{label}">'
        f"{body}</div>"
    )


def as_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, note: str = "") -> None:
    """Nothing; puts the numbers of the chart above under a fold, as a table. note: words below."""
    with st.expander(text("charts.as_table"), icon=":material/table_rows:"):
        table(columns, rows)
        if note:
            st.caption(note)


def shown(entry: dict | None, digits: int = 2) -> str:
    """A measure of a card with its 95 % interval, as text; a dash where there is none."""
    if not entry or entry.get("value") is None:
        return "–"
    low, high = entry.get("low"), entry.get("high")
    value = f"{entry['value']:.{digits}f}"
    if low is None or high is None:
        return value
    return text("charts.interval", value=value, low=f"{low:.{digits}f}", high=f"{high:.{digits}f}")


def as_entry(triple: tuple[float, float, float]) -> dict:
    """A value with its interval in the form in which a card keeps measures."""
    return dict(zip(("value", "low", "high"), triple, strict=True))


def add_intervals(
    figure: go.Figure, names: Sequence[str], entries: Sequence[dict], *, series: str, colour: str
) -> None:
    """Nothing; adds measures of a card as points with their 95 % intervals, one row a name."""
    kept = [
        (name, entry)
        for name, entry in zip(names, entries, strict=True)
        if entry and entry.get("value") is not None
    ]
    values = [entry["value"] for _, entry in kept]
    figure.add_scatter(
        x=values,
        y=[name for name, _ in kept],
        mode="markers",
        orientation="h",  # so that two series of one row stand beside each other
        offsetgroup=series,
        name=series,
        marker={"size": 11, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [entry.get("high", entry["value"]) - entry["value"] for _, entry in kept],
            "arrayminus": [entry["value"] - entry.get("low", entry["value"]) for _, entry in kept],
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        customdata=[shown(entry, 3) for _, entry in kept],
        hovertemplate="%{y}: %{customdata}<extra>" + series + "</extra>",
    )
