"""Where one would draw the line: operating points, and what they mean at a prevalence."""

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.registry import asked_as
from model_zoo.trust import (
    OperatingPoint,
    group_probability,
    known_group,
    of_card,
    predictive_values,
)
from streamlit_app.components.absent import absent
from streamlit_app.components.charts import DARK, as_entry, as_table, draw, palette, shown
from streamlit_app.components.faults import fault_told
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.content import text, thousands

# Round shares, chosen to teach how much the setting matters; nobody measured them here.
SETTINGS = {"primary_care": 0.01, "clinic": 0.2}
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
OF = 1000


@dataclass(frozen=True)
class Counts:
    """What becomes of `OF` lesions.

    found, missed: of those looked for; alarms, cleared: of the others.
    """

    found: int
    missed: int
    alarms: int
    cleared: int


def counts(sensitivity: float, specificity: float, prevalence: float) -> Counts:
    """Whole lesions of `OF`, rounded so that they add up; all arguments 0..1."""
    meant = round(OF * prevalence)
    found = round(meant * sensitivity)
    cleared = round((OF - meant) * specificity)
    return Counts(found, meant - found, OF - meant - cleared, cleared)


@st.fragment
def decide(card: Card, mode: str, *, key: str, analysis: Analysis | None = None) -> None:
    """Nothing; draws the operating points of a card with a slider of prevalence.

    analysis: of a photo, whose probability is held against the threshold.
    """
    with fault_told():
        fitted = of_card(card, mode).operating_points
        _decide(card, [p for p in fitted if p.sensitivity and p.specificity], key, analysis)


def _decide(card: Card, points: list[OperatingPoint], key: str, analysis: Analysis | None) -> None:
    if not points:
        absent(card, text("decide.unfitted"), text("decide.command", name=asked_as(card)))
        return
    st.caption(text("decide.intro"))
    point = _choose(card, points, key)
    prevalence = _prevalence(key)
    share, numbers = st.columns([3, 4], gap="large", vertical_alignment="center")
    with share:
        _numbers(point, prevalence)
        if analysis is not None:
            _this_photo(point, analysis)
    with numbers:
        _thousand(point, prevalence, key)


def _choose(card: Card, points: list[OperatingPoint], key: str) -> OperatingPoint:
    """The operating point that the user chose."""
    which, target, _ = st.columns([4, 3, 4], vertical_alignment="bottom")
    groups = list(dict.fromkeys(point.group for point in points))
    forget_unless_offered(f"{key}_group", groups)
    group = which.segmented_control(
        text("decide.group"),
        groups,
        default=groups[0],
        required=True,
        format_func=lambda name: text(f"decide.{name}"),
        key=f"{key}_group",
        persist_state="session",
        help=text("decide.group_help", names=", ".join(known_group(card.labels))),
    )
    targets = [point.target for point in points if point.group == group]
    forget_unless_offered(f"{key}_target_{group}", targets)
    chosen = target.segmented_control(
        text("decide.target"),
        targets,
        default=targets[0],
        required=True,
        format_func=lambda share: f"{share:.0%}",
        key=f"{key}_target_{group}",
        persist_state="session",
        help=text("decide.target_help"),
    )
    return next(p for p in points if p.group == group and p.target == chosen)


def _prevalence(key: str) -> float:
    """The share of lesions that are of the group, 0..1, as the user set it."""
    setting, slider = st.columns([4, 7], vertical_alignment="bottom")
    st.session_state.setdefault(f"{key}_prevalence", SETTINGS["primary_care"])

    def apply() -> None:
        chosen = st.session_state[f"{key}_setting"]
        if chosen is not None:
            st.session_state[f"{key}_prevalence"] = SETTINGS[chosen]

    def release() -> None:
        st.session_state[f"{key}_setting"] = None

    setting.segmented_control(
        text("decide.setting"),
        list(SETTINGS),
        default="primary_care",
        format_func=lambda name: text(f"decide.{name}", share=f"{SETTINGS[name]:.0%}"),
        key=f"{key}_setting",
        persist_state="session",
        on_change=apply,
        help=text("decide.setting_help"),
    )
    return slider.select_slider(
        text("decide.prevalence"),
        SHARES,
        format_func=_percent,
        key=f"{key}_prevalence",
        persist_state="session",
        on_change=release,
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


def _numbers(point: OperatingPoint, prevalence: float) -> None:
    ends = zip(point.sensitivity, point.specificity, strict=True)
    positive, negative = zip(*(predictive_values(*end, prevalence) for end in ends), strict=True)
    rows = [
        ("sensitivity", shown(as_entry(point.sensitivity))),
        ("specificity", shown(as_entry(point.specificity))),
        ("ppv", shown(as_entry(positive), 3)),
        ("npv", shown(as_entry(negative), 4)),
    ]
    for name, value in rows:
        words, number = st.columns([3, 2], vertical_alignment="center", wrap=False)
        words.markdown(f"{text(f'decide.{name}')}  \n:small[{text(f'decide.{name}_meaning')}]")
        number.markdown(f"**{value}**", text_alignment="right")
    st.caption(text("decide.bracket_note"))


def _this_photo(point: OperatingPoint, analysis: Analysis) -> None:
    probability = float(group_probability(analysis.labels, analysis.probabilities, point.group))
    where = "above" if probability >= point.threshold else "below"
    st.info(
        text(
            f"decide.photo_{where}",
            group=text(f"decide.{point.group}"),
            probability=f"{probability:.3f}",
            threshold=f"{point.threshold:.3f}",
        ),
        icon=":material/straighten:",
    )


def _thousand(point: OperatingPoint, prevalence: float, key: str) -> None:
    """Nothing; draws what becomes of a thousand lesions, above and below the threshold."""
    told = counts(point.sensitivity[0], point.specificity[0], prevalence)
    group = text(f"decide.{point.group}")
    values = {name: getattr(told, name) for name in ("found", "alarms", "missed", "cleared")}
    st.markdown(
        text(
            "decide.thousand",
            of=thousands(OF),
            group=group,
            meant=told.found + told.missed,
            **values,
        )
    )
    draw(
        _bars(values, group),
        key=f"{key}_thousand",
        alt=text("decide.alt", of=thousands(OF), **values),
        height=230,
        barmode="stack",
        bargap=0.35,
        legend={"traceorder": "normal", "orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"range": [0, OF], "title": text("decide.lesions", of=thousands(OF))},
        yaxis={"autorange": "reversed"},
    )
    as_table(
        [text("decide.lesions", of=thousands(OF)), text("decide.above"), text("decide.below")],
        [
            [group, told.found, told.missed],
            [text("decide.others"), told.alarms, told.cleared],
        ],
    )


def _bars(values: dict[str, int], group: str) -> go.Figure:
    """Two bars, above and below the threshold, of the lesions by what becomes of them."""
    colours = palette()
    looks = {
        "found": ("above", colours.second),
        "alarms": ("above", colours.faint),
        "missed": ("below", colours.second),
        "cleared": ("below", colours.first),
    }
    letters = {"missed": colours.ink, "alarms": DARK.ground}
    figure = go.Figure()
    for name, (side, colour) in looks.items():
        figure.add_bar(
            x=[values[name]],
            y=[text(f"decide.{side}")],
            orientation="h",
            name=text(f"decide.{name}", group=group),
            marker_color=colour,
            marker_pattern_shape="/" if name == "missed" else "",
            text=[str(values[name])],
            textposition="auto",
            textfont={"size": 14, "color": letters.get(name, colours.ground)},
            hovertemplate="%{x}<extra>%{fullData.name}</extra>",
        )
    return figure
