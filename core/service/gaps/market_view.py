"""What the store knows of one name for one session: the input of a plan.

Bars come on the share basis of the session: earlier ones are divided by the splits in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings.sectors import sector_of
from core.domain.gaps.bars import PRICES, cash_in, is_sound, split_factors, splits_of
from core.domain.gaps.quantities import FOREIGN_DIVIDEND
from core.domain.timetable import exchanges as schedule_sessions
from core.domain.timetable import sessions as calendar
from core.domain.trading.money import decimal_of
from core.domain.trading.order_basis import Action
from core.domain.trading.plan_facts import Facts, facts, measured
from core.domain.trading.trades import Bar
from core.errors import NotFoundError, ValidationError
from core.service.gaps import coming
from core.service.gaps.coming import Print
from core.store import actions as action_store
from core.store import scans
from core.store.journal import Reader
from core.store.tickers import PERIODS, normal

if TYPE_CHECKING:
    from core.service.desk import Desk

EXCHANGE = "XNYS"
HISTORY_SESSIONS = 520

BARS = """
SELECT symbol, session, open, high, low, close, volume FROM bars_daily
WHERE symbol IN (SELECT unnest($symbols)) AND session BETWEEN $first AND $last
ORDER BY symbol, session
"""


@dataclass(frozen=True, slots=True)
class MarketView:
    """One name on one session."""

    symbol: str
    session: date
    facts: Facts
    bars: pl.DataFrame
    minutes: pl.DataFrame
    sector: str
    cik: int | None
    found: Print | None = None  # what stands for the open of a session without its daily bar

    @property
    def provisional(self) -> bool:
        """Whether the open is still to come: the last print before it stands in."""
        return self.found is not None and not self.found.official


def is_raw(desk: Desk) -> bool:
    """Whether the daily bars come as traded, so that corporate actions apply to them."""
    return all(
        dataset.options.get("adjustment", "none") != "split"
        for dataset in desk.catalogue.datasets.values()
        if dataset.table == "bars_daily"
    )


def adjusted(
    reader: Reader, symbols: Sequence[str], first: date, last: date, *, raw: bool
) -> pl.DataFrame:
    """Daily bars of some symbols on the share basis of `last`, in order."""
    given = {"symbols": list(symbols), "first": first, "last": last}
    bars = calendar.traded(reader.read(BARS, given))
    if not raw:
        return bars
    found = action_store.known(reader, symbols=symbols)
    splits = splits_of(found.filter(pl.col("ex_date").is_between(first, last)))
    if splits.is_empty():
        return bars
    shown = action_store.splits_in_the_bars(reader, symbols=symbols)
    factor = split_factors(bars, action_store.without(splits, shown))
    return bars.with_columns(pl.col(PRICES) / factor, pl.col("volume") * factor)


def look(
    reader: Reader,
    symbol: str,
    session: date | None = None,
    *,
    raw: bool,
    found: Print | None = None,
    now: datetime | None = None,
    told: pl.DataFrame | None = None,
) -> MarketView:
    """The view of a symbol on a session (default: the latest in the store).

    `found` stands for the bar of a session that is not stored; minutes end by `now`; `told` is what
    filings say of its moves (`evidence_of_name`). NotFoundError for a symbol without bars,
    ValidationError when it has neither bar nor print of the session.
    """
    name = known(reader, symbol)
    day = session or latest_session(reader)
    made = looks(reader, {name: found}, day, raw=raw, now=now, told=told)
    if name not in made:
        first = day - timedelta(days=HISTORY_SESSIONS * 3 // 2)
        bars = adjusted(reader, [name], first, day, raw=raw)
        raise _nothing_of(name, day, bars["session"].max(), now)  # type: ignore[arg-type]
    return made[name]


def looks(
    reader: Reader,
    found: Mapping[str, Print | None],
    day: date,
    *,
    raw: bool,
    now: datetime | None = None,
    told: pl.DataFrame | None = None,
) -> dict[str, MarketView]:
    """The views of some names (as they are stored, each with what may stand for its bar) on one
    session, read and measured together; without those of neither bar nor print of it.
    """
    first = day - timedelta(days=HISTORY_SESSIONS * 3 // 2)
    bars = adjusted(reader, list(found), first, day, raw=raw)
    parts, stands = _with_prints(bars, found, day)
    if not parts:
        return {}
    rows = measured(pl.concat(parts.values(), how="vertical_relaxed"), told)
    before = previous_session(day)
    known_of, minutes = profiles(reader, list(parts), day), _minutes(reader, list(parts), day, now)
    return {
        name: MarketView(
            name,
            day,
            facts(part, day, before, known=rows[name]),
            part,
            minutes.get(name, minutes[""]),
            *known_of[name],
            stands.get(name),
        )
        for name, part in parts.items()
    }


def _with_prints(
    bars: pl.DataFrame, found: Mapping[str, Print | None], day: date
) -> tuple[dict[str, pl.DataFrame], dict[str, Print]]:
    """The bars of each name that end on the day, where they do or a print of it stands for that of
    the day, and those prints.
    """
    stored = {str(name): part for (name,), part in bars.group_by("symbol", maintain_order=True)}
    parts, stands = {}, {}
    for name, stand in found.items():
        part = stored.get(name, bars.clear())
        if part["session"].max() == day:
            parts[name] = part
        elif stand is not None and stand.session == day:
            end = coming.stand_in(stand, part.columns)
            parts[name] = pl.concat([part, end], how="vertical_relaxed")
            stands[name] = stand
    return parts, stands


def _nothing_of(name: str, day: date, last: date | None, now: datetime | None) -> ValidationError:
    """Why there is no view: a session to come has no print yet, a past one no bar."""
    before = last or "an earlier time"
    if now is not None and day >= calendar.latest_open(now):
        return ValidationError(
            f"{name} has no print of {day} yet; its last session is {before}",
            hint="wait for its first print, or leave the session empty for the last one",
        )
    return ValidationError(
        f"the prices of {name} are stale: the last bar is of {before}, not of {day}",
        hint="pull prices.daily, or ask for a session that has a bar",
    )


_PROFILES = f"""
SELECT a.symbol, u.sector, coalesce(u.cik, i.cik) AS cik, c.sic
FROM (SELECT unnest($symbols::VARCHAR[]) AS symbol) a
LEFT JOIN universe u ON {normal("u.symbol")} = {normal("a.symbol")}
LEFT JOIN {PERIODS} i ON i.kind = 'ticker' AND {normal("i.value")} = {normal("a.symbol")}
    AND $day BETWEEN coalesce(i.valid_from, DATE '0001-01-01')
        AND coalesce(i.valid_to, DATE '9999-12-31')
LEFT JOIN companies c ON c.cik = coalesce(i.cik, u.cik)
QUALIFY row_number() OVER (PARTITION BY a.symbol ORDER BY u.symbol = a.symbol DESC NULLS LAST,
    i.valid_from DESC NULLS LAST, c.sic NULLS LAST, coalesce(u.cik, i.cik)) = 1
"""


def profile(reader: Reader, symbol: str, day: date) -> tuple[str, int | None]:
    """Sector (of the universe, else the SIC division, else unknown) and company of a symbol."""
    return profiles(reader, [symbol], day)[symbol]


def profiles(
    reader: Reader, symbols: Sequence[str], day: date
) -> dict[str, tuple[str, int | None]]:
    """The same of some symbols."""
    rows = reader.read(_PROFILES, {"symbols": list(symbols), "day": day}).iter_rows()
    return {name: (sector_of(sector, sic), cik) for name, sector, cik, sic in rows}


# the name as it was written goes first, then any other spelling
_STORED = f"""
SELECT symbol FROM bars_daily WHERE {normal("symbol")} = {normal("$asked")}
GROUP BY symbol ORDER BY symbol = upper($asked) DESC, symbol LIMIT 1
"""


def known(reader: Reader, symbol: str) -> str:
    """The symbol as it is stored, asked for in any spelling of its class (BRK.B, BRK-B, BRK/B);
    NotFoundError without bars of it.
    """
    found = reader.read(_STORED, {"asked": symbol.strip()})
    if not found.height:
        raise NotFoundError(
            f"there are no prices of {symbol[:20]!r}", hint="pull prices.daily, or check the symbol"
        )
    return str(found.item())


def latest_session(reader: Reader, now: datetime | None = None) -> date:
    """The latest session with a sound daily bar, of those open by `now`; NotFoundError without."""
    opened = None if now is None else calendar.latest_open(now)
    found = scans.latest_session(reader, "bars_daily", opened)
    if found is None:
        raise NotFoundError("there are no prices yet", hint="run: python -m app pull prices.daily")
    return found


def previous_session(day: date) -> date | None:
    """The exchange's session before a day."""
    before = schedule_sessions.sessions(EXCHANGE, day - timedelta(days=12), day - timedelta(days=1))
    return before[-1][0] if before else None


def session_after(day: date, count: int) -> date:
    """The session `count` sessions after a day's (0: the day itself)."""
    later = schedule_sessions.sessions(EXCHANGE, day, day + timedelta(days=count * 2 + 12))
    return later[count][0] if len(later) > count else day + timedelta(days=count)


def symbols(reader: Reader) -> list[str]:
    """Every symbol with daily bars, in order."""
    found = reader.read("SELECT DISTINCT symbol FROM bars_daily ORDER BY symbol")
    return found["symbol"].to_list()


def around(
    reader: Reader, symbol: str, session: date, before: int = 60, after: int = 10, *, raw: bool
) -> pl.DataFrame:
    """Sound bars of a symbol around a session, on the share basis of that session's future end."""
    last = session + timedelta(days=after * 2)
    first = session - timedelta(days=before * 2)
    bars = adjusted(reader, [symbol], first, last, raw=raw).filter(is_sound())
    earlier = bars.filter(pl.col("session") <= session).tail(before)
    return pl.concat([earlier, bars.filter(pl.col("session") > session).head(after)])


def _minutes(
    reader: Reader, symbols: Sequence[str], day: date, now: datetime | None
) -> dict[str, pl.DataFrame]:
    """The regular minutes of each name that has any, and under "" none."""
    found = reader.read(
        "SELECT symbol, ts, open, high, low, close, volume FROM bars_minute "
        "WHERE list_contains($symbols::VARCHAR[], symbol) "
        "AND phase = 'regular' AND (ts AT TIME ZONE 'UTC')::DATE = $day "
        "AND ($now IS NULL OR ts + INTERVAL 1 MINUTE <= $now) ORDER BY symbol, ts",
        {"symbols": list(symbols), "day": day, "now": now},
    )
    parts = found.partition_by("symbol", as_dict=True, include_key=False)
    return {"": found.clear().drop("symbol")} | {str(name): part for (name,), part in parts.items()}


def tradable_bars(reader: Reader, symbol: str, first: date, last: date) -> list[Bar]:
    """Sound raw bars of a symbol; bars with missing or impossible prices are not traded on."""
    frame = reader.read(
        "SELECT session, open, high, low, close, volume FROM bars_daily "
        "WHERE symbol = ? AND session BETWEEN ? AND ? ORDER BY session",
        [symbol, first, last],
    )
    sound = (
        calendar.traded(frame).filter(is_sound()).select("session", "open", "high", "low", "close")
    )
    return [Bar(*row) for row in sound.iter_rows()]


def actions(
    reader: Reader,
    symbol: str,
    first: date,
    last: date,
    *,
    raw: bool,
    currency: str = "USD",
    rates: Mapping[str, float] | None = None,
) -> list[Action]:
    """Splits and cash dividends of a symbol after the first day, splits first; none if adjusted.

    Splits that the bars show already are left out (`splits_shown`). Cash is in `currency`; a
    distribution in another one without a rate (`bars.cash_in`) is left out: no amount of it could
    be posted that is right.
    """
    if not raw:
        return []
    frame = _between(action_store.known(reader, symbols=[symbol]), first, last)
    if frame.is_empty():
        return []
    frame = action_store.without(frame, action_store.splits_in_the_bars(reader, symbols=[symbol]))
    cash = cash_in(frame, currency, rates or {}, FOREIGN_DIVIDEND)
    paid = cash.filter(pl.col("kind") == "dividend").select("ex_date", "kind", v="amount")
    return _as_actions(pl.concat([_ratios(cash), paid]))


def splits_shown(reader: Reader, symbol: str, first: date, last: date) -> list[Action]:
    """Splits on record after the first day by which the bars do not change: they stand on the new
    shares already, or the record is wrong.
    """
    frame = _between(action_store.known(reader, symbols=[symbol]), first, last)
    splits = _ratios(frame)
    if splits.is_empty():
        return []
    shown = action_store.splits_in_the_bars(reader, symbols=[symbol])
    return _as_actions(splits.join(shown, on="ex_date", how="semi"))


def _between(actions: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return actions.filter((pl.col("ex_date") > first) & (pl.col("ex_date") <= last))


def _ratios(actions: pl.DataFrame) -> pl.DataFrame:
    return splits_of(actions).select("ex_date", "kind", v="ratio")


def _as_actions(frame: pl.DataFrame) -> list[Action]:
    found = frame.filter(pl.col("v") > 0).sort("ex_date", maintain_order=True)
    return [Action(day, kind, decimal_of(v)) for day, kind, v in found.iter_rows()]
