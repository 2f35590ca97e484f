"""The seal of a card: a checksum of its own text, so that no value in it changes unnoticed.

It tells damage and slips of the hand. It is no signature: who edits a card can seal it again.
"""

import hashlib

KEY = "seal"


def seal_of(text: str) -> str:
    """The sha256, in hex, of a card's text without the line of its seal."""
    lines = (line for line in text.splitlines() if not line.startswith(f"{KEY} = "))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sealed(text: str) -> str:
    """The text of a card with its seal as the first line; one that it had is replaced."""
    lines = [line for line in text.splitlines() if not line.startswith(f"{KEY} = ")]
    return "\n".join([f'{KEY} = "{seal_of(text)}"', *lines]) + "\n"
