"""The CSV of a batch: a row for every photo that was given, read or not."""

from model_zoo.errors import ZooError
from streamlit_app.batch import Row
from streamlit_app.exports import to_csv_file
from streamlit_app.reader import Reader


def without_answer(
    unread: tuple[str, ...], left_out: tuple[tuple[str, ZooError], ...]
) -> list[Row]:
    """A row for each photo that has no answer: not read, or left out beforehand."""
    return [
        *(Row(name, "not_read", fault=ZooError("batch_not_read")) for name in unread),
        *(Row(name, "left_out", fault=why) for name, why in left_out),
    ]


def to_csv(rows: list[Row], reader: Reader, notice: str) -> bytes:
    """The rows as CSV, safe to open in a spreadsheet."""
    codes = sorted({code for row in rows for code in row.probabilities})
    table = [
        {
            "file": row.name,
            "status": row.status,
            "label": row.label,
            "malignant_probability": "" if row.malignant is None else round(row.malignant, 6),
            "prediction_set": " ".join(row.prediction_set),
            **{code: _rounded(row.probabilities.get(code)) for code in codes},
            "failed_checks": " ".join(row.failed),
            "problem": row.problem,
            **reader.cells(),
        }
        for row in rows
    ]
    return to_csv_file(table, notice)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)
