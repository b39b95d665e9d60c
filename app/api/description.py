"""The OpenAPI document: every command and export with its arguments, and how calls are refused.

The paths are written from the registries, so that a command that is added is described, too.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import GenerateJsonSchema

from core.service.kernel import commands, exports
from core.service.kernel.registry import UseCaseEntry

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
_REFERENCE = "#/components/schemas/{model}"
_TOKEN = "token"  # noqa: S105 - the name of the scheme
_REFUSED = {
    "401": "The token is missing or wrong.",
    "403": "The role of whoever calls is not enough.",
    "404": "Something that was named does not exist.",
    "413": "The request or what it asks for is too large.",
    "422": "The arguments are not allowed, or mean nothing here.",
    "429": "Asked too often; Retry-After says when to ask again.",
    "500": "It failed; the sentence says why.",
    "503": "What it needs could not be asked, or took too long.",
}
_AT_THE_GATE = {
    "400": "The desk does not answer for this host, or the request is malformed.",
    "403": "The desk does not answer pages of other sites.",
    "408": "The request did not arrive in time.",
    "413": "The request is too large.",
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "kind", "message", "where", "hint", "exit_code"],
            "properties": {
                "type": {"type": "string", "description": "The class in the tree of errors."},
                "kind": {"type": "string"},
                "message": {"type": "string", "description": "What is wrong, in one sentence."},
                "where": {"type": ["string", "null"], "description": "Host and path, or file."},
                "hint": {"type": ["string", "null"], "description": "What to do."},
                "exit_code": {"enum": [1, 2], "description": "What a command leaves with."},
            },
        }
    },
}
_RESULT = {
    "type": "object",
    "required": ["document", "exit_code"],
    "properties": {
        "document": {"description": "What the command prints with --json."},
        "exit_code": {"enum": [0, 1, 2, 3]},
    },
}


class AsRead(GenerateJsonSchema):
    """Schemas of what is accepted: numbers, dates and truth values are read from texts, too."""

    def int_schema(self, schema: Any) -> Any:
        """Whole numbers, also as text."""
        return _also(super().int_schema(schema), "number", "string", "boolean")

    def float_schema(self, schema: Any) -> Any:
        """Numbers, also as text."""
        return _also(super().float_schema(schema), "string", "boolean")

    def decimal_schema(self, schema: Any) -> Any:
        """Amounts, as numbers or text."""
        return _also(super().decimal_schema(schema), "boolean")

    def bool_schema(self, schema: Any) -> Any:
        """Truth values, also as 0, 1, yes, no."""
        return _also(super().bool_schema(schema), "number", "string")

    def date_schema(self, schema: Any) -> Any:
        """ISO dates, also as seconds since 1970."""
        return _also(super().date_schema(schema), "number", "string")

    def datetime_schema(self, schema: Any) -> Any:
        """ISO instants, also as seconds since 1970."""
        return _also(super().datetime_schema(schema), "number", "string")


def _also(first: Any, *kinds: str) -> Any:
    return {"anyOf": [first, *({"type": kind} for kind in kinds)]}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas: dict[str, Any] = {"Error": _ERROR, "Result": _RESULT}
    for entry in commands.command.entries.values():
        body = _arguments(entry, schemas)
        operation = _operation("command", entry, body, _needs(entry), _json_of("Result"))
        made["paths"][f"/v1/commands/{entry.name}"] = {"post": operation}
    for entry in exports.export.entries.values():
        body = _exported(entry, schemas)
        operation = _operation("export", entry, body, _needs(entry), _files())
        made["paths"][f"/v1/exports/{entry.name}"] = {"post": operation}
    made["paths"]["/v1/commands"]["get"]["security"] = [{_TOKEN: []}]
    for path, methods in made["paths"].items():
        for operation in methods.values():
            _refusals(operation, known=path.startswith("/v1/"))
    made["components"] = {
        "schemas": schemas,
        "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer"}},
    }
    return made


def _needs(entry: UseCaseEntry) -> bool:
    return any(field.is_required() for field in entry.arguments.model_fields.values())


def _arguments(entry: UseCaseEntry, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of an entry's arguments; what it refers to goes to the shared ones."""
    schema = entry.arguments.model_json_schema(ref_template=_REFERENCE, schema_generator=AsRead)
    schemas.update(schema.pop("$defs", {}))
    return schema


def _exported(entry: UseCaseEntry, schemas: dict[str, Any]) -> dict[str, Any]:
    filters = _arguments(entry, schemas)
    return {
        "type": "object",
        "properties": {"format": {"enum": list(MEDIA), "default": "csv"}, "filters": filters},
        "required": ["filters"] if _needs(entry) else [],
        "additionalProperties": False,
    }


def _operation(
    kind: str, entry: UseCaseEntry, body: dict[str, Any], needed: bool, content: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": f"{kind}_{entry.name}",
        "tags": [f"{kind}s"],
        "summary": entry.summary,
        "security": [{_TOKEN: []}],
        "requestBody": {"required": needed, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "Done.", "content": content}},
    }


def _json_of(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=name)}}}


def _files() -> dict[str, Any]:
    return {media: {"schema": {}} for media in MEDIA.values()}


def _refusals(operation: dict[str, Any], *, known: bool) -> None:
    """Add the ways a call is refused: by the desk, as JSON, and at the gate, as one sentence."""
    answers = operation["responses"]
    refused = _REFUSED if known else {}
    for status in sorted({*refused, *_AT_THE_GATE}):
        content = _json_of("Error") if status in refused else {}
        if status in _AT_THE_GATE:
            content = {**content, "text/plain": {"schema": {"type": "string"}}}
        sentence = refused.get(status) or _AT_THE_GATE[status]
        answers.setdefault(status, {"description": sentence, "content": content})
