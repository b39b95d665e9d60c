"""Widgets: what each shows, what may be asked of it, and how Workspace is told (`widgets.json`).

    @table("gap_scan", "Gap scan", GAPS, columns=[…], params=[…])
    def gap_scan(desk: Desk, *, date: date | None = None) -> pl.DataFrame: …

Arguments are validated by their annotations like those of commands; a viewer may see each widget.
The fields are those of Workspace's own reference of the file, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar

import polars as pl

from core.domain.access.principals import Role
from core.service.desk import Desk
from core.service.kernel.registry import Registry, UseCaseEntry

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["table", "chart", "metric", "markdown", "newsfeed"]
Cell = Literal["text", "number", "boolean", "dateString"]
MOST = 1000  # rows of one widget
SERVER = "openbell"  # what the assistants' server of the desk is called where tools are matched
MINUTE = 60_000  # milliseconds
_FITS: dict[str, tuple[int, int]] = {  # width and height on Workspace's grid of 40 columns
    "table": (20, 12), "chart": (20, 14), "metric": (20, 5), "markdown": (20, 9),
    "newsfeed": (20, 14),
}  # fmt: skip
widget = Registry("widget")
WIDGETS: dict[str, Widget] = {}


@dataclass(frozen=True, slots=True)
class WidgetColumn:
    """A column of a table; `decimals` are shown of a number, `percent` puts its sign behind it."""

    field: str
    header: str
    cell: Cell = "text"
    decimals: int | None = None
    percent: bool = False
    pinned: bool = False
    signed: bool = False  # green above, red below
    leads: str = ""  # a click gives this parameter of the widgets beside it the cell's value
    width: int | None = None
    tooltip: str = ""

    def document(self) -> dict[str, Any]:
        """As Workspace reads it."""
        made: dict[str, Any] = {
            "field": self.field,
            "headerName": self.header,
            "cellDataType": self.cell,
            "chartDataType": "series" if self.cell == "number" else "category",
        }
        if self.cell == "number":
            made["formatterFn"] = "percent" if self.percent else _written(self.decimals)
            made |= {} if self.decimals is None else {"decimalPlaces": self.decimals}
        if self.leads:
            group = {"actionType": "groupBy", "groupBy": {"paramName": self.leads}}
            made |= {"renderFn": "cellOnClick", "renderFnParams": group}
        elif self.signed:
            made["renderFn"] = "greenRed"
        made |= {"pinned": "left"} if self.pinned else {}
        made |= {"width": self.width} if self.width else {}
        made |= {"headerTooltip": self.tooltip} if self.tooltip else {}
        return made


def _written(decimals: int | None) -> str:
    return "int" if decimals == 0 else "none"


@dataclass(frozen=True, slots=True)
class Param:
    """What may be asked of a widget. `options` are chosen from; `ask_for` is where they are told.

    `default` is a value, or a function of the desk that gives one.
    """

    name: str
    label: str
    description: str
    type: Literal["text", "number", "boolean", "date", "endpoint"] = "text"
    default: Any = None
    options: Sequence[str] = ()
    ask_for: str = ""

    def document(self, desk: Desk) -> dict[str, Any]:
        """As Workspace reads it."""
        made: dict[str, Any] = {
            "paramName": self.name,
            "type": self.type,
            "label": self.label,
            "description": self.description,
            "value": self.default(desk) if callable(self.default) else self.default,
            "show": True,
        }
        if self.options:
            made["options"] = [{"label": value, "value": value} for value in self.options]
        if self.ask_for:
            made |= {"optionsEndpoint": self.ask_for, "style": {"popupWidth": 450}}
        return made


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget; its name is where its data are asked for, below the backend's address."""

    name: str
    title: str
    category: str
    kind: Kind
    entry: UseCaseEntry
    columns: Sequence[WidgetColumn] = ()
    params: Sequence[Param] = ()
    tool: str = ""  # the assistants' tool that tells the same
    fresh_minutes: int = 15
    raw: bool = False  # of a chart: whether its numbers can be had as rows

    def document(self, desk: Desk) -> dict[str, Any]:
        """As Workspace reads it."""
        width, height = _FITS[self.kind]
        told = "Simulated data. " if desk.settings.simulated else ""
        made: dict[str, Any] = {
            "name": self.title,
            "description": told + (self.entry.function.__doc__ or "").strip().partition("\n")[0],
            "category": self.category,
            "type": self.kind,
            "endpoint": self.name,
            "gridData": {"w": width, "h": height, "minW": 10, "minH": 4},
            "params": [param.document(desk) for param in self.params],
            "source": ["Openbell (simulated)" if desk.settings.simulated else "Openbell"],
            "refetchInterval": self.fresh_minutes * MINUTE,
            "staleTime": self.fresh_minutes * MINUTE // 3,
        }
        if self.columns:
            columns = [column.document() for column in self.columns]
            made["data"] = {"table": {"showAll": True, "columnsDefs": columns}}
        if self.kind == "chart":
            made["raw"] = self.raw
        if self.tool:
            made["mcp_tool"] = {"mcp_server": SERVER, "tool_id": self.tool}
        return made


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of Plotly as the mapping of its JSON, and the numbers that it is drawn of."""

    figure: Mapping[str, Any]
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)


def table(
    name: str,
    title: str,
    category: str,
    *,
    columns: Sequence[WidgetColumn],
    params: Sequence[Param] = (),
    tool: str = "",
    fresh_minutes: int = 15,
) -> Callable[[F], F]:
    """Declare a table; the function gives a frame that has the columns, and may have others."""
    more = {"columns": columns, "params": params, "tool": tool, "fresh_minutes": fresh_minutes}
    return _declare(name, title, category, "table", **more)


def other(
    name: str,
    title: str,
    category: str,
    kind: Kind,
    *,
    params: Sequence[Param] = (),
    tool: str = "",
    raw: bool = False,
) -> Callable[[F], F]:
    """Declare what is no table: a Chart, a text of Markdown, or a list of metrics or news."""
    return _declare(name, title, category, kind, params=params, tool=tool, raw=raw)


def _declare(name: str, title: str, category: str, kind: Kind, **more: Any) -> Callable[[F], F]:
    def declare(function: F) -> F:
        widget(name, needs=Role.VIEWER)(function)
        WIDGETS[name] = Widget(name, title, category, kind, widget.entries[name], **more)
        return function

    return declare


def shown(found: Widget, result: Any, *, raw: bool) -> Any:
    """What is sent of a function's result: plain rows, a figure, a text or a list."""
    if isinstance(result, Chart):
        return rows_of(result.rows) if raw and found.raw else dict(result.figure)
    if isinstance(result, pl.DataFrame):
        return rows_of(result.select(column.field for column in found.columns))
    return result


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Flat rows of JSON, 1,000 at most: numbers as numbers (amounts rounded as they are held)."""
    rows = frame.head(MOST).to_dicts()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return value if value is None or isinstance(value, str | bool | int | float) else float(value)
