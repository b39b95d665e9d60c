"""How far a fetch is: the container's query by its batches, then the file by its bytes.

Reading and storing come after it: a fetch ends at CAME percent of the pull.
"""

from __future__ import annotations

import re

ASKED, CAME = 60.0, 80.0  # percent of a pull when the query, and when the download is done
_BATCH = re.compile(r"\bbatch (\d{1,9}) of (\d{1,9})\b")


def asked(message: str) -> float | None:
    """The share of the rows, 0 to 1, that the container had when it began the batch it tells of."""
    found = _BATCH.search(message)
    if found is None:
        return None
    number, batches = int(found[1]), int(found[2])
    return (number - 1) / batches if 1 <= number <= batches else None


def came(size: int, whole: int | None) -> float | None:
    """The share of a file, 0 to 1, of which `size` bytes came; None where its length is unknown."""
    return size / whole if whole and size <= whole else None


def percent(asked: float | None, came: float | None) -> float | None:
    """Percent of the pull by the share of the query or of the file that is known."""
    if came is not None:
        return ASKED + (CAME - ASKED) * came
    return None if asked is None else ASKED * asked
