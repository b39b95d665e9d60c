"""Paper trades as the journal has them: results in R, excursions from bars, equity, by tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.domain.gaps import bars
from core.domain.gaps.distributions import paid_on
from core.domain.risk.positions import gains_by_day
from core.domain.timetable import sessions as calendar
from core.domain.trading import ledger
from core.domain.trading.plans import Plan
from core.domain.trading.trade_stats import bucket, excursions, summary
from core.domain.trading.trades import trades
from core.service.gaps import session as scan_inputs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.trading.journal import entries
from core.service.trading.moved_orders import moves_of
from core.store import plans as plan_store
from core.store import settling

if TYPE_CHECKING:
    from datetime import date

    from core.service.desk import Desk

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "plan_id": pl.String,
    "symbol": pl.String,
    "direction": pl.String,
    "tag": pl.String,
    "bucket": pl.String,
    "shares": pl.Int64,
    "open_shares": pl.Int64,
    "entry": pl.Float64,
    "exit": pl.Float64,
    "r": pl.Float64,
    "entry_session": pl.Date,
    "exit_session": pl.Date,
    "realised": pl.Decimal(18, 2),
    "fees": pl.Decimal(18, 2),
    "slippage": pl.Decimal(18, 2),
    "planned_r": pl.Float64,
    "realised_r": pl.Float64,
    "exit_reason": pl.String,
}


def frame(desk: Desk) -> pl.DataFrame:
    """One row a trade with `mfe_r` and `mae_r` (empty when its bars are gone)."""
    stored = {item.plan_id: item for item in plan_store.load(desk.warehouse)}
    plans = {plan_id: item.plan for plan_id, item in stored.items()}
    journal = entries(desk)
    ratios = _ratios(desk, journal, plans)
    found = trades(journal, plans, ratios)
    rows = [
        (
            t.plan_id,
            t.symbol,
            t.direction,
            stored[t.plan_id].tag,
            bucket(stored[t.plan_id].plan.gap_pct),
            t.shares,
            t.open_shares,
            float(t.entry),
            None if t.exit is None else float(t.exit),
            float(plans[t.plan_id].r / ratios.get(t.plan_id, Decimal(1))),
            t.entry_session,
            t.exit_session,
            t.realised,
            t.fees,
            t.slippage,
            float(t.planned_r),
            t.realised_r,
            t.exit_reason,
        )
        for t in found
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    actions = scan_inputs.actions_for(desk, scan_inputs.dataset_of(desk, None))
    splits = bars.splits_of(actions)
    marks = {name: mark.through for name, mark in settling.marks(desk.warehouse).items()}
    entered = table.select("symbol", session="entry_session")
    table = table.with_columns(
        entry_factor=bars.split_factors(entered, splits),
        settled=pl.col("plan_id").replace_strict(marks, default=None, return_dtype=pl.Date),
    )
    days = _bars(desk, table)
    cash = paid_on(days, actions).rename({"amount": "paid"})
    days = days.join(cash, on=["symbol", "session"], how="left", maintain_order="left")
    days = days.with_columns(pl.col("paid").fill_null(0.0), factor=bars.split_factors(days, splits))
    return excursions(table, days)


def _ratios(
    desk: Desk, journal: Sequence[ledger.Numbered], plans: Mapping[str, Plan]
) -> dict[str, Decimal]:
    """New shares per share of the plan's session, of entries that waited over an action."""
    fills = [i.entry for i in ledger.live(journal) if i.entry.kind == "entry_fill"]
    entered = {
        e.plan_id: (plans[e.plan_id], e.effective)
        for e in fills
        if e.plan_id and e.plan_id in plans
    }
    moves = moves_of(desk, desk.warehouse, entered)
    return {k: moved.on(entered[k][1], plans[k]).ratio for k, moved in moves.items()}


def _bars(desk: Desk, table: pl.DataFrame) -> pl.DataFrame:
    """Sound daily bars of the traded names from the first entry on, in order."""
    first: date | None = table["entry_session"].min()  # type: ignore[assignment]
    found = desk.warehouse.read(
        "SELECT symbol, session, open, high, low, close, volume FROM bars_daily "
        "WHERE symbol IN (SELECT unnest($symbols::VARCHAR[])) AND session >= $first",
        {"symbols": table["symbol"].unique().to_list(), "first": first},
    )
    return calendar.traded(found).filter(bars.is_sound()).sort("symbol", "session")


def equity_curve(desk: Desk) -> pl.DataFrame:
    """Equity after each day with entries: day, equity, profit, drawdown_pct (zero or negative)."""
    from datetime import date as day_type

    journal = ledger.live(entries(desk))
    put_in = float(ledger.contributed(ledger.balances(journal)))
    days = gains_by_day(journal, day_type.max)
    gains = pl.DataFrame(
        [(day, float(total)) for day, total in days],
        schema={"day": pl.Date, "profit": pl.Float64},
        orient="row",
    )
    equity = pl.col("profit") + put_in
    peak = pl.col("equity").cum_max().clip(lower_bound=put_in)
    return gains.with_columns(equity.alias("equity")).with_columns(
        ((pl.col("equity") / peak - 1) * 100).alias("drawdown_pct")
    )


@command("journal_trades", needs=Role.VIEWER)
def trades_command(desk: Desk) -> dict[str, Any]:
    """Paper trades with their results, in total and by tag and gap bucket."""
    table = frame(desk)
    return {
        "trades": table.to_dicts(),
        "total": summary(table).to_dicts()[0],
        "by_tag": summary(table, by=["tag"]).to_dicts(),
        "by_bucket": summary(table, by=["bucket"]).to_dicts(),
    }


@export("trades", needs=Role.VIEWER)
def trades_export(desk: Desk) -> pl.DataFrame:
    """Every paper trade, one row each."""
    return frame(desk)


def decided(desk: Desk, symbol: str, session: date) -> list[plan_store.StoredPlan]:
    """The plans of a name and session that were decided on, newest first."""
    found = plan_store.of_session(desk.warehouse, symbol, session)
    return sorted(found, key=lambda item: item.decided_at, reverse=True)
