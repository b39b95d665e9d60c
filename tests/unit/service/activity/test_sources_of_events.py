"""Every important change leaves its event, in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from core.domain.access.principals import Principal, Role
from core.domain.risk.types import LimitCheck
from core.domain.tables.frames import FILINGS
from core.errors import StoreError
from core.jobs.pulling.filing_events import tell_new
from core.service.activity import feed
from core.service.desk import Desk
from core.service.filings import grade_events, quality, reconcile
from core.service.filings.regrading import grade_all
from core.service.gaps import keeping, scans
from core.service.kernel import access, commands, given_files
from core.service.trading import limit_events, plans
from core.service.trading.plans import Ask
from core.store import events, pulls
from tests import with_statuses
from tests.filled import CIKS, fill
from tests.unit.service.trading.test_journal_service import bars_of


def told(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    return feed.following(desk, feed.chosen(kinds), "")


def follow(desk: Desk, cik: int, symbol: str) -> None:
    with desk.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (?, ?, ?)", [cik, symbol, desk.now()])


@pytest.fixture
def planned(make_desk: Callable[..., Desk]) -> Desk:
    """A desk with prices of two names, one of them followed."""
    desk = make_desk()
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", pl.concat([bars_of("AAA"), bars_of("BBB")]))
    follow(desk, 1, "AAA")
    return desk


def test_a_plan_is_told_by_whoever_decided_and_so_are_its_limits(planned: Desk) -> None:
    """Approved and taken back: the plan's events, and the limit that it used up, and freed."""
    item = plans.approve(planned, Ask("AAA"), "a gap")
    (approved,) = told(planned, "plan")
    assert (approved["kind"], approved["subject"]) == ("plan.approved", item.plan_id)
    limits = {event["subject"]: event["kind"] for event in told(planned, "limit")}
    assert limits["position"] in ("limit.near", "limit.reached")
    plans.cancel(planned, item.plan_id, "no volume")
    assert [e["kind"] for e in told(planned, "plan")] == ["plan.approved", "plan.cancelled"]
    of_position = feed.chosen(["limit"], subject="position")
    assert [e["kind"] for e in feed.following(planned, of_position, "")][-1] == "limit.clear"


def test_a_plan_that_cannot_be_stored_tells_nothing(
    planned: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event goes with the change, or not at all."""

    def full(*_: Any) -> None:
        raise StoreError("no space")

    monkeypatch.setattr(limit_events, "tell", full)
    with pytest.raises(StoreError):
        plans.approve(planned, Ask("AAA"), "a gap")
    assert told(planned) == []


@pytest.mark.parametrize(
    ("used", "allowed", "kind"),
    [
        ("79.99", "100", "limit.clear"),
        ("80", "100", "limit.near"),
        ("100", "100", "limit.reached"),
        ("0", "0", "limit.clear"),
        ("1", "0", "limit.reached"),
    ],
)
def test_a_limit_is_near_from_80_and_reached_from_100_percent(
    used: str, allowed: str, kind: str
) -> None:
    """A limit of nothing is reached by anything."""
    check = LimitCheck("gross", Decimal(used), Decimal(allowed), "pct", "sentence")
    assert limit_events.of(check).kind.name == kind


def test_a_followed_candidate_is_told_once_a_session(planned: Desk) -> None:
    """With the scan that found it; the same scan again tells of neither."""
    found = scans.run(planned, None, {"min_gap_pct": 1, "min_rvol": 0, "min_dollar_volume": 0})
    assert {"AAA", "BBB"} <= set(found.candidates["symbol"])
    for _ in range(2):
        keeping.keep(planned, found)
    kinds = [(event["kind"], event["subject"]) for event in told(planned)]
    assert kinds == [("scan.made", "prices.daily"), ("candidate.listed", "AAA")]
    keeping.keep(planned, found, "schedule")
    assert [event["kind"] for event in told(planned)][-1] == "scan.made"


def test_a_check_that_finds_errors_is_told_until_it_finds_none(desk: Desk) -> None:
    """Once when it begins, and once when it ends."""
    fill(desk)
    doubled = "INSERT INTO bars_daily SELECT * FROM bars_daily WHERE symbol = 'AAA'"
    with desk.warehouse.transaction() as tx:
        tx.execute(doubled)
    for _ in range(2):
        reconcile.run(desk)
    of_twins = feed.chosen(subject="duplicates")
    (worse,) = feed.following(desk, of_twins, "")
    assert (worse["kind"], worse["severity"]) == ("reconciliation.worse", "critical")
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily WHERE symbol = 'AAA'")
    reconcile.run(desk)
    assert feed.following(desk, of_twins, "")[-1]["kind"] == "reconciliation.better"


def test_a_followed_report_that_is_withdrawn_is_told(desk: Desk) -> None:
    """With the fall of the grade it makes; a first grading and strangers are no news."""
    with_statuses.fill(desk)
    assert told(desk, "filing") == []
    row = newest_withdrawn(desk)
    grade_all(desk)
    found = {event["kind"]: event for event in told(desk, "filing")}
    assert found["filing.withdrawn"]["after"]["accession"] == row["accession"]
    fell = found["filing.downgraded"]
    assert (fell["subject"], fell["before"]["grade"]) == ("RCST", row["grade"])
    assert fell["after"]["grade"] == "D"
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE filings SET items = '' WHERE items = '4.02'")
    grade_all(desk, force=True)
    rose = told(desk, "filing")[-1]
    assert (rose["kind"], rose["subject"]) == ("filing.upgraded", "RCST")
    assert (rose["before"]["grade"], rose["after"]["grade"]) == ("D", row["grade"])


def test_an_accession_of_two_companies_is_withdrawn_of_both(desk: Desk) -> None:
    """Co-registrants file one report: each of them is told, in the order of their numbers."""
    accession, day = "0000000007-26-000001", desk.now().date()
    for cik in CIKS:
        follow(desk, cik, f"C{cik}")
    with desk.warehouse.transaction() as tx:
        for cik in CIKS:
            tx.execute(
                "INSERT INTO grades (cik, accession, form, filed, grade, ruleset, graded_at, "
                "is_current) VALUES (?, ?, '10-K', ?, 'A', 'test', ?, true)",
                [cik, accession, day, desk.now()],
            )
    with desk.warehouse.transaction() as tx, grade_events.told(tx, CIKS, day, desk.now()):
        for cik in CIKS:
            tx.execute(
                "INSERT INTO filing_status (cik, accession, since, status, reason, computed_at) "
                "VALUES (?, ?, ?, 'withdrawn', 'said so', ?)",
                [cik, accession, day, desk.now()],
            )
    gone = [event["subject"] for event in told(desk, "filing.withdrawn")]
    assert gone == [f"C{cik}" for cik in CIKS]


def newest_withdrawn(desk: Desk) -> dict[str, Any]:
    """The newest 10-Q of a followed company, with an 8-K after it that takes it back, ungraded."""
    follow(desk, with_statuses.RECASTER, "RCST")
    newest = quality.grades(desk, ciks=[with_statuses.RECASTER], forms=["10-Q"])
    row = newest.row(0, named=True)
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE filings SET items = '4.02', form = '8-K' WHERE accession = ("
            "SELECT min(accession) FROM filings WHERE cik = ? AND form = '8-K' AND filed > ?)",
            [with_statuses.RECASTER, row["filed"]],
        )
    return row


def test_a_report_that_comes_in_with_its_old_withdrawal_is_no_news(desk: Desk) -> None:
    """The past of a company that is being filled is no trouble of this morning."""
    with_statuses.fill(desk)
    row = newest_withdrawn(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM grades WHERE accession = ?", [row["accession"]])
    desk.now = lambda: with_statuses.NOW + timedelta(days=14)
    grade_all(desk, force=True)
    gone = [event for event in told(desk, "filing") if event["kind"] == "filing.withdrawn"]
    assert row["accession"] not in {event["after"]["accession"] for event in gone}


def test_new_filings_of_followed_companies_are_told(desk: Desk) -> None:
    """Not those known, not old ones that come late, not the first fill of a company."""
    fill(desk)
    now = desk.now()
    known = desk.warehouse.read("SELECT * EXCLUDE pull_id FROM filings WHERE cik = ?", [CIKS[0]])
    today, old = now.date(), now.date() - timedelta(days=90)
    rows = [
        {"cik": cik, "accession": f"x-{number}", "form": "8-K", "filed": filed}
        for number, (cik, filed) in enumerate([(CIKS[0], today), (CIKS[0], old), (77, today)])
    ]
    given = pl.concat([known, pl.DataFrame(rows)], how="diagonal_relaxed")
    follow(desk, 77, "NEW")
    with desk.warehouse.transaction() as tx:
        tell_new(tx, given.select(list(FILINGS.columns)), now)
    (event,) = told(desk, "filing.new")
    assert (event["subject"], event["after"]["accession"]) == ("AAA", "x-0")


def test_a_pull_the_desk_died_in_is_told_as_failed(desk: Desk) -> None:
    """At the next start, by the desk."""
    with desk.warehouse.transaction() as tx:
        tx.execute(
            'INSERT INTO pulls (pull_id, dataset, state, started_at, "trigger", simulated) '
            "VALUES ('p', 'prices.daily', 'running', ?, 'schedule', FALSE)",
            [desk.now()],
        )
    assert pulls.close_orphans(desk.warehouse, desk.now()) == 1
    (event,) = told(desk, "pull")
    assert (event["kind"], event["subject"], event["actor"]) == (
        "pull.failed",
        "prices.daily",
        "desk",
    )


def test_columns_nobody_knows_are_told_once(desk: Desk) -> None:
    """The store tells which of them are new."""
    with desk.warehouse.transaction() as tx:
        first = pulls.add_schema_changes(tx, "p", "d", desk.now(), "unknown", ["a", "b", "a"])
        again = pulls.add_schema_changes(tx, "q", "d", desk.now(), "unknown", ["b", "c"])
    assert (first, again) == (["a", "b"], ["c"])


def test_a_file_that_was_imported_is_told_with_its_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever brought it."""
    path = desk.settings.data_dir / given_files.INCOMING / "bars.csv"
    path.parent.mkdir()
    path.write_text(
        "symbol,session,open,high,low,close,volume,mood\nAAA,2026-11-25,1,2,1,2,100,glad\n"
    )
    monkeypatch.setattr(desk.roster, "current", lambda who: who)
    with access.acting(Principal("issuer", "1", "ann", Role.ANALYST)):
        commands.run(desk, "import", {"dataset": "prices.daily", "path": path.name})
    kinds = {event["kind"]: event for event in told(desk)}
    assert set(kinds) == {"schema.drift", "pull.done"}
    assert kinds["schema.drift"]["after"]["columns"] == ["mood"]
    done = kinds["pull.done"]
    assert (done["actor"], done["after"]["rows_inserted"]) == ("ann", 1)
    assert done["message"] == "prices.daily: 1 rows inserted, 0 updated"
    assert events.last_of(desk.warehouse, ["pull.done"]) is not None
