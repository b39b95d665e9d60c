"""The command `brief`: the morning before the open on paper, as HTML, PDF or JSON."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app import run as runner
from app.options import STREAM, Json
from core.errors import UsageError
from core.service.kernel.results import CommandResult

ENDINGS = (".html", ".pdf")


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(brief)


def brief(
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="T", help="As of that instant; New York time without a zone."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A .html or .pdf file; - writes HTML to stdout.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=50, help="Candidates told at length.")] = 8,
    json: Json = False,
) -> None:
    """The brief before the open: problems, candidates with why and charts, filings, plans, data."""
    with runner.asked() as call:
        ending = _ending(out)
        result = call.call("brief", at=_instant(at), most=most)
        if out is None:
            runner.show(result, json=json, render=_print)
            return
        body = written(result.document, ending)
        if str(out) == STREAM:
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
            return
        from core.service.kernel.exports import save_bytes

        save_bytes(body, out.absolute())
        made = CommandResult({"file": str(out.absolute()), "bytes": len(body)}, 0)
        runner.show(made, json=json, render=_print_file)


def written(document: dict[str, Any], ending: str) -> bytes:
    """The brief as the bytes of an HTML or PDF file."""
    from components.paper import brief as paper

    sheet = paper.sheet(document)
    if ending == ".pdf":
        from components.paper import pdf

        return pdf.document(sheet)
    from components.paper import html

    return html.document(sheet).encode()


def _instant(at: str | None) -> datetime | None:
    from core import clock

    return None if at is None else clock.instant(at)


def _ending(out: Path | None) -> str:
    if out is None or str(out) == STREAM:
        return ".html"
    ending = out.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{out.name}: the ending must be one of {', '.join(ENDINGS)}")
    return ending


def _print(document: dict[str, Any], out: Console) -> None:
    """The brief in short; what it looks like whole is for --out."""
    when = "provisional" if document["provisional"] else "official"
    out.print(f"[bold]{document['session'] or 'no session'}[/] · {when} · as of {document['at']}")
    for item in document["problems"]:
        out.print(f"{item['severity']}: {item['subject']}: {item['message']}", markup=False)
    for row in document["candidates"]:
        titles = [item["title"] for item in row["catalysts"]]
        why = titles[0] if titles else "no filing found"
        out.print(
            f"{row['rank']:>3} {row['symbol']:<6} {row['gap_pct']:+.2f} %  score "
            f"{row['score']:.0f}  {why}",
            markup=False,
        )
    out.print(
        f"{len(document['filings'])} filings since the close, {len(document['plans'])} plans; "
        "whole with --out brief.html or brief.pdf"
    )


def _print_file(document: dict[str, Any], out: Console) -> None:
    out.print(f"{document['file']}: {document['bytes']:,} bytes", markup=False)
