"""Which backups are kept: the newest of each of the last days, weeks and months."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

_PART = re.compile(r"(\d{1,4})([dwm])\s*")
_UNITS: dict[str, Callable[[date], Hashable]] = {
    "d": lambda day: day,
    "w": lambda day: day.isocalendar()[:2],
    "m": lambda day: (day.year, day.month),
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many days, weeks and months keep a backup each; of days and so on that have one."""

    days: int
    weeks: int
    months: int

    @classmethod
    def of(cls, text: str) -> Rotation:
        """The rotation of a text like `7d 4w 12m`; ValueError for anything else."""
        found = list(_PART.finditer(text.strip()))
        counts = {match[2]: int(match[1]) for match in found}
        if "".join(match[0] for match in found) != text.strip() or len(counts) != len(found):
            raise ValueError("must be counts of days, weeks and months like 7d 4w 12m, each once")
        if not any(counts.values()):
            raise ValueError("must keep at least one backup")
        return cls(counts.get("d", 0), counts.get("w", 0), counts.get("m", 0))


def kept(made: Sequence[datetime], rotation: Rotation, zone: str) -> set[datetime]:
    """The instants (with zone) of the backups that stay: days begin at midnight of `zone`.

    The newest of all always stays.
    """
    newest_first = sorted(set(made), reverse=True)
    chosen = set(newest_first[:1])
    counts = {"d": rotation.days, "w": rotation.weeks, "m": rotation.months}
    for unit, count in counts.items():
        latest: dict[Hashable, datetime] = {}
        for instant in newest_first:
            latest.setdefault(_UNITS[unit](instant.astimezone(ZoneInfo(zone)).date()), instant)
        chosen |= set(list(latest.values())[:count])
    return chosen
