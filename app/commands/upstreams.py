"""The command about upstream hosts."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when
from core.observe.escaping import escape


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(upstreams)


def upstreams(json: Json = False) -> None:
    """State of each upstream host: closed, open since, next probe, last error."""
    runner.run("upstreams", json=json, render=_print)


def _print(document: dict[str, Any], console: Console) -> None:
    table = Table("host", "source", "state", "since", "next probe", "last error", box=None)
    for item in document["upstreams"]:
        table.add_row(
            item["host"],
            item["source"],
            "blocked" if item["blocked"] else item["state"],
            when(item["since"]),
            when(item["next_probe"]),
            escape(item["last_error"] or ""),
        )
    console.print(table)
