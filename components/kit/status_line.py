"""The status line of every page, and how an open page follows what happens.

A fragment looks every few seconds at what the page rests on. While that stands, only the line is
drawn anew, and news told; when it has changed the page runs again, with what was typed and picked
kept. One fragment does both: each costs every run of a page a fifth of a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import streamlit as st

from components.kit import bell, formats, news, once
from core.service.desk import Desk
from core.service.pulls.datasets import DatasetStatus
from core.service.trading import status_line as service
from core.service.trading.status_line import StatusLine

SECOND = timedelta(seconds=1)
SOON = timedelta(minutes=10)  # before the bell seconds count
FAR = timedelta(hours=20)
AMBER_PCT, FULL_PCT = 80.0, 100.0  # of a limit
EVERYTHING = ("*",)
LOOK_SECONDS = 1.0  # sessions share a look


@dataclass(frozen=True, slots=True)
class Followed:
    """What a page rests on: these datasets, or `EVERYTHING`; with `jobs` what runs counts too.

    `statuses` asks for the state of all datasets, and is asked again at each look.
    """

    datasets: tuple[str, ...]
    statuses: Callable[[], Sequence[DatasetStatus]]
    zone: str
    jobs: bool = False


@dataclass(slots=True)
class _Drawn:
    """What a page was drawn with; `fresh` until its line has been drawn beside it."""

    mark: tuple[object, ...]
    fresh: bool = True


def follow(desk: Desk, followed: Followed) -> None:
    """Draw the line, and let the page run again when what it rests on has changed: rows, plans,
    grades, freshness; and at each open and close.
    """
    seconds = desk.settings.follow_seconds
    line = _every(seconds) if seconds else _line
    line(desk, followed, _Drawn(_mark(desk, followed)))


@cache
def _every(seconds: float) -> Callable[..., Any]:
    """The line as a fragment; made once, for to make one costs more than the line."""
    return st.fragment(_line, run_every=seconds)


def _line(desk: Desk, followed: Followed, drawn: _Drawn) -> None:
    if not drawn.fresh and _mark(desk, followed) != drawn.mark:
        once.forget_lately()
        st.rerun()
    drawn.fresh = False
    found = once.cached_for_seconds(
        lambda: service.status_line(desk), LOOK_SECONDS, "status line", desk.identity
    )
    prices = next((s for s in followed.statuses() if s.name == desk.settings.scan_dataset), None)
    said = [bell.said(desk), *parts(found, prices, followed.zone)]
    st.markdown(f":small[{'  ·  '.join(said)}]")
    news.toasts(desk)


def _mark(desk: Desk, followed: Followed) -> tuple[object, ...]:
    names = followed.datasets
    if names == EVERYTHING:
        names = tuple(desk.catalogue.datasets)
    states = [
        (status.freshness, status.running_job if followed.jobs else None)
        for status in followed.statuses()
        if status.name in names
    ]
    return (*service.mark(desk, names), *states)


def parts(found: StatusLine, prices: DatasetStatus | None, zone: str) -> list[str]:
    """What the line says, as Markdown: calm when all is well, a word in colour when not."""
    said = [f"**{formats.clock(found.now, zone)}** {formats.zone_label(zone)}", turn(found, zone)]
    if found.last_print is not None:
        said.append(f"last print **{_moment(found, zone)}**")
    if prices is not None and prices.data_until is not None:
        reached = formats.reach(prices.data_until, prices.sessions_behind, zone)
        said.append(_coloured(f"bars to **{reached}**", "orange" if prices.sessions_behind else ""))
    said.append(f"queue **{found.waiting}**")
    if found.dead:
        said.append(_coloured(f"**{found.dead}** dead", "red"))
    if found.risk_used_pct is not None:
        used = f"daily risk **{found.risk_used_pct:.0f} %** used"
        said.append(_coloured(used, limit_color(found.risk_used_pct)))
    return said


def turn(found: StatusLine, zone: str) -> str:
    """`opens in 24 min`, `closes in 3 h 5 min`, `opens Mon 30 Nov 09:30 ET`."""
    verb = "closes" if found.phase == "open" else "opens"
    left = found.turns_at - found.now
    if left > FAR:
        return f"{verb} **{formats.when(found.turns_at, zone)}**"
    seconds = int(left / SECOND)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if left < SOON:
        return f"{verb} in :orange[**{minutes} min {seconds % 60:02d} s**]"
    return f"{verb} in **{f'{hours} h ' if hours else ''}{minutes} min**"


def limit_color(used_pct: float) -> str:
    """The colour of a limit in use: none, amber from 80 percent to full, red beyond."""
    return "red" if used_pct > FULL_PCT else "orange" if used_pct >= AMBER_PCT else ""


def _moment(found: StatusLine, zone: str) -> str:
    """The time of day of a print of the last day, else with its date."""
    assert found.last_print is not None
    recent = found.now - found.last_print < FAR
    return formats.clock(found.last_print, zone) if recent else formats.when(found.last_print, zone)


def _coloured(text: str, color: str) -> str:
    return f":{color}[{text}]" if color else text
