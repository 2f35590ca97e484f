"""What a report of one photo says beside its pictures and bars: facts by name."""

from model_zoo.abcd import Abcd
from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.trust import Trust, group_probability, known_group, of_card
from streamlit_app.components.verdict import set_note
from streamlit_app.content import card_words, class_name, listed, text


def facts(analysis: Analysis, card: Card, digest: str, mode: str) -> list[tuple[str, str]]:
    """Names and values of what stands beside the bars (see `report.make`)."""
    told = [(text("report.status"), text(f"status.{analysis.status}"))]
    if analysis.readable:
        told += _answer(analysis, of_card(card, mode))
    for outcome, ok in (("failed", False), ("passed", True)):
        codes = [code for code, check in analysis.checks.items() if check.ok is ok]
        if codes:
            names = listed(text(f"checks.{code}") for code in codes)
            told.append((text(f"report.{outcome}"), names))
    if analysis.dermoscopic and analysis.abcd is not None:
        told += _of_lesion(analysis.abcd, touches_border=analysis.outline.touches_border)
    told += [
        (text("report.how"), _how(analysis)),
        (text("report.model"), f"{card_words(card.title or card.name)} ({card.name})"),
        ("sha256", digest),
    ]
    return told


def _of_lesion(numbers: Abcd, *, touches_border: bool) -> list[tuple[str, str]]:
    """The numbers of the ABCD rule, with what is not made of them."""
    folded = numbers.asymmetry_major, numbers.asymmetry_minor
    colours = listed(text(f"colours.{name}") for name in numbers.colours)
    note = text("report.no_score")
    return [
        (text("abcd.asymmetry"), f"{folded[0]:.2f}, {folded[1]:.2f}"),
        (text("abcd.border"), f"{numbers.border_irregularity:.2f}"),
        (text("abcd.colours"), colours or text("abcd.no_colour")),
        (text("abcd.diameter"), f"{numbers.diameter_fraction:.2f}"),
        (text("abcd.title"), f"{note} {text('report.at_border')}" if touches_border else note),
    ]


def _how(analysis: Analysis) -> str:
    """How often and in which square the photo was read, and what that leaves unfitted."""
    square = text("report.centre" if analysis.centred else "report.chosen")
    words = listed((text(f"report.{analysis.mode}"), square))
    return words if analysis.centred else f"{words}. {text('verdict.square_note')}"


def _answer(analysis: Analysis, trust: Trust) -> list[tuple[str, str]]:
    """What is told of the answer beside its bars."""
    facts = []
    if analysis.prediction_set is not None:
        names = listed(class_name(code) for code in analysis.prediction_set)
        facts.append((text("report.set", note=set_note(trust)), names))
    malignant = analysis.malignant_probability
    if malignant is not None:
        title = text("report.malignant", names=", ".join(known_group(analysis.labels)))
        facts.append((title, f"{malignant:.3f}"))
    for point in trust.operating_points:
        value = float(group_probability(analysis.labels, analysis.probabilities, point.group))
        side = text("report.above" if value >= point.threshold else "report.below")
        title = text(f"report.{point.group}_point", target=f"{point.target:.0%}")
        facts.append((title, f"{point.threshold:.3f}: {value:.3f} {side}"))
    inside = analysis.heatmap_inside(analysis.label)
    if inside is not None:
        facts.append((text("report.inside"), f"{inside:.0%}, {analysis.lesion_in_square:.0%}"))
    return facts
