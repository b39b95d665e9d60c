"""What a scan of one session rests on, read for its windows only, and kept while it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Never

import polars as pl

from core.domain.gaps import bars as bar_rules
from core.domain.gaps import catalysts, premarket
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import measure as gaps
from core.domain.gaps.quantities import FOREIGN_DIVIDEND
from core.domain.gaps.session import measure_session
from core.domain.tables.datasets import Dataset
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from core.domain.timetable.span import SessionSpan, span_to
from core.errors import NotFoundError, UsageError
from core.service.cache import DERIVED, SESSIONS
from core.service.currency import rates_to_instrument
from core.service.gaps import coming, market_view
from core.service.gaps.coming import MINUTES
from core.service.gaps.evidence import (
    PRINTED,
    evidence_since,
    session_catalysts,
    with_companies,
)
from core.store import actions as action_store
from core.store import gap_states
from core.store import prints as print_store
from core.store import scans as store
from core.store.actions import ACTIONS
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk

# Without a kept state: (13/14)^400 = 1e-13 of the first ranges is left, so that an average that has
# fallen to a thousandth since is that of the whole history to 1e-9 still.
WARM_UP_SESSIONS = 422
LEAST_WARM_UP = 400  # with fewer bars in them, all of the name are read
READ_BEFORE = ("universe", "filings", "companies")  # beside the bars and their actions
READ = (MINUTES, *READ_BEFORE)


@dataclass(frozen=True, slots=True)
class SessionGaps:
    """Every name of one session, measured, judged and with what is known of its company.

    `rows` has the columns of `gaps.measure` and cik, catalyst_weight, catalysts (list of
    structs), grade, status and status_reason (of the graded report), sector, premarket_gap_pct and
    premarket_change_pct; last_print_at, prints and provisional (before its own open) where prints
    of `source` stand for bars.
    """

    dataset: str
    session: date
    provisional: bool
    rows: pl.DataFrame
    known_at: datetime
    source: str | None = None  # the dataset of the prints that a provisional session stands on


def dataset_of(desk: Desk, name: str | None) -> Dataset:
    """The price dataset of a scan; UsageError when it has no daily bars."""
    dataset = desk.catalogue.get(name or desk.settings.scan_dataset)
    missing = {"symbol", "session", "open", "close", "volume"} - set(dataset.schema)
    if missing:
        raise UsageError(
            f"{dataset.name} has no daily bars (no {', '.join(sorted(missing))})",
            hint="scan a dataset of daily prices, such as prices.daily",
        )
    return dataset


def version(desk: Desk, dataset: Dataset) -> tuple[object, ...]:
    """Identity of the data behind scans of a dataset; counted again after each commit."""
    key = (*desk.state, "version", dataset.name)
    return DERIVED.get(key, lambda: _version(desk, dataset))


def _version(desk: Desk, dataset: Dataset) -> tuple[object, ...]:
    if not store.has_table(desk.warehouse, dataset.table):
        return (desk.identity, dataset.name)
    names = _read(desk, dataset, READ)
    return (desk.identity, dataset.name, *store.version(desk.warehouse, dataset.table, names))


def past_version(desk: Desk, dataset: Dataset) -> tuple[object, ...]:
    """Identity of what is known of the sessions before one: prints and the clock leave it alone."""
    key = (*desk.store_state, "past version", dataset.name)
    return DERIVED.get(key, lambda: _past_version(desk, dataset))


def _past_version(desk: Desk, dataset: Dataset) -> tuple[object, ...]:
    known: tuple[object, ...] = (desk.store_identity, dataset.name, "past")
    if store.has_table(desk.warehouse, dataset.table):
        names = _read(desk, dataset, READ_BEFORE)
        known += store.past_version(desk.warehouse, dataset.table, names)
    return known


def _read(desk: Desk, dataset: Dataset, beside: tuple[str, ...]) -> list[str]:
    """The datasets whose pulls change a table of bars, its actions, or those beside them."""
    read = {dataset.table, str(dataset.options.get("actions", "corporate_actions")), *beside}
    return [item.name for item in desk.catalogue.datasets.values() if item.table in read]


def session_gaps(desk: Desk, day: date | None = None, name: str | None = None) -> SessionGaps:
    """The measured session: `day`, or the latest; provisional before its official bars."""
    dataset = dataset_of(desk, name)
    if day is not None:
        return _of_day(desk, dataset, day)
    key = (*version(desk, dataset), "latest", _minute(desk))
    latest, to_come = DERIVED.get(key, lambda: _latest_and_to_come(desk, dataset))
    if to_come is not None:
        try:
            return _of_day(desk, dataset, to_come)
        except NotFoundError:  # prints, but of no name with a prior close
            pass
    return _of_day(desk, dataset, latest)


def _latest_and_to_come(desk: Desk, dataset: Dataset) -> tuple[date, date | None]:
    """The latest session with bars, and a later one that has prints."""
    latest, to_come = _latest(desk, dataset, None), coming.awaited(desk, desk.now())
    return latest, to_come if to_come and to_come > latest else None


def _of_day(desk: Desk, dataset: Dataset, day: date) -> SessionGaps:
    """Measured once, whether the day was named or is the latest."""
    key = (*version(desk, dataset), "session", day, _minute(desk))
    return SESSIONS.get(key, lambda: _session_gaps(desk, dataset, day))


def _minute(desk: Desk) -> object:
    """Until the daily bars of a session are in, the clock matters too."""
    minute = desk.now().replace(second=0, microsecond=0)
    return None if awaited(desk) is None else minute


def awaited(desk: Desk) -> date | None:
    """The session that has prints by now and no daily bars yet; None when there is none."""
    now = desk.now()
    minute = now.replace(second=0, microsecond=0)
    key = (*desk.state, "awaited", minute)
    return DERIVED.get(key, lambda: _awaited(desk, now))


def _awaited(desk: Desk, now: datetime) -> date | None:
    table = dataset_of(desk, None).table
    day = coming.awaited(desk, now)
    if day is None or not store.has_table(desk.warehouse, table):
        return day
    latest = store.latest_session(desk.warehouse, table, day)
    return day if latest is None or latest < day else None


def session_now(desk: Desk, reader: Reader | None = None) -> date:
    """The session that a question without a date is about; NotFoundError without prices."""
    latest = market_view.latest_session(reader or desk.warehouse, desk.now())
    return max(latest, awaited(desk) or latest)


def _session_gaps(desk: Desk, dataset: Dataset, day: date) -> SessionGaps:
    if day == _latest(desk, dataset, day):
        return _official(desk, dataset, span_to(day))
    return _provisional(desk, dataset, span_to(day)) or _no_prints(dataset, day)


def _latest(desk: Desk, dataset: Dataset, until: date | None) -> date:
    """The latest session with bars up to a day, or of all that have begun."""
    opened, latest = calendar.latest_open(desk.now()), None
    if store.has_table(desk.warehouse, dataset.table):
        latest = store.latest_session(desk.warehouse, dataset.table, min(until or opened, opened))
    if latest is None:
        raise NotFoundError(
            f"{dataset.name} has no bars" + (f" up to {until}" if until else ""),
            hint=f"pull it first: python -m app pull {dataset.name}",
        )
    return latest


def _official(desk: Desk, dataset: Dataset, span: SessionSpan) -> SessionGaps:
    found = session_catalysts(desk, span)
    rows = window_rows(desk, dataset, span, catalysts.evidence(found))
    known = with_companies(desk, rows, found, span.day)
    return SessionGaps(dataset.name, span.day, False, known, span.opens)


def actions_for(desk: Desk, dataset: Dataset) -> pl.DataFrame:
    """Corporate actions that the bars are not adjusted for already, as stated or as they show."""
    key = (*past_version(desk, dataset), "actions")
    return DERIVED.get(key, lambda: _in_currency(desk, _actions_for(desk, dataset)))


def _in_currency(desk: Desk, actions: pl.DataFrame) -> pl.DataFrame:
    """Distributions in the currency of the prices, or marked as in one without a rate."""
    chosen = desk.settings
    rates = rates_to_instrument(chosen)
    return bar_rules.cash_in(actions, chosen.instrument_currency, rates, FOREIGN_DIVIDEND)


def _actions_for(desk: Desk, dataset: Dataset) -> pl.DataFrame:
    wanted = str(dataset.options.get("actions", ACTIONS))
    bars = dataset.table if store.has_table(desk.warehouse, dataset.table) else None
    if dataset.options.get("adjustment", "none") == "split":
        if "actions" not in dataset.options:
            return CORPORATE_ACTIONS.empty()
        found = action_store.known(desk.warehouse, wanted, bars)
        return found.filter(pl.col("kind") != "split")
    actions = action_store.known(desk.warehouse, wanted, bars)
    if actions.is_empty() or bars is None:
        return actions
    shown = action_store.splits_in_the_bars(desk.warehouse, wanted, bars)
    return action_store.without(actions, shown)


def window_rows(
    desk: Desk,
    dataset: Dataset,
    span: SessionSpan,
    evidence: pl.DataFrame,
    extra: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rows of the span's day, from the 22 sessions of its windows and a kept state, else from
    WARM_UP_SESSIONS; of names with holes in those, from all their bars.
    """
    day, days, before = span.day, span.days, span.before
    windows = (span.back(gaps.WINDOW_SESSIONS - 1), day)
    actions = actions_for(desk, dataset)
    state = gap_states.latest(desk.warehouse, dataset.name, dataset.table, windows, actions)
    if state is None:
        first = span.back(WARM_UP_SESSIONS - 1)
        bars = _with_whole_histories(desk, dataset, first, day)
    else:
        first = calendar.session_back(state.as_of, gaps.WINDOW_SESSIONS - 2)
        bars = store.bars(desk.warehouse, dataset.table, first, day, ordered=False)
    if extra is not None:
        bars = pl.concat([bars, extra.select(bars.columns)])
    known, since = evidence, first if state is None else state.as_of
    if since < before:
        earlier = evidence_since(desk, since, before)
        known = pl.concat([earlier, evidence], how="vertical_relaxed")
    if state is not None:
        return measure_session(bars, day, days, state, actions, known)
    return gaps.measure(bars, days, actions, known).filter(pl.col("session") == day)


def _with_whole_histories(desk: Desk, dataset: Dataset, first: date, day: date) -> pl.DataFrame:
    """The bars from `first` to `day`, and the earlier ones of names that have few in between."""
    bars = store.bars(desk.warehouse, dataset.table, first, day, ordered=False)
    counts = bars.group_by("symbol").agg(n=bar_rules.is_sound().sum())
    few = counts.filter(pl.col("n") < LEAST_WARM_UP)["symbol"].to_list()
    if not few:
        return bars
    end = first - timedelta(days=1)
    earlier = store.bars(desk.warehouse, dataset.table, None, end, few, ordered=False)
    return pl.concat([bars, earlier])


def _no_prints(dataset: Dataset, day: date) -> Never:
    raise NotFoundError(
        f"there are neither bars nor pre-market prints of {day}",
        hint=f"pull {dataset.name} or prices.minute, or choose an earlier session",
    )


def _provisional(desk: Desk, dataset: Dataset, span: SessionSpan) -> SessionGaps | None:
    """The session from its pre-market prints: the last print stands for the open to come.

    None without a print of any name.
    """
    day, opens = span.day, span.opens
    until = min(desk.now(), opens)
    earlier = premarket.mornings(day, until)
    prints = print_store.minutes(desk.warehouse, opens - coming.PREMARKET_HOURS, until)
    before = span.days.tail(gaps.WINDOW_SESSIONS).head(-1).to_list()
    ends = store.last_closes(desk.warehouse, dataset.table, before)
    splits = bar_rules.splits_of(actions_for(desk, dataset))
    prior = premarket.on_basis_of(ends.with_columns(session=pl.lit(day)), splits)
    prior = prior.select("symbol", "prior_close")
    volumes = print_store.volumes(desk.warehouse, earlier)
    volumes = premarket.volumes_on_basis_of(day, volumes, splits)
    early = premarket.premarket(prints, prior, span.row, until, volumes)
    early = _with_opens(early, coming.opens(desk, day))
    if early.is_empty():
        return None
    found = session_catalysts(desk, span, until)
    evidence = catalysts.evidence(found)
    rows = window_rows(desk, dataset, span, evidence, _stand_ins(early, day))
    rows = _with_prints(rows, early, evidence)
    known = with_companies(desk, rows, found, day)
    return SessionGaps(dataset.name, day, True, known, until, coming.source_of(desk))


def _with_opens(early: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Names with a print or an open: `stands` is the open where it is told, else the last print."""
    known = early.join(opened, on="symbol", how="left", maintain_order="left")
    minute = timedelta(minutes=1)
    return known.with_columns(
        stands=pl.coalesce("open_print", "premarket_last"),
        last_print_at=pl.coalesce("open_at", pl.col("premarket_at") + minute),
        prints=pl.col("premarket_prints").cast(pl.Int64),
        provisional=pl.col("open_print").is_null(),
    ).filter(pl.col("stands").is_not_null())


def _stand_ins(early: pl.DataFrame, day: date) -> pl.DataFrame:
    price = pl.col("stands")
    return early.select(
        "symbol",
        session=pl.lit(day),
        **dict.fromkeys(("open", "high", "low", "close"), price),
        volume=pl.max_horizontal(pl.col("premarket_volume"), pl.lit(1)),
    )


def _with_prints(rows: pl.DataFrame, early: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """rvol by clock time, dollars of a usual session, and large moves judged on those."""
    judged = sum(
        (
            gap_flags.Flag.SUSPECTED_SPLIT,
            gap_flags.Flag.SUSPECTED_ACTION,
            gap_flags.Flag.NO_TRADING,
            gap_flags.Flag.NEWS_MOVE,
        ),
        gap_flags.Flag(0),
    )
    names = ("premarket_gap_pct", "premarket_change_pct", "premarket_rvol", *PRINTED)
    rows = rows.join(early.select("symbol", *names), on="symbol", how="left")
    # mornings before an unreal move that changed the units stand in other shares
    same = pl.col("comparable_since").is_null()
    rows = rows.with_columns(pl.when(same).then("premarket_rvol").alias("premarket_rvol"))
    rows = rows.with_columns(
        rvol=pl.col("premarket_rvol"),
        dollar_volume=pl.col("mean_volume") * pl.col("prior_close"),
        story=pl.lit(None, dtype=rows.schema["story"]),
        flags=pl.col("flags") & (65535 - int(judged)),
    )
    return gap_flags.judge(rows, evidence)
