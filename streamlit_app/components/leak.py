"""What a leak between training and test part is worth: our measured pair, and published figures."""

import plotly.graph_objects as go
import streamlit as st

from model_zoo import leak_pair as pairs
from model_zoo.card import Card
from model_zoo.errors import ZooError
from streamlit_app.components.charts import add_intervals, as_table, draw, palette, shown, table
from streamlit_app.content import card_words, class_name, text, thousands, told


def leak_pair() -> None:
    """Nothing; draws the pair with and without the leak, class by class, or how to measure it."""
    try:
        pair = pairs.read()
    except ZooError as fault:
        st.error(told(fault), icon=":material/error:")
        return
    if pair is None:
        st.info(text("leak.unmeasured"), icon=":material/pending:")
        with st.expander(text("leak.how"), icon=":material/terminal:"):
            st.code(text("leak.commands"), language="bash", wrap_lines=True)
        return
    halves = {"by_image": pair.by_image, "by_lesion": pair.by_lesion}
    seen = {name: text("leak.seen", seen=h.seen, n=h.measured["n"]) for name, h in halves.items()}
    st.markdown(text("leak.pair", recipe=pair.recipe, **seen))
    rows = _rows(pair)
    _chart(rows)
    overall = [
        (text(f"models.{name}"), pair.by_image.measured[name], pair.by_lesion.measured[name])
        for name in ("accuracy", "macro_auc")
    ]
    heads = ("by_image", "by_lesion", "difference")
    as_table(
        [text("leak.measure"), *(text(f"leak.{name}") for name in heads)],
        [
            [name, shown(one), shown(other), shown(pairs.difference(one, other))]
            for name, one, other in overall + rows
        ],
    )


def _rows(pair: pairs.LeakPair) -> list[tuple[str, dict, dict]]:
    """What is compared: its name, and the measure with the leak and without."""
    one, other = pair.by_image.measured, pair.by_lesion.measured
    balanced = (
        text("models.balanced_accuracy"),
        one["balanced_accuracy"],
        other["balanced_accuracy"],
    )
    return [
        balanced,
        *(
            (class_name(code), one["per_class"][code]["recall"], other["per_class"][code]["recall"])
            for code in one["per_class"]
        ),
    ]


def _chart(rows: list[tuple[str, dict, dict]]) -> None:
    names = [name for name, _, _ in rows]
    colours = palette()
    figure = go.Figure()
    for place, (series, colour) in enumerate(
        (("by_image", colours.second), ("by_lesion", colours.first)), start=1
    ):
        values = [row[place] for row in rows]
        add_intervals(figure, names, values, series=text(f"leak.{series}"), colour=colour)
    draw(
        figure,
        key="leak_pair",
        alt=text("leak.alt"),
        height=90 + 48 * len(names),
        xaxis={"range": [0, 1], "title": text("leak.axis"), "zeroline": False},
        yaxis={"categoryorder": "array", "categoryarray": names[::-1]},
        scattermode="group",
        scattergap=0.6,
    )


def published(card: Card) -> None:
    """Nothing; draws what others published of a model, marked as not reproduced here."""
    given = card.metrics["published"]
    with st.container(border=True):
        st.markdown(f"**{card_words(card.title or card.name)}**")
        st.badge(text("leak.published"), icon=":material/history_edu:", color="orange")
        st.markdown(
            text(
                "leak.published_figures",
                **{
                    name: shown(given[name], 3)
                    for name in ("accuracy", "balanced_accuracy", "macro_f1")
                },
                n=thousands(given["n"]),
            )
        )
        seen = given.get("seen_in_training", {})
        if "photos" in seen:
            share = f"{seen['photos'] / given['n']:.1%}"
            st.markdown(text("leak.published_seen", photos=thousands(seen["photos"]), share=share))
        if "confusion_matrix" in given:
            with st.expander(text("leak.published_classes"), icon=":material/table_rows:"):
                _per_class(given["labels"], given["confusion_matrix"])
        st.caption(text("leak.source", source=given.get("source", given["protocol"])))


def _per_class(codes: list[str], counts: list[list[int]]) -> None:
    """Nothing; draws recall and precision as they follow from a confusion matrix, rows true."""
    called = [sum(column) for column in zip(*counts, strict=True)]
    table(
        [text(f"models.{name}") for name in ("class", "support", "recall", "precision")],
        [
            [
                class_name(code),
                sum(counts[at]),
                f"{counts[at][at] / sum(counts[at]):.2f}" if sum(counts[at]) else "–",
                f"{counts[at][at] / called[at]:.2f}" if called[at] else "–",
            ]
            for at, code in enumerate(codes)
        ],
    )
