"""One kind of table on all pages: a list of rows, or a grid where a list would be too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from components.kit import formats, grids, lists, narrow, shell
from components.kit.lists import RowLink

SYMBOL_PAGE = "symbol"


def show(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    alt: str,
    key: str = "",
    help: Mapping[str, str] | None = None,
    widths: Mapping[str, int] | None = None,
    rows: int = 15,
    link: RowLink | None = None,
    picked: str | None = None,
) -> None:
    """A table of the named columns (`columns`: name -> heading), at most `rows` tall.

    `help` has tooltips and `widths` pixels of long texts by column name. A row leads where `link`
    says; one that begins with a symbol leads to its page. `picked` is the row that is marked.
    """
    if frame.height > lists.MOST:
        grids.show(frame, columns, alt=alt, key=key or None, help=help, widths=widths, rows=rows)
        return
    first = next(iter(columns))
    if link is None and first in grids.SYMBOLS:
        link = RowLink(SYMBOL_PAGE, SYMBOL_PAGE, first)
    look = lists.ListLook(
        name=key or alt,
        alt=alt,
        columns=columns,
        link=link,
        help=help or {},
        widths=widths or {},
        height=rows,
        labelled=narrow.is_narrow(),
    )
    lists.show(frame, look, picked=picked)


def choose(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    alt: str,
    key: str,
    link: RowLink,
    on_row: Callable[[dict[str, Any]], None],
    picked: str | None = None,
    **look: Any,
) -> None:
    """A table whose row can be picked by its `link`, or in a grid, where `on_row` gets the whole
    row before the page runs again.
    """
    if frame.height > lists.MOST:
        grids.choose(frame, columns, alt=alt, key=key, on_row=on_row, **look)
    else:
        show(frame, columns, alt=alt, key=key, link=link, picked=picked, **look)


def said_at(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The frame with the instants among the words of a column as the reader reads them.

    Some events are about an instant (the brief that was due then); its text is that of a machine.
    """
    zone = shell.zone()
    instants = pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_zone="UTC")
    said = instants.dt.convert_time_zone(zone).dt.strftime("%a %-d %b %H:%M")
    told = said + pl.lit(f" {formats.zone_label(zone)}")
    return frame.with_columns(pl.coalesce(told, column).alias(column))


def localised(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The frame with the instants that the messages of a column tell in the reader's zone."""
    zone = shell.zone()
    said = [text and formats.localised(text, zone) for text in frame[column]]
    return frame.with_columns(pl.Series(column, said, pl.String))
