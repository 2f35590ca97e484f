"""The tables of the README, made from the cards, so that no number is written down twice."""

from pathlib import Path

import numpy as np

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.labels import BY_CODE
from training.metrics import f1_by_class

README = Path(__file__).parents[1] / "README.md"
REFERENCE = "resnet50.isic2019_reference"
BEGIN, END = "<!-- results: python -m training readme -->", "<!-- end of results -->"


def results() -> str:
    """The results of every bundled model as Markdown, from its card."""
    cards = registry.classifiers().values()
    parts = [_overview([card for card in cards if "native" in card.metrics])]
    parts += [_per_class(card) for card in cards if card.default]
    return "\n\n".join(parts)


def rewrite() -> bool:
    """Whether the README had other tables; they are up to date afterwards."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    renewed = f"{head}{BEGIN}\n{results()}\n{END}{tail}"
    README.write_text(renewed, encoding="utf-8")
    return renewed != text


COLUMNS = "| accuracy | balanced accuracy | macro F1 | macro AUC | melanoma recall | ECE |"


def _overview(cards: list[Card]) -> str:
    lines = [f"| model | file, MB | photos {COLUMNS}", "|---|---:|---|---|---|---|---|---|---|"]
    for card in cards:
        served = registry.served_bytes(card)
        megabytes = f"{served / 1e6:.1f}" if served else "–"
        for measured in (entry for entry in card.metrics.values() if "per_class" in entry):
            photos = f"{measured['n']}, {_way(measured)}"
            shown = _measures(measured)
            lines.append(f"| `{card.name}` | {megabytes} | {photos} | {shown} |")
    return "\n".join(lines)


def comparison(results: dict[str, dict]) -> str:
    """The measures of evaluations by name, as one Markdown table with 95 % intervals."""
    lines = [f"| | photos {COLUMNS}", "|---|---|---|---|---|---|---|---|"]
    for name, measured in results.items():
        lines.append(f"| {name} | {measured['n']}, {_way(measured)} | {_measures(measured)} |")
    return "\n".join(lines)


def _way(measured: dict) -> str:
    """How photos were shown: at which resolution, and whether in eight views."""
    at = measured["resolution"]
    return ("native" if at == "native" else f"at {at} px") + ", eight views" * measured["tta"]


def _measures(measured: dict) -> str:
    """The cells of `COLUMNS`."""
    shown = [_interval(measured[key]) for key in ("accuracy", "balanced_accuracy", "macro_f1")]
    shown.append(_interval(measured["macro_auc"], digits=3))
    shown.append(_interval(measured["per_class"]["MEL"]["recall"]))
    shown.append(_interval(measured["ece"], digits=3))
    return " | ".join(shown)


def _per_class(card: Card) -> str:
    measured = card.metrics["native"]
    published = _published()
    lines = [
        f"`{card.name}`, class by class, beside the figures that the reference publishes:",
        "",
        "| class | photos | recall (sensitivity) | precision | F1 | AUC "
        "| published, with its leak: photos | recall | precision | F1 |",
        "|---|---:|---|---|---|---|---:|---:|---:|---:|",
    ]
    order = ["MEL", *(code for code in measured["per_class"] if code != "MEL")]
    for code in order:
        entry = measured["per_class"][code]
        shown = [_interval(entry[key]) for key in ("recall", "precision", "f1")]
        shown.append(_interval(entry["auc"], digits=3))
        cells = [f"{BY_CODE[code].name} ({code})", str(entry["support"]), *shown, *published[code]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _published() -> dict[str, list[str]]:
    """By class: photos, recall, precision and F1 of the reference, of its published confusions."""
    stated = registry.find(REFERENCE).metrics["published"]
    counts = np.array(stated["confusion_matrix"])
    hits, true, called = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    measures = (hits / true, hits / called, f1_by_class(counts))
    return {
        code: [str(true[label]), *(f"{measure[label]:.2f}" for measure in measures)]
        for label, code in enumerate(stated["labels"])
    }


def _interval(entry: dict, digits: int = 2) -> str:
    """A value and its 95 % interval; digits: of the interval, more where it is narrow."""
    if entry.get("value") is None:
        return "–"
    low, high = entry.get("low"), entry.get("high")
    if low is None or high is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({low:.{digits}f} to {high:.{digits}f})"
