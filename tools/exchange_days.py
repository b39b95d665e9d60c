"""Write the days of `core/domain/timetable/xnys.py` from the rules of `exchange-calendars`.

    python -m tools.exchange_days

Run it after an update of the library: the exchange closes on days that nobody foresaw.
"""

from __future__ import annotations

import sys
import textwrap
import warnings
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

from core.domain.timetable import xnys

MARK = "# written by tools.exchange_days\n"


def told() -> tuple[set[date], dict[date, time]]:
    """The sessions of the library, and when those close that close early, New York time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, about pandas to come
        import exchange_calendars

        calendar = exchange_calendars.get_calendar(
            xnys.EXCHANGE, start=f"{xnys.FIRST_YEAR}-01-01", end=f"{xnys.LAST_YEAR}-12-31"
        )
        closes = calendar.schedule["close"]
    zone = ZoneInfo(xnys.ZONE)
    local = {day.date(): at.to_pydatetime().astimezone(zone).time() for day, at in closes.items()}
    return set(local), {day: at for day, at in local.items() if at != xnys.CLOSES}


def written() -> str:
    """The constants as source text."""
    sessions, early = told()
    weekdays = [day for day in _every_day() if day.weekday() < 5]
    lists = {
        "CLOSED": [day for day in weekdays if day not in sessions],
        "EARLY_AT_13": [day for day, at in early.items() if at == time(13)],
        "EARLY_AT_14": [day for day, at in early.items() if at == time(14)],
    }
    return MARK + "\n".join(_constant(name, days) for name, days in lists.items())


def _every_day() -> list[date]:
    first, last = date(xnys.FIRST_YEAR, 1, 1), date(xnys.LAST_YEAR, 12, 31)
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]


def _constant(name: str, days: list[date]) -> str:
    lines = textwrap.fill(" ".join(map(str, sorted(days))), 98, break_on_hyphens=False)
    return f'{name} = """\n{lines}\n"""\n'


def main() -> None:
    """Write the file anew."""
    path = Path(xnys.__file__)
    head = path.read_text(encoding="utf-8").partition(MARK)[0]
    path.write_text(head + written(), encoding="utf-8")
    sys.stdout.write(f"{path.name} written\n")


if __name__ == "__main__":
    main()
