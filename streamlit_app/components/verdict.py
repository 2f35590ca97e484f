"""What stands above the probabilities: the status, and the classes that are left possible."""

import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.trust import NOT_DERMOSCOPIC, OK, POOR_QUALITY, UNCERTAIN, of_card
from streamlit_app.content import class_name, listed, text

LOOKS = {
    OK: (st.success, ":material/check_circle:"),
    UNCERTAIN: (st.warning, ":material/help:"),
    POOR_QUALITY: (st.warning, ":material/photo_camera:"),
    NOT_DERMOSCOPIC: (st.error, ":material/block:"),
}


def verdict(analysis: Analysis, card: Card, mode: str, *, wide: bool = False) -> None:
    """Nothing; draws the status with its reasons, and what the answer leaves possible.

    wide: both side by side.
    """
    left, right = (
        st.columns([5, 6], gap="large", vertical_alignment="center")
        if wide
        else (st.container(), st.container())
    )
    with left:
        draw, icon = LOOKS[analysis.status]
        draw(_sentence(analysis), icon=icon)
        failed = [code for code, check in analysis.checks.items() if not check.ok]
        if failed:
            st.markdown("\n".join(f"- {text(f'advice.{code}')}" for code in failed))
    if analysis.prediction_set is not None:
        share = f"{of_card(card, mode).coverage:.0%}"
        note = text("verdict.set_note", share=share)
        right.markdown(
            f"{text('verdict.set', names=_names(analysis.prediction_set))}  \n:small[{note}]"
        )


def is_folded(analysis: Analysis) -> bool:
    """Whether the probabilities are to be folded away, because they would mislead."""
    return analysis.status in (POOR_QUALITY, NOT_DERMOSCOPIC)


def _sentence(analysis: Analysis) -> str:
    if analysis.status == OK and analysis.prediction_set is None:
        return text("verdict.ok_unfitted")
    return text(f"verdict.{analysis.status}", malignant=f"{analysis.malignant_probability:.2f}")


def _names(codes: tuple[str, ...]) -> str:
    return listed(f"**{class_name(code)}**" for code in codes)
