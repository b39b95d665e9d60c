"""The brief that goes out by itself before the open: an event with its lines, told as an alert."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe.events import DESK, Event
from core.service.brief import gather
from core.service.kernel.handlers import handler
from core.service.pulls import filling
from core.store import events

if TYPE_CHECKING:
    from core.service.desk import Desk

MOST_LINES = 25  # of a part
RESTS_ON = ("bars_daily", "bars_minute", "companies", "filings", "facts")
OF_USE = timedelta(hours=1)  # from when it is due: to the open, by default


@handler("brief")
async def announce(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Make the brief of now and tell of it, once for the instant that the job stands for.

    In the middle of a first fill it is put off, until the open at the latest: it would say that
    nothing gaps and nothing was filed, of a desk that does not know yet.
    """
    due = str(job.payload.get("due_at") or job.id)
    missing = await asyncio.to_thread(_awaited, desk, job)
    if missing:
        context.report(f"put off: {', '.join(missing)} is being pulled for the first time")
        await asyncio.to_thread(filling.put_off, desk, job, f"filling:{due}")
        return {"put_off": missing}
    return await asyncio.to_thread(tell, desk, due)


def _awaited(desk: Desk, job: Job) -> list[str]:
    due = job.payload.get("due_at")
    if due is None or desk.now() >= datetime.fromisoformat(due) + OF_USE:
        return []
    return filling.filling(desk, RESTS_ON)


def tell(desk: Desk, due: str) -> dict[str, Any]:
    """Store the event of the brief that was due then; nothing when it is stored already."""
    with desk.warehouse.transaction() as tx:
        if events.told(tx, "brief.made", [due]):
            return {"told": False}
    found = gather.gather(desk, most=1)
    lines = list(said(found))
    counts = {name: len(found[name]) for name in ("problems", "candidates", "filings", "plans")}
    sentence = (
        f"before the open: {counts['problems']} problems, {counts['candidates']} candidates, "
        f"{counts['filings']} filings since the close, {counts['plans']} plans"
    )
    after = {**counts, "lines": lines}
    with desk.warehouse.transaction() as tx:
        if events.told(tx, "brief.made", [due]):
            return {"told": False}
        event = Event.of("brief.made", due, sentence, who=DESK, after=after)
        events.add(tx, [event], desk.now())
    return {"told": True, **counts}


def said(found: Mapping[str, Any]) -> Iterator[str]:
    """The brief as lines of text: problems first."""
    yield from _part("Problems", [_problem(item) for item in found["problems"]])
    candidates = [_candidate(item) for item in found["candidates"]]
    yield from _part("Candidates", candidates or [str(found["no_scan"] or "none")])
    yield from _part("Filings since the close", [_filing(item) for item in found["filings"]])
    yield from _part("Plans", [_plan(item) for item in found["plans"]])
    book = found["book"] or {"limits": []}
    full = [x for x in book["limits"] if not x["ok"] or x["used"] >= x["allowed"] > 0]
    yield from _part("Limits that are full or exceeded", [str(x["limit"]) for x in full])


def _part(title: str, lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"{title}:"
    yield from (f"  {line}" for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        yield f"  and {len(lines) - MOST_LINES} more"


def _problem(item: Mapping[str, Any]) -> str:
    return f"{item['severity']}: {item['subject']}: {item['message']}"


def _candidate(item: Mapping[str, Any]) -> str:
    gap = "" if item["gap_pct"] is None else f" {item['gap_pct']:+.1f} %"
    score = "" if item.get("score") is None else f", score {item['score']:.0f}"
    grade = f", grade {item['grade']}" if item.get("grade") else ""
    return f"{item['rank']}. {item['symbol']}{gap}{score}{grade}"


def _filing(item: Mapping[str, Any]) -> str:
    return f"{item['symbol'] or item['name']}: {item['form']} {item['title'] or ''}".rstrip()


def _plan(item: Mapping[str, Any]) -> str:
    return (
        f"{item['symbol']} {item['direction']} {item['shares']:,} at {item['entry']:.2f}, "
        f"stop {item['stop']:.2f}, {item['state']}"
    )
