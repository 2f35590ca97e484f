"""What leaves the app as a file: made safe for the program that will open it."""

import csv
import io
import re

# What Markdown would act on, and what makes links, icons and emojis of plain text, unless a space
# comes after it (https://github.github.com/gfm/#autolinks-extension-).
MARKS = "*`[]<>$~|\\"
JOINTS = re.compile(r"(:|@|(?<![^\W_])www\.)(?=\S)", re.IGNORECASE)
OUTER_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")  # within a word they are letters
LONGEST, SUFFIX, CUT = 80, 12, "..."

# A cell that begins so is taken for a formula by spreadsheets, by some also in full width (OWASP,
# "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")

# Where a cell begins anew for a spreadsheet that takes another separator than the comma, as German
# and Spanish ones take the semicolon: quotes made for commas do not hold there.
SECOND_START = re.compile(rf"([;|][ \"]*)(?=[{re.escape(''.join(FORMULA_STARTS))}])")


def plain_name(name: str) -> str:
    """A file name without characters that Markdown or the screen act on.

    What would become a link is taken apart by a space; of more than 80 letters the middle is left
    out.
    """
    plain = "".join(c for c in name if c.isprintable() and c not in MARKS)
    if len(plain) > LONGEST:
        plain = f"{plain[: LONGEST - SUFFIX - len(CUT)]}{CUT}{plain[-SUFFIX:]}"
    # Last, since what is left out may join what was apart.
    return JOINTS.sub(r"\1 ", OUTER_UNDERSCORES.sub("", plain))[:LONGEST]


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: such text gets an apostrophe before it, and
    so does what a separator within it would make the beginning of another cell.

    Numbers stay numbers; control characters, and all that cannot be seen, become spaces.
    """
    if isinstance(value, int | float):
        return value
    clean = "".join(letter if letter.isprintable() else " " for letter in str(value))
    guarded = clean.lstrip(" ").startswith(FORMULA_STARTS)
    clean = SECOND_START.sub(r"\1'", clean)
    return f"'{clean}" if guarded else clean


def to_csv_file(rows: list[dict[str, object]], notice: str) -> bytes:
    """Rows of the same keys as CSV, every cell safe (see `safe_cell`), the notice in a last row.

    In UTF-8 with its mark, without which Excel takes it for another encoding.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    if rows:
        writer.writerow([safe_cell(name) for name in rows[0]])
    writer.writerows([[safe_cell(value) for value in row.values()] for row in rows])
    writer.writerow([safe_cell(notice)])
    return stream.getvalue().encode("utf-8-sig")
