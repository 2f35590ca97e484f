"""What a model reached on lesions it never saw, as charts with their tables, from its card."""

import itertools

import plotly.graph_objects as go
import streamlit as st

from model_zoo.card import Card
from model_zoo.registry import asked_as
from model_zoo.trust import TTA, Trust, of_card
from streamlit_app.components.absent import absent
from streamlit_app.components.charts import (
    add_intervals,
    as_entry,
    as_table,
    draw,
    palette,
    shown,
    table,
)
from streamlit_app.components.faults import fault_told
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.content import card_words, class_name, group_name, text

NATIVE = "native"
EVALUATE = (
    "python -m training evaluate --model {name} --data ISIC_2019 --unseen "
    "--out results/{folder} --write-card"
)
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc")
CLASS_COLUMNS = ("class", "support", "recall", "precision", "f1_score", "auc")
GROUP_COLUMNS = ("group", "support", "accuracy", "balanced_accuracy")
GROUPINGS = ("by_source", "by_sex", "by_age", "by_site", "by_status")
FEW = 30  # photos below which a group's figure says next to nothing


def evaluations(card: Card, mode: str) -> dict[str, dict]:
    """The measures in a card that were made in this mode, by resolution, native first."""
    found = {
        name: measured
        for name, measured in card.metrics.items()
        if isinstance(measured, dict)
        and "per_class" in measured
        and bool(measured.get("tta")) == (mode == TTA)
    }
    return dict(sorted(found.items(), key=lambda pair: not pair[0].startswith(NATIVE)))


def command(card: Card, mode: str, resolution: object = NATIVE) -> str:
    """The command that writes measures into a card."""
    at = {} if resolution == NATIVE else {f"_{resolution}": f" --resolution {resolution}"}
    if mode == TTA:
        at["_tta"] = " --tta"
    folder = "".join((card.name, *at))
    return EVALUATE.format(name=asked_as(card), folder=folder) + "".join(at.values())


def unmeasured(card: Card, mode: str, what: str, resolution: object = NATIVE) -> None:
    """Nothing; says that a part of the card is absent and which command writes it."""
    absent(card, text("models.unmeasured", what=what), command(card, mode, resolution))


def headline(card: Card, mode: str, found: dict[str, dict], *, key: str) -> None:
    """Nothing; draws the headline measures of each resolution with their intervals."""
    names = [text(f"models.{name}") for name in (*MEASURES, "mel_recall")]
    entries = {
        # No melanoma among the classes, no sensitivity.
        name: [
            *(measured[m] for m in MEASURES),
            measured["per_class"].get("MEL", {}).get("recall", {}),
        ]
        for name, measured in found.items()
    }
    colours = palette()
    figure = go.Figure()
    chart, numbers = st.columns([6, 5], gap="large", vertical_alignment="center")
    shades = itertools.cycle((colours.first, colours.second, colours.faint))
    for (name, values), colour in zip(entries.items(), shades, strict=False):
        add_intervals(figure, names, values, series=resolution(found[name]), colour=colour)
    with chart:
        draw(
            figure,
            key=key,
            alt=text("models.alt_headline"),
            height=330,
            xaxis={"range": [0, 1], "zeroline": False},
            yaxis={"categoryorder": "array", "categoryarray": names[::-1]},
            scattermode="group",
            scattergap=0.6,
        )
    with numbers:
        table(
            [text("models.measure"), *(resolution(measured) for measured in found.values())],
            [
                [name, *(shown(values[row]) for values in entries.values())]
                for row, name in enumerate(names)
            ],
        )
    _provenance(card, mode, list(found.values()))


def _provenance(card: Card, mode: str, found: list[dict]) -> None:
    """Nothing; says of which photos these evaluations are, and which commands measure them."""
    first = found[0]
    st.caption(
        text(
            "about.measured_note",
            protocol=card_words(first["protocol"]),
            n=first["n"],
            lesions=first["lesions"],
        )
    )
    commands = "  \n".join(f"`{command(card, mode, measured['resolution'])}`" for measured in found)
    st.caption(f"{text('models.measured_by')}  \n{commands}")


def resolution(measured: dict) -> str:
    """At which size the photos of an evaluation came, in words."""
    at = measured["resolution"]
    return text("models.native") if at == NATIVE else text("models.at_px", pixels=at)


def by_class(measured: dict) -> None:
    """Nothing; draws precision, recall, F1 and AUC of each class, rows in the order of the card."""
    st.caption(text("models.by_class_note"))
    table(
        [text(f"models.{name}") for name in CLASS_COLUMNS],
        [
            [
                f"{class_name(code)} · {group_name(code)}",
                entry["support"],
                *(shown(entry[name]) for name in ("recall", "precision", "f1", "auc")),
            ]
            for code, entry in measured["per_class"].items()
        ],
    )


def sets(card: Card, mode: str) -> None:
    """Nothing; draws how often prediction sets hold the true class, of all lesions and by class."""
    st.subheader(text("models.sets"), anchor=False)
    with fault_told():
        _sets(card, mode, of_card(card, mode))


def _sets(card: Card, mode: str, fitted: Trust) -> None:
    # Sets of an older kind were measured with a card, but are no longer made.
    if not fitted.set_thresholds or fitted.covered is None or fitted.set_size is None:
        sentence = text("models.unmeasured", what=text("models.sets"))
        absent(card, sentence, text("decide.command", name=asked_as(card)))
        return
    size = shown(as_entry(fitted.set_size))
    st.caption(text("models.sets_note", share=f"{fitted.coverage:.0%}", size=size))
    by_class = [(class_name(code), held) for code, held in fitted.covered_by_class.items()]
    table(
        [text("models.class"), text("models.in_set")],
        [
            [name, shown(as_entry(held))]
            for name, held in [(text("models.all_classes"), fitted.covered), *by_class]
        ],
    )


def by_group(measured: dict, *, key: str) -> None:
    """Nothing; draws the results by archive, sex, age or body site, each with its interval."""
    names = [name for name in GROUPINGS if measured.get(name)]
    if not names:
        return
    forget_unless_offered(f"{key}_grouping", names)
    chosen = st.segmented_control(
        text("models.grouping"),
        names,
        default=names[0],
        required=True,
        format_func=lambda name: text(f"models.{name}"),
        key=f"{key}_grouping",
        persist_state="session",
    )
    groups = sorted(measured[chosen].items(), key=lambda pair: -pair[1]["n"])
    enough = [(name, entry) for name, entry in groups if entry["n"] >= FEW]
    labels = [f"{_group_name(name)} · {entry['n']}" for name, entry in enough]
    figure = go.Figure()
    colours = palette()
    for measure, colour in (("accuracy", colours.first), ("balanced_accuracy", colours.second)):
        entries = [entry[measure] for _, entry in enough]
        series = text(f"models.{measure}")
        add_intervals(figure, labels, entries, series=series, colour=colour)
    draw(
        figure,
        key=f"{key}_{chosen}",
        alt=text("models.alt_groups", grouping=text(f"models.{chosen}")),
        height=90 + 46 * len(labels),
        xaxis={"range": [0, 1], "zeroline": False},
        yaxis={"categoryorder": "array", "categoryarray": labels[::-1]},
        scattermode="group",
        scattergap=0.6,
    )
    st.caption(text("models.groups_note", few=FEW))
    as_table(
        [text(f"models.{name}") for name in GROUP_COLUMNS],
        [
            [
                _group_name(name),
                entry["n"],
                shown(entry["accuracy"]),
                shown(entry["balanced_accuracy"]),
            ]
            for name, entry in groups
        ],
    )


def _group_name(name: str) -> str:
    """A group of the evaluation in the words of the page; as it is where there are none."""
    for words in ("group_names", "status"):
        try:
            return text(f"{words}.{name}")
        except KeyError:
            continue
    return name
