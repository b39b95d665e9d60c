"""The brief as a sheet: its document, as the command gives it, in words and drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from components.kit import formats
from components.paper.brief_candidates import candidates
from components.paper.sheet import (
    Block,
    Column,
    Grid,
    Heading,
    Paragraph,
    Sheet,
    Text,
    Tone,
    Words,
)
from core.domain.timetable import sessions as calendar

Document = Mapping[str, Any]
NOTHING_YET = "No dataset has rows yet: there is nothing to check. Pull the daily bars first."
CALM = "Nothing stands in the way: data are in, hosts answer, no limit is near."
WARNING_PCT = 80.0
SEVERITIES: Mapping[str, Tone] = {"critical": "red", "error": "red", "warning": "amber"}


def instant(value: Any) -> datetime:
    """An instant of the document: JSON has it as text."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def day(value: Any) -> date:
    """A day of the document."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def sheet(document: Document, zone: str = formats.MARKET_ZONE) -> Sheet:
    """The brief as a sheet, times in a zone."""
    at = instant(document["at"])
    session = document["session"]
    title = "Brief before the open"
    if session is not None:
        title = f"Brief for {formats.day(day(session))}"
    marks = [f"as of {formats.when(at, zone)}", *_turn(document, at)]
    if document["provisional"]:
        before = at < instant(document["opens_at"])
        stands = "provisional, from the last prints" if before else "from the opens of the session"
        marks.append(f"{stands} ({document['print_source']})")
    if document["simulated"]:
        marks.append("simulated data")
    blocks: list[Block] = [
        *_problems(document["problems"], zone, known=bool(document["data"])),
        *candidates(document, zone),
        *_filings(document, zone),
        *_book(document),
        *_data(document["data"], zone),
    ]
    foot = f"Openbell · {title} · as of {formats.utc(at)} · not investment advice"
    return Sheet(title, (" · ".join(marks),), foot, at, tuple(blocks))


def _turn(document: Document, at: datetime) -> Iterator[str]:
    if document["opens_at"] is not None:
        left = (instant(document["opens_at"]) - at).total_seconds()
        if left > 0:
            yield f"opens in {formats.duration(left)}"
        elif calendar.hours_of(day(document["session"]))[1] <= at:
            yield "the session is over"


def _problems(found: Sequence[Document], zone: str, *, known: bool) -> Iterator[Block]:
    yield Heading(("Problems first",))
    if not found:
        yield Paragraph((CALM if known else NOTHING_YET,))
        return
    columns = (Column("", share=1.4), Column("Where", share=3), Column("What", share=9))
    yield Grid(
        columns,
        [
            (
                Words(item["severity"], bold=True, tone=SEVERITIES.get(item["severity"], "")),
                item["subject"],
                formats.sentence(formats.localised(item["message"], zone)),
            )
            for item in found
        ],
    )


def _filings(document: Document, zone: str) -> Iterator[Block]:
    yield Heading(("Filings since the close",))
    since = formats.when(instant(document["since"]), zone)
    found = document["filings"]
    if not found:
        yield Paragraph((f"None of the followed companies since {since}.",))
        return
    yield Paragraph((Words(f"Of followed companies, since {since}.", tone="quiet"),))
    columns = (
        Column("Accepted", share=2.4),
        Column("Symbol", share=1.2),
        Column("Company", share=3),
        Column("Form", share=1.2),
        Column("What", share=4.5),
    )
    yield Grid(columns, [_filing(item, zone) for item in found])


def _filing(item: Document, zone: str) -> Sequence[Text]:
    accepted = item["accepted_at"]
    return (
        formats.when(instant(accepted), zone) if accepted else formats.NOTHING,
        Words(item["symbol"] or formats.NOTHING, bold=True),
        item["name"] or formats.NOTHING,
        Words(item["form"], href=item["url"]),
        item["title"] or "",
    )


def _book(document: Document) -> Iterator[Block]:
    yield Heading(("Plans and limits",))
    plans, currency = document["plans"], document["currency"]
    if plans:
        yield Grid(
            (
                Column("Symbol", share=1.1),
                Column("Session", share=1.9),
                Column("Side", share=0.9),
                Column("Shares", "right", 1.1),
                Column("Entry", "right", 1.1),
                Column("Stop", "right", 1.1),
                Column(f"Risk, {currency}", "right", 1.3),
                Column("State", share=1.6),
                Column("Why", share=4),
            ),
            [_plan(item) for item in plans],
        )
    else:
        yield Paragraph(("No plan waits, none is open.",))
    book = document["book"]
    if book is None:
        yield Paragraph(("No prices yet, so no book.",))
        return
    money = formats.money(book["equity"], currency, 0)
    yield Paragraph((f"Equity {money} on {formats.day(day(book['session']))}.",))
    yield Grid(
        (
            Column("Limit", share=2),
            Column("Used, %", "right", 1),
            Column("In words", share=8),
        ),
        [_limit(check) for check in book["limits"]],
    )


def _plan(item: Document) -> Sequence[Text]:
    state = item["state"] + (", provisional" if item["provisional"] else "")
    return (
        Words(item["symbol"], bold=True),
        formats.day(day(item["session"])),
        item["direction"],
        formats.number(item["shares"]),
        formats.price(item["entry"]),
        formats.price(item["stop"]),
        formats.number(item["risk"], 2),
        state,
        item["outcome"] or item["reason"] or "",
    )


def _limit(check: Document) -> Sequence[Text]:
    used, allowed = check["used"], check["allowed"]
    name = formats.LIMITS.get(check["limit"], check["limit"])
    if allowed <= 0:
        return Words(str(name), bold=True), formats.NOTHING, check["sentence"]
    share = 100 * used / allowed
    tone: Tone = "red" if not check["ok"] else "amber" if share >= WARNING_PCT else ""
    return Words(str(name), bold=True), Words(f"{share:.0f}", tone=tone), check["sentence"]


def _data(found: Sequence[Document], zone: str) -> Iterator[Block]:
    yield Heading(("What the data reach up to",))
    if not found:
        yield Paragraph(("No dataset has rows yet.",))
        return
    columns = (
        Column("Dataset", share=2),
        Column("Data up to", share=3),
        Column("State", share=1.2),
        Column("Last good pull", share=2.5),
    )
    yield Grid(columns, [_dataset(item, zone) for item in found])


def _dataset(item: Document, zone: str) -> Sequence[Text]:
    until, pulled = item["data_until"], item["pulled"]
    reached = formats.reach(instant(until), item["sessions_behind"], zone) if until else "–"
    state = item["freshness"]
    return (
        Words(item["dataset"], bold=True),
        Words(reached, tone="amber" if item["sessions_behind"] else ""),
        Words(state, tone="amber" if state in ("overdue", "failing") else ""),
        formats.when(instant(pulled), zone) if pulled else formats.NOTHING,
    )
