"""Small coloured words: grade, freshness, state, provisional, simulated.

Each is Markdown for `st.markdown`, and each says in a word what its colour says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol, TypeVar

from core.domain.timetable import sessions as calendar

KEPT, SHORT = 1024, 200  # texts that are kept, and the letters of the longest
FRESHNESS = {
    "fresh": ("green", "fresh"),
    "due": ("blue", "due"),
    "overdue": ("orange", "overdue"),
    "failing": ("red", "failing"),
    "never": ("gray", "no data"),
    "running": ("violet", "pulling"),
    "disabled": ("gray", "off"),
}
WORST_FIRST = ("failing", "overdue", "never", "due", "running", "fresh", "disabled")
STATES = {
    "done": "green",
    "unchanged": "gray",
    "partial": "orange",
    "failed": "red",
    "dead": "red",
    "cancelled": "gray",
    "running": "violet",
    "waiting": "blue",
}
STATUSES = {  # of a filing
    "as filed": "gray",
    "amended": "blue",
    "superseded": "violet",
    "restated later": "orange",
    "withdrawn": "red",
}
HUES = {
    "green": "#1f9d61",
    "blue": "#2b78d0",
    "yellow": "#c28a00",
    "orange": "#d9851c",
    "red": "#c0392b",
    "violet": "#7b61c9",
    "gray": "#8593a6",
}
# One ramp from A to F: each letter darker than the one before it to every eye, colour-blind ones
# too, and all of them at 3:1 on both grounds. The letter is always written.
GRADE_COLORS = {  # ground, letter
    "A": ("#12a793", "#000000"),
    "B": ("#52965c", "#000000"),
    "C": ("#987619", "#000000"),
    "D": ("#af551c", "#ffffff"),
    "F": ("#ba2e2f", "#ffffff"),
}
UNGRADED = ("#64748b", "#ffffff")


# Markdown links what follows these, escaped or not; a mark of no width in between stops it.
_ADDRESS = re.compile(r"https?(?=\\?:)|www(?=\.)|@(?=\w)", re.IGNORECASE)
_JOINER = "\u2060"


class HasFreshness(Protocol):
    """What the strip needs of a dataset's status."""

    @property
    def name(self) -> str:
        """The dataset."""
        ...

    @property
    def freshness(self) -> str:
        """How fresh it is, in a word."""
        ...


StatusT = TypeVar("StatusT", bound=HasFreshness)


def badge(text: str, color: str = "gray") -> str:
    """A word in a coloured box; brackets in the text are escaped."""
    return f":{color}-badge[{plain(text)}]"


def plain(text: str) -> str:
    """Text of the data made harmless for Markdown; addresses in it do not become links."""
    return _plain(text) if len(text) <= SHORT else _plain.__wrapped__(text)


@lru_cache(KEPT)
def _plain(text: str) -> str:
    for sign in "\\`*_{}[]<>#|$:~":
        text = text.replace(sign, "\\" + sign)
    return _ADDRESS.sub(lambda found: found[0] + _JOINER, text)


def freshness(value: str) -> str:
    """Badge of a dataset's freshness."""
    color, word = FRESHNESS.get(value, ("gray", value))
    return badge(word, color)


def state(value: str) -> str:
    """Badge of the state of a pull or job."""
    return badge(value, STATES.get(value, "gray"))


def grade(value: str | None) -> str:
    """Badge of a filing's grade; NR when there is none."""
    ground, letter = GRADE_COLORS.get(value or "", UNGRADED)
    text = plain(value or "NR")
    return f':color[\u00a0{text}\u00a0]{{foreground="{letter}" background="{ground}"}}'


def status(value: str | None) -> str:
    """Badge of what became of a filing; empty where that is not known."""
    return badge(value, STATUSES.get(value, "gray")) if value else ""


def provisional() -> str:
    """Badge for figures that the session may still change."""
    return badge("provisional", "orange")


def turn(day: date, now: datetime) -> str:
    """Badge of a session whose bars are not stored: provisional before its open, then open, then
    closed.
    """
    opens, closes = calendar.hours_of(day)
    if now < opens:
        return provisional()
    return badge("open", "green") if now < closes else badge("closed", "gray")


def simulated() -> str:
    """Badge for everything made by the sandbox."""
    return badge("simulated data", "violet")


def worst(statuses: Iterable[StatusT]) -> StatusT | None:
    """The status a reader should know of first; None without any."""
    rank = {name: place for place, name in enumerate(WORST_FIRST)}
    return min(statuses, key=lambda s: rank.get(s.freshness, 0), default=None)
