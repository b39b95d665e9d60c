"""The bars and corporate actions that a plan lives through, on the share basis of its orders.

A split on record says one thing, the bars may say another. Where they do not change by it, either
the upstream has delivered the whole past anew on the new basis (then the bars before the split are
brought back to the shares that were traded), or the record is wrong (then nothing is divided, and
settlement asks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import log
from typing import TYPE_CHECKING

import polars as pl

from core.domain.gaps.bars import paid_currency
from core.domain.trading.order_basis import Action
from core.domain.trading.plans import Plan
from core.domain.trading.trades import Bar
from core.service.currency import rates_to_instrument
from core.service.gaps import market_view
from core.store import actions as action_store
from core.store import journal as store

if TYPE_CHECKING:
    from core.service.desk import Desk


@dataclass(frozen=True, slots=True)
class HeldPast:
    """Sound raw bars from the plan's session on, the actions after it that count, the splits on
    record that the bars contradict, and the rates at which cash in other currencies counts.
    """

    bars: list[Bar]
    actions: list[Action]
    contradicted: list[Action]
    rates: dict[str, float]


def held_past(
    desk: Desk, reader: store.Reader, plan: Plan, until: date, kept: Mapping[str, float]
) -> HeldPast:
    """What a plan lives through from its session to a day.

    `kept` are the rates at which its distributions were posted: those stated since do not count.
    """
    rates = {**rates_to_instrument(desk.settings), **kept}
    raw = market_view.is_raw(desk)
    bars = market_view.tradable_bars(reader, plan.symbol, plan.session, until)
    told = market_view.actions(
        reader,
        plan.symbol,
        plan.session,
        until,
        raw=raw,
        currency=desk.settings.instrument_currency,
        rates=rates,
    )
    used: dict[str, float] = {}
    if len(rates) > 1 and any(action.kind == "dividend" for action in told):
        used = _rates_used(reader, plan, until, rates)
        used.pop(desk.settings.instrument_currency, None)
    shown = market_view.splits_shown(reader, plan.symbol, plan.session, until)
    if not shown:
        return HeldPast(bars, told, [], used)
    if not is_rebased(plan, bars, shown):
        return HeldPast(bars, told, shown if raw else [], used)
    whole = sorted([*told, *shown], key=lambda action: (action.ex_date, action.kind != "split"))
    return HeldPast(on_traded_basis(bars, shown), whole, [], used)


def _rates_used(
    reader: store.Reader, plan: Plan, until: date, rates: Mapping[str, float]
) -> dict[str, float]:
    """The rates of the currencies, pence as pounds, of distributions after the plan's session."""
    after = (pl.col("ex_date") > plan.session) & (pl.col("ex_date") <= until)
    told = action_store.known(reader, symbols=[plan.symbol])
    paid = told.filter(after & (pl.col("kind") == "dividend")).select(paid_currency())
    names = paid.to_series().drop_nulls().unique().sort()
    return {name: rates[name] for name in names if name in rates}


def is_rebased(plan: Plan, bars: Sequence[Bar], splits: Sequence[Action]) -> bool:
    """Whether the bar of the plan's session now stands on the shares after the splits."""
    if not bars or bars[0].session != plan.session:
        return False
    off = log(bars[0].open / float(plan.entry))
    step = sum(log(float(split.value)) for split in splits)
    return abs(off + step) < abs(off)


def on_traded_basis(bars: Sequence[Bar], splits: Sequence[Action]) -> list[Bar]:
    """Bars that were divided by splits, back in the prices that were traded."""
    return [_times(bar, _ratio_after(bar.session, splits)) for bar in bars]


def _ratio_after(day: date, splits: Sequence[Action]) -> float:
    ratio = Decimal(1)
    for split in splits:
        if day < split.ex_date:
            ratio *= split.value
    return float(ratio)


def _times(bar: Bar, by: float) -> Bar:
    prices = {name: getattr(bar, name) * by for name in ("open", "high", "low", "close")}
    return bar if by == 1 else replace(bar, **prices)
