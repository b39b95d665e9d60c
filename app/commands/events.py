"""The command about what happened."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when
from core.observe.escaping import escape


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(events)


def events(
    since: Annotated[
        str | None, typer.Option(help="From an instant on, ISO; without a zone it is UTC.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="A kind (pull.failed) or a group of them (pull); may be repeated."),
    ] = None,
    severity: Annotated[
        list[str] | None,
        typer.Option(help="info, warning, error or critical; may be repeated."),
    ] = None,
    subject: Annotated[str | None, typer.Option(help="What it happened to.")] = None,
    after: Annotated[
        str | None, typer.Option(help="What followed the event of this id, oldest first.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Older than the event of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most events shown.")] = 100,
    json: Json = False,
) -> None:
    """What happened on the desk, newest first."""
    asked: dict[str, Any] = {
        "since": since,
        "kind": kind,
        "severity": severity,
        "subject": subject,
        "after": after,
        "before": before,
        "limit": limit,
    }
    given = {name: value for name, value in asked.items() if value not in (None, [])}
    runner.run("events", json=json, render=_print, **given)


def _print(document: dict[str, Any], console: Console) -> None:
    if not document["events"]:
        console.print("Nothing happened that matches.")
        return
    table = Table("at", "severity", "kind", "what", "by", box=None)
    for event in document["events"]:
        table.add_row(
            when(event["at"]),
            event["severity"],
            event["kind"],
            escape(event["message"]),
            escape(event["actor"]),
        )
    console.print(table)
    if document["next"]:
        console.print(f"More of them: --before {document['next']}", markup=False)
