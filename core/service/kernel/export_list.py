"""The tables that can be exported, with their filters and columns."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

from core.domain.access.principals import Role
from core.errors import NotFoundError, OpenbellError
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.kernel.port import DeskPort
from core.service.kernel.registry import UseCaseEntry

NOBODY = 0  # the CIK of no company: an export of its rows is empty, and has all its columns


@command("exports", needs=Role.VIEWER)
def exports_command(desk: DeskPort, *, what: str | None = None) -> dict[str, Any]:
    """The tables that can be exported: name, summary, filters and columns."""
    if what is not None and what not in export.entries:
        raise NotFoundError(
            f"there is no export {what!r}", hint=f"there are: {', '.join(export.entries)}"
        )
    entries = [entry for name, entry in export.entries.items() if what in (None, name)]
    return {"exports": [_document(desk, entry) for entry in entries]}


def _document(desk: DeskPort, entry: UseCaseEntry) -> dict[str, Any]:
    filters = [_filter(name, field) for name, field in entry.arguments.model_fields.items()]
    columns, note = _columns(desk, entry)
    return {
        "name": entry.name,
        "summary": entry.summary,
        "filters": filters,
        "columns": columns,
        "note": note,
    }


def _filter(name: str, field: FieldInfo) -> dict[str, Any]:
    kind = getattr(field.annotation, "__name__", str(field.annotation))
    return {
        "name": name,
        "type": str(field.annotation) if kind in ("Union", "UnionType", "Optional") else kind,
        "required": field.is_required(),
        "default": None if field.is_required() else field.default,
    }


def _columns(desk: DeskPort, entry: UseCaseEntry) -> tuple[list[str], str | None]:
    """The columns, or none and why they cannot be told without a filter or without data."""
    fields = entry.arguments.model_fields
    needed = [name for name, field in fields.items() if field.is_required()]
    if needed:
        return [], f"the columns depend on {', '.join(needed)}"
    try:
        frame = export.run(desk, entry.name, {"cik": NOBODY} if "cik" in fields else {})
    except OpenbellError as error:
        return [], f"no columns yet: {error.message}"
    return list(frame.columns), None
