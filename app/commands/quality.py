"""Commands about trust: grade, reconcile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json
from core.observe.escaping import escape

SHOWN_FILINGS = 40
SHOWN_FINDINGS = 5
COLUMNS = (
    "ticker", "form", "filed", "grade", "status", "revision risk", "score", "coverage", "findings",
)  # fmt: skip


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(grade)
    cli.command()(reconcile)
    cli.command()(filing_text)


def grade(
    ticker: Annotated[str | None, typer.Option("--ticker", help="One company.")] = None,
    cik: Annotated[int | None, typer.Option("--cik", help="One company.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Grade everything anew.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As known on this day (ISO date).")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 when there are critical findings.")
    ] = False,
    json: Json = False,
) -> None:
    """Grade filings: what changed since the last time, or as known on a day."""
    runner.run(
        "grade",
        json=json,
        render=_print_grades,
        ticker=ticker,
        cik=cik,
        all=all_,
        as_of=as_of,
        strict=strict,
    )


def filing_text(
    accession: Annotated[str, typer.Argument(help="Its accession number.")],
    cik: Annotated[int | None, typer.Option("--cik", help="One of several filers.")] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Have it read from the SEC's archive first.")
    ] = False,
    json: Json = False,
) -> None:
    """What a filing says: its first lines, from its press release where it has one."""
    name, render = ("filing_text_read", _print_queued) if read else ("filing_text", _print_text)
    runner.run(name, json=json, render=render, accession=accession, cik=cik)


def _print_queued(document: dict[str, Any], console: Console) -> None:
    console.print(f"It is being read (job {document['queued']}); ask again without --read.")


def _print_text(document: dict[str, Any], console: Console) -> None:
    if document["text"]:
        console.print(f"{document['form']}, {document['kind']}: {document['url']}")
        console.print(escape(document["text"]))
        return
    why = f": {document['reason']}" if document["reason"] else "; --read has it read"
    console.print(escape(f"The text of this {document['form']} is not stored{why}"))


def _print_grades(document: dict[str, Any], console: Console) -> None:
    if not document["filings"]:
        console.print("No filing to grade. Follow companies and pull: python -m app watch add AAPL")
        return
    names = (
        "ticker",
        "form",
        "filed",
        "grade",
        "status",
        "revision risk",
        "score",
        "coverage",
        "findings",
    )
    table = Table(*names, box=None)
    for item in document["filings"][:SHOWN_FILINGS]:
        counted = f"{item['critical'] or 0} / {item['major'] or 0} / {item['minor'] or 0}"
        score = "–" if item["score"] is None else f"{item['score']:.1f}"
        table.add_row(
            item["ticker"] or str(item["cik"]),
            item["form"],
            item["filed"],
            item["grade"],
            item["status"] or "–",
            "–" if (risk := item["revision_risk"]) is None else f"{100 * risk:.0f} %",
            score,
            f"{item['coverage_pct'] or 0:.0f} %",
            counted,
        )
    console.print(table)
    rest = len(document["filings"]) - SHOWN_FILINGS
    if rest > 0:
        console.print(f"and {rest} more; --json gives all of them")
    _print_findings(document["filings"], console)


def _print_findings(filings: list[dict[str, Any]], console: Console) -> None:
    bad = [(f, x) for f in filings for x in f["findings"] if x["severity"] == "critical"]
    for filing, finding in bad[:SHOWN_FINDINGS]:
        text = f"{filing['accession']} {finding['rule']}: {finding['message']}"
        console.print(escape(text), markup=False)


def reconcile(
    against: Annotated[
        Path | None,
        typer.Option("--against", help="A CSV or Parquet file of CIKs and tickers of others."),
    ] = None,
    json: Json = False,
) -> None:
    """Six checks of our copy against itself and its sources; 3 when one is an error."""
    if against is not None:
        path = against.absolute()
        runner.run("reconcile_against", json=json, render=_print_outside, path=path)
        return
    runner.run("reconcile", json=json, render=_print_checks)


def _print_outside(document: dict[str, Any], console: Console) -> None:
    console.print(f"{document['rows']:,} rows, {document['mismatches']:,} mismatches")
    for kind, count in document["by_kind"].items():
        console.print(f"{kind}: {count:,}")
    for item in document["sample"][:SHOWN_FILINGS]:
        which = f"row {item['row']}" if item["row"] else "not there"
        line = f"{which}: {item['kind']}: {item['ticker'] or ''} {item['cik'] or ''}: "
        console.print(escape(line + item["message"]), markup=False)


def _print_checks(document: dict[str, Any], console: Console) -> None:
    for check in document["checks"]:
        line = f"{check['severity']:9}{check['title']}: {check['message']}"
        console.print(escape(line), markup=False)
