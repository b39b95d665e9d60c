"""A ticker passes on the day of the change, not on the one on which the map was pulled."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core.domain.gaps import catalysts
from core.domain.tables.frames import COMPANY_IDENTIFIERS, FILINGS
from core.service.desk import Desk
from core.service.filings import companies
from core.service.gaps.evidence import registry
from core.store.filings import add_filings
from core.store.ticker_days import date_moves
from tests.unit.service.filings.test_tickers_over_time import FIRST, LATER, _map

CHANGE = date(2026, 6, 15)
OLD, NEW = 1, 2


def filed(cik: int, form: str, day: date, **more: Any) -> dict[str, Any]:
    """A filing in the columns of FILINGS."""
    return {"cik": cik, "accession": f"{cik}-{form}-{day}", "form": form, "filed": day} | more


def dated(desk: Desk, *filings: dict[str, Any], names: tuple[tuple[Any, ...], ...] = ()) -> Any:
    """The day the ticker passed, with what is told, after filings and former names are stored."""
    _map(desk, FIRST, [(OLD, "XOI"), (3, "ABC")])
    companies.watch(desk, ["XOI"])
    _map(desk, LATER, [(NEW, "XOI"), (3, "ABC")])
    rows = pl.DataFrame(filings, schema=dict(FILINGS.columns))
    cells = {"kind": "former_name", "exchange": None, "valid_from": None, "source": "sec"}
    former = [cells | {"cik": cik, "value": name, "valid_to": to} for cik, name, to in names]
    with desk.warehouse.transaction() as tx:
        add_filings(tx, rows, "f")
        frame = pl.DataFrame(former, schema=dict(COMPANY_IDENTIFIERS.columns))
        tx.merge("company_identifiers", frame, COMPANY_IDENTIFIERS.key, "f")
        _, told = date_moves(tx, "f")
        again = date_moves(tx, "f")
    assert again[1] == []
    days = desk.warehouse.read(
        "SELECT valid_from, valid_to FROM company_identifiers WHERE value = 'XOI' ORDER BY cik"
    ).rows()
    assert days[0][1] == days[1][0]
    return days[0][1], told


@pytest.mark.parametrize(
    ("filings", "names", "day"),
    [
        ([filed(NEW, "8-K12B", CHANGE)], (), CHANGE),
        ([filed(NEW, "8-K12G3", date(2026, 6, 17), report_date=CHANGE)], (), CHANGE),
        ([filed(NEW, "8-K12B/A", date(2026, 6, 20), report_date=CHANGE)], (), CHANGE),
        ([filed(NEW, "8-K12B", CHANGE), filed(NEW, "8-K12B/A", date(2026, 6, 30))], (), CHANGE),
        ([filed(NEW, "8-K12B", date(2026, 6, 17), report_date=date(2026, 3, 1))], (),
         date(2026, 6, 17)),  # no event of its days
        ([filed(NEW, "8-K12B", date(2024, 6, 17))], (), LATER),  # of another succession
        ([filed(NEW, "8-K12B", date(2026, 7, 9))], (), LATER),
        ([filed(OLD, "8-K12B", CHANGE)], (), LATER),  # the one before is nobody's successor
        ([filed(NEW, "S-4", date(2026, 2, 1)), filed(NEW, "8-K", CHANGE)], (), LATER),
        ([filed(NEW, "S-4", date(2026, 2, 1)), filed(NEW, "8-K", CHANGE),
          filed(OLD, "15-12B", date(2026, 6, 25))], (), CHANGE),
        ([], ((NEW, "New Oil Holdings", CHANGE),), LATER),  # a change of name is not one of tickers
        ([], ((NEW, "New Oil Holdings", CHANGE), (OLD, "Oil", date(2026, 6, 12))), CHANGE),
        ([filed(OLD, "25-NSE", date(2026, 6, 12))], ((NEW, "New Oil Holdings", CHANGE),), CHANGE),
        ([filed(NEW, "8-K12B", CHANGE), filed(NEW, "8-K", date(2026, 6, 1)),
          filed(OLD, "15-12B", date(2026, 6, 25))],
         ((NEW, "New Oil Holdings", date(2026, 6, 10)),), CHANGE),  # nor any earlier the next time
        ([filed(NEW, "8-K", date(2026, 5, 20)), filed(OLD, "25-NSE", CHANGE),
          filed(OLD, "25", date(2026, 6, 18)), filed(OLD, "15-12B", date(2026, 6, 25))], (),
         CHANGE),  # a report before: the ticker was still the other's
        ([filed(NEW, "8-K", CHANGE), filed(OLD, "25-NSE", date(2026, 6, 12))], (), CHANGE),
        ([filed(OLD, "25-NSE", date(2025, 9, 12))], ((NEW, "New Oil Holdings", CHANGE),), LATER),
    ],
)  # fmt: skip
def test_a_ticker_passes_on_the_day_of_the_change(
    desk: Desk, filings: list[dict[str, Any]], names: tuple[tuple[Any, ...], ...], day: date
) -> None:
    """As the successor's filings tell it, or both companies' names and ends."""
    found, told = dated(desk, *filings, names=names)
    assert found == day
    assert bool(told) == (day != LATER)


def test_sessions_between_the_change_and_the_pull_are_the_new_ones(desk: Desk) -> None:
    """With their catalysts; the watch list names the day and the sentence its source."""
    _, told = dated(desk, filed(NEW, "8-K12B", CHANGE))
    source = f"8-K12B {NEW}-8-K12B-{CHANGE}"
    assert told == [f"XOI passed to CIK 2 on 2026-06-15 ({source}), seen on 2026-07-02"]
    days = [date(2026, 6, 12), CHANGE, date(2026, 6, 30), LATER]
    keys = pl.DataFrame({"symbol": ["XOI"] * 4, "session": days})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [OLD, NEW, NEW, NEW]
    notes = companies.watch_list(desk).filter(pl.col("cik") == OLD)["note"].to_list()
    assert notes == ["XOI since 2026-06-15: Company 2 (CIK 2)"]
    _map(desk, date(2026, 7, 20), [(NEW, "XOI"), (3, "ABC")])
    keys = pl.DataFrame({"symbol": ["XOI"], "session": [date(2026, 6, 30)]})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [NEW]
