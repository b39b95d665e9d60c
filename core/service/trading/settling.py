"""Settling: approved plans walk over the stored bars, and stop where the prices are in doubt.

A move that looks like a split or another corporate action without one on record is a question, not
a result: a plan is settled up to the session before, and goes on once the action is imported or
the move is confirmed. An action that comes late reopens what was settled without it: the entries
from there on are reversed, and posted right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.domain.gaps import catalysts
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import measure as gaps
from core.domain.gaps.bars import is_sound, spelled
from core.domain.gaps.flags import Flag
from core.domain.symbols import one_spelling
from core.domain.timetable import sessions as calendar
from core.domain.trading import ledger
from core.domain.trading.ledger import JournalEntry, Numbered
from core.domain.trading.order_basis import Action
from core.domain.trading.plans import Plan
from core.domain.trading.settlement import Settled, settle
from core.domain.trading.trades import Bar
from core.errors import UsageError
from core.service.gaps import evidence as evidence_of
from core.service.gaps import market_view
from core.service.gaps import session as scan_inputs
from core.service.kernel.access import needs
from core.service.trading import limit_events, openings
from core.service.trading.held_past import HeldPast, held_past
from core.store import journal as store
from core.store import plans as plan_store
from core.store import settling as memory
from core.store.plans import StoredPlan
from core.store.settling import SettledMark
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

LATE = "a corporate action came late"
DOUBTFUL = Flag.SUSPECTED_SPLIT | Flag.ACTION | Flag.SUSPECTED_ACTION | Flag.FOREIGN_CASH
LOOK_BACK = timedelta(days=45)  # what the judgement of a move needs before it
MOVES = {"session": pl.Date, "prior_close": pl.Float64, "open": pl.Float64, "reason": pl.String}
RUNNING = frozenset({plan_store.WAITING, plan_store.OPEN})
UNASKED_RATIO = 1.45  # from here on a move near a split's ratio is asked about, whatever its volume


@dataclass(frozen=True, slots=True)
class Question:
    """A move that settlement does not pass without an answer."""

    plan_id: str
    symbol: str
    session: date
    sentence: str


@needs(Role.TRADER)
def settle_all(desk: Desk, through: date | None = None) -> dict[str, Any]:
    """Walk every approved plan over the stored bars and post what is new; again changes nothing.

    Per plan: plan_id, state, posted, by_hand, reversed, question (None: there is none) and notes
    (what was other at its entry, and what splits and special dividends made of its orders).
    """
    until = through or market_view.latest_session(desk.warehouse, desk.now())
    posted: list[dict[str, Any]] = []
    with desk.warehouse.transaction() as tx:
        opened = openings.open_due(desk, tx)
        journal, marks = store.read(tx), memory.marks(tx)
        for item in plan_store.load(tx):
            if item.plan.session <= until and item.state != "rejected":
                found = _settle_one(desk, tx, item, journal, until, marks.get(item.plan_id))
                posted += [found] if found else []
        if posted or opened:
            limit_events.tell(desk, tx, until)
    return {"through": until, "plans": posted, "at_open": openings.told(opened)["at_open"]}


def _settle_one(
    desk: Desk,
    tx: Transaction,
    item: StoredPlan,
    journal: Sequence[Numbered],
    until: date,
    mark: SettledMark | None,
) -> dict[str, Any] | None:
    running = item.state in RUNNING
    past = None if mark is None else _past(desk, tx, item, mark.through)
    late = past is not None and mark is not None and mark.actions != _digest(past.actions)
    if past and not late:
        memory.keep_rates(tx, item.plan_id, past.rates, desk.now())
    if not running and not late:
        return None
    asked = question(desk, tx, item, until)
    last = asked.session - timedelta(days=1) if asked else until
    found = replay_plan(desk, tx, item, last)
    standing = [i for i in ledger.live(journal) if i.entry.plan_id == item.plan_id]
    have = [i for i in standing if i.entry.kind != "commitment"]
    same = _same_entries(have, found.entries)
    answer = {"plan_id": item.plan_id, "state": item.state, "posted": 0, "reversed": 0,
              "by_hand": False, "question": asked.sentence if asked else None,
              "notes": list(found.notes)}  # fmt: skip
    if _by_hand(journal, item) or (same < len(have) and not late):
        return answer | {"by_hand": True}
    undone = [ledger.reversal(i, LATE) for i in reversed(have[same:])]
    fresh = found.entries[same:]
    store.append(tx, [*undone, *fresh], desk.now())
    state = _state_after(found, plan_store.WAITING if undone else item.state)
    why = (LATE if undone else found.state, *found.notes)
    _tell(desk, tx, item, state, why, [e.memo for e in fresh if e.kind.endswith("_fill")])
    _remember(desk, tx, item, last, mark)
    done = answer | {"state": state, "posted": len(fresh), "reversed": len(undone)}
    return done if state in RUNNING else done | {"question": None}  # it was over by then


def _tell(
    desk: Desk,
    tx: Transaction,
    item: StoredPlan,
    state: str,
    why: tuple[str, ...],
    fills: Sequence[str],
) -> None:
    """Keep the new state, or what moved the plan, with why: what was told is not told again."""
    untold = any(note not in (item.outcome or "") for note in why[1:])
    same = state == item.state
    if not same or untold or fills:
        reason, detail = "; ".join(why), "; ".join(fills)
        plan_store.add_event(tx, item.plan_id, state, reason, desk.now(), same=same, detail=detail)


def _remember(
    desk: Desk, tx: Transaction, item: StoredPlan, last: date, mark: SettledMark | None
) -> None:
    past = _past(desk, tx, item, last)
    memory.keep_rates(tx, item.plan_id, past.rates, desk.now())
    now = SettledMark(last, _digest(past.actions))
    if now != mark:
        memory.put_mark(tx, item.plan_id, now, desk.now())


def _same_entries(have: Sequence[Numbered], found: Sequence[JournalEntry]) -> int:
    """How many entries at the head of a plan's journal are as found now."""
    same = 0
    for posted, entry in zip(have, found, strict=False):
        if posted.entry != entry:
            break
        same += 1
    return same


def _by_hand(journal: Iterable[Numbered], item: StoredPlan) -> bool:
    """Whether a reader filled, closed or reversed something of the plan."""
    mine = [i.entry for i in journal if i.entry.plan_id == item.plan_id]
    undone = any(e.kind == "reversal" and not e.memo.endswith(f": {LATE}") for e in mine)
    closed = any(e.kind == "exit_fill" and e.memo.endswith("(by hand)") for e in mine)
    return undone or closed or item.state == "cancelled" or "by hand" in (item.outcome or "")


def _past(desk: Desk, reader: store.Reader, item: StoredPlan, until: date) -> HeldPast:
    rates = memory.kept_rates(reader, item.plan_id)
    return held_past(desk, reader, item.plan, until, rates)


def _digest(actions: Sequence[Action]) -> str:
    lines = [f"{a.ex_date} {a.kind} {a.value.normalize():f}" for a in actions]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16] if lines else ""


def replay_plan(desk: Desk, reader: store.Reader, item: StoredPlan, until: date) -> Settled:
    """What a plan posts over the bars from its session to a day."""
    past = _past(desk, reader, item, until)
    return settle(
        openings.ticket_of(desk, item),
        _as_opened(past.bars, item),
        past.actions,
        desk.settings.hold_sessions,
        desk.settings.borrow_pct,
    )


def _as_opened(bars: list[Bar], item: StoredPlan) -> list[Bar]:
    """The bars as the entry was filled: at the open that was told then, whatever a later bar says
    of it.
    """
    if item.opening is None or not bars:
        return bars
    day, price = item.opening.plan.session, float(item.opening.opened.price)
    if bars[0].session == day:
        return [replace(bars[0], open=price), *bars[1:]]
    return [Bar(day, price, price, price, price), *bars]


def _state_after(found: Settled, state: str) -> str:
    over = {"stopped": "closed", "targets": "closed", "closed": "closed", "open": plan_store.OPEN}
    return over.get(found.state, found.state if found.state in plan_store.OVER else state)


def notes(desk: Desk, plan_id: str) -> tuple[str, ...]:
    """What moved a plan since its approval, before → after, a sentence each."""
    until = market_view.latest_session(desk.warehouse, desk.now())
    found = plan_store.load(desk.warehouse, plan_id)
    return replay_plan(desk, desk.warehouse, found[0], until).notes if found else ()


def questions(desk: Desk) -> list[Question]:
    """The moves that plans wait for an answer to, oldest first."""
    until = market_view.latest_session(desk.warehouse, desk.now())
    running = [
        item
        for item in plan_store.load(desk.warehouse)
        if item.state in RUNNING and item.plan.session <= until
    ]
    asked = (question(desk, desk.warehouse, item, until) for item in running)
    return sorted((one for one in asked if one), key=lambda one: (one.session, one.plan_id))


def question(desk: Desk, reader: store.Reader, item: StoredPlan, until: date) -> Question | None:
    """The first doubtful move of a plan's name after its session, unless it was confirmed."""
    plan = item.plan
    moves = doubtful(desk, reader, plan.symbol, plan.session, until)
    denied = _past(desk, reader, item, until).contradicted
    moves = pl.concat([moves, _denied(desk, reader, plan, denied, until)]).sort("session")
    known = memory.confirmed(reader, plan.symbol)
    for session, before, opened, reason in moves.iter_rows():
        if session not in known:
            return Question(item.plan_id, plan.symbol, session, _sentence(
                plan.symbol, session, (before, opened), reason))  # fmt: skip
    return None


def _sentence(symbol: str, session: date, prices: tuple[float, float], reason: str) -> str:
    before, opened = prices
    return (
        f"{symbol} opened at {opened:,.4g} on {session} after a close of {before:,.4g} ({reason}): "
        "settlement waits. Import the corporate action, or confirm that the price is real: "
        f"journal confirm {symbol} {session} REASON"
    )


def _denied(
    desk: Desk, reader: store.Reader, plan: Plan, splits: Sequence[Action], until: date
) -> pl.DataFrame:
    """session, prior_close, open and reason of splits on record that the bars contradict."""
    bars = market_view.tradable_bars(reader, plan.symbol, plan.session, until)
    rows = []
    for split in splits:
        before = [bar for bar in bars if bar.session < split.ex_date]
        after = [bar for bar in bars if bar.session >= split.ex_date]
        if before and after:
            why = f"a split of {split.value.normalize():f} is on record, but the price did not move"
            rows.append((after[0].session, before[-1].close, after[0].open, why))
    return pl.DataFrame(rows, schema=MOVES, orient="row")


def doubtful(
    desk: Desk, reader: store.Reader, symbol: str, after: date, until: date
) -> pl.DataFrame:
    """session, prior_close, open and reason of moves that look like actions not on record.

    Settlement walks over sound bars alone, so each is judged beside the sound bar before it: a
    split behind a bad print or a missing bar is asked about too.
    """
    bars = reader.read(
        "SELECT symbol, session, open, high, low, close, volume FROM bars_daily "
        "WHERE symbol = ? AND session BETWEEN ? AND ?",
        [symbol, after - LOOK_BACK, until],
    )
    bars = calendar.traded(bars).filter(is_sound()).sort("session")
    days = bars["session"]
    dataset = scan_inputs.dataset_of(desk, None)
    actions = scan_inputs.actions_for(desk, dataset).filter(pl.col("symbol") == symbol)
    rows = gaps.measure(bars, days, actions).filter(pl.col("session") > after)
    if _suspects(rows).is_empty():
        return _suspects(rows)
    evidence = catalysts.evidence(evidence_of.all_catalysts(desk))
    judged = gaps.measure(bars, days, actions, evidence).filter(pl.col("session") > after)
    named = bars.head(1).select(spelled("symbol"))
    explained = evidence.join(named, on="symbol").filter("explains")["session"]
    return _suspects(judged, explained.to_list())


def _suspects(rows: pl.DataFrame, explained: Sequence[date] = ()) -> pl.DataFrame:
    flagged = (pl.col("flags") & int(DOUBTFUL)) != 0
    move = pl.max_horizontal(
        pl.col("open") / pl.col("prior_close"), pl.col("prior_close") / pl.col("open")
    )
    plain = (pl.col("flags") & int(Flag.SPLIT_ADJUSTED | Flag.BAD_BAR | Flag.BAD_BASE)) == 0
    like_split = plain & (move >= UNASKED_RATIO) & gap_flags.near_split(move)
    unexplained = ~pl.col("session").is_in(list(explained))
    why = pl.coalesce(gap_flags.reason(), pl.lit("the ratio is a split's"))
    return (
        rows.filter(flagged | (like_split & unexplained))
        .select("session", "prior_close", "open", reason=why)
        .sort("session")
    )


@needs(Role.TRADER)
def confirm(desk: Desk, symbol: str, session: date, reason: str) -> dict[str, Any]:
    """Confirm that a doubtful move is a real price, and settle on; UsageError when none waits."""
    name = symbol.strip().upper()
    if not reason.strip():
        raise UsageError("a confirmation needs a reason", hint="say where the price was checked")
    asked = (one_spelling(symbol), session)
    waiting = [q for q in questions(desk) if (one_spelling(q.symbol), q.session) == asked]
    if not waiting:
        raise UsageError(
            f"no plan waits for an answer about {name} on {session}",
            hint="journal settle tells what waits",
        )
    with desk.warehouse.transaction() as tx:
        for kept in {q.symbol for q in waiting}:
            memory.confirm(tx, kept, session, reason.strip(), desk.now())
    return settle_all(desk)
