"""What settling remembers: by which actions and rates a plan was settled, and confirmed moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from core.store.journal import Reader
from core.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SettledMark:
    """The last session that was settled, and a digest of the actions up to it."""

    through: date
    actions: str


def marks(reader: Reader) -> dict[str, SettledMark]:
    """The mark of each plan that was ever settled."""
    frame = reader.read("SELECT plan_id, through, actions FROM settled_plans")
    return {
        plan_id: SettledMark(through, actions) for plan_id, through, actions in frame.iter_rows()
    }


def put_mark(tx: Transaction, plan_id: str, mark: SettledMark, at: datetime) -> None:
    """Replace the mark of a plan."""
    tx.execute("DELETE FROM settled_plans WHERE plan_id = ?", [plan_id])
    tx.execute(
        "INSERT INTO settled_plans VALUES (?, ?, ?, ?)", [plan_id, mark.through, mark.actions, at]
    )


def kept_rates(reader: Reader, plan_id: str) -> dict[str, float]:
    """Units of the prices' currency per unit of others, as a plan's distributions were posted."""
    query = "SELECT currency, rate FROM settled_rates WHERE plan_id = ?"
    return dict(reader.read(query, [plan_id]).iter_rows())


def keep_rates(tx: Transaction, plan_id: str, rates: Mapping[str, float], at: datetime) -> None:
    """Keep the rates of currencies that have none kept for the plan."""
    new = rates.keys() - kept_rates(tx, plan_id).keys() if rates else set()
    for name in sorted(new):
        row = [plan_id, name, rates[name], at]
        tx.execute("INSERT INTO settled_rates VALUES (?, ?, ?, ?)", row)


def confirm(tx: Transaction, symbol: str, session: date, reason: str, at: datetime) -> None:
    """Record that a move was confirmed as real."""
    tx.execute("INSERT INTO confirmed_moves VALUES (?, ?, ?, ?)", [symbol, session, reason, at])


def confirmed(reader: Reader, symbol: str) -> set[date]:
    """Sessions of a symbol whose move was confirmed."""
    frame = reader.read("SELECT session FROM confirmed_moves WHERE symbol = ?", [symbol])
    return set(frame["session"].to_list())
