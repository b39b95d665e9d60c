"""What moved the orders of plans after their sessions: splits and special dividends on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from core.domain.trading.order_basis import Moves
from core.domain.trading.plans import Plan
from core.service.trading.held_past import held_past
from core.store import actions as action_store
from core.store import settling
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk


def moves_of(
    desk: Desk, reader: Reader, until: Mapping[str, tuple[Plan, date]]
) -> dict[str, Moves]:
    """By plan_id, what moved a plan's orders after its session, up to a day of its own; plans of
    names without an action then are left out.
    """
    names = sorted({plan.symbol for plan, day in until.values() if day > plan.session})
    if not names:
        return {}
    days: dict[str, list[date]] = {}
    known = action_store.known(reader, symbols=names)
    for symbol, day in known.select("symbol", "ex_date").iter_rows():
        days.setdefault(symbol, []).append(day)
    found = {}
    for plan_id, (plan, last) in until.items():
        if any(plan.session < day <= last for day in days.get(plan.symbol, ())):
            past = held_past(desk, reader, plan, last, settling.kept_rates(reader, plan_id))
            found[plan_id] = Moves.over(past.bars, past.actions)
    return found
