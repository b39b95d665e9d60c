"""Gaps before the open, from one-minute bars: provisional until the official open.

A minute bar is one minute long and starts at `ts` (UTC). Without pre-market prints a figure is
null ("n/a"), never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.domain.gaps.bars import split_factors

HISTORY_SESSIONS = 20
MIXED_BASES = 1.5  # a minute whose high is this many times its low mixes two share bases
HISTORY_DAYS = 45  # in which the sessions of the history are looked for
ZONE = "America/New_York"


@dataclass(frozen=True, slots=True)
class Morning:
    """The time [starts, ends) (UTC) of an Eastern day from midnight to a clock time of it."""

    day: date
    starts: datetime
    ends: datetime


def mornings(day: date, until: datetime) -> list[Morning]:
    """The mornings before a day up to the clock time of `until`, in order."""
    zone = ZoneInfo(ZONE)
    clock = until.astimezone(zone).time()
    days = [day - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
    return [Morning(d, _instant(d, time(), zone), _instant(d, clock, zone)) for d in days]


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def premarket(
    minutes: pl.DataFrame,
    prior: pl.DataFrame,
    session: pl.DataFrame,
    known_at: datetime,
    earlier: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per symbol of `prior` (symbol, prior_close on the session's share basis).

    `minutes` follow BARS_MINUTE (no pull_id) and reach back as far as there is history; where
    `earlier` (symbol, day, volume up to the same clock time) tells that, those of the day do.
    `session` is the one calendar row of the day (session, open_at, close_at). Only minutes that
    have ended by `known_at` and start before the open count. Adds premarket_gap_pct (first print),
    premarket_change_pct (last print), premarket_first, premarket_last, premarket_at,
    premarket_prints (sound minutes), premarket_volume, premarket_rvol, dropped_minutes,
    provisional.
    """
    day, opens = session["session"][0], session["open_at"][0]
    until = min(known_at, opens)
    marked = _marked(minutes)
    today = marked.filter((pl.col("day") == day) & _ended(until))
    figures = (
        today.sort("ts")
        .group_by("symbol")
        .agg(
            premarket_first=_sound("open").first(),
            premarket_last=_sound("close").last(),
            premarket_at=pl.col("ts").filter("sound").last(),
            premarket_prints=pl.col("sound").sum(),
            premarket_volume=pl.when(pl.col("sound").any()).then(pl.col("volume").sum()),
            dropped_minutes=(~pl.col("sound")).sum(),
        )
    )
    usual = _usual_volume(_volumes(marked, day, until) if earlier is None else earlier)
    table = prior.join(figures, on="symbol", how="left").join(usual, on="symbol", how="left")
    close = pl.when(pl.col("prior_close") > 0).then("prior_close")
    return table.with_columns(
        premarket_gap_pct=(pl.col("premarket_first") / close - 1) * 100,
        premarket_change_pct=(pl.col("premarket_last") / close - 1) * 100,
        premarket_rvol=pl.when(pl.col("usual_volume") > 0).then(
            pl.col("premarket_volume") / pl.col("usual_volume")
        ),
        session=pl.lit(day),
        provisional=pl.lit(known_at < opens),
    )


def sound_minutes(minutes: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The pre-market minutes that have ended by `until` and whose prices can be believed."""
    return _marked(minutes).filter(_ended(until) & pl.col("sound"))


def _ended(until: datetime) -> pl.Expr:
    return pl.col("ts") + timedelta(minutes=1) <= until


def _sound(name: str) -> pl.Expr:
    return pl.col(name).filter("sound")


def _marked(minutes: pl.DataFrame) -> pl.DataFrame:
    """Minutes before the regular session with their Eastern day and clock, and whether sound."""
    local = pl.col("ts").dt.convert_time_zone(ZONE)
    prices = pl.col("low") > 0
    ordered = pl.col("high") >= pl.col("low")
    one_basis = pl.col("high") <= pl.col("low") * MIXED_BASES
    early = minutes.filter(pl.col("phase") == "pre")
    return early.with_columns(
        day=local.dt.date(),
        clock=local.dt.time(),
        sound=(prices & ordered & one_basis & (pl.col("volume") > 0)).fill_null(value=False),
    )


def _volumes(marked: pl.DataFrame, day: date, until: datetime) -> pl.DataFrame:
    """Volume of each earlier day up to the same clock time."""
    clock = pl.lit(until).dt.convert_time_zone(ZONE).dt.time()
    before = marked.filter((pl.col("day") < day) & (pl.col("clock") < clock) & pl.col("sound"))
    return before.group_by("symbol", "day").agg(volume=pl.col("volume").sum())


def _usual_volume(daily: pl.DataFrame) -> pl.DataFrame:
    """Mean volume over the last 20 sessions with pre-market prints."""
    recent = daily.sort("symbol", "day").group_by("symbol").tail(HISTORY_SESSIONS)
    return recent.group_by("symbol").agg(
        usual_volume=pl.col("volume").mean(), history_sessions=pl.len()
    )


def session_bars(minutes: pl.DataFrame) -> pl.DataFrame:
    """Official daily figures of the regular phase by symbol and Eastern day, for checks.

    The prior close of a session is the close of the last regular minute of the session before;
    after-hours prints of an early close do not move it.
    """
    day = pl.col("ts").dt.convert_time_zone(ZONE).dt.date()
    regular = minutes.filter(pl.col("phase") == "regular").sort("symbol", "ts")
    return (
        regular.group_by("symbol", session=day)
        .agg(
            open=pl.col("open").first(),
            high=pl.col("high").max(),
            low=pl.col("low").min(),
            close=pl.col("close").last(),
            volume=pl.col("volume").sum(),
        )
        .sort("symbol", "session")
    )


def on_basis_of(prior: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """prior_close of rows (symbol, prior_session, session, close) on the basis of `session`."""
    then = split_factors(prior.select("symbol", session="prior_session"), splits)
    now = split_factors(prior.select("symbol", "session"), splits)
    return prior.with_columns(prior_close=pl.col("close") / then * now)


def volumes_on_basis_of(day: date, volumes: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Volumes of earlier mornings (symbol, day, volume) in the shares of a day."""
    if splits.is_empty():
        return volumes
    then = split_factors(volumes.select("symbol", session="day"), splits)
    now = split_factors(volumes.select("symbol", session=pl.lit(day)), splits)
    return volumes.with_columns(volume=pl.col("volume") * then / now)
