"""What the OpenAPI document says of the backend for OpenBB Workspace."""

from __future__ import annotations

from typing import Any

from app.api import reference
from app.openbb.kernel import WIDGETS, Widget, WidgetColumn
from app.openbb.options import options

_CELLS: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "dateString": {"type": ["string", "null"], "format": "date"},
}
_ROWS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_KINDS: dict[str, dict[str, Any]] = {
    "metric": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["label", "value"],
            "properties": {name: {"type": "string"} for name in ("label", "value", "subvalue")},
        },
    },
    "newsfeed": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["title", "date", "author", "excerpt", "body"],
            "additionalProperties": {"type": "string"},
        },
    },
    "markdown": {"type": "string"},
    "chart": {"anyOf": [{"type": "object", "required": ["data", "layout"]}, _ROWS]},
}
_ADDED = [
    {"name": "theme", "in": "query", "required": False, "description": "dark or light",
     "schema": {"type": "string"}},
    {"name": "raw", "in": "query", "required": False,
     "description": "of a chart: the numbers that it is drawn of", "schema": {"type": "string"}},
]  # fmt: skip


def operations(schemas: dict[str, Any]) -> dict[str, Any]:
    """Path -> method -> operation, of every route of the backend."""
    files = {
        "widgets.json": ("The widgets of the desk, for OpenBB Workspace.", {"type": "object"}),
        "apps.json": ("The widgets laid out as an app, for OpenBB Workspace.", _ROWS),
        **{name: (entry.summary, _ROWS) for name, entry in options.entries.items()},
    }
    made = {name: _operation(name, told, schema) for name, (told, schema) in files.items()}
    made |= {name: _of_widget(found, schemas) for name, found in WIDGETS.items()}
    return {f"/openbb/{name}": {"get": operation} for name, operation in made.items()}


def _of_widget(found: Widget, schemas: dict[str, Any]) -> dict[str, Any]:
    body = reference.arguments(found.entry, schemas)
    parameters = [
        {"name": name, "in": "query", "required": name in body.get("required", ()),
         "schema": reference.in_query(schema)}
        for name, schema in body.get("properties", {}).items()
    ]  # fmt: skip
    schema = _KINDS.get(found.kind) or {"type": "array", "items": _row(found.columns)}
    return _operation(found.name, found.entry.summary, schema, parameters)


def _row(columns: Any) -> dict[str, Any]:
    cells: dict[str, WidgetColumn] = {column.field: column for column in columns}
    return {
        "type": "object",
        "required": list(cells),
        "properties": {name: _CELLS[column.cell] for name, column in cells.items()},
        "additionalProperties": False,
    }


def _operation(
    name: str, summary: str, schema: dict[str, Any], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "operationId": f"openbb_{name.replace('.', '_')}",
        "tags": ["openbb"],
        "summary": summary,
        "description": "Needs the role viewer, and a token: a session does not count.",
        "security": [{"token": []}],
        "parameters": [*(parameters or ()), *_ADDED],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}
        },
    }
