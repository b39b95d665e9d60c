"""Stories on Plans, Risk and Journal under AppTest."""

from __future__ import annotations

import pytest

from components.kit import once
from components.kit import saved_views as views
from components.parts import overview
from core.service.desk import Desk
from core.service.lists import notes
from core.service.trading import journal, plans, settling
from core.service.trading.current_book import approved_plans
from core.service.trading.plans import Ask
from tests.opened import listed, opened
from tests.shown import tables
from tests.unit.service.trading.test_journal_service import bars_of


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """A desk with one sound and one broken name."""
    once.forget()
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
        tx.insert("bars_daily", bars_of("BAD", last={"low": 99.0}))
    return desk


def test_a_candidate_becomes_a_plan_by_its_address(traded: Desk) -> None:
    """?symbol= draws plan, verdict and limits; approving it posts to the journal."""
    at = opened("plans", symbol="AAA")
    assert at.error == []
    shares = int(at.metric[0].value.replace(",", ""))
    assert shares > 0
    at.text_input(key="reason").set_value("gap and go")
    next(b for b in at.button if b.label == f"Approve {shares:,} shares in hindsight").click().run()
    assert not at.exception
    assert [i.entry.kind for i in journal.entries(traded)] == ["opening", "commitment"]
    plan_id = next(iter(approved_plans(traded, traded.warehouse)))
    assert at.selectbox(key="plan").value == plan_id


def test_a_plan_is_proposed_and_decided_on_later(traded: Desk) -> None:
    """It waits under Waiting with who proposed it, until somebody approves it there."""
    at = opened("plans", symbol="AAA")
    next(b for b in at.button if b.label == "Propose").click().run()
    assert "waits for a decision" in at.success[0].value
    assert traded.warehouse.read("SELECT count(*) FROM plans").item() == 0
    at = opened("plans", view="Waiting")
    at.text_input(key="waiting_reason").set_value("sound")
    next(b for b in at.button if b.label == "Approve it").click().run()
    assert not at.exception
    assert traded.warehouse.read("SELECT symbol FROM plans").item() == "AAA"
    assert at.error == []


def test_sliders_size_the_plan(traded: Desk) -> None:
    """Less risk and a wider stop make a smaller plan."""
    at = opened("plans", symbol="AAA")
    before = int(at.metric[0].value.replace(",", ""))
    at.slider(key="risk").set_value(0.1).run()
    assert int(at.metric[0].value.replace(",", "")) < before


def test_a_flagged_name_says_why(traded: Desk) -> None:
    """No plan on flagged prices: the reason is on the page, and nothing to approve."""
    at = opened("plans", symbol="BAD")
    assert "flagged prices" in at.error[0].value
    assert not [b for b in at.button if b.label.startswith("Approve")]


def test_a_rejection_needs_a_reason(traded: Desk) -> None:
    """Without a reason nothing is written."""
    at = opened("plans", symbol="AAA")
    next(b for b in at.button if b.label == "Reject").click().run()
    assert "needs a reason" in at.error[0].value
    assert traded.warehouse.read("SELECT count(*) FROM plans").item() == 0


def test_a_press_decides_on_what_it_stood_beside(traded: Desk) -> None:
    """Prices that came in since the page was drawn are told, and nothing is written."""
    at = opened("plans", symbol="AAA")
    with traded.warehouse.transaction() as tx:
        tx.execute("UPDATE bars_daily SET open = open * 1.01 WHERE symbol = 'AAA' AND open > 55")
    next(b for b in at.button if b.label.startswith("Approve")).click().run()
    (said,) = [error.value for error in at.error]
    assert said.startswith("**The decision was not made.** The plan is not the one that was shown")
    assert traded.warehouse.read("SELECT count(*) FROM plans").item() == 0


def test_risk_and_journal_show_the_trade(traded: Desk) -> None:
    """With a settled plan, every view of the pages draws without an error."""
    item = plans.approve(traded, plans.Ask("AAA"), "go")
    for name, parts in (
        ("risk", ("",)),
        ("journal", ("Results", "Entries", "Trial balance")),
        ("plans", ("Decided",)),
    ):
        for view in parts:
            assert opened(name, **({"view": view} if view else {})).error == [], (name, view)
    settling.settle_all(traded)
    at = opened("journal", view="Trial balance")
    assert "Proven" in at.success[0].value
    assert opened("plans", view="Decided", plan=item.plan_id).error == []


def test_settling_says_what_came_of_it(traded: Desk) -> None:
    """A press that changed no plan says so, and up to which day bars are stored."""
    plans.approve(traded, plans.Ask("AAA"), "go")
    at = opened("plans", view="Decided")
    said = []
    for _ in range(2):
        next(b for b in at.button if b.label == "Settle by stored bars").click().run()
        said += [toast.value for toast in at.toast]
    assert said[0].startswith("1 plan settled by the bars stored, to ")
    assert said[1].startswith("No plan changed by the bars stored, to ")


def test_what_is_said_in_words_is_a_click_away(
    traded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentences of a plan, its checks and the limits are drawn once their boxes are open."""
    closed = opened("plans", symbol="AAA")
    assert not any("why" in table for table in tables(closed))
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = opened("plans", symbol="AAA")
    assert ["limit", "ok", "why"] in [list(table.columns) for table in tables(at)]
    assert len(at.markdown) == len(closed.markdown) + 1
    risk = tables(opened("risk"))
    assert ["limit", "why"] in [list(table.columns) for table in risk]


def test_an_entry_is_taken_back_from_its_box(traded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form to reverse an entry stands in its box, and posts the reversal."""
    plans.approve(traded, plans.Ask("AAA"), "go")
    assert not [b for b in opened("journal", view="Entries").button if b.label == "Reverse it"]
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = opened("journal", view="Entries")
    at.number_input(key="reverse_no").set_value(len(journal.entries(traded)))
    at.text_input(key="reverse_reason").set_value("wrong")
    next(b for b in at.button if b.label == "Reverse it").click().run()
    assert not at.exception


def test_the_journal_has_the_notes_of_its_names(traded: Desk) -> None:
    """Beside the plan of that day; notes on other names are on their own pages."""
    day = plans.propose(traded, plans.Ask("AAA")).plan.session
    notes.write(traded, "AAA", "wait for the *second* test", day)
    notes.write(traded, "BAD", "never", day)
    item = plans.approve(traded, plans.Ask("AAA"), "sound")
    (row,) = listed(opened("journal", view="Notes"), "notes")
    assert (row["symbol"], row["plan_id"]) == ("AAA", item.plan_id)
    assert row["text"] == "wait for the *second* test"
    assert row["state"] == "approved"


def test_a_journal_without_notes_says_where_to_write_one(traded: Desk) -> None:
    """Not an empty table."""
    plans.approve(traded, plans.Ask("AAA"), "sound")
    at = opened("journal", view="Notes")
    assert any("No note on a name of the journal" in text.value for text in at.markdown)


def test_without_a_symbol_the_candidates_lead_to_their_plans(traded: Desk) -> None:
    """Nobody has to know a name by heart: each of the session's is the way to its plan."""
    with traded.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("GAP", last={"volume": 5_000_000}))
    at = opened("plans")
    assert [row["symbol"] for row in listed(at, "to_plan")] == ["GAP"]
    assert any('href="/plans?symbol=GAP"' in html.proto.body for html in at.get("html"))


def test_the_overview_warns_of_limits_as_the_plan_does(
    traded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In amber from four fifths on; blue is what can be pressed."""
    monkeypatch.setattr(overview, "_has_rows", lambda *_: True)
    plans.approve(traded, Ask("AAA"), "gap and go")
    (limits,) = [h for h in opened("overview").get("html") if "limits" in h.proto.body]
    assert 'class="bar orange"' in limits.proto.body  # the risk of one trade is used up
    assert not opened("overview").get("progress")


def test_without_prices_a_plan_says_what_to_pull(desk: Desk) -> None:
    """It told to choose a symbol where there is none to choose."""
    once.forget()
    at = opened("plans")
    assert any("There are no prices yet." in item.value for item in at.markdown)
    assert not at.selectbox  # nothing to choose, to date or to size above it
    assert not at.date_input
