"""What plans are made from: the view of a name on the session that is asked for, of one or of many.

Many are read and measured together: each by itself costs a dozen questions to the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from core.service.gaps import coming, evidence, market_view
from core.service.gaps.coming import Print
from core.service.gaps.market_view import MarketView
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk


def look(desk: Desk, source: Reader, symbol: str, asked: date | None) -> MarketView:
    """The view of a session, by default of the session to come once the name has a print of it,
    else of the last one.
    """
    name = market_view.known(source, symbol)
    day, found = _session(desk, source, [name], asked)[name]
    told = evidence.evidence_of_name(desk, name)
    raw, now = market_view.is_raw(desk), desk.now()
    return market_view.look(source, name, day, raw=raw, found=found, now=now, told=told)


def looks(desk: Desk, symbols: Sequence[str], asked: date | None) -> dict[str, MarketView]:
    """The same views of some names (as they are stored), made together; without those of which
    there is none.
    """
    source = desk.warehouse
    views: dict[str, MarketView] = {}
    sessions = _session(desk, source, symbols, asked)
    told = evidence.evidence_of_names(desk, symbols)
    raw, now = market_view.is_raw(desk), desk.now()
    for day in {day for day, _ in sessions.values()}:
        of_it = {name: found for name, (then, found) in sessions.items() if then == day}
        views |= market_view.looks(source, of_it, day, raw=raw, now=now, told=told)
    return views


def _session(
    desk: Desk, source: Reader, names: Sequence[str], asked: date | None
) -> dict[str, tuple[date, Print | None]]:
    """For each name the session of its view and the print that may stand for its bar."""
    to_come = coming.latest_day(desk.now())
    if asked is None:
        found = coming.sessions_of(desk, names, source)
    elif asked == to_come:
        found = coming.prints_of(desk, names, asked, source)
    else:
        found = {}
    if asked is not None:
        return {name: (asked, found.get(name)) for name in names}
    known: dict[str, tuple[date, Print | None]]
    known = {name: (one.session, one) for name, one in found.items()}
    if len(known) < len(set(names)):
        last = market_view.latest_session(source, desk.now())
        known |= {name: (last, None) for name in names if name not in known}
    return known
