"""The candidates of the brief: the list by rank, and the first ones at length with charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from components.kit import formats
from components.paper import drawing
from components.paper.drawing import Candle, Drawing
from components.paper.sheet import (
    Block,
    Column,
    Drawings,
    Grid,
    Heading,
    Kept,
    Paragraph,
    Text,
    Tone,
    Words,
)

Document = Mapping[str, Any]
VERDICTS: Mapping[str, Tone] = {"approve": "up", "shrink": "amber", "reject": "red"}


def candidates(document: Document, zone: str) -> Iterator[Block]:
    """The list, and each candidate that is told at length."""
    yield Heading(("Candidates",))
    scan, rows = document["scan"], document["candidates"]
    if scan is None:
        yield Paragraph((formats.sentence(document["no_scan"] or "no scan"),))
        return
    yield Paragraph((Words(_filters(scan), tone="quiet"),))
    if not rows:
        yield Paragraph(("No name passes the filters.",))
        return
    yield Grid(
        (
            Column("", "right", 0.5),
            Column("Symbol", share=1.1),
            Column("Company", share=3),
            Column("Gap, %", "right", 1.1),
            Column("Last", "right", 1.2),
            Column("In ATR", "right", 1),
            Column("Rel. vol.", "right", 1.1),
            Column("Score", "right", 0.9),
            Column("Grade", share=1.5),
            Column("Why", share=4),
        ),
        [_row(row) for row in rows],
    )
    for row in rows:
        if row["detail"] is not None:
            yield Kept(tuple(_at_length(document, row, zone)))


def _filters(scan: Document) -> str:
    limits = scan["filters"]
    moves = "move" if scan["left_out"] == 1 else "moves"
    return (
        f"{scan['candidates']:,} of {scan['names']:,} names; {scan['left_out']:,} more {moves} "
        f"left out. Filters: |gap| {limits['min_gap_pct']:g} to {limits['max_gap_pct']:g} %, "
        f"relative volume from {limits['min_rvol']:g}, price {limits['min_price']:g} to "
        f"{limits['max_price']:g}, {formats.compact(limits['min_dollar_volume'])} traded or more."
    )


def signed(value: float | None, digits: int = 2) -> Words:
    """A number with its sign, in the colour of its direction."""
    if value is None:
        return Words("n/a", tone="quiet")
    text = formats.signed_number(value, digits)
    return Words(text, tone="up" if value >= 0 else "down")


def _number(value: float | None, digits: int = 2) -> Text:
    return Words("n/a", tone="quiet") if value is None else f"{value:,.{digits}f}"


def _row(row: Document) -> Sequence[Text]:
    return (
        str(row["rank"]),
        Words(row["symbol"], bold=True),
        row["name"] or "",
        signed(row["gap_pct"]),
        formats.price(row["open"]),
        signed(row["gap_atr"]),
        _number(row["rvol"], 1),
        _number(row["score"], 0),
        _graded(row),
        _short_why(row),
    )


def _graded(row: Document) -> Text:
    grade, status = row["grade"] or "NR", row["status"]
    said = grade if status in (None, "as filed") else f"{grade}, {status}"
    return Words(said, tone="red" if status == "withdrawn" or grade in "DF" else "")


def _short_why(row: Document) -> Text:
    first = next(iter(row["catalysts"]), None)
    if first is not None:
        return str(first["title"])
    unknown = "catalyst" in (row["left_out"] or "")
    return Words("filings not stored" if unknown else "none found", tone="quiet")


def _at_length(document: Document, row: Document, zone: str) -> Iterator[Block]:
    gap = signed(row["gap_pct"])
    printed = ""
    if row["provisional"] and row["last_print_at"]:
        at = formats.clock(_instant(row["last_print_at"]), zone)
        printed = f"  {row['prints'] or 0:,} prints, {at} {formats.zone_label(zone)}"
    head = f"{row['symbol']}  "
    name = Words(f"{row['name'] or ''}  ", tone="quiet")
    size = Words(f"{gap.text} %  ", bold=True, tone=gap.tone)
    price = Words(f"{formats.price(row['open'])}", bold=True)
    yield Heading((head, name, size, price, Words(printed, tone="quiet")), 2)
    yield Paragraph((Words("Why  ", bold=True), *_why(row, zone)))
    if row["says"]:
        yield Paragraph(_says(row["says"]))
    yield Paragraph((Words("Score  ", bold=True), _score(row)))
    detail = row["detail"]
    yield Paragraph((Words("Similar gaps  ", bold=True), _similar(row["symbol"], detail)))
    yield Paragraph((Words("Plan  ", bold=True), *_plan(detail["plan"], document["currency"])))
    for note in row["notes"]:
        who = Words(f"  {note['who']}, {formats.when(_instant(note['at']), zone)}", tone="quiet")
        yield Paragraph((Words("Note  ", bold=True), note["text"], who))
    drawn = tuple(_drawings(row["symbol"], detail, zone))
    if drawn:
        yield Drawings(drawn)


def _why(row: Document, zone: str) -> Iterator[Text]:
    if not row["catalysts"]:
        yield _short_why(row)
    for place, item in enumerate(row["catalysts"]):
        yield "; " if place else ""
        yield Words(item["form"], href=item["url"] or "")
        yield f" {item['title']}, {formats.when(_instant(item['accepted_at']), zone)}"
    if row["grade"]:
        reason = f": {row['status_reason']}" if row["status_reason"] else ""
        yield f". Grade {row['grade']}, {row['status'] or 'as filed'}{reason}"


def _says(found: Document) -> tuple[Text, ...]:
    """The first lines of the filing behind the gap, in its own words."""
    kind = "press release" if found["kind"].startswith("EX-99") else found["kind"]
    said = " ".join(formats.sentence(line) for line in found["text"].split("\n"))
    return (Words("It says  ", bold=True), f"“{said}” ", Words(kind, href=found["url"]))


def _score(row: Document) -> str:
    parts = [
        f"{name} {part['value']:.0f} gives {part['points']:.1f}"
        for name, part in row["components"].items()
        if part["value"] is not None
    ]
    lacks = f"; without {row['left_out']}: no data" if row["left_out"] else ""
    rests = f"rests on {row['evidence_pct']:.0f} % of the weights"
    return f"{row['score']:.1f}: {', '.join(parts)}{lacks}; {rests}"


def _similar(symbol: str, detail: Document) -> str:
    found = detail["similar"]
    if found is None:
        return "the move is too small to be looked at as a gap"
    if not found["n"]:
        return f"{symbol} has had none before"
    few = "; few: do not lean on it" if found["n"] < 30 else ""
    worst = found["median_excursion_pct"]
    against = "" if worst is None else f", median move against the fill {worst:.1f} %"
    return f"{found['n']} before, {found['filled_same']} filled in the session{against}{few}"


def _plan(found: Document, currency: str) -> Iterator[Text]:
    if found["refused"]:
        yield Words(f"none: {found['refused']}", tone="amber")
        return
    plan, verdict = found["plan"], found["verdict"]
    word = found.get("state") or verdict["decision"]
    yield Words(word, bold=True, tone=VERDICTS.get(word, ""))
    targets = " · ".join(formats.price(level) for level in plan["targets"])
    yield (
        f"  {plan['direction']} {plan['shares']:,} shares, entry {formats.price(plan['entry'])}, "
        f"stop {formats.price(plan['stop'])}, targets {targets or formats.NOTHING}, risk "
        f"{formats.money(plan['risk'], currency, 0)}"
    )
    reasons = [found["because"]] if "state" in found else verdict["reasons"]
    notes = [note for note in (plan.get("similar_note"), *reasons) if note]
    if notes:
        yield Words(f". {' '.join(map(formats.sentence, notes))}", tone="quiet")


def _drawings(symbol: str, detail: Document, zone: str) -> Iterator[Drawing]:
    """The pre-market by the minute where it is stored, and the days before."""
    planned = detail["plan"]
    lines: dict[str, float] = {}
    if not planned["refused"]:
        plan = planned["plan"]
        lines = {"entry": plan["entry"], "stop": plan["stop"]}
        lines |= {f"{n}R": level for n, level in enumerate(plan["targets"][:2], 1)}
    levels = detail["levels"]
    close = {"prior close": levels["prior close"]} if "prior close" in levels else {}
    minutes = detail["minutes"]
    if minutes is not None and minutes["bars"]:
        rows, opens = minutes["bars"], _instant(minutes["opens_at"])
        early = sum(_instant(row[0]) < opens for row in rows)
        yield drawing.candles(
            [_candle(_clock(row[0], zone), row) for row in rows],
            close | lines,
            finding=f"{symbol} by {minutes['step']} min, {formats.zone_label(zone)}",
            shaded=early,
        )
    if detail["days"]:
        yield drawing.candles(
            [_candle(_short_day(row[0]), row) for row in detail["days"]],
            levels if minutes else levels | lines,
            finding=f"{symbol}, {len(detail['days'])} sessions",
        )


def _candle(time: str, row: Sequence[Any]) -> Candle:
    return Candle(time, *row[1:])


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _clock(value: Any, zone: str) -> str:
    return f"{_instant(value).astimezone(ZoneInfo(zone)):%H:%M}"


def _short_day(value: Any) -> str:
    found = value if isinstance(value, date) else date.fromisoformat(value)
    return f"{found.day} {found:%b}"
