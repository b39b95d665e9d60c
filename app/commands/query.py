"""The command `sql`: rows of one SELECT, for people or as CSV for what comes after a pipe."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import STREAM, Json
from core.observe.escaping import escape

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(sql)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; - reads it from stdin.")],
    limit: Annotated[int, typer.Option(min=1, help="Most rows returned.")] = 10_000,
    json: Json = False,
) -> None:
    """Rows of one read-only SELECT on the store: a table, or CSV where the output is piped.

    The table grades has letters as they hold today, with the status of each filing (a withdrawn
    report is D at most); raw_grades has them as they were rated.
    """
    render = _print_rows if sys.stdout.isatty() else _print_csv
    if query == STREAM:
        query = sys.stdin.read()
    # without rows only the columns tell what was asked: JSON stays the list that it always was
    result = runner.run(
        "sql", json=json, render=render, query=query, limit=limit, with_columns=not json
    )
    rows = len(result.document if json else result.document["rows"])
    if rows >= _most(limit):
        runner.err.print(_cut(rows), markup=False)


def _most(limit: int) -> int:
    from core import settings

    return min(limit, settings.load().sql_max_rows)


def _cut(rows: int) -> str:
    """Said on stderr, so that what is piped is not taken for the whole."""
    return (
        f"these are the first {rows:,} rows, there may be more: raise --limit "
        f"(and OPENBELL_SQL_MAX_ROWS)"
    )


def _print_csv(document: dict[str, Any], _: Console) -> None:
    sys.stdout.write(csv_of(document["columns"], document["rows"]))


def csv_of(names: list[str], rows: list[dict[str, Any]]) -> str:
    """Rows as CSV, whole, the heading also without any; texts guarded, numbers as they are."""
    import polars as pl

    from core.domain.tables.csv_guard import guard

    columns = {name: [_cell(row[name]) for row in rows] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    texts = [name for name, cells in columns.items() if not all(map(_is_number, cells))]
    safe = guard(frame.select(texts))
    safe.columns = texts
    frame = frame.with_columns(safe.get_columns())
    frame.columns = guard(frame.clear()).columns
    return frame.write_csv()


def _is_number(cell: str | None) -> bool:
    return cell is None or _NUMBER.fullmatch(cell) is not None


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return runner.dumps(value).decode()


def _print_rows(document: dict[str, Any], console: Console) -> None:
    if not document["rows"]:
        console.print("No rows.")
        return
    table = Table(*map(escape, document["columns"]), box=None)
    for row in document["rows"]:
        table.add_row(*(escape(str(value)) for value in row.values()))
    console.print(table, markup=False)
