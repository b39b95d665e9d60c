"""What a desk says does not hang on the order in which its store happens to hold rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from core.domain.access.principals import LOCAL
from core.domain.filings.facts import coded
from core.domain.tables.frames import FACTS
from core.service.care import morning
from core.service.desk import Desk
from core.service.filings import companies as use
from core.service.filings import quality
from core.service.kernel import access
from core.service.kernel.commands import command
from core.service.kernel.exports import encode, export
from core.settings import load
from core.store import quality as grades
from core.store.facts import append_facts
from core.store.transaction import quoted
from tests.filled import PULL, fill

NOW = datetime(2026, 3, 3, 15, 30, tzinfo=UTC)
ARGUMENTS = {"name": "prices.daily"}


def _twins(desk: Desk) -> None:
    """Whatever was filed or found once stands there twice, on the same day, under other names."""
    with desk.warehouse.transaction() as tx:
        for table in ("filings", "grades", "filing_items", "findings"):
            tx.insert(table, _renamed(tx.read(f"SELECT * FROM {quoted(table)}")))
        facts = tx.read("SELECT * FROM facts").select(*FACTS.columns)
        append_facts(tx, [coded(_renamed(facts))], PULL, NOW)
        told = tx.read("SELECT * FROM findings")
        tx.insert("findings", told.with_columns(message=pl.lit("another ") + pl.col("message")))


def _renamed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("accession").str.replace("-26-", "-25-"))


def _namesakes(desk: Desk) -> None:
    """A company of the same name and ticker, and amounts in another currency."""
    with desk.warehouse.transaction() as tx:
        for table in ("companies", "company_identifiers"):
            rows = tx.read(f"SELECT * FROM {quoted(table)} WHERE cik = 1001")
            tx.insert(table, rows.with_columns(cik=pl.lit(900, pl.Int64)))
        facts = tx.read("SELECT * FROM facts WHERE cik = 1001").select(*FACTS.columns)
        append_facts(tx, [coded(facts.with_columns(unit=pl.lit("EUR")))], PULL, NOW)
        tx.insert("filings", _renamed(tx.read("SELECT * FROM filings WHERE cik = 1001")))
        bars = tx.read("SELECT * FROM bars_daily WHERE symbol = 'AAA' ORDER BY session LIMIT 3")
        before = pl.col("session").dt.offset_by("-3y")
        wrong = bars.with_columns(session=before, low=pl.col("high") + 1)
        tx.insert("bars_daily", wrong)


def _reversed(desk: Desk) -> None:
    """The same rows in every table, the last first."""
    tables = desk.warehouse.read(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT internal"
    )["table_name"]
    with desk.warehouse.transaction() as tx:
        for table in tables:
            rows = tx.read(f"SELECT * FROM {quoted(table)}")
            if rows.height > 1:
                tx.execute(f"DELETE FROM {quoted(table)}")
                tx.insert(table, rows.reverse())


def _said(folder: Path) -> dict[str, bytes]:
    with Desk.open(load(data_dir=folder), now=lambda: NOW) as desk, access.acting(LOCAL):
        told: dict[str, bytes] = {}
        for name, entry in export.entries.items():
            fields = entry.arguments.model_fields.items()
            needed = {n: ARGUMENTS[n] for n, field in fields if field.is_required()}
            told[name] = encode(export.run(desk, name, needed), "csv")
        return told


def test_exports_say_the_same_of_rows_in_any_order(tmp_path: Path) -> None:
    """A store moved to another engine held facts of one day the other way round: another file."""
    with Desk.open(load(data_dir=tmp_path), now=lambda: NOW) as desk, access.acting(LOCAL):
        command.run(fill(desk), "grade", {"all": True})
        _twins(desk)
    before = _said(tmp_path)
    with Desk.open(load(data_dir=tmp_path), now=lambda: NOW) as desk:
        _reversed(desk)
    after = _said(tmp_path)
    assert {name for name, told in before.items() if after[name] != told} == set()
    assert b"another " in before["findings"]


def _lists(folder: Path) -> dict[str, object]:
    with Desk.open(load(data_dir=folder), now=lambda: NOW) as desk, access.acting(LOCAL):
        return {
            "companies": use.companies(desk).rows(),
            "by name": use.companies(desk, "alpha").rows(),
            "by ticker": use.by_ticker(desk, ["AAA"]),
            "concepts": use.concepts(desk, 1001).rows(),
            "new filings": morning.new_filings(desk, NOW - timedelta(days=400)).rows(),
            "failing": quality.failing_rows(desk, "prices.daily").rows(),
            "statements": grades.statements(desk.warehouse, _REPORT, 1001).rows(),
        }


_REPORT = f"{1001:010d}-26-000001"


def test_lists_of_a_company_say_the_same_of_rows_in_any_order(tmp_path: Path) -> None:
    """Pages of a list follow one another: of two rows in one place one came twice, one never."""
    with Desk.open(load(data_dir=tmp_path), now=lambda: NOW) as desk, access.acting(LOCAL):
        _namesakes(fill(desk))
    before = _lists(tmp_path)
    with Desk.open(load(data_dir=tmp_path), now=lambda: NOW) as desk:
        _reversed(desk)
    after = _lists(tmp_path)
    assert {name for name, told in before.items() if after[name] != told} == set()
    assert len(before["failing"]) == 3
    assert before["by ticker"] == {"AAA": 900}  # the company of the lower number
