"""What stands above the probabilities: the status, and the classes that are left possible."""

import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.trust import NOT_DERMOSCOPIC, OK, POOR_QUALITY, UNCERTAIN, of_card
from streamlit_app.content import class_name, listed, text

UNFITTED = "unfitted"
LOOKS = {
    OK: (st.success, ":material/check_circle:"),
    UNFITTED: (st.warning, ":material/help:"),
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
        draw, icon = LOOKS[UNFITTED if _is_unfitted(analysis) else analysis.status]
        draw(sentence(analysis), icon=icon)
        failed = [code for code, check in analysis.checks.items() if not check.ok]
        if failed:
            st.markdown("\n".join(f"- {text(f'advice.{code}')}" for code in failed))
    # Of what is unlike the training photos, sets promise nothing.
    if analysis.prediction_set is not None and analysis.readable:
        share = f"{of_card(card, mode).coverage:.0%}"
        note = text("verdict.set_note", share=share)
        right.markdown(
            f"{text('verdict.set', names=_names(analysis.prediction_set))}  \n:small[{note}]"
        )


def sentence(analysis: Analysis) -> str:
    """What the status of an analysis means for reading its answer."""
    if _is_unfitted(analysis):
        return text("verdict.ok_unfitted")
    return text(f"verdict.{analysis.status}", malignant=f"{analysis.malignant_probability:.2f}")


def _is_unfitted(analysis: Analysis) -> bool:
    return analysis.status == OK and analysis.prediction_set is None


def _names(codes: tuple[str, ...]) -> str:
    return listed(f"**{class_name(code)}**" for code in codes)
