"""Plans and the journal through the use cases, on a real store in a temporary folder."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from core.domain.trading import ledger
from core.errors import IntegrityError, NotFoundError, OpenbellError, UsageError, ValidationError
from core.service.desk import Desk
from core.service.gaps.market_view import session_after
from core.service.kernel import commands, exports
from core.service.trading import journal, journal_jobs, plans, settling
from core.service.trading.current_book import approved_plans, current_book
from core.service.trading.plans import Ask

START = date(2017, 1, 3)


def sessions(count: int) -> list[date]:
    return [session_after(START, n) for n in range(count)]


def bars_of(symbol: str, count: int = 80, *, last: dict[str, float] | None = None) -> pl.DataFrame:
    """Bars that climb a little each session; the last one gaps up 5 % unless told otherwise."""
    days = sessions(count)
    close = [50 + 0.05 * i + (0.6 if i % 2 else 0.0) for i in range(count)]
    frame = pl.DataFrame(
        {
            "symbol": symbol,
            "session": days,
            "open": [c - 0.1 for c in close],
            "high": [c + 0.5 for c in close],
            "low": [c - 0.6 for c in close],
            "close": close,
            "volume": [1_000_000 + 1000 * i for i in range(count)],
            "pull_id": "test",
        }
    )
    final = {"open": close[-2] * 1.05, "high": close[-2] * 1.07, "low": close[-2] * 1.04}
    final |= {"close": close[-2] * 1.06} | (last or {})
    return frame.with_columns(
        pl.when(pl.col("session") == days[-1]).then(pl.lit(v)).otherwise(pl.col(k)).alias(k)
        for k, v in final.items()
    ).with_columns(pl.col("volume").cast(pl.Int64))


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """A desk with two names, one with sound and one with broken prices on the last session."""
    frame = pl.concat(
        [bars_of("AAA"), bars_of("BBB"), bars_of("BAD", last={"low": 99.0, "volume": 5})]
    )
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", frame)
    return desk


def rows(desk: Desk) -> tuple[int, ...]:
    names = ("plans", "plan_events", "journal_entries", "journal_postings", "journal_head")
    return tuple(desk.warehouse.read(f"SELECT count(*) FROM {name}").item() for name in names)


def test_plan_has_the_documented_shape(filled: Desk) -> None:
    """The command's JSON has every key of interface.md, twelve checks in order, and explains."""
    document = commands.run(filled, "plan", {"symbol": "aaa"}).document
    plan, verdict = document["plan"], document["verdict"]
    needed = "symbol direction entry_type entry stop targets shares risk reward_risk notional"
    assert set(needed.split()) | {"gap_through_risk_r"} <= set(plan)
    assert [check["limit"] for check in verdict["checks"]] == [
        "daily_loss",
        "risk_per_trade",
        "position",
        "gross_exposure",
        "net_exposure",
        "positions",
        "sector",
        "correlation",
        "drawdown",
        "exclusions",
        "liquidity",
        "filing_grade",
    ]
    assert verdict["decision"] == "approve"
    assert plan["direction"] == "long"
    assert all(plan["explained"].values())
    assert rows(filled) == (0, 0, 0, 0, 0)


def test_approval_posts_in_one_go(filled: Desk) -> None:
    """An approval freezes the plan and posts opening balance and commitment."""
    item = plans.approve(filled, Ask("AAA"), "looks right")
    assert item.state == "approved"
    assert [i.entry.kind for i in journal.entries(filled)] == ["opening", "commitment"]
    assert journal.prove(filled)["differences"] == []
    plans.cancel(filled, item.plan_id, "not today")
    with pytest.raises(ValidationError, match="decided on already"):
        plans.approve(filled, Ask("AAA"), "again")


def test_settling_twice_changes_nothing(filled: Desk) -> None:
    """Fills and marks come from the bars once; settling again posts nothing."""
    item = plans.approve(filled, Ask("AAA"), "go")
    first = settling.settle_all(filled)
    before = rows(filled)
    again = settling.settle_all(filled)
    assert first["plans"][0]["posted"] >= 2
    assert again["plans"][0]["posted"] == 0
    assert rows(filled) == before
    assert plans.stored(filled, item.plan_id).state == "filled"
    assert journal.prove(filled)["differences"] == []


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (Ask("BAD"), "flagged prices"),
        (Ask("AAA", date=START), "flagged prices"),
        (Ask("AAA", date=date(2017, 1, 1)), "stale"),
        (Ask("NONE"), "no prices"),
        (Ask("AAA", risk_pct=Decimal(5)), "above the limit"),
        (Ask("AAA", stop_pct=Decimal(-1)), "must be above 0"),
        (Ask("AAA", stop_atr_multiple=Decimal("NaN")), "must be above 0"),
        (Ask("AAA", entry_type="vwap"), "no vwap entry"),
        (Ask("AAA", entry_type="opening_range"), "no opening range entry"),
    ],
)
def test_impossible_plans_write_nothing(filled: Desk, ask: Ask, reason: str) -> None:
    """Flagged or stale prices, nonsense and levels without data are refused with the reason."""
    for use in (plans.approve, plans.reject):
        with pytest.raises(OpenbellError, match=reason):
            use(filled, ask, "try")
    assert rows(filled) == (0, 0, 0, 0, 0)


def test_a_stale_name_is_refused(filled: Desk) -> None:
    """A name without a bar on the store's latest session is stale."""
    with filled.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("OLD", 79))
    with pytest.raises(ValidationError, match="stale"):
        plans.propose(filled, Ask("OLD"))


def test_unbalanced_entries_write_nothing(filled: Desk) -> None:
    """An entry that does not balance is refused at the command's edge with the difference."""
    lines = [
        {"account": "assets:cash", "debit": "10.00"},
        {"account": "equity:gift", "credit": "9.99"},
    ]
    with pytest.raises(ValidationError, match=r"does not balance.*0\.01"):
        commands.run(filled, "journal_post", {"lines": lines, "memo": "slip"})
    with pytest.raises(UsageError):
        commands.run(filled, "journal_post", {"lines": [{"account": 5}], "memo": "slip"})
    with pytest.raises(ValidationError, match="two postings"):
        commands.run(filled, "journal_post", {"lines": lines[:1], "memo": "slip"})
    assert rows(filled) == (0, 0, 0, 0, 0)


def test_positions_cannot_be_posted_by_hand(filled: Desk) -> None:
    """Accounts that follow plans are closed to manual entries."""
    lines = [
        {"account": "assets:positions:AAA", "debit": 10},
        {"account": "assets:cash", "credit": 10},
    ]
    with pytest.raises(ValidationError, match="moves with plans only"):
        commands.run(filled, "journal_post", {"lines": lines, "memo": "slip"})


def test_money_in_and_out(filled: Desk) -> None:
    """Deposits and withdrawals move equity to the cent."""
    commands.run(filled, "journal_deposit", {"amount": "250.25", "date": START})
    commands.run(filled, "journal_withdraw", {"amount": "0.25", "date": START})
    assert journal.summary(filled)["equity"] == Decimal("100250.00")
    with pytest.raises(ValidationError, match="whole cents"):
        commands.run(filled, "journal_deposit", {"amount": "0.001"})
    with pytest.raises(ValidationError, match="above zero"):
        commands.run(filled, "journal_deposit", {"amount": "-5"})


def test_fill_close_and_reverse(filled: Desk) -> None:
    """Fills by hand trade within the day's range; a reversal takes them back exactly."""
    item = plans.approve(filled, Ask("AAA"), "go")
    with pytest.raises(ValidationError, match="did not trade"):
        journal.fill(filled, item.plan_id, Decimal(1))
    made = journal.fill(filled, item.plan_id, item.plan.entry)
    equity = journal.summary(filled)["equity"]
    day = item.plan.session
    out = journal.close(filled, item.plan_id, item.plan.entry, 10, day)
    assert out[0].number == made[-1].number + 1
    journal.reverse(filled, out[0].number, "typed the wrong price")
    assert journal.summary(filled)["equity"] == equity
    with pytest.raises(ValidationError, match="reversed already"):
        journal.reverse(filled, out[0].number, "twice")
    assert journal.prove(filled)["differences"] == []


def test_cancel_releases(filled: Desk) -> None:
    """A cancelled plan no longer counts in the book."""
    item = plans.approve(filled, Ask("AAA"), "go")
    plans.cancel(filled, item.plan_id, "changed my mind")
    assert current_book(filled, filled.warehouse, item.plan.session).holdings == ()
    with pytest.raises(ValidationError, match="only a waiting one"):
        plans.cancel(filled, item.plan_id, "again")
    with pytest.raises(NotFoundError):
        plans.cancel(filled, "nothing", "")


def test_a_changed_plan_is_not_approved(filled: Desk) -> None:
    """What is approved is what was shown: another fingerprint is refused."""
    with pytest.raises(ValidationError, match="not the one that was shown"):
        plans.approve(filled, Ask("AAA"), "go", expected="0" * 64)
    assert rows(filled) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE journal_postings SET debit = debit + 1 WHERE entry_no = 1 AND line = 1",
        "UPDATE journal_postings SET debit = debit * 2, credit = credit * 2 WHERE entry_no = 1",
        "DELETE FROM journal_entries WHERE entry_no = 1",
        "DELETE FROM journal_postings WHERE entry_no = 2",
        "UPDATE journal_entries SET memo = 'nothing to see' WHERE entry_no = 2",
        "DELETE FROM journal_head",
    ],
)
def test_tampering_is_found_on_reading(filled: Desk, tamper: str) -> None:
    """An entry changed or taken out behind the journal's back is found and named."""
    plans.approve(filled, Ask("AAA"), "go")
    with filled.warehouse.transaction() as tx:
        tx.execute(tamper)
    with pytest.raises(IntegrityError):
        journal.entries(filled)
    with pytest.raises(IntegrityError):
        plans.approve(filled, Ask("BBB"), "go")


def test_a_changed_plan_body_is_found(filled: Desk) -> None:
    """A plan is frozen: its body must still have its fingerprint."""
    plans.approve(filled, Ask("AAA"), "go")
    with filled.warehouse.transaction() as tx:
        tx.execute("UPDATE plans SET body = replace(body, '\"shares\": ', '\"shares\": 9')")
    with pytest.raises(IntegrityError, match="changed"):
        approved_plans(filled, filled.warehouse)


def test_limits_hold_over_plans(filled: Desk) -> None:
    """A second plan in the same sector is shrunk or rejected when the first has used the limit."""
    known = {"symbol": ["AAA", "BBB"], "sector": ["Energy"] * 2, "pull_id": ["t"] * 2}
    with filled.warehouse.transaction() as tx:
        tx.insert("universe", pl.DataFrame(known))
    first = plans.approve(filled, Ask("AAA"), "go")
    second = plans.propose(filled, Ask("BBB"))
    checks = {check.limit: check for check in second.verdict.checks}
    assert checks["sector"].used <= checks["sector"].allowed
    assert checks["sector"].used == first.plan.notional + second.plan.notional


def test_exports(filled: Desk) -> None:
    """Plans and journal are exportable frames with money as decimals."""
    plans.approve(filled, Ask("AAA"), "=cmd()")
    frame = exports.frame_of(filled, "journal")
    assert frame.schema["debit"] == pl.Decimal(18, 2)
    assert frame["debit"].sum() == frame["credit"].sum()
    assert exports.frame_of(filled, "plans").height == 1
    assert b"\n=cmd" not in exports.encode(exports.frame_of(filled, "plans"), "csv")


def test_numbers_have_no_gaps_after_failures(filled: Desk) -> None:
    """A refused entry uses up no number."""
    commands.run(filled, "journal_deposit", {"amount": 1, "date": START})
    with pytest.raises(ValidationError):
        commands.run(filled, "journal_withdraw", {"amount": 0})
    commands.run(filled, "journal_deposit", {"amount": 1, "date": START + timedelta(days=1)})
    assert [i.number for i in journal.entries(filled)] == [1, 2, 3]
    ledger.verify(journal.entries(filled))


def test_many_writers_leave_no_gap(filled: Desk) -> None:
    """Entries posted from several threads at once are numbered without a gap."""
    from concurrent.futures import ThreadPoolExecutor

    journal.deposit(filled, Decimal(1), START)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: journal.deposit(filled, Decimal(n), START), range(1, 13)))
    numbers = [item.number for item in journal.entries(filled)]
    assert numbers == list(range(1, 15))


def test_a_withdrawal_that_strains_a_limit_is_refused(filled: Desk) -> None:
    """Cash that the limits rest on stays in; nothing is written."""
    item = plans.approve(filled, Ask("AAA"), "go")
    before = rows(filled)
    with pytest.raises(ValidationError, match="limit would be exceeded"):
        journal.withdraw(filled, Decimal(60_000), item.plan.session)
    assert rows(filled) == before


def test_commands_answer_with_documents(filled: Desk) -> None:
    """Every trading command gives a JSON-able document, before and after a trade."""
    from app.run import dumps

    for _ in range(2):
        for name in ("plans", "risk", "journal", "journal_trades", "journal_prove"):
            assert dumps(commands.run(filled, name, {}).document)
        arguments = {"symbol": "AAA", "approve_because": "go"}
        if not filled.warehouse.read("SELECT count(*) FROM plans").item():
            document = commands.run(filled, "plan", arguments).document
            assert document["stored"]["state"] == "approved"
        assert dumps(commands.run(filled, "journal_settle", {}).document)


def test_the_settling_job_proves_the_journal(filled: Desk) -> None:
    """After new prices plans are settled and balances recomputed; a difference is an error."""
    assert journal_jobs.settle_and_prove(filled) == {"plans": 0, "posted": 0}
    plans.approve(filled, Ask("AAA"), "go")
    assert journal_jobs.settle_and_prove(filled)["posted"] > 0


def test_opening_range_and_vwap_come_from_minute_bars(filled: Desk) -> None:
    """With minute bars stored the other entry types are levels of these bars."""
    day = sessions(80)[-1]
    first = datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC)
    opened = filled.warehouse.read(
        "SELECT open FROM bars_daily WHERE symbol = 'AAA' ORDER BY session DESC LIMIT 1"
    ).item()
    minutes = pl.DataFrame(
        {
            "symbol": "AAA",
            "ts": [first + timedelta(minutes=n) for n in range(6)],
            "open": opened,
            "high": [opened + 0.1 * n + 0.05 for n in range(6)],
            "low": opened - 0.05,
            "close": opened + 0.02,
            "volume": [100, 200, 300, 400, 500, 600],
            "phase": "regular",
            "pull_id": "test",
        }
    )
    with filled.warehouse.transaction() as tx:
        tx.insert("bars_minute", minutes)
    levels = {
        kind: float(plans.propose(filled, Ask("AAA", entry_type=kind)).plan.entry)
        for kind in ("opening_range", "vwap", "pullback")
    }
    assert levels["opening_range"] == pytest.approx(opened + 0.45, abs=0.006)
    assert opened < levels["vwap"] < levels["opening_range"]
    assert levels["pullback"] < opened
