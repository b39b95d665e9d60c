"""Commands that machines ask: gate, features, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app import run as runner
from app.options import Json
from core.observe.escaping import escape


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(gate)
    cli.command()(features)
    cli.command()(publish)


def gate(
    most_doubtful: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of rated reports that may be D or F.")
    ] = 10.0,
    json: Json = False,
) -> None:
    """Whether the data may be used; 3 where a gate is closed."""
    runner.run("gate", json=json, render=_print_gates, most_doubtful_pct=most_doubtful)


def features(
    cik: Annotated[int | None, typer.Option("--cik", help="One company.")] = None,
    form: Annotated[str | None, typer.Option("--form", help="One form, e.g. 10-K.")] = None,
    json: Json = False,
) -> None:
    """What the feature records hold, with a digest (export features writes them)."""
    runner.run("features", json=json, render=_print_features, cik=cik, form=form)


def publish(
    target: Annotated[
        str | None,
        typer.Option(
            "--target", help="Folder, or s3://NAME/PREFIX; default: published in the data folder."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--apply", help="Only say what would be written.")
    ] = True,
    json: Json = False,
) -> None:
    """The tables to hand on as one archive: the same rows make the same bytes."""
    where: dict[str, Any] = {}
    if target and target.startswith("s3://"):
        where = {"bucket": target}
    elif target:
        where = {"target": Path(target).absolute()}
    runner.run("publish", json=json, render=_print_published, apply=not dry_run, **where)


def _print_gates(document: dict[str, Any], console: Console) -> None:
    for item in document["gates"]:
        word = "open" if item["passed"] else "closed"
        console.print(escape(f"{word:7}{item['gate']}: {item['message']}"), markup=False)


def _print_features(document: dict[str, Any], console: Console) -> None:
    console.print(f"{document['rows']:,} records of {document['companies']:,} companies")
    console.print(f"rule set {document['ruleset']}, sha256 {document['sha256']}", markup=False)


def _print_published(document: dict[str, Any], console: Console) -> None:
    for name, table in document["tables"].items():
        console.print(f"{name}: {table['rows']:,} rows")
    verb = "written" if document["applied"] else "would be written (--apply does it)"
    console.print(f"{document['file']}: {document['bytes']:,} bytes, {verb}", markup=False)
    console.print(f"sha256 {document['sha256']}", markup=False)
