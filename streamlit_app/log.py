"""The app's log: one line of JSON an event, on standard error, for people and machines alike.

A line holds numbers, codes and names of our own models alone: never a file name, a pixel, a text
that a user wrote, or an address.
"""

import json
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

# Whatever else is handed over is left out, so that no later line of code can leak by mistake.
FIELDS = (
    "version",
    "model",
    "sha256",
    "mode",
    "status",
    "code",
    "kind",
    "where",
    "photos",
    "milliseconds",
    "seconds",
)


def log(event: str, **fields: str | float) -> None:
    """Nothing; writes one event with its fields, those of `FIELDS` alone."""
    known = {name: fields[name] for name in FIELDS if name in fields}
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": moment, "event": event, **known}, ensure_ascii=True)
    print(line, file=sys.stderr, flush=True)


def log_fault(fault: Exception) -> None:
    """Nothing; writes the kind and the place of a fault that nobody thought of, not its words."""
    place = traceback.extract_tb(fault.__traceback__)[-1]
    log("fault", kind=type(fault).__name__, where=f"{Path(place.filename).name}:{place.lineno}")
