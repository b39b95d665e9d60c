"""Commands about what is watched: companies (watch add, remove, list), and the inbox."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json
from core.observe.escaping import escape

Companies = Annotated[list[str], typer.Argument(help="Tickers or CIKs.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    watch = typer.Typer(help="Companies followed, by ticker or CIK.", no_args_is_help=True)
    watch.command("add")(watch_add)
    watch.command("remove")(watch_remove)
    watch.command("list")(watch_list)
    cli.add_typer(watch, name="watch")
    cli.command("watch-folder")(watch_folder)


def watch_folder(
    apply: Annotated[bool, typer.Option("--apply", help="Take the files now.")] = False,
    json: Json = False,
) -> None:
    """What waits in the folder inbox of the data folder, and what would become of it."""
    runner.run("watch_folder", json=json, render=_print_files, apply=apply)


def watch_add(companies: Companies, json: Json = False) -> None:
    """Follow companies: their filings and facts are pulled from the SEC."""
    runner.run("watch_add", json=json, render=_print_watch, engine=True, companies=companies)


def watch_remove(companies: Companies, json: Json = False) -> None:
    """Stop following companies; what is stored stays."""
    runner.run("watch_remove", json=json, render=_print_watch, companies=companies)


def watch_list(json: Json = False) -> None:
    """The companies followed."""
    runner.run("watch_list", json=json, render=_print_watch)


def _print_files(document: dict[str, Any], console: Console) -> None:
    for item in document["files"]:
        taken = item.get("taken", item.get("would_be_taken"))
        word = "taken" if document["applied"] else "would be taken"
        said = f"{word} into {item['dataset']}" if taken else f"refused: {item['reason']}"
        console.print(f"{escape(item['file'])}: {escape(said)}", markup=False)
    if not document["files"]:
        console.print(f"Nothing waits in {document['folder']}.", markup=False)


def _print_watch(document: dict[str, Any], console: Console) -> None:
    if not document["companies"]:
        console.print("No companies are followed. Add some: python -m app watch add AAPL MSFT")
        return
    table = Table("ticker", "CIK", "company", "note", box=None)
    for item in document["companies"]:
        name = escape(item["name"] or "—")
        table.add_row(item["symbol"] or "—", str(item["cik"]), name, item["note"] or "")
    console.print(table)
