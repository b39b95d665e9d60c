"""The data date of datasets, as the page and `status` tell it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from components.kit import formats
from components.parts import datasets as parts
from core.jobs.queue.port import Message
from core.service.desk import Desk
from core.service.filings import reconcile
from core.service.kernel import commands
from core.service.pulls import datasets
from tests.filled import PULL, fill

MONDAY = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Bars up to Friday, pulled on Monday before the bell."""
    desk.now = lambda: MONDAY - timedelta(days=3)
    fill(desk)
    desk.now = lambda: MONDAY
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE pulls SET started_at = ?, finished_at = ?", [MONDAY, MONDAY])
        tx.execute("UPDATE pulls SET due_at = NULL, window_to = ?", [MONDAY])
    return desk


def _status(desk: Desk, name: str) -> dict:
    return next(
        item
        for item in commands.run(desk, "status", {}).document["datasets"]
        if item["name"] == name
    )


def test_bars_say_the_session_they_reach(filled: Desk) -> None:
    """All there: fresh. A day taken away, by the same good pull: one session behind."""
    item = _status(filled, "prices.daily")
    assert (item["data_until"].date().isoformat(), item["sessions_behind"]) == ("2026-11-27", 0)
    assert item["freshness"] == "fresh"
    with filled.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily WHERE session >= DATE '2026-11-26'")
    item = _status(filled, "prices.daily")
    assert (item["data_until"].date().isoformat(), item["sessions_behind"]) == ("2026-11-25", 1)
    assert item["freshness"] == "overdue"


def test_facts_say_the_day_of_their_last_filing(filled: Desk) -> None:
    """They are shown by a view: their data date is that of the newest filing they are from."""
    newest = filled.warehouse.read("SELECT max(filed) FROM facts").item()
    item = _status(filled, "sec.facts")
    assert item["data_until"].date() == newest
    assert item["sessions_behind"] is None


def test_an_early_bird_is_no_data_date(filled: Desk) -> None:
    """One name of a later session does not make the others reach it."""
    names = pl.DataFrame({"symbol": [f"N{i:03}" for i in range(40)]})
    bird = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 5, "pull_id": PULL}
    row = names.with_columns(**{k: pl.lit(v) for k, v in bird.items()})
    days = [pl.date(2026, 11, 24), pl.date(2026, 11, 25)]
    with filled.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily WHERE session >= DATE '2026-11-26'")
        for day in days:
            tx.insert("bars_daily", row.with_columns(session=day))
        tx.insert("bars_daily", row.head(1).with_columns(session=pl.date(2026, 11, 27)))
    assert _status(filled, "prices.daily")["sessions_behind"] == 1


def test_a_shared_table_counts_for_nobody_who_never_pulled(filled: Desk) -> None:
    """Filings of the watched companies are no rows of the daily index."""
    assert _status(filled, "sec.submissions")["rows"] > 0
    index = _status(filled, "sec.index")
    assert (index["rows"], index["freshness"], index["data_until"]) == (0, "never", None)


def test_nobody_followed_is_not_fresh(filled: Desk) -> None:
    """Their documents are kept up to date for nobody."""
    assert _status(filled, "sec.facts")["freshness"] == "fresh"
    with filled.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist")
    for name in ("sec.facts", "sec.submissions"):
        assert _status(filled, name)["freshness"] == "never"
    assert _status(filled, "prices.daily")["freshness"] == "fresh"


def test_the_page_has_the_same_words(filled: Desk) -> None:
    """A row of the table from the same statuses."""
    table = parts.frame(datasets.overview(filled))
    told = dict(table.select("name", "up_to").iter_rows())
    assert told["prices.daily"] == "Fri 27 Nov"
    assert told["index.vix"] == formats.NOTHING


def test_reconciliation_waits_for_a_first_fill(desk: Desk) -> None:
    """While filings come for the first time the checks are put off, once; then they run."""
    handed = desk.queue.publish("reconcile", {"lane": "reconcile"}, dedupe_key="after:reconcile")
    job = desk.queue.get(handed.job_id)
    desk.queue.publish_many([Message("pull", {"dataset": "sec.submissions"})])
    context = type("Quiet", (), {"report": lambda *_: None})()
    done = asyncio.run(reconcile.reconcile_job(desk, job, context))
    assert done == {"put_off": ["sec.submissions"]}
    assert reconcile.history(desk).is_empty()
    for pull in desk.queue.find(event_name="pull"):
        desk.queue.cancel(pull.id)
    done = asyncio.run(reconcile.reconcile_job(desk, job, context))
    assert "worst" in done
    assert reconcile.history(desk).height == 6
