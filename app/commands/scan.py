"""Commands about gaps: scan and backtest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json
from core.errors import UsageError

Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Session.")]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        help="min_gap_pct=4, max_gap_pct, min_rvol, min_price, max_price, min_dollar_volume; "
        "repeat, or several in one.",
    ),
]
Dataset = Annotated[str | None, typer.Option("--dataset", help="Daily prices to scan.")]
MOST_EXCLUDED = 15


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(scan)
    cli.command()(backtest)


def scan(
    date: Day = None, filters: Filter = None, dataset: Dataset = None, json: Json = False
) -> None:
    """Gap candidates of a session (default: the latest), and what was left out."""
    with runner.reported():
        chosen = parse_filters(filters or [])
    runner.run(
        "scan",
        json=json,
        render=_print_scan,
        date=date.date() if date else None,
        filters=chosen,
        dataset=dataset,
    )


def parse_filters(pairs: list[str]) -> dict[str, float]:
    """`k=v` words as numbers; UsageError names the one that is not."""
    chosen: dict[str, float] = {}
    for word in (w for pair in pairs for w in pair.replace(",", " ").split()):
        key, sign, value = word.partition("=")
        try:
            chosen[key.strip()] = float(value)
        except ValueError:
            raise UsageError(
                f"--filter {word!r} is not key=number", hint="for example min_gap_pct=4"
            ) from None
        if not sign:
            raise UsageError(f"--filter {word!r} is not key=number")
    return chosen


def _print_scan(document: dict[str, Any], out: Console) -> None:
    state = "provisional" if document["provisional"] else "official open"
    out.print(f"[bold]{document['date']}[/] · {state} · {document['names']} names")
    table = Table(box=None, header_style="dim")
    price = "last" if document["provisional"] else "open"
    for heading in (
        "symbol",
        "gap %",
        price,
        "in ATR",
        "rvol",
        "type",
        "score",
        "grade",
        "catalyst",
    ):
        table.add_column(
            heading, justify="left" if heading in ("symbol", "type", "catalyst") else "right"
        )
    for row in document["candidates"]:
        titles = [item["title"] for item in row["catalysts"]]
        table.add_row(
            row["symbol"],
            f"{row['gap_pct']:+.2f}",
            _number(row["open"]),
            _signed(row["gap_atr"]),
            _number(row["rvol"]),
            row["gap_type"] or "",
            _number(row["score"], 1),
            _graded(row),
            titles[0] if titles else _without(row),
        )
    out.print(table if document["candidates"] else "no candidates")
    for row in document["excluded"][:MOST_EXCLUDED]:
        size = "n/a" if row["gap_pct"] is None else f"{row['gap_pct']:+.2f} %"
        out.print(f"[dim]left out[/] {row['symbol']} {size}: {row['reason']}", highlight=False)
    rest = len(document["excluded"]) - MOST_EXCLUDED
    if rest > 0:
        out.print(f"[dim]and {rest} more[/]")


def _graded(row: dict[str, Any]) -> str:
    """The grade, and what became of its report where it does not stand as filed."""
    grade = row["grade"] or "–"
    return grade if row["status"] in (None, "as filed") else f"{grade} {row['status']}"


def _without(row: dict[str, Any]) -> str:
    return "filings not stored" if "catalyst" in row["left_out"] else "none found"


def _number(value: float | None, digits: int = 2) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None) -> str:
    return "n/a" if value is None else f"{value:+.2f}"


def backtest(
    filters: Filter = None,
    side: Annotated[str, typer.Option(help="follow or fade the gap.")] = "follow",
    stop_atr: Annotated[float, typer.Option(help="Stop, in ATR.")] = 1.5,
    target_r: Annotated[float, typer.Option(help="Target, in R.")] = 2.0,
    hold: Annotated[int, typer.Option(help="Sessions held at most.")] = 5,
    cost_bps: Annotated[float, typer.Option(help="Costs a side, in basis points.")] = 5.0,
    by: Annotated[
        str,
        typer.Option(help="size, direction, weekday, catalyst, grade, gap_type, story or all."),
    ] = "size",
    dataset: Dataset = None,
    json: Json = False,
) -> None:
    """What trading the signal would have done: entry at the open after, costs, no look-ahead."""
    with runner.reported():
        chosen = parse_filters(filters or [])
    runner.run(
        "backtest",
        json=json,
        render=_print_backtest,
        filters=chosen,
        side=side,
        stop_atr=stop_atr,
        target_r=target_r,
        hold_sessions=hold,
        cost_bps=cost_bps,
        by=by,
        dataset=dataset,
    )


def _print_backtest(document: dict[str, Any], out: Console) -> None:
    out.print(
        f"[bold]{document['trades']} trades[/] {document['from']} to {document['to']}: "
        f"{document['total_r']:+.1f} R, worst drawdown {document['max_drawdown_r']:.1f} R"
    )
    table = Table(box=None, header_style="dim")
    for heading in ("bucket", "n", "mean R", "95 % interval", "win %", "profit factor"):
        table.add_column(heading, justify="left" if heading == "bucket" else "right")
    for row in document["buckets"]:
        first = next(iter(row.values()))
        interval = f"{_number(row['low_r'])} to {_number(row['high_r'])}"
        table.add_row(
            str(first),
            str(row["n"]),
            _number(row["mean_r"]),
            interval,
            _number(row["win_pct"], 1),
            _number(row["profit_factor"]),
        )
    out.print(table)
    out.print(
        f"[dim]variants tried: {document['variants_tried']}; the chance that one of them looks "
        f"good by luck is {document['chance_of_false_find_pct']} %[/]"
    )
