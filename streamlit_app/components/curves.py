"""A model's confusion matrix, ROC curves and reliability diagram, from its card."""

import plotly.graph_objects as go
import streamlit as st

from model_zoo.card import Card
from model_zoo.labels import BENIGN, BY_CODE
from model_zoo.trust import OperatingPoint, of_card
from streamlit_app.components.charts import as_table, draw, palette, shown
from streamlit_app.components.faults import fault_told
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.components.measured import unmeasured
from streamlit_app.content import class_name, text

DEEP = 0.55  # the share of a row from which its shade asks for letters in the colour of the page


def confusion(measured: dict, *, key: str) -> None:
    """Nothing; draws the confusion matrix: rows true, columns said, shade by share of the row."""
    codes, counts = measured["labels"], measured["confusion_matrix"]
    shares = [[n / max(1, sum(row)) for n in row] for row in counts]
    colours = palette()
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=codes,
            y=codes,
            zmin=0,
            zmax=1,
            customdata=counts,
            colorscale=[[0, colours.pale], [1, colours.first]],
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate=text("models.confusion_hover") + "<extra></extra>",
        )
    )
    for row, true in enumerate(codes):
        for column, said in enumerate(codes):
            if counts[row][column]:
                full = shares[row][column] > DEEP
                font = {"size": 14, "color": colours.ground if full else colours.ink}
                number = str(counts[row][column])
                figure.add_annotation(x=said, y=true, text=number, showarrow=False, font=font)
    st.caption(text("models.confusion_note"))
    draw(
        figure,
        key=key,
        alt=text("models.alt_confusion"),
        height=430,
        xaxis={"title": text("models.said"), "side": "top", "showgrid": False},
        yaxis={"title": text("models.true"), "autorange": "reversed", "showgrid": False},
    )
    as_table(
        [text("models.true_and_said"), *codes],
        [[code, *row] for code, row in zip(codes, counts, strict=True)],
    )


def roc(measured: dict, card: Card, mode: str, *, key: str) -> None:
    """Nothing; draws the ROC curve of every class, one of them in front."""
    curves = measured.get("roc")
    if not curves:
        unmeasured(card, mode, text("models.roc"), measured["resolution"])
        return
    codes = list(curves)
    forget_unless_offered(f"{key}_front", codes)
    front = st.pills(
        text("models.roc_front"),
        codes,
        default="MEL" if "MEL" in codes else codes[0],
        required=True,
        format_func=class_name,
        key=f"{key}_front",
        persist_state="session",
    )
    points = _melanoma_points(card, mode) if front == "MEL" else []
    draw(
        _curves(curves, front, points),
        key=key,
        alt=text("models.alt_roc", auc=_areas(measured)),
        height=420,
        xaxis={"range": [0, 1], "title": text("models.false_alarms"), "zeroline": False},
        yaxis={"range": [0, 1.02], "title": text("models.recall"), "zeroline": False},
        showlegend=False,
    )
    name = class_name(front)
    area = shown(measured["per_class"][front]["auc"])
    note = text("models.roc_note", name=name, auc=area)
    st.caption(f"{note} {text('models.roc_points')}" if points else note)
    as_table(
        [text("models.false_alarms"), *codes],
        [
            [f"{curves[front][at][0]:.3f}", *(f"{curves[code][at][1]:.2f}" for code in codes)]
            for at in range(0, len(curves[front]), 4)
        ],
    )


def _areas(measured: dict) -> str:
    return ", ".join(
        f"{class_name(code)} {shown(entry['auc'])}" for code, entry in measured["per_class"].items()
    )


def _melanoma_points(card: Card, mode: str) -> list[OperatingPoint]:
    """The thresholds of melanoma whose figures are known; where the card is faulty, says so."""
    with fault_told():
        points = [p for p in of_card(card, mode).operating_points if p.group == "melanoma"]
        return [point for point in points if point.sensitivity and point.specificity]
    return []


def _curves(curves: dict, front: str, points: list[OperatingPoint]) -> go.Figure:
    colours = palette()
    figure = go.Figure()
    _diagonal(figure)
    for code in sorted(curves, key=lambda code: code == front):
        leads = code == front
        figure.add_scatter(
            x=[point[0] for point in curves[code]],
            y=[point[1] for point in curves[code]],
            mode="lines",
            line={
                "color": colours.second if leads else colours.faint,
                "width": 3.5 if leads else 1.3,
                "dash": "solid" if leads or BY_CODE[code].group != BENIGN else "dash",
            },
            hovertemplate=f"{class_name(code)}: %{{y:.2f}}, %{{x:.2f}}<extra></extra>",
        )
    if points:
        figure.add_scatter(
            x=[1 - point.specificity[0] for point in points],
            y=[point.sensitivity[0] for point in points],
            mode="markers+text",
            text=[text("models.point_at", target=f"{point.target:.0%}") for point in points],
            textposition="bottom right",
            marker={"size": 12, "color": colours.first, "symbol": "diamond"},
            hovertemplate="%{text}: %{y:.2f}, %{x:.2f}<extra></extra>",
        )
    return figure


def _diagonal(figure: go.Figure) -> None:
    """Nothing; adds the line of chance, or of a perfect calibration."""
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": palette().faint, "dash": "dot", "width": 1},
        hoverinfo="skip",
    )


def reliability(measured: dict, card: Card, mode: str, *, key: str) -> None:
    """Nothing; draws how often the leading class is right, by how probable it was called."""
    bins = measured.get("reliability")
    if not bins:
        unmeasured(card, mode, text("models.reliability"), measured["resolution"])
        return
    colours = palette()
    figure = go.Figure()
    _diagonal(figure)
    figure.add_scatter(
        x=[said for said, _, _ in bins],
        y=[right for _, right, _ in bins],
        mode="lines+markers",
        line={"color": colours.first, "width": 1.5},
        marker={"size": 11, "color": colours.first},
        hovertemplate="%{x:.2f}, %{y:.2f}<extra></extra>",
    )
    draw(
        figure,
        key=key,
        alt=text("models.alt_reliability", ece=shown(measured["ece"], 3)),
        height=420,
        xaxis={"range": [0, 1.02], "title": text("models.said_probability"), "zeroline": False},
        yaxis={"range": [0, 1.02], "title": text("models.share_right"), "zeroline": False},
        showlegend=False,
    )
    numbers = {"ece": shown(measured["ece"], 3), "brier": shown(measured["brier"], 3)}
    st.caption(text("models.reliability_note", **numbers))
    as_table(
        [text("models.said_probability"), text("models.share_right"), text("models.support")],
        [[f"{said:.3f}", f"{right:.3f}", count] for said, right, count in bins],
    )
