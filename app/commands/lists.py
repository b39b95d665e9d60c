"""Commands about what readers keep of names: lists of symbols, and notes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when
from core.observe.escaping import escape

Name = Annotated[str, typer.Argument(help="The list.")]
Symbol = Annotated[str, typer.Argument(help="The name, e.g. AAPL.")]
Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Session.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    lists = typer.Typer(help="Your named lists of symbols.", no_args_is_help=True)
    lists.command("list")(lists_list)
    lists.command("show")(lists_show)
    lists.command("add")(lists_add)
    lists.command("remove")(lists_remove)
    cli.add_typer(lists, name="lists")
    notes = typer.Typer(help="Your notes on names, and marks of the day.", no_args_is_help=True)
    notes.command("list")(notes_list)
    notes.command("write")(notes_write)
    notes.command("mark")(notes_mark)
    cli.add_typer(notes, name="notes")


def lists_list(
    everyones: Annotated[
        bool, typer.Option("--everyones", help="Those of all readers (admins).")
    ] = False,
    json: Json = False,
) -> None:
    """Your lists with their symbols."""
    runner.run("lists", json=json, render=_print_lists, everyones=everyones)


def lists_show(name: Name, json: Json = False) -> None:
    """The symbols of one list, whosever it is."""
    runner.run("lists", json=json, render=_print_lists, name=name)


def lists_add(
    name: Name,
    symbols: Annotated[list[str], typer.Argument(help="Symbols.")],
    json: Json = False,
) -> None:
    """Put symbols on a list, which is made when it is new."""
    runner.run("list_add", json=json, render=_print_lists, name=name, symbols=symbols)


def lists_remove(
    name: Name,
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; none: the list.")] = None,
    json: Json = False,
) -> None:
    """Take symbols off a list, or the list away when none are named."""
    gone = symbols or None
    runner.run("list_remove", json=json, render=_print_lists, name=name, symbols=gone)


def notes_list(
    symbol: Annotated[str | None, typer.Option(help="Of one name.")] = None,
    on: Day = None,
    json: Json = False,
) -> None:
    """Your notes, newest first, and the names that you starred or dismissed."""
    runner.run("notes", json=json, render=_print_notes, symbol=symbol, date=_day(on))


def notes_write(
    symbol: Symbol,
    text: Annotated[str, typer.Argument(help="The note; an empty one takes it away.")],
    on: Day = None,
    json: Json = False,
) -> None:
    """Keep a note on a name and day, in place of the one before."""
    given = {"symbol": symbol, "text": text, "date": _day(on)}
    runner.run("note_write", json=json, render=_print_notes, **given)


def notes_mark(
    symbol: Symbol,
    mark: Annotated[str, typer.Argument(help="star, dismiss or none.")],
    on: Day = None,
    json: Json = False,
) -> None:
    """Star or dismiss a name for a day, or neither."""
    given = {"symbol": symbol, "mark": mark, "date": _day(on)}
    runner.run("note_mark", json=json, render=_print_notes, **given)


def _day(on: datetime | None) -> Any:
    return on.date() if on else None


def _print_lists(document: dict[str, Any], out: Console) -> None:
    if not document["lists"]:
        out.print("No lists. Make one: python -m app lists add NAME AAPL MSFT")
        return
    table = Table("list", "of", "symbols", box=None)
    for item in document["lists"]:
        said = ", ".join(item["symbols"]) or "nothing on it"
        table.add_row(escape(item["name"]), escape(item["owner"]), escape(said))
    out.print(table)


def _print_notes(document: dict[str, Any], out: Console) -> None:
    for symbol, mark in document["marks"].items():
        out.print(f"{symbol}: {'starred' if mark == 'star' else 'dismissed'}", markup=False)
    for note in document["notes"]:
        head = f"{note['symbol']} {note['day']} ({when(note['written_at'])})"
        out.print(f"{head}: {note['text']}", markup=False)
    if not document["notes"] and not document["marks"]:
        out.print("No notes.")
